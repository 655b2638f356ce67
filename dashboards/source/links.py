"""Links from a cell of a table to what it speaks of. They keep the data sources."""

_SOURCES = "${datasource:queryparam}&${prometheus:queryparam}"


def to_user() -> dict[str, object]:
    """From a user's id to his timeline, which has a time range of its own: days, by the device's clock."""
    return {
        "title": "Timeline of ${__value.text}",
        "url": f"/d/impressions-user?var-user=${{__value.raw:percentencode}}&{_SOURCES}",
        "targetBlank": False,
    }


def to_piece() -> dict[str, object]:
    """From a rejected piece to its payload, which the same dashboard shows."""
    return {
        "title": "Payload of ${__value.text}",
        "url": (
            "/d/impressions-delivery?var-piece=${__value.raw:percentencode}&${__url_time_range}"
            f"&{_SOURCES}&${{tier:queryparam}}&${{transport:queryparam}}"
        ),
        "targetBlank": False,
    }
