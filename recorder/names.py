"""Look for short names that compress better, and write names.json: `node build.mjs --marked && python names.py 60`.

Two names are exchanged at random, and stay so if the script is no larger then. Which letter stands for what changes
nothing else, so this is worth a run only after the recorder has changed, and only if bytes are wanting.
"""

import json
import random
import re
import sys
import time
import zlib
from itertools import product
from pathlib import Path

HERE = Path(__file__).parent
LETTERS = "etrnosaicdlufhmpwgybvxkSMAPDETRNIOLCBFHUVWGKJYQXZzjq_"
WORDS = {"as", "at", "by", "do", "id", "if", "in", "of", "on", "to", "is"}
# What is stored has these names, which stay as they are.
STORED = set("bfhinv")
PRIVATE, LOCAL = "Zp", "Zl"


def size(text: str) -> int:
    """Return the bytes of a text, gzipped."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return len(packer.compress(text.encode()) + packer.flush())


def start(known: list[str | None], taken: set[str]) -> list[str]:
    """Return names in order of their use: what is known, then what is free."""
    pairs = map("".join, product(LETTERS[:12], repeat=2))
    free = [name for name in [*LETTERS, *pairs] if name not in WORDS | taken | set(known)]
    return [name or free.pop(0) for name in known] + free


def main(seconds: float) -> None:
    """Climb for so many seconds, and write what was found."""
    marked = json.loads((HERE / ".build/marked.json").read_text())
    short = json.loads((HERE / "names.json").read_text())
    parts: list[str] = marked["parts"]
    places = [(n, part[:2], int(part[2:])) for n, part in enumerate(parts) if re.fullmatch(r"Z[pl]\d{3}", part)]
    used = {kind: 1 + max(number for _, each, number in places if each == kind) for kind in (PRIVATE, LOCAL)}
    names = {
        PRIVATE: start([short["privates"].get(name) for name in marked["all"]], STORED),
        LOCAL: start(short["locals"][: used[LOCAL]], set()),
    }

    def text() -> str:
        for n, kind, number in places:
            parts[n] = names[kind][number]
        return "".join(parts)

    least = size(text())
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        kind = random.choice((PRIVATE, LOCAL))
        chosen = names[kind]
        one, other = random.randrange(used[kind]), random.randrange(min(len(chosen), used[kind] + 20))
        chosen[one], chosen[other] = chosen[other], chosen[one]
        now = size(text())
        if now > least:
            chosen[one], chosen[other] = chosen[other], chosen[one]
        least = min(least, now)
    privates = dict(zip(marked["all"], names[PRIVATE], strict=False))
    found = {"privates": privates, "locals": names[LOCAL][: used[LOCAL]]}
    (HERE / "names.json").write_text(json.dumps(found, indent=2) + "\n")
    sys.stdout.write(f"{least} B gzipped\n")


if __name__ == "__main__":
    main(float(sys.argv[1]))
