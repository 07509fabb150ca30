#!/usr/bin/env bash
# Installs what the build and the tests need and this machine lacks; says a line for each step, and nothing if
# nothing is to do.
#
#     bash tests/setup.sh [guests] [checks] [fuzz] [python] [media]     none: all five
#
#   guests  the Rust toolchain that builds plugins (rustup's target, or Debian's packages), and a C compiler
#   checks  rustfmt, clippy, and cargo-deny in target/tools
#   fuzz    cargo-fuzz in target/tools, and a C++ compiler for LLVM's libFuzzer
#   python  Encord's official packages in target/python, which the tests run against the local server, with what they
#           need to read frames
#   media   FFmpeg, for the tests that read video
#
# System packages come from apt-get, as root or through sudo; without it, the script says what to install. All
# else stays in target/, and so does setup.log, with what the last steps put out.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

log=target/setup.log
target=wasm32-wasip1
deny_version=0.20.2
fuzz_version=0.13.2
python_packages=(encord==0.1.211 'encord-agents[vision]==0.2.10' numpy==2.4.6 opencv-python-headless==5.0.0.93)

fail() { # what was expected and found, what to do
    printf 'error: %s\nhelp: %s\n' "$1" "$2" >&2
    exit 1
}

have() {
    command -v "$1" >/dev/null 2>&1
}

steps=0
# Runs a command with its output in the log. Returns whether it succeeded.
step() { # what it does, command
    local what=$1 start=$SECONDS
    shift
    if [ "$steps" -eq 0 ]; then
        mkdir -p target
        : >"$log"
    fi
    steps=$((steps + 1))
    printf 'setup: %s ... ' "$what"
    printf '\n== %s: %s\n' "$what" "$*" >>"$log"
    if "$@" >>"$log" 2>&1 </dev/null; then
        printf 'done (%d s)\n' $((SECONDS - start))
    else
        printf 'failed (%d s)\n' $((SECONDS - start))
        return 1
    fi
}

show_log() {
    printf 'The end of %s:\n' "$log" >&2
    tail -n 25 "$log" | sed 's/^/  /' >&2
}

as_root=()
apt_install() { # what they are for, packages
    local purpose=$1
    shift
    have apt-get || fail "expected $purpose, found none, and no apt-get to install it" "install what Debian calls $*"
    if [ "$(id -u)" -ne 0 ]; then
        have sudo || fail "expected $purpose, found none, and neither root nor sudo to install it" \
            "as root, run \`apt-get install $*\`"
        as_root=(sudo)
    fi
    step "install $* with apt-get" apt_get "$@" || {
        show_log
        fail "expected apt-get to install $purpose" "install $* by hand, then run this again"
    }
}

# The lists of a fresh container are empty or old, those of other machines need no refresh. Nothing that is
# installed may be removed: Debian's toolchains exclude each other.
apt_get() {
    local install=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive
        apt-get install --yes --no-install-recommends --no-remove "$@")
    "${install[@]}" || { "${as_root[@]}" apt-get update && "${install[@]}"; }
}

setup_guests() {
    have cc || apt_install "a C compiler (for SQLite)" gcc libc6-dev
    if sdk/rust/guest-cargo --version >/dev/null 2>&1; then
        return
    fi
    if [ "${RUNNER_GUEST_TOOLCHAIN:-rustup}" = rustup ] && have rustup &&
        step "add rustup's target $target" timeout 180 rustup target add "$target"; then
        return
    fi
    if [ "${RUNNER_GUEST_TOOLCHAIN:-debian}" = debian ]; then
        local packages=(rustc-web cargo-web rust-web-src wasi-libc) newest
        if ! compgen -G "$(rustc --print sysroot)/lib/rustlib/*/bin/rust-lld" >/dev/null; then
            newest=$(apt-cache search --names-only '^lld-[0-9]+$' 2>/dev/null | cut -d' ' -f1 | sort -V | tail -n 1)
            packages+=("${newest:-lld}")
        fi
        apt_install "a Rust toolchain for $target" "${packages[@]}"
    fi
    sdk/rust/guest-cargo --version >/dev/null || exit 1
}

setup_checks() {
    local component
    for component in fmt clippy; do
        if ! cargo "$component" --version >/dev/null 2>&1; then
            have rustup || fail "expected cargo $component, found none" "install rustfmt and clippy for this toolchain"
            step "add rustup's rustfmt and clippy" rustup component add rustfmt clippy || {
                show_log
                fail "expected rustup to add rustfmt and clippy" "run \`rustup component add rustfmt clippy\`"
            }
        fi
    done
    build_tool cargo-deny "$deny_version" "2 to 6 minutes"
}

setup_fuzz() {
    have c++ || apt_install "a C++ compiler (for libFuzzer)" g++
    build_tool cargo-fuzz "$fuzz_version" "half a minute"
}

build_tool() { # name, version, time that it takes
    local name=$1 version=$2 found
    # Any later one will do, wherever it was installed.
    found=$(PATH=$PWD/target/tools/bin:$PATH "$name" --version 2>/dev/null) || found=
    if [ -n "$found" ] && printf '%s %s\n%s\n' "$name" "$version" "$found" | sort -V -C; then
        return
    fi
    # Built for a quick build: it runs for seconds. An interrupted build goes on where it was.
    step "build $name $version ($3)" env \
        CARGO_TARGET_DIR=target/tools/build CARGO_PROFILE_RELEASE_LTO=off \
        CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
        cargo install "$name" --locked --force --version "$version" --root target/tools || {
        show_log
        fail "expected to build $name $version" "install it by hand (\`cargo install $name --locked\`)"
    }
    rm -rf target/tools/build
}

setup_python() {
    # Written last, so that an interrupted installation is made anew.
    local done=target/python/.packages
    if [ "$(cat "$done" 2>/dev/null)" = "${python_packages[*]}" ] && [ -x target/python/bin/python ]; then
        return
    fi
    have python3 || apt_install "Python 3.11 or newer" python3 python3-venv
    # Debian keeps what `venv` needs in a package of its own.
    if ! python3 -c 'import ensurepip, venv' >/dev/null 2>&1; then
        apt_install "Python's venv module" python3-venv
    fi
    step "make target/python with ${python_packages[*]}" make_python || {
        show_log
        fail "expected to install ${python_packages[*]} in target/python" \
            "check that python3 is 3.11 or newer and that pip reaches its index, then run this again"
    }
    printf '%s\n' "${python_packages[*]}" >"$done"
}

make_python() {
    python3 -m venv --clear target/python &&
        target/python/bin/python -m pip install --disable-pip-version-check "${python_packages[@]}"
}

setup_media() {
    if ! have ffmpeg || ! have ffprobe; then
        apt_install "FFmpeg" ffmpeg
    fi
}

have cargo || fail "expected cargo, found none" "install Rust as https://rustup.rs says"
parts=("$@")
[ $# -gt 0 ] || parts=(guests checks fuzz python media)
for part in "${parts[@]}"; do
    case $part in
        guests | checks | fuzz | python | media) "setup_$part" ;;
        *) fail "expected guests, checks, fuzz, python or media, found '$part'" "see the head of tests/setup.sh" ;;
    esac
done
