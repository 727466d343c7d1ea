#!/usr/bin/env bash
# Builds the .deb for this machine's architecture and prints where it is. Needs
# cargo-deb (`cargo install --locked cargo-deb`).
#
#   packaging/build-deb.sh [PROFILE]     PROFILE is cargo's; default: dist
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

profile=${1:-dist}
case $profile in
  dev) folder=debug ;;
  *) folder=$profile ;;
esac
cargo build --locked --profile "$profile" --bin fimd >&2

# The program itself writes its manual pages and completions.
made=target/packaging
program=${CARGO_TARGET_DIR:-target}/$folder/fimd
rm -rf "$made"
mkdir -p "$made/completions"
"$program" man --output "$made/man"
"$program" completions bash >"$made/completions/fimd.bash"
"$program" completions zsh >"$made/completions/_fimd"
"$program" completions fish >"$made/completions/fimd.fish"

cargo deb --locked --no-build --profile "$profile"
