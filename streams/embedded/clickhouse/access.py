"""The embedded engine's users, roles and limits, as a ClickHouse configuration that chDB loads.

chDB has one user, `default`, on every handle. The engine's own access control tells our users apart: `default` has
only roles, and a handle's `SET ROLE` decides what it may do (checked on 26.9: the roles, grants and settings
constraints of `users_config` are enforced per handle; `EXECUTE AS` and a user per handle are not available). So a
handle opened for the reader can't insert, create, alter, drop, or read a file, URL or other server, whatever the SQL
is: the engine answers ACCESS_DENIED. (If the database `default` of a local engine has no table of a name, it looks for
a file of that name. So there a reader gets ACCESS_DENIED for an unknown table, not UNKNOWN_TABLE.)

| role | may | used |
|---|---|---|
| writer | everything | by handles of the writer |
| reader | SHOW, SELECT, dictGet | by handles of the reader |
| stage | CREATE TEMPORARY TABLE | while a reader's external data is loaded, then dropped |
"""

from pathlib import Path
from xml.sax.saxutils import escape

READER_ROLE = "reader"
STAGE_ROLE = "stage"

# `dialect` would make the engine parse a text differently from the gate, and `eval` runs SQL from a string. With
# `max_untracked_memory`, memory would be used that no limit counts. Only a client's own queries are logged: session.py
# sets `log_queries` when it has prepared the handle.
_USERS = """<clickhouse>
  <profiles>
    <default>
      <log_queries>0</log_queries>
      <implicit_select>0</implicit_select>
      <constraints>
        <dialect><readonly/></dialect>
        <allow_experimental_eval_table_function><readonly/></allow_experimental_eval_table_function>
        <max_untracked_memory><readonly/></max_untracked_memory>
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

# A week of the queries that were run, as a server keeps them.
_MAIN = """<clickhouse>
  <users_config>{users}</users_config>
  <query_log>
    <database>system</database>
    <table>query_log</table>
    <flush_interval_milliseconds>1000</flush_interval_milliseconds>
    <ttl>event_date + INTERVAL 7 DAY DELETE</ttl>
  </query_log>
</clickhouse>
"""


def write_configuration(folder: Path) -> Path:
    """Write the engine's configuration into `folder` (created if missing, mode 0700); return the file to load."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    users = folder / "users.xml"
    users.write_text(_USERS)
    main = folder / "config.xml"
    main.write_text(_MAIN.format(users=escape(str(users.resolve()))))
    return main
