#!/usr/bin/env bash
# Builds a program that needs nothing from the system but the kernel, and prints
# its path. Needs glibc's static libraries, which are in Debian's libc6-dev.
#
#   packaging/build-static.sh [PROFILE]     PROFILE is cargo's; default: dist
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

profile=${1:-dist}
target=$(rustc -vV | sed -n 's/^host: //p')
# With --target the flags apply only to the program, not to procedural macros,
# which run during the build and cannot be static.
RUSTFLAGS='-C target-feature=+crt-static' \
  cargo build --locked --profile "$profile" --target "$target" --bin fimd >&2

case $profile in
  dev) folder=debug ;;
  *) folder=$profile ;;
esac
program=${CARGO_TARGET_DIR:-target}/$target/$folder/fimd
# ldd would not do: it reports a static program that can be loaded anywhere as
# dynamic.
if readelf --dynamic "$program" | grep NEEDED >&2; then
  echo "$program: is not static" >&2
  exit 1
fi
echo "$program"
