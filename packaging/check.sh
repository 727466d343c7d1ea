#!/usr/bin/env bash
# Builds fimd in every way in which it can be installed, and tries each result
# where nothing else of fimd is: the static program alone in a root folder, the
# .deb unpacked and installed into one, the wheel in a new virtual environment,
# and `cargo install` into a new folder. Prints each step and how long it took.
#
#   packaging/check.sh [PROFILE [WAY...]]
#
# PROFILE is cargo's, default dist; `dev` takes less time. The ways are
# static, deb, wheel, cargo and units; default: all. Needs root, or user
# namespaces; cargo-deb for the .deb; python3 with venv and pip for the wheel.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

profile=${1:-dist}
shift || true
ways=("$@")
[ ${#ways[@]} -gt 0 ] || ways=(static deb wheel cargo units)
version="fimd $(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
case $profile in
  dev) folder=debug ;;
  *) folder=$profile ;;
esac

step() { # step COMMAND...: says what it does, does it, says how long it took
  local began=$SECONDS
  printf '\n==> %s\n' "$*" >&2
  "$@"
  printf -- '--- %d s\n' $((SECONDS - began)) >&2
}

is_version() { # is_version COMMAND...: whether the program says its version
  local said
  said=$("$@" --version)
  [ "$said" = "$version" ] || {
    printf '%s: expected `%s`, found `%s`\n' "$*" "$version" "$said" >&2
    exit 1
  }
  printf '%s --version: %s\n' "$*" "$said"
}

# Asks the program about a project, in a root folder that holds nothing else.
alone_in() { # alone_in ROOT PROGRAM
  mkdir -p "$1/shop/src"
  echo '{}' >"$1/shop/composer.json"
  echo '<?php class Order { public function total(): int { return 1; } }' >"$1/shop/src/Order.php"
  echo '<?php $order = new Order(); $order->' >"$1/shop/a.php"
  local inside=(unshare --map-root-user --mount chroot "$1" "$2")
  is_version "${inside[@]}"
  : >"$1/shop/settings.toml"
  "${inside[@]}" --no-cache --settings /shop/settings.toml context /shop/a.php --at 37 | grep 'function total'
}

try_static() {
  local program root=$scratch/static
  program=$(step packaging/build-static.sh "$profile")
  file "$program" 2>/dev/null || true
  mkdir -p "$root"
  cp "$program" "$root/fimd"
  alone_in "$root" /fimd
}

try_deb() {
  local deb root=$scratch/deb
  deb=$(step packaging/build-deb.sh "$profile" | tail -n 1)
  dpkg-deb --info "$deb" | grep -E 'Package|Version|Depends'
  # The packages that it depends on are not installed there; the program uses
  # this machine's.
  mkdir -p "$root/var/lib/dpkg/updates" "$root/var/lib/dpkg/info"
  : >"$root/var/lib/dpkg/status"
  : >"$root/var/lib/dpkg/available"
  dpkg --root="$root" --force-depends --force-not-root --log=/dev/null --install "$deb"
  is_version "$root/usr/bin/fimd"
  local name
  for name in man/man1/fimd-doctor.1.gz bash-completion/completions/fimd \
    zsh/vendor-completions/_fimd fish/vendor_completions.d/fimd.fish doc/fimd/README.md; do
    ls "$root/usr/share/$name" 2>/dev/null || ls "$root/usr/share/$name.gz"
  done
  ls "$root"/usr/lib/systemd/user/fimd.{service,socket}
  bash -n "$root/usr/share/bash-completion/completions/fimd"
  dpkg --root="$root" --force-not-root --log=/dev/null --purge fimd
  [ -z "$(find "$root" -path "$root/var" -prune -o -type f -print)" ] ||
    { echo 'files are left after the package was removed' >&2; exit 1; }
}

try_wheel() {
  local venv=$scratch/venv wheels=$scratch/wheels
  step python3 -m venv "$scratch/maturin"
  step "$scratch/maturin/bin/pip" install --quiet --disable-pip-version-check 'maturin>=1.9,<2'
  step "$scratch/maturin/bin/maturin" build --locked --profile "$profile" --out "$wheels"
  step python3 -m venv "$venv"
  step "$venv/bin/pip" install --quiet --disable-pip-version-check --no-index "$wheels"/fimd-*.whl
  is_version env -i "PATH=$venv/bin" fimd
  "$venv/bin/pip" uninstall --yes --quiet fimd
  [ ! -e "$venv/bin/fimd" ]
}

try_cargo() {
  CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target} \
    step cargo install --profile "$profile" --path . --locked --root "$scratch/cargo"
  is_version env -i "$scratch/cargo/bin/fimd"
}

# systemd accepts the units, and fimd serves a socket that systemd has opened.
try_units() {
  local program=${CARGO_TARGET_DIR:-$PWD/target}/$folder/fimd units=$scratch/units
  [ -x "$program" ] || step cargo build --locked --profile "$profile" --bin fimd
  mkdir -p "$units"
  XDG_CONFIG_HOME=$units "$program" install-units
  XDG_RUNTIME_DIR=$units step systemd-analyze --user verify --man=no "$units"/systemd/user/fimd.{service,socket}
  systemd-socket-activate --listen="$units/s" "$program" --no-cache --socket "$units/s" &
  local activated=$!
  until [ -S "$units/s" ]; do kill -0 "$activated"; sleep 0.05; done
  "$program" status --socket "$units/s"
  kill "$activated"
  wait "$activated"
}

for way in "${ways[@]}"; do
  step "try_$way"
done
printf '\nAll tried in %d s: %s\n' "$SECONDS" "${ways[*]}"
