#!/usr/bin/env bash
# Gets a machine ready to build Tamiz. Safe to run again; says what it installs and why; changes nothing that is there already.
#
# Needed: Rust (the version in rust-toolchain.toml), a C compiler (it links programs and builds zstd), python3 (checks the example
# corpus; not needed to run Tamiz). No protoc: the build brings its own.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf 'setup: %s\n' "$*"; }
fail() {
    printf 'setup: %s\n' "$@" >&2
    exit 1
}

# value KEY FILE: the quoted value of a line `KEY = "…"`.
value() { sed -n "s/^$1 *= *\"\([^\"]*\)\".*/\1/p" "$2" | head -n 1; }

# at_least HAVE WANT: whether version HAVE is WANT or newer.
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

# install PACKAGE WHY: by apt, as root or through sudo where that asks nothing.
install() {
    local root=()
    if [ "$(id -u)" -ne 0 ]; then root=(sudo -n); fi
    if ! command -v apt-get >/dev/null; then
        fail "$2 is missing, and there is no apt-get here. Install it with your package manager, then run this again."
    fi
    if [ ${#root[@]} -gt 0 ] && ! sudo -n true 2>/dev/null; then
        fail "$2 is missing, and installing it needs root. Run: sudo apt-get install -y $1" "then run this again."
    fi
    say "installing $1: $2 is missing"
    # The list of packages may be old or empty on a fresh machine.
    "${root[@]}" apt-get install -y --no-install-recommends "$1" >/dev/null 2>&1 ||
        { "${root[@]}" apt-get update -qq && "${root[@]}" apt-get install -y --no-install-recommends "$1"; }
}

check_c_compiler() {
    command -v cc >/dev/null || install build-essential "a C compiler (it links Rust programs and builds zstd)"
}

check_python() {
    command -v python3 >/dev/null || install python3 "python3 (it checks the example corpus)"
}

check_rust() {
    local pinned oldest have
    pinned=$(value channel rust-toolchain.toml)
    oldest=$(value rust-version Cargo.toml)
    # A shell that was open when Rust was installed does not know it yet.
    if ! command -v cargo >/dev/null && [ -x "$HOME/.cargo/bin/cargo" ]; then
        fail "Rust is in $HOME/.cargo/bin, which is not in PATH. Run: . \"\$HOME/.cargo/env\"" "then run this again."
    fi
    command -v cargo >/dev/null ||
        fail "Rust is missing. Install rustup as https://rustup.rs says, then run this again; it fetches Rust $pinned by itself."
    if command -v rustup >/dev/null && [ -z "${RUSTUP_TOOLCHAIN:-}" ] && ! rustup toolchain list | grep -q "^$pinned[- ]"; then
        say "installing Rust $pinned by rustup: rust-toolchain.toml pins it"
        rustup toolchain install "$pinned" --profile minimal --component rustfmt --component clippy ||
            fail "rustup cannot fetch Rust $pinned. With another Rust from $oldest on, set RUSTUP_TOOLCHAIN=stable and try again."
    fi
    have=$(rustc --version | cut -d ' ' -f 2)
    at_least "${have%%-*}" "$oldest" || fail "Rust $have is too old: Tamiz needs $oldest or newer. Run: rustup update"
    say "ready: Rust $have, $(command -v cc), $(python3 --version)"
}

# Hyperscan is a second matcher back end. Tamiz does without; where the system has it as a package, it is taken in.
offer_hyperscan() {
    if [ "$(uname -m)" != x86_64 ] || ! command -v apt-get >/dev/null; then return; fi
    if command -v pkg-config >/dev/null && pkg-config --exists libhs; then return; fi
    local root=()
    if [ "$(id -u)" -ne 0 ]; then root=(sudo -n); fi
    say "installing libhyperscan-dev and pkg-config, for the matcher back end \`hyperscan\`"
    "${root[@]}" apt-get install -y --no-install-recommends libhyperscan-dev pkg-config >/dev/null 2>&1 ||
        { "${root[@]}" apt-get update -qq && "${root[@]}" apt-get install -y --no-install-recommends libhyperscan-dev pkg-config; } >/dev/null 2>&1 ||
        say "it could not be installed; Tamiz is built without that back end"
}

check_c_compiler
check_python
offer_hyperscan
check_rust
