#!/usr/bin/env bash
# All checks and tests, as CI runs them: the cheap ones first, and none after one that failed.
#
#     bash tests/run.sh
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
export PATH=$PWD/target/tools/bin:$PATH

guests=()
for manifest in tests/guests/Cargo.toml examples/*/Cargo.toml; do
    [ ! -f "$manifest" ] || guests+=("$manifest")
done

# Workspaces beside the main one.
others=("${guests[@]}" tests/fuzz/Cargo.toml)

duration() { # seconds
    if [ "$1" -lt 60 ]; then printf '%d s' "$1"; else printf '%d min %d s' $(($1 / 60)) $(($1 % 60)); fi
}

step() { # name, command
    local name=$1 start=$SECONDS status=0
    shift
    printf '\n=== %s\n' "$name"
    # In a shell of its own, for `set -e` holds in no function whose result is tested.
    set +e
    (set -e; "$@")
    status=$?
    set -e
    if [ $status -ne 0 ]; then
        printf '\n=== FAILED: %s (status %d, after %s)\n' "$name" $status "$(duration $((SECONDS - start)))" >&2
        exit 1
    fi
    printf -- '--- %s: %s\n' "$name" "$(duration $((SECONDS - start)))"
}

formatting() {
    local manifest
    cargo fmt --all --check
    for manifest in "${others[@]}"; do
        cargo fmt --all --check --manifest-path "$manifest"
    done
}

dependencies() {
    local manifest
    for manifest in Cargo.toml "${others[@]}"; do
        printf '%s: ' "$manifest"
        cargo-deny --manifest-path "$manifest" --log-level error check licenses bans sources
    done
    # The database of advisories is a repository on GitHub, which not every machine can reach.
    if timeout 60 cargo-deny --log-level off fetch db >/dev/null 2>&1; then
        for manifest in Cargo.toml "${others[@]}"; do
            printf '%s: ' "$manifest"
            cargo-deny --manifest-path "$manifest" --log-level error check advisories
        done
    else
        printf 'advisories not checked: their database cannot be reached from here\n'
    fi
}

documentation() {
    RUSTDOCFLAGS="-D warnings" cargo doc --release --no-deps --workspace
}

# Plugins compile for this machine too, where their own unit tests run. As dynamic libraries they do not link here: the
# names of their exports are none that the linker knows.
guest_checks() {
    local manifest
    for manifest in "${guests[@]}"; do
        CARGO_TARGET_DIR=target/guests cargo clippy --workspace --all-targets --manifest-path "$manifest" -- -D warnings
        CARGO_TARGET_DIR=target/guests cargo test --workspace --lib --manifest-path "$manifest" --quiet
    done
}

guest_builds() {
    local manifest
    for manifest in "${guests[@]}"; do
        sdk/rust/guest-cargo build --release --workspace --lib --examples --target wasm32-wasip1 --manifest-path "$manifest"
    done
}

# Nothing is linked for lints, so that libFuzzer need not be built once more for them.
fuzz_lints() {
    CUSTOM_LIBFUZZER_PATH=$PWD/target/no-libfuzzer.a CARGO_TARGET_DIR=target/guests \
        cargo clippy --all-targets --manifest-path tests/fuzz/Cargo.toml -- -D warnings
}

step "Set-up" bash tests/setup.sh
step "Formatting" formatting
step "Licences, bans, sources and advisories of dependencies" dependencies
step "Plugins: lints and unit tests" guest_checks
step "Plugins: build for WebAssembly" guest_builds
step "Lints" cargo clippy --release --workspace --all-targets -- -D warnings
step "Fuzz targets: lints" fuzz_lints
step "Documentation" documentation
step "Tests" cargo test --release --workspace
step "Fuzzing, a short run" env FUZZ_SEED=1 bash tests/fuzz.sh 10
printf '\n=== All checks and tests passed in %s.\n' "$(duration $SECONDS)"
