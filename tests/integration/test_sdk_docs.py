"""Every example of docs/sdk.md, as it stands there: only the broker's address is the test's own."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from impression_streams import to_id
from impression_streams.ids import now_ms
from streams.settings import Settings
from tests.support.kafka import running_broker
from tests.support.misbehaving_collector import running_double
from tests.support.sdk import ROOT, create_topic, dead_address, end_offsets, impression_ids, read_all, run_program
from tests.support.wait import until

pytestmark = pytest.mark.integration

PAGE = (ROOT / "docs" / "sdk.md").read_text()
ADDRESS = "127.0.0.1:9092"
HTTP_ADDRESS = "http://127.0.0.1:8080"
TOPIC = "impressions.v1"
EMPTY = '{"v": 1, "flush_id": "f%d", "user_id": "u1", "sent_at": 1764489600000, "impressions": %s}'
ONE = '[{"impression_id": "i1", "artwork_id": "a1", "seen_at": 1764489600000}]'


def examples(heading: str) -> list[str]:
    """Return the blocks of Python under a heading."""
    section = PAGE.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    found = re.findall(r"^```python\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    assert found
    return found


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with running_broker(tmp_path_factory.mktemp("broker")) as settings:
        create_topic(settings, TOPIC)
        yield settings


def stored(broker: Settings) -> int:
    return impression_ids(read_all(broker, TOPIC)).total()


def run(folder: Path, script: str, address: str) -> str:
    """Run an example and return what it printed."""
    assert ADDRESS in script
    done = run_program(folder, script.replace(ADDRESS, address))
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def test_the_script_keeps_what_it_could_not_deliver_and_sends_it_in_its_next_run(
    broker: Settings, tmp_path: Path
) -> None:
    (script,) = examples("A script")
    before = stored(broker)
    with dead_address() as nobody:
        run(tmp_path, script.replace("producer.close()", "producer.close(1)"), nobody)
    assert len((tmp_path / "undelivered.ndjson").read_text().splitlines()) == 2
    run(tmp_path, script, broker.kafka_bootstrap)
    assert not (tmp_path / "undelivered.ndjson").exists()
    assert stored(broker) == before + 4


def test_the_web_handler_answers_202_422_and_503(broker: Settings, tmp_path: Path) -> None:
    (script,) = examples("A web handler")
    requests = """
import io

def post(body):
    environ = {"CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)}
    answer = application(environ, lambda status, headers: print(status, end=": "))
    print(b"".join(answer).decode())

post(b'{"user": "u1", "artwork": "a1"}')
post(b'{"user": "ann@example.com", "artwork": "a1"}')
post(b'{"user": "u1", "artwork": "a1", "seen_at": 1764489600}')
"""
    before = stored(broker)
    first, second, third = run(tmp_path, script + requests, broker.kafka_bootstrap).splitlines()
    assert first == "202 Accepted: "
    assert second.startswith("422 Unprocessable Content: user_id: '@' is not allowed")
    assert third.startswith("422 Unprocessable Content: seen_at: 1764489600 is 1970-01-21")
    assert stored(broker) == before + 1

    full = script.replace("max_block=0", "max_block=0, max_buffered=1, batch_size=1, delivery_timeout=1")
    with dead_address() as nobody:
        requests = requests.replace("ann@example.com", "u2")
        said = run(tmp_path, full + requests, nobody).splitlines()
    assert said[:2] == [
        "202 Accepted: ",
        "503 Service Unavailable: 1 impressions are not acknowledged yet; the most is 1",
    ]


def test_the_asyncio_service_answers_after_the_acknowledgement(broker: Settings, tmp_path: Path) -> None:
    (script,) = examples("An asyncio service")
    server = f"""
import asyncio

async def serve(bodies):
    begun, ending = asyncio.Event(), asyncio.Event()
    steps = iter([asyncio.Event(), ending])

    async def next_step():
        step = next(steps)
        if step is ending:
            await ending.wait()
        return {{"type": "lifespan"}}

    async def completed(message):
        begun.set()

    life = asyncio.create_task(application({{"type": "lifespan"}}, next_step, completed))
    await begun.wait()
    for body in bodies:
        async def receive():
            return {{"type": "http.request", "body": body}}
        async def send(message):
            print(message.get("status") or message["body"].decode(), flush=True)
        await application({{"type": "http"}}, receive, send)
    ending.set()
    await life

asyncio.run(serve([b'{EMPTY % (1, ONE)}', b'{EMPTY % (2, "[]")}']))
"""
    before = stored(broker)
    status, place, refused, why = run(tmp_path, script + server, broker.kafka_bootstrap).splitlines()
    assert (status, refused) == ("200", "422")
    assert re.fullmatch(r"[0-3]:\d+", place)
    assert why.startswith("impressions: ")
    assert stored(broker) == before + 1

    with dead_address() as nobody:
        quick = script.replace("delivery_timeout=10", "delivery_timeout=1")
        status, why, *_ = run(tmp_path, quick + server, nobody).splitlines()
    assert status == "503"
    assert "1 impressions in 1 flushes were not acknowledged" in why


def test_the_producer_over_http_is_told_what_will_be_rejected(tmp_path: Path) -> None:
    (script,) = examples("Over HTTP")
    assert HTTP_ADDRESS in script
    later = f"dwell_ms=1200)\n    producer.record('u43', 'a1', {now_ms() + 3_600_000}, impression_id='i43')"
    with running_double() as double:
        done = run_program(tmp_path, script.replace(HTTP_ADDRESS, double.url).replace("dwell_ms=1200)", later))
        assert (done.returncode, done.stdout, done.stderr) == (0, "u43 i43 future\n", "")
        assert len(double.ids()) == 2


def test_forked_workers_deliver_at_their_end(broker: Settings, tmp_path: Path) -> None:
    (script,) = examples("Forked workers")
    before = stored(broker)
    run(tmp_path, script, broker.kafka_bootstrap)
    assert stored(broker) == before + 10


def test_the_cells_of_the_notebook_run_in_its_loop(broker: Settings, tmp_path: Path) -> None:
    """A kernel compiles each cell so, shows its last expression, and runs it where an event loop runs already."""
    kernel = """
import ast, asyncio, inspect, json, sys

async def run(cells):
    names = {}
    for cell in cells:
        *body, last = ast.parse(cell).body
        for tree, mode in ((ast.Module(body, []), "exec"), (last, "single")):
            tree = ast.Interactive([tree]) if mode == "single" else tree
            result = eval(compile(tree, "cell", mode, ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)
            if inspect.iscoroutine(result):
                await result

asyncio.run(run(json.loads(sys.argv[1])))
"""
    cells = [cell.replace(ADDRESS, broker.kafka_bootstrap) for cell in examples("A notebook")]
    before = stored(broker)
    done = run_program(tmp_path, kernel, json.dumps(cells))
    assert (done.returncode, done.stderr) == (0, "")
    recorded, settled = done.stdout.splitlines()
    assert recorded.startswith("Stats(recorded=20, ")
    assert settled.startswith("(True, Stats(recorded=20, buffered=0, queued=0, acknowledged=20, ")
    assert stored(broker) == before + 20


def test_the_signal_handler_sends_what_is_held(broker: Settings, tmp_path: Path) -> None:
    (script,) = examples("The end of a process")
    before = stored(broker)
    program = tmp_path / "program.py"
    forever = "producer.record('u1', 'a1')\nprint('recorded', flush=True)\nsignal.pause()\n"
    program.write_text(script.replace(ADDRESS, broker.kafka_bootstrap) + forever)
    child = subprocess.Popen([sys.executable, str(program)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "recorded\n"
    child.send_signal(signal.SIGTERM)
    child.communicate(timeout=60)
    assert child.returncode == 0
    until(lambda: sum(end_offsets(broker, TOPIC).values()), 30, "records")
    assert stored(broker) == before + 1


IDS = re.findall(r"^\| `([^`]+)` \| `([^`]+)` \|$", PAGE, re.MULTILINE)


@pytest.mark.parametrize(("text", "made"), IDS)
def test_the_ids_of_the_table_are_those_that_are_made(text: str, made: str) -> None:
    assert to_id(text.replace("\\|", "|")) == made


def test_clickhouse_reads_the_texts_of_ids() -> None:
    pytest.importorskip("chdb", reason="the embedded engine is not installed")
    texts = [text.replace("\\|", "|") for text, _ in IDS] + ["Zoë ~!'()*", "100%", "\u65e5\u672c", "a+b c"]
    assert len(texts) == 8
    (query,) = re.findall(r"`(decodeURLComponent\(.*?\))`", PAGE)
    script = (
        "import sys, chdb\n"
        "for made in sys.argv[1:]:\n"
        f'    query = "SELECT {query} FROM (SELECT \'" + made + "\' AS user_id)"\n'
        "    sys.stdout.write(str(chdb.query(query, 'TSVRaw')))\n"
    )
    made = [to_id(text) for text in texts]
    done = subprocess.run(
        [sys.executable, "-c", script, *made], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.stdout.splitlines() == texts, done.stderr


def test_javascript_makes_the_same_ids() -> None:
    try:
        subprocess.run(["node", "--version"], capture_output=True, check=True)
    except FileNotFoundError:
        pytest.skip("node is not installed")
    (source,) = re.findall(r"^```js\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    texts = ["auth0|5f7c8ec7", "ann@example.com", "arn:aws:iam", "Zoë ~!'()*", "100%", "\u65e5\u672c", "a+b c"]
    show = f"{source}\nconsole.log({texts!r}.map(toId).join('\\n'))"
    done = subprocess.run(["node", "-e", show], capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout.splitlines() == [to_id(text) for text in texts], done.stderr
