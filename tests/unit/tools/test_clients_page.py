"""The table of clients says what their tests' results say, and why a client has no such feature."""

from tests.support.other_clients import CLIENTS, FEATURES
from tools.clients_page import BEGIN, END, PAGE, results, table, with_table

NAME = "test_the_client_has_the_feature"
NODE, POLARS = "Node @clickhouse/client 1.23", "polars 2.1 (Arrow)"
XML = f"""<testsuites><testsuite>
<testcase name="{NAME}[{NODE}-ping]"/>
<testcase name="{NAME}[{NODE}-compressed]"/>
<testcase name="{NAME}[{NODE}-late error]"><failure message="x"/></testcase>
<testcase name="{NAME}[{NODE}-error]"><skipped message="needs npm"/></testcase>
<testcase name="test_of_something_else"/>
</testsuite></testsuites>"""


def cells(name: str) -> dict[str, str]:
    line = next(line for line in table(results(XML)).splitlines() if line.startswith(f"| {name} |"))
    return dict(zip(FEATURES, [cell.strip() for cell in line.split("|")[2:-1]], strict=True))


def test_a_cell_is_the_outcome_of_its_test() -> None:
    of_node = cells(NODE)
    assert of_node["ping"] == "ok"
    assert of_node["compressed"] == "ok (gzip)"
    assert of_node["late error"] == "failed"
    assert of_node["error"] == "needs npm"
    assert of_node["rows"] == "not run"
    assert of_node["external"] == CLIENTS[NODE].lacks["external"]
    assert cells(POLARS)["parameters"] == "reads"


def test_the_page_has_the_table_between_its_marks_and_keeps_the_rest() -> None:
    page = PAGE.read_text()
    assert with_table(page, "new") == page.partition(BEGIN)[0] + f"{BEGIN}\nnew\n{END}" + page.partition(END)[2]
    assert f"| client | {' | '.join(FEATURES)} |" in page
    assert all(f"| {name} |" in page for name in CLIENTS)
