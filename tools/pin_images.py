"""Pins images by digest: `python -m tools.pin_images`, on a machine with Docker that reaches the registries.

The compose files and the Dockerfile name each image by its full version. Its publisher can give that name to other
bytes; a digest is the bytes. Only the registry knows it, so none is in the repository until whoever releases, or
operates, runs this and commits what it changed. `--check` says whether each image has the digest that its version has
now, and changes nothing.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
FILES = ("docker-compose.yml", "docker-compose.production.yml", "Dockerfile")
# Built here, so no registry has it.
OURS = "impression-streams:"
SECONDS = 120.0
_IMAGE = re.compile(
    r"^(?P<before>\s*image:\s+|FROM\s+)(?P<name>[^\s@]+:[^\s@]+)(?:@(?P<digest>sha256:[0-9a-f]{64}))?(?=\s|$)",
    re.MULTILINE,
)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")

Resolve = Callable[[str], str]


class ResolveError(Exception):
    """A registry didn't say which digest a version has; the text is one sentence."""


class Image(NamedTuple):
    """An image as a file names it: name with version, and digest, empty if it has none."""

    name: str
    digest: str


def images(text: str) -> Iterator[Image]:
    """Yield the images of others that a file names."""
    for found in _IMAGE.finditer(text):
        if not found["name"].startswith(OURS):
            yield Image(found["name"], found["digest"] or "")


def pinned(text: str, digests: dict[str, str]) -> str:
    """Return a file's text with these digests, by name with version."""

    def image(found: re.Match[str]) -> str:
        name = found["name"]
        return f"{found['before']}{name}@{digests[name]}" if name in digests else found[0]

    return _IMAGE.sub(image, text)


def resolve(name: str) -> str:
    """Return the digest that the registry has for a name with version, for all platforms. Raises ResolveError."""
    command = ["docker", "buildx", "imagetools", "inspect", "--format", "{{.Manifest.Digest}}", name]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    except FileNotFoundError:
        raise ResolveError("There is no docker on the PATH: run this where Docker and its buildx are.") from None
    except subprocess.TimeoutExpired:
        raise ResolveError(f"The registry of {name} gave no answer within {SECONDS:.0f} s.") from None
    digest = done.stdout.strip()
    if done.returncode != 0 or not _DIGEST.fullmatch(digest):
        why = (done.stderr.strip() or digest or "no output").splitlines()[-1]
        raise ResolveError(f"Docker does not know the digest of {name}: {why[:300]}")
    return digest


def run(root: Path, *, check: bool, resolve: Resolve = resolve, out: Callable[[str], object] = print) -> int:
    """Pin the images of a checkout, all or none, or check them; return the exit code. Raises ResolveError."""
    texts = {root / file: (root / file).read_text() for file in FILES}
    found = [image for text in texts.values() for image in images(text)]
    digests = {name: resolve(name) for name in sorted({image.name for image in found})}
    wrong = sorted({image for image in found if image.digest != digests[image.name]})
    if check:
        for image in wrong:
            out(f"{image.name} has {image.digest or 'no digest'}, and its registry {digests[image.name]}")
        return 1 if wrong else 0
    for path, text in texts.items():
        path.write_text(pinned(text, digests))
    for name in sorted({image.name for image in wrong}):
        out(f"{name}@{digests[name]}")
    out(f"{len(digests)} images are pinned: look at the difference, and commit it.")
    return 0


def main() -> int:
    """Run for this checkout."""
    parser = argparse.ArgumentParser(prog="python -m tools.pin_images", description="Pin images by digest.")
    parser.add_argument("--check", action="store_true", help="only compare with the registries; 1 if any differs")
    given = parser.parse_args()
    try:
        return run(ROOT, check=given.check, out=lambda line: sys.stdout.write(f"{line}\n"))
    except ResolveError as error:
        sys.stderr.write(f"{error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
