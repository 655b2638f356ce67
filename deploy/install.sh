#!/bin/sh
# Install the package, and what it needs at run time, into a new virtual environment: deploy/install.sh FOLDER
#
# All packages come from requirements.lock, development tools included, and are checked by hash; of these, only what the
# package depends on is then installed, without an index.
set -eu

target=$1
source=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

python3 -m venv "$work/build"
pip="$work/build/bin/python -m pip --quiet"
$pip wheel --no-deps --require-hashes --requirement "$source/requirements.lock" --wheel-dir "$work/wheels"
$pip install --no-index --find-links "$work/wheels" --upgrade setuptools
$pip wheel --no-deps --no-index --no-build-isolation --wheel-dir "$work/wheels" "$source"

# Without pip: nothing is installed there later.
python3 -m venv --without-pip "$target"
$pip --python "$target/bin/python" install --no-index --find-links "$work/wheels" "impression-streams[server]"
