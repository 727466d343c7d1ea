#!/usr/bin/env bash
# cluster/check.sh DIR [FIMD]: cuts a few hundred small repositories out of the
# PHP projects below DIR and makes a dataset of them on a Ray cluster of two nodes.
# It kills a worker midway, one repository ends the program, and the result must
# equal that of one run over all repositories. Prints its figures.
#
# The cluster has its own network and process table, so the script needs root. The
# cluster ends with the script, however the script ends.
set -euo pipefail
projects=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
fimd=$(realpath "${2:-target/release/fimd}")
python=$PWD/target/ray/bin/python
[ -x "$python" ] || python3 -m venv target/ray
target/ray/bin/pip install --quiet --disable-pip-version-check -r cluster/requirements.txt
# Ray puts its sockets here; their paths must be short.
work=$(mktemp -d /tmp/fimd-ray.XXXXXX)
trap 'rm -rf "$work"' EXIT
export RAY_ADDRESS=127.0.0.1:6379 RAY_USAGE_STATS_ENABLED=0 RAY_TMPDIR=$work RAY_IGNORE_UNHANDLED_ERRORS=1
export PYTHONDONTWRITEBYTECODE=1 PATH=$PWD/target/ray/bin:$PATH
unshare -n --pid --fork --mount-proc --kill-child bash -euo pipefail -c '
  ip link set lo up
  node() { ray start "$@" --num-cpus=1 --object-store-memory=200000000 --disable-usage-stats >>"$0/ray.log" 2>&1; }
  node --head --port=6379 --node-ip-address=127.0.0.1 --include-dashboard=false --temp-dir="$0/ray"
  node --address="$RAY_ADDRESS"
  python cluster/check.py "$1" "$2" "$0"
' "$work" "$projects" "$fimd"
