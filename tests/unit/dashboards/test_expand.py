"""How a panel's query is expanded before it is sent."""

import pytest

from dashboards.expand import ALL, Everything, expand, expand_promql

START, STOP = 1_732_431_600_123, 1_732_435_200_456
FIRST, LAST = "toDateTime(1732431600)", "toDateTime(1732435200)"
FIRST_MS, LAST_MS = "fromUnixTimestamp64Milli(1732431600123)", "fromUnixTimestamp64Milli(1732435200456)"
POOLS = ["main", "o'hara"]


def sql(text: str, interval: int = 20, **variables: object) -> str:
    return expand(text, start=START, stop=STOP, interval_seconds=interval, variables=variables)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("macro", "expected"),
    [
        ("$__timeFilter(at)", f"at >= {FIRST} AND at <= {LAST}"),
        ("$__timeFilter( at )", f"at >= {FIRST} AND at <= {LAST}"),
        (
            "$__timeFilter(toDateTime(at, 'UTC'))",
            f"toDateTime(at, 'UTC') >= {FIRST} AND toDateTime(at, 'UTC') <= {LAST}",
        ),
        ("$__timeFilter_ms(at)", f"at >= {FIRST_MS} AND at <= {LAST_MS}"),
        ("$__dateFilter(day)", "day >= toDate('2024-11-24') AND day <= toDate('2024-11-24')"),
        (
            "$__dateTimeFilter(day, at)",
            f"(day >= toDate('2024-11-24') AND day <= toDate('2024-11-24')) AND (at >= {FIRST} AND at <= {LAST})",
        ),
        ("[$__fromTime, $__toTime]", f"[{FIRST}, {LAST}]"),
        ("[$__fromTime_ms, $__toTime_ms]", f"[{FIRST_MS}, {LAST_MS}]"),
        ("$__timeFrom(at)", f"at >= {FIRST}"),
        ("$__timeTo(at)", f"at <= {LAST}"),
        ("$__timeInterval(at)", "toStartOfInterval(toDateTime(at), INTERVAL 20 second)"),
        ("$__timeInterval_ms(at)", "toStartOfInterval(toDateTime64(at, 3), INTERVAL 20000 millisecond)"),
        ("$__timeGroup(at, 5m)", "toStartOfInterval(toDateTime(at), INTERVAL 300 second)"),
        ("$__timeGroup(at, '1h30m')", "toStartOfInterval(toDateTime(at), INTERVAL 5400 second)"),
        ("x / $__interval_s", "x / 20"),
        ("INTERVAL $__interval", "INTERVAL 20s"),
        ("$__interval_ms", "20000"),
        ("${__from} to $__to", f"{START} to {STOP}"),
        ("$__range_s", "3600"),
    ],
)
def test_macros(macro: str, expected: str) -> None:
    assert sql(macro) == expected


def test_an_interval_is_at_least_a_second() -> None:
    assert sql("$__timeInterval(at), $__interval_s", interval=0).endswith("INTERVAL 1 second), 1")


def test_a_macro_within_a_macro() -> None:
    assert sql("$__timeFilter($__timeInterval(at))").count("toStartOfInterval(toDateTime(at), INTERVAL 20 second)") == 2


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("$pool", "main", "main"),
        ("${pool}", POOLS, "'main','o'hara'"),
        ("$pool", ["main"], "'main'"),
        ("${pool:raw}", "o'hara", "o'hara"),
        ("${pool:raw}", POOLS, "main,o'hara"),
        ("${pool:csv}", POOLS, "main,o'hara"),
        ("${pool:pipe}", POOLS, "main|o'hara"),
        ("${pool:singlequote}", "o'hara", "'o\\'hara'"),
        ("${pool:singlequote}", POOLS, "'main','o\\'hara'"),
        ("${pool:doublequote}", POOLS, '"main","o\'hara"'),
        ("${pool:sqlstring}", POOLS, "'main','o''hara'"),
        ("${pool:json}", ["main"], '["main"]'),
        ("${pool:regex}", ["a.b", "c"], "(a\\.b|c)"),
        ("${pool:singlequote}", Everything(["a", "b"]), "'a','b'"),
        ("$pool", Everything(["a", "b"], "'anything'"), "'anything'"),
    ],
)
def test_variables(text: str, value: object, expected: str) -> None:
    assert sql(text, pool=value) == expected


@pytest.mark.parametrize("everything", [ALL, "", [ALL], Everything(["a"])])
def test_a_condition_is_dropped_if_all_are_chosen(everything: object) -> None:
    text = "SELECT 1 WHERE $__conditionalAll(pool_id IN (${pool:singlequote}), $pool) AND $__timeFilter(at)"
    assert sql(text, pool=everything) == f"SELECT 1 WHERE 1=1 AND at >= {FIRST} AND at <= {LAST}"


@pytest.mark.parametrize("name", ["$pool", "${pool}", "${pool:csv}"])
def test_a_condition_is_kept_if_some_are_chosen(name: str) -> None:
    text = "$__conditionalAll(concat(pool_id, ',') IN (${pool:singlequote}), " + name + ")"
    assert sql(text, pool=["a", "b"]) == "concat(pool_id, ',') IN ('a','b')"


def test_nested_conditions() -> None:
    text = "$__conditionalAll(a = 1 OR $__conditionalAll(b IN ($b), $b), $a)"
    assert sql(text, a="x", b=ALL) == "a = 1 OR 1=1"


def test_macros_in_comments_are_not_expanded_and_comment_signs_in_text_are_text() -> None:
    made = sql("SELECT '-- $x', '/*' -- $__nonsense(\n, $__interval_s /* $__more */", x="y")
    assert made.replace(" ", "") == "SELECT'--y','/*'\n,20"


def test_the_dollar_of_a_regular_expression_stays() -> None:
    assert sql("replaceOne(name, '^(a)$', '$1')") == "replaceOne(name, '^(a)$', '$1')"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("$__timeFiltre(at)", r"no macro \$__timeFiltre"),
        ("$__lttb(auto, a, b) FROM t", r"no macro \$__lttb"),
        ("$__timeFilter()", "takes 1 argument, not 0"),
        ("$__timeFilter", "takes 1 argument, not 0"),
        ("$__timeFilter(a, b)", "takes 1 argument, not 2"),
        ("$__timeFilter(a", "isn't closed"),
        ("$__timeGroup(a, often)", "interval 'often'"),
        ("$__conditionalAll(a)", "takes 2 arguments"),
        ("$__conditionalAll(a, $nothing)", "names an undefined variable"),
        ("$nothing", r"\$nothing isn't defined"),
        ("${nothing:csv}", r"\$nothing isn't defined"),
        ("${pool:fancy}", "no format 'fancy'"),
        ("IN ($all)", r"All of \$all is chosen"),
    ],
)
def test_what_is_refused(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        sql(text, pool="main", all=ALL)


def test_promql() -> None:
    made = expand_promql(
        'sum by (pool) (rate(a_total{pool=~"$pool",tier="$tier"}[$__rate_interval])) + b[$__interval] + c[${__range}]',
        interval_seconds=30,
        range_seconds=7200,
        variables={"pool": ["a.b", "c"], "tier": 'p"o'},
    )
    assert made == ('sum by (pool) (rate(a_total{pool=~"(a\\\\.b|c)",tier="p\\"o"}[60s])) + b[30s] + c[7200s]')


@pytest.mark.parametrize(("step", "scrape", "rate"), [(1, 15, 60), (60, 15, 75), (1, 1, 4), (5, 1, 6)])
def test_the_rate_interval(step: int, scrape: int, rate: int) -> None:
    made = expand_promql("$__rate_interval", interval_seconds=step, scrape_seconds=scrape, variables={})
    assert made == f"{rate}s"


def test_promql_all() -> None:
    made = expand_promql('x{pool=~"$pool"}', interval_seconds=1, variables={"pool": Everything(["a", "b"], ".*")})
    assert made == 'x{pool=~".*"}'


@pytest.mark.parametrize("text", ["$nothing", "x[$__often]", "x[$__timeFilter(a)]"])
def test_promql_refuses(text: str) -> None:
    with pytest.raises(ValueError, match=r"isn't defined|has no"):
        expand_promql(text, interval_seconds=1, variables={})
