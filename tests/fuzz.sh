#!/usr/bin/env bash
# Fuzzing of what reads and writes documents: random inputs that grow towards code not reached yet. An input at which a
# target panics, runs for more than 30 s or takes more than 2 GB ends it with status 1, and is named.
#
#     bash tests/fuzz.sh [seconds for each target] [target…]     none: 20 s, all targets of tests/fuzz/fuzz_targets
#
# What was found of use stays in target/fuzz/corpus for the next run, or not, if FUZZ_SEED is set to a number: then a run
# starts from the captured documents and that number only. To see a named input's panic again:
#
#     bash tests/fuzz.sh --input FILE TARGET
#
# It works on stable Rust, which can count what is reached but has no sanitizers; they look for what only `unsafe` code
# can do, and the labels have none.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
export PATH=$PWD/target/tools/bin:$PATH
testdata=host/labels/src/testdata

fuzz() { # cargo-fuzz's command, its other arguments
    local command=$1
    shift
    cargo fuzz "$command" --fuzz-dir tests/fuzz --target-dir target/fuzz --sanitizer none "$@"
}

fail() { # what was expected and found, what to do
    printf 'error: %s\nhelp: %s\n' "$1" "$2" >&2
    exit 2
}

bash tests/setup.sh fuzz
if [ "${1-}" = --input ]; then
    [ $# -eq 3 ] || fail "expected a file and a target after --input, found $(($# - 1)) arguments" "see the head of tests/fuzz.sh"
    fuzz run "$3" "$2"
    exit
fi

seconds=${1:-20}
[[ $seconds =~ ^[1-9][0-9]*$ ]] || fail "expected a number of seconds, found '$seconds'" "see the head of tests/fuzz.sh"
targets=("${@:2}")
if [ $# -lt 2 ]; then
    for file in tests/fuzz/fuzz_targets/*.rs; do
        targets+=("$(basename "$file" .rs)")
    done
fi

printf 'fuzz: build %s\n' "${targets[*]}"
start=$SECONDS
mkdir -p target/fuzz/logs
fuzz build >target/fuzz/logs/build 2>&1 || {
    tail -n 40 target/fuzz/logs/build >&2
    fail "expected the fuzz targets to build" "the rest of the output is in target/fuzz/logs/build"
}
printf 'fuzz: built in %d s\n' $((SECONDS - start))

kept=target/fuzz/corpus
if [ -n "${FUZZ_SEED-}" ]; then
    kept=$(mktemp -d)
    trap 'rm -rf "$kept"' EXIT
fi

for target in "${targets[@]}"; do
    # The first directory is the one that is written to. To targets that take any bytes for choices, the documents are
    # bytes like others; without some to start from, it is long before the choices reach an edit.
    corpora=("$kept/$target" "$testdata")
    # In bytes: of documents enough for the longest that was captured.
    case $target in
        document) longest=32768 ;;
        ontology) longest=8192 ;;
        *) longest=2048 ;;
    esac
    log=target/fuzz/logs/$target
    artifacts=target/fuzz/artifacts/$target
    mkdir -p "${corpora[0]}" "$artifacts"
    printf 'fuzz: %s, %d s ... ' "$target" "$seconds"
    if ! fuzz run "$target" "${corpora[@]}" -- -max_total_time="$seconds" -seed="${FUZZ_SEED:-0}" -timeout=30 \
        -rss_limit_mb=2048 -max_len="$longest" -len_control=0 -artifact_prefix="$artifacts/" >"$log" 2>&1; then
        printf 'failed\n'
        grep -a -A 3 -e 'panicked at' -e '^==.*ERROR' "$log" | cut -c 1-1000 >&2 || tail -n 20 "$log" >&2
        input=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
        printf 'error: expected no input to make `%s` fail, found %s\n' "$target" "${input:-none; the output is in $log}" >&2
        printf 'help: run `bash tests/fuzz.sh --input %s %s` for all of it; all output is in %s\n' \
            "${input:-FILE}" "$target" "$log" >&2
        exit 1
    fi
    sed -n 's/^Done \([0-9]*\) runs.*/\1 inputs, none failed/p' "$log"
done
