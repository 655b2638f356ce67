"""The server's users and statements, tried in the embedded engine, which reads the same configuration.

Runs as a process of its own because a process can have only one engine. It reads a JSON document from its input and
writes the answers to its output: rows or an error for each statement. What chDB can't accept is left out of a copy of
the files: its only user is `default`, and it refuses `changeable_in_readonly` because it does not read our config.d.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]
USERS = ROOT / "clickhouse" / "users.d" / "impressions.xml"
CLUSTER_USERS = ROOT / "clickhouse" / "cluster" / "users.xml"
HASHES = "/run/secrets/clickhouse_users.xml"
SECONDS = 120.0

_BASE = """<clickhouse>
  <profiles><default/></profiles>
  <quotas><default/></quotas>
  <roles>{roles}</roles>
  <users>
    <default>
      <no_password/>
      <networks><ip>::/0</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
      <grants>{granted}</grants>
    </default>
  </users>
</clickhouse>
"""


def write(folder: Path, hashes: Path, cluster: bool = False) -> Path:
    """Write users in the form that the engine accepts; return the configuration. Each user is also a role to act as."""
    (folder / "users.d").mkdir(parents=True)
    files = [USERS, *([CLUSTER_USERS] if cluster else [])]
    grants: dict[str, list[str]] = {}
    for number, path in enumerate(files):
        text = path.read_text().replace(HASHES, str(hashes))
        text = text.replace('<default remove="remove"/>', "").replace("<changeable_in_readonly/>", "")
        (folder / "users.d" / f"{number}.xml").write_text(text)
        for user in ElementTree.fromstring(text).iterfind("users/*"):
            grants[user.tag] = [str(query.text) for query in user.iterfind("grants/query")]
    roles = "".join(
        f"<{user}><grants>{''.join(f'<query>{query}</query>' for query in queries)}</grants></{user}>"
        for user, queries in grants.items()
    )
    # What everyone may ask of a server; `admin` may look at everything.
    roles += "<admin><grants><query>GRANT ALL ON *.* WITH GRANT OPTION</query></grants></admin>"
    granted = "".join(f"<query>GRANT {role}</query>" for role in (*grants, "admin"))
    (folder / "users.xml").write_text(_BASE.format(roles=roles, granted=granted))
    config = folder / "config.xml"
    # On a server config.d says where backups may be written; here, a folder of the test's own.
    backups = f"<backups><allowed_path>{folder / 'backups'}/</allowed_path></backups>"
    config.write_text(f"<clickhouse><users_config>{folder / 'users.xml'}</users_config>{backups}</clickhouse>\n")
    return config


def ask(data: Path, config: Path | None, statements: list[tuple[str, str]]) -> list[Any]:
    """Run (role, statement) pairs in an engine; return rows, or a text that begins with the error's code."""
    given = json.dumps({"data": str(data), "config": str(config) if config else "", "statements": statements})
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.server_config"],
        cwd=ROOT, input=given, capture_output=True, text=True, check=False, timeout=SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    answers: list[Any] = json.loads(done.stdout.splitlines()[-1])
    assert len(answers) == len(statements)
    return answers


def main() -> None:
    """Answer the statements given on the input."""
    import chdb  # noqa: PLC0415

    native: Any = chdb._chdb

    given = json.load(sys.stdin)
    address = given["data"] + (f"?config-file={given['config']}" if given["config"] else "")
    control: Any = native.connect(address)
    handles: dict[str, Any] = {}
    answers: list[Any] = []
    for role, statement in given["statements"]:
        if role not in handles:
            handles[role] = native.connect(address) if role else control
            if role:
                handles[role].query(f"SET ROLE {role}", "JSONCompactEachRow")
        try:
            text = handles[role].query(statement, "JSONCompactEachRow").bytes().decode()
            answers.append([json.loads(line) for line in text.splitlines()])
        except RuntimeError as error:
            found = re.search(r"Code: (\d+)\. DB::Exception: (.*)", str(error), re.DOTALL)
            answers.append(f"{found[1]} {found[2]}" if found else str(error))
    sys.stdout.write(json.dumps(answers) + "\n")


if __name__ == "__main__":
    main()
