"""Flags programs that say in their User-Agent that they are programs. A flag for counting: nothing is dropped by it.

Conservative: what merely contains "bot" may be a phone (CUBOT) or a person's library. Only a product with a version
whose name ends in such a word, browsers made for automation, and the "+http" address that crawlers give, count.
"""

import re

# A longer one is nobody's real User-Agent; searching it would cost more than the flag is worth.
_MOST_CHARACTERS = 1_024
_BOT = re.compile(
    r"(?:bot|crawler|spider)/\d|\+https?://|\b(?:HeadlessChrome|PhantomJS|Chrome-Lighthouse|facebookexternalhit)\b",
    re.I,
)


def is_bot(user_agent: str) -> bool:
    """Say whether a User-Agent ("" if absent) names a bot."""
    return _BOT.search(user_agent[:_MOST_CHARACTERS]) is not None
