"""Numbers as people read them: at most six characters, with their unit; a dash where there is none."""

from collections.abc import Sequence

NONE = "-"
BARS = "▁▂▃▄▅▆▇█"
_BYTES = ("B", "KiB", "MiB", "GiB", "TiB")


def number(value: float | None) -> str:
    """Return a count or a rate: 0.4, 12.5, 1,234, 12.3 k, 4.56 M."""
    if value is None:
        return NONE
    for limit, divisor, unit in ((1e5, 1, ""), (1e6, 1e3, " k"), (1e9, 1e6, " M")):
        if abs(value) < limit:
            scaled = value / divisor
            digits = 1 if (abs(scaled) < 100 and not float(value).is_integer()) or divisor > 1 else 0
            return f"{scaled:,.{digits}f}{unit}"
    return f"{value / 1e9:,.1f} G"


def share(value: float | None) -> str:
    """Return a share as a percentage."""
    return NONE if value is None else f"{100 * value:.1f} %"


def seconds(value: float | None) -> str:
    """Return a time span: 12 ms, 0.4 s, 12 s, 3 min, 2 h, 5 d."""
    if value is None:
        return NONE
    if 0 < value < 0.1:
        return f"{1000 * value:.0f} ms" if value >= 0.001 else f"{1000 * value:.1f} ms"
    for limit, divisor, unit in ((120, 1, "s"), (7_200, 60, "min"), (172_800, 3_600, "h")):
        if value < limit:
            return f"{value / divisor:.{1 if 0 < value < 10 and divisor == 1 else 0}f} {unit}"
    return f"{value / 86_400:.0f} d"


def size(value: float) -> str:
    """Return an amount of memory."""
    for unit in _BYTES:
        if value < 1_000 or unit == _BYTES[-1]:
            break
        value /= 1024
    return f"{value:,.0f} {unit}"


def bars(values: Sequence[float], width: int) -> str:
    """Return the last values as bars of a height each, the greatest at the top."""
    shown = values[-width:] if width > 0 else ()
    most = max(shown, default=0.0)
    return "".join(BARS[round((len(BARS) - 1) * value / most)] if most else BARS[0] for value in shown)
