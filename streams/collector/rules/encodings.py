"""Which content coding an answer may have, by what a client says that it takes (RFC 9110, 12.5.3)."""

GZIP = ("gzip", "x-gzip")


def accepts_gzip(accept_encoding: str) -> bool:
    """Say whether gzip is taken; without the field ("") it isn't, since nothing says that it is understood."""
    weights = {}
    for each in accept_encoding.lower().split(","):
        name, _, parameter = each.partition(";")
        weights[name.strip()] = _weight(parameter)
    return next((weights[name] > 0 for name in (*GZIP, "*") if name in weights), False)


def _weight(parameter: str) -> float:
    """Return the weight that a parameter gives; 1 if there is none, 0 for one that can't be read."""
    name, _, value = parameter.partition("=")
    if not name.strip():
        return 1.0
    try:
        return float(value) if name.strip() == "q" else 0.0
    except ValueError:
        return 0.0
