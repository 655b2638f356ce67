"""Links from a table's cell to what it names. They keep the chosen data sources."""

_SOURCES = "${datasource:queryparam}&${prometheus:queryparam}"


def to_user() -> dict[str, object]:
    """From a user's id to their timeline, which has a time range of its own: days, by the device's clock."""
    return {
        "title": "Timeline of ${__value.text}",
        "url": f"/d/impressions-user?var-user=${{__value.raw:percentencode}}&{_SOURCES}",
        "targetBlank": False,
    }


def to_piece() -> dict[str, object]:
    """From a rejected piece to its payload on the same dashboard."""
    return {
        "title": "Payload of ${__value.text}",
        "url": (
            "/d/impressions-delivery?var-piece=${__value.raw:percentencode}&${__url_time_range}"
            f"&{_SOURCES}&${{tier:queryparam}}&${{transport:queryparam}}"
        ),
        "targetBlank": False,
    }
