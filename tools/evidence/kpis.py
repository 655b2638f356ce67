"""What a KPI's query costs, and what it would cost without the keys and rollups made for it."""

from tools.evidence.results import load, table


def questions() -> list[str]:
    """Return each question's time, both ways."""
    return table(
        ("question", "ms", "ms without", "times", "without"),
        [
            (
                each["question"],
                f"{1000 * each['seconds']:,.0f}",
                f"{1000 * each['without_seconds']:,.0f}",
                f"{each['without_seconds'] / each['seconds']:,.0f}",
                each["lacks"].removeprefix("no "),
            )
            for each in load("kpis")["answers"]
        ],
    )
