"""Users, roles and limits of the embedded engine, as ClickHouse configuration that chDB loads.

chDB knows one user, `default`, on every handle. What tells our users apart is the engine's own access control:
`default` owns nothing but roles, and a handle's `SET ROLE` decides what it may do (checked on 26.9: roles, grants
and settings constraints of `users_config` are enforced, per handle; `EXECUTE AS` and a user per handle are not to
be had). So a handle opened for the reader can't insert, create, alter, drop, or read a file, URL or other server,
whatever the SQL says: the engine answers ACCESS_DENIED. (The database `default` of a local engine looks for files
under names it has no table for, so there the reader's unknown table is ACCESS_DENIED too, not UNKNOWN_TABLE.)

| role | may | used |
|---|---|---|
| writer | everything | by handles of the writer |
| reader | SHOW, SELECT, dictGet | by handles of the reader |
| stage | CREATE TEMPORARY TABLE | while a reader's external data is loaded, then dropped |
"""

from pathlib import Path

READER_ROLE = "reader"
STAGE_ROLE = "stage"

# `dialect` would have the engine parse a text otherwise than the gate has judged it, and `eval` runs SQL out of a
# string. The query's text must reach system.processes whole, because its end is how it is found there (engine.py).
_USERS = """<clickhouse>
  <profiles>
    <default>
      <log_queries_cut_to_length>16777216</log_queries_cut_to_length>
      <implicit_select>0</implicit_select>
      <constraints>
        <dialect><readonly/></dialect>
        <allow_experimental_eval_table_function><readonly/></allow_experimental_eval_table_function>
        <log_queries_cut_to_length><readonly/></log_queries_cut_to_length>
      </constraints>
    </default>
  </profiles>
  <quotas><default/></quotas>
  <roles>
    <writer><grants><query>GRANT ALL ON *.* WITH GRANT OPTION</query></grants></writer>
    <reader><grants><query>GRANT SHOW, SELECT, dictGet ON *.*</query></grants></reader>
    <stage><grants><query>GRANT CREATE TEMPORARY TABLE ON *.*</query></grants></stage>
  </roles>
  <users>
    <default>
      <no_password/>
      <networks><ip>::/0</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
      <grants><query>GRANT writer</query><query>GRANT reader</query><query>GRANT stage</query></grants>
    </default>
  </users>
</clickhouse>
"""


def write_configuration(folder: Path) -> Path:
    """Write the engine's configuration into `folder` (made if missing, mode 0700); return the file to load."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    users = folder / "users.xml"
    users.write_text(_USERS)
    main = folder / "config.xml"
    main.write_text(f"<clickhouse><users_config>{users.resolve()}</users_config></clickhouse>\n")
    return main
