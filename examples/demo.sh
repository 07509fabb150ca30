#!/usr/bin/env bash
# Runs the plugin examples/triage on a project of 13 photographs, on this machine: no account, no network.
#
#     bash examples/demo.sh
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

host=${CARGO_TARGET_DIR:-target}/release/runner-host
plugin=${CARGO_TARGET_DIR:-target/guests}/wasm32-wasip1/release/triage.wasm
project=target/demo/sample

say() {
    printf '\n%s\n' "$1"
}

bash tests/setup.sh guests

say "Building the host (the first time takes several minutes) ..."
cargo build --release --bin runner-host

say "Building the plugin examples/triage for WebAssembly ..."
sdk/rust/guest-cargo build --release --target wasm32-wasip1 --manifest-path examples/triage/Cargo.toml

say "Making a local project from examples/sample in $project ..."
mkdir -p "$project"
cp examples/sample/project.toml "$project/"
"$host" init "$project" --media examples/sample/photos --reset

say "Running the plugin on the tasks that wait at its stage ..."
"$host" --plugin "$plugin" --local "$project"

say "Next:
  examples/triage/src/lib.rs         what decided: change it, and run this again
  $project/project.toml    stages, pathways and ontology of the project
  $host inspect $plugin
                                     what the plugin serves, needs and imports
  $host dev --local $project
                                     serve the project to Encord's Python SDK, or any other client"
