"""What a KPI's question costs, and what it would cost without what is made for it."""

from tools.evidence.results import load, table


def questions() -> list[str]:
    """Each question both ways."""
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
