"""The sink's part of "who am I": does this database hold rows that were judged with another window?"""

from clickhouse_connect.driver.client import Client

from streams.errors import UserError
from streams.provision.installation import window_refusal, windows_proven
from streams.provision.look import SAMPLE_QUERY, accepted
from streams.settings import Settings


def require_same_window(client: Client, settings: Settings) -> None:
    """Raise UserError if ClickHouse's impressions prove another dedupe window than the settings'.

    A small query, for each new connection. Rows that prove no window at all are not the sink's business.
    """
    known = {"db": settings.clickhouse_database}
    if not client.command("EXISTS TABLE {db:Identifier}.impressions_raw", parameters=known):
        return
    sample = accepted(client.query(SAMPLE_QUERY, parameters=known).result_rows)
    sentence = window_refusal(sample, settings)
    if sentence is not None and windows_proven(sample):
        raise UserError(sentence)
