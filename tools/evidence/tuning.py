"""The recorder's settings: what each costs and gains."""

from collections.abc import Iterator
from typing import Any

from bench.recorder.mix import browser_cpu
from bench.recorder.servers import of_flush
from bench.recorder.settings import FLUSH_SECONDS, SETTINGS, Setting
from tools.evidence.results import table
from tools.evidence.tuning_results import KB, shown

BATCH = 200
SERVERS = ("collector", "broker", "worker", "sink", "engine")


def _settings(runs: dict[str, Any]) -> list[str]:
    """Return all sixteen settings for a viewer of a gallery."""
    cells = runs["model"]["viewers"]["gallery"]["settings"]
    flushes, beside = runs["flushing"]["flushes"], runs["beside"]["gallery"]["settings"]

    def row(setting: Setting) -> tuple[str, ...]:
        cell, cpu, real = cells[setting.name], runs["replay"]["cpu"][setting.name], beside[setting.name]
        return (
            f"{setting.batch}",
            f"{setting.flush_seconds:g} s",
            f"{cell['requests']:.1f}",
            f"{cell['raw_bytes'] / KB:.1f}",
            f"{cell['sent_bytes'] / KB:.1f}",
            f"{_median(cpu['collector']):.1f}",
            f"{browser_cpu(cell, flushes, 'both'):.0f}",
            f"{cell['at_risk_mean']:.1f}, {cell['at_risk']['p95']:.0f}",
            f"{real['acknowledged']['p50'] / KB:.2f} s",
        )

    columns = (
        "batch", "flush", "requests", "kB raw", "sent", "collector ms", "page ms",
        "at risk: mean, P95", "acknowledged",
    )  # fmt: skip
    return table(columns, map(row, SETTINGS))


def _viewers(runs: dict[str, Any]) -> list[str]:
    """Return how each viewer fares at each flush."""

    def rows() -> Iterator[tuple[str, ...]]:
        for viewer in runs["model"]["viewers"].values():
            for number, seconds in enumerate(FLUSH_SECONDS):
                cell = viewer["settings"][Setting(BATCH, seconds).name]
                yield (
                    "" if number else viewer["title"],
                    f"{seconds:g} s",
                    f"{cell['impressions_a_session']:.0f}",
                    f"{cell['requests_a_session']:.0f}",
                    f"{cell['a_flush']:.1f}",
                    f"{cell['sent_bytes'] / KB:.1f}",
                    f"{cell['at_risk_mean']:.1f}, {cell['at_risk']['p95']:.0f}, {cell['at_risk']['max']:.0f}",
                    f"{cell['at_risk_exits']:.0%}",
                )

    columns = (
        "viewer", "flush", "a session", "requests", "a flush", "kB of 100", "at risk: mean, P95, most",
        "exits with any",
    )  # fmt: skip
    return table(columns, rows())


def _checked(runs: dict[str, Any]) -> list[str]:
    """Return what real recorders did beside what the model said."""

    def rows() -> Iterator[tuple[str, ...]]:
        for name, viewer in runs["beside"].items():
            if name in runs["model"]["viewers"]:
                cells = viewer["settings"].values()
                same = sum(cell["requests"] == cell["modelled_requests"] for cell in cells)
                differ = max(abs(cell["body_bytes"] / cell["modelled_body_bytes"] - 1) for cell in cells)
                yield (
                    runs["model"]["viewers"][name]["title"],
                    f"{viewer['impressions']:,}",
                    f"{sum(cell['requests'] for cell in cells):,}",
                    f"{sum(cell['modelled_requests'] for cell in cells):,}",
                    f"{same} of {len(SETTINGS)}",
                    f"{differ:.0%}",
                    f"{sum(cell['pending'] + cell['failed'] for cell in cells)}",
                    _headers(viewer["settings"]),
                )

    columns = (
        "viewer", "impressions", "requests", "modelled", "same", "bytes differ by", "failed or left", "headers, answer",
    )  # fmt: skip
    return table(columns, rows())


def _headers(settings: dict[str, Any]) -> str:
    """Return the bytes over HTTP that are no body; of the recorders whose page asks for nothing else."""
    cells = [cell for name, cell in settings.items() if not name.startswith(f"{BATCH} ")]
    requests = sum(cell["requests"] for cell in cells)
    sent = sum(cell["http_sent_bytes"] - cell["body_bytes"] for cell in cells) / requests
    answered = sum(cell["http_answered_bytes"] for cell in cells) / requests
    return f"{sent:.0f}, {answered:.0f}"


def _latency(runs: dict[str, Any]) -> list[str]:
    """Return from seen to acknowledged, and to coverage."""

    def rows() -> Iterator[tuple[str, ...]]:
        for name, viewer in runs["beside"].items():
            if name not in runs["model"]["viewers"]:
                continue
            for number, seconds in enumerate(FLUSH_SECONDS):
                cell = viewer["settings"][Setting(BATCH, seconds).name]
                times = [cell[what][q] / KB for what in ("acknowledged", "covered") for q in ("p50", "p95")]
                title = "" if number else runs["model"]["viewers"][name]["title"]
                yield title, f"{seconds:g} s", *(f"{each:.2f} s" for each in times)

    return table(("viewer", "flush", "acknowledged, P50", "P95", "shown by coverage, P50", "P95"), rows())


def _servers(runs: dict[str, Any]) -> list[str]:
    """Return the CPU time of the servers by flush."""
    cpu = runs["replay"]["cpu"]

    def row(seconds: float) -> tuple[str, ...]:
        of = of_flush(cpu, seconds)
        return f"{seconds:g} s", f"{of['requests'][1]:.1f}", *(_range(of[name]) for name in SERVERS)

    return table(("flush", "requests of 100", *(f"{name} ms" for name in SERVERS)), map(row, FLUSH_SECONDS))


def _exits(runs: dict[str, Any]) -> list[str]:
    """Return what became of real exits."""

    def rows() -> Iterator[tuple[str, ...]]:
        for seconds, kinds in runs["exits"]["flushes"].items():
            for number, (kind, each) in enumerate(kinds.items()):
                after, later = each["after_exit"], each["after_next_visit"]
                yield (
                    "" if number else f"{seconds} s",
                    kind,
                    f"{each['exits']}",
                    f"{each['recorded']}",
                    f"{each['at_risk_total']}",
                    f"{each['by_itself']}",
                    f"{max(0.0, after['p50']):.2f}, {max(0.0, after['max']):.2f} s" if after["count"] else "-",
                    f"{each['at_next_visit']}",
                    f"{later['max']:.2f} s" if later["count"] else "-",
                    f"{each['lost']}, {each['double']}",
                )

    columns = (
        "flush", "goes by", "exits", "seen", "at risk", "by itself", "after: P50, most", "next visit", "after",
        "lost, double",
    )  # fmt: skip
    return table(columns, rows())


def _power(runs: dict[str, Any]) -> list[str]:
    """Return the users that an A/B test needs."""
    return table(
        ("what a test would ask", "mean", "standard deviation", "difference", "users an arm"),
        [
            (
                each["metric"],
                *(f"{each[name]:.4g}" for name in ("mean", "deviation", "difference")),
                f"{each['users']:,}",
            )
            for each in runs["power"]["questions"]
        ],
    )


def _loads(runs: dict[str, Any]) -> list[str]:
    """Return how busy the machine was."""
    return table(
        ("part", "when (UTC)", "took", "load before", "load after"),
        [
            (
                name,
                each["measured"]["at"][:16].replace("T", " "),
                f"{each['took']:.0f} s",
                f"{each['load']['before']:.1f}",
                f"{each['load']['after']:.1f}",
            )
            for name, each in runs.items()
        ],
    )


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def _range(of: tuple[float, float, float]) -> str:
    return f"{of[1]:.1f} ({of[0]:.1f} to {of[2]:.1f})"


settings = shown(_settings, "model", "flushing", "replay", "beside")
viewers = shown(_viewers, "model")
checked = shown(_checked, "beside", "model")
latency = shown(_latency, "beside", "model")
servers = shown(_servers, "replay")
exits = shown(_exits, "exits")
power = shown(_power, "power")
loads = shown(_loads)
