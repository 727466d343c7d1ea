#!/usr/bin/env bash
# Builds a program that needs nothing of the system that it runs on but the
# kernel, and prints where it is. Needs glibc's static libraries (Debian's
# libc6-dev has them).
#
#   packaging/build-static.sh [PROFILE]     PROFILE is cargo's; default: dist
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

profile=${1:-dist}
target=$(rustc -vV | sed -n 's/^host: //p')
# With --target the flags are for the program alone: what runs while it is
# built, procedural macros, cannot be static.
RUSTFLAGS='-C target-feature=+crt-static' \
  cargo build --locked --profile "$profile" --target "$target" --bin fimd >&2

case $profile in
  dev) folder=debug ;;
  *) folder=$profile ;;
esac
program=${CARGO_TARGET_DIR:-target}/$target/$folder/fimd
# Not ldd: it takes a static program that can be loaded anywhere for a dynamic one.
if readelf --dynamic "$program" | grep NEEDED >&2; then
  echo "$program: is not static" >&2
  exit 1
fi
echo "$program"
