#!/bin/bash
# Runs each fuzz target of a build with -Dfuzz=true for a while: fuzz.sh BUILD SECONDS
# Starts from tests/corpus/TARGET and from what tests/grammar makes; what is found on the way is kept in
# BUILD/corpus, a crashing input in build/logs.  The last line is "N passed, N failed", a target counting as one.
set -u
cd "$(dirname "$0")/.." || exit 1

one() {
    local build=$1 seconds=$2 name log
    name=$(basename "$3")
    log=build/logs/fuzz-$name.log
    mkdir -p "$build/corpus/$name" build/logs
    local seeds=() words=()
    [ -d "tests/corpus/$name" ] && seeds=("tests/corpus/$name")
    if [ -f "tests/grammar/$name.grammar" ]; then
        tools/grammar.py "tests/grammar/$name.grammar" 300 "$build/grammar/$name" || exit 1
        seeds+=("$build/grammar/$name")
        words=("-dict=$build/grammar/$name.dict")
    fi
    if "$3" -seed=1 -timeout=10 -max_total_time="$seconds" -print_final_stats=1 \
        -artifact_prefix="build/logs/$name-" "${words[@]}" "$build/corpus/$name" "${seeds[@]}" >"$log" 2>&1; then
        echo "passed $name: $(grep -a -o 'number_of_executed_units: .*' "$log")"
    else
        echo "FAILED $name: $log"
        tail -n 30 "$log" | sed 's/^/    /'
    fi
}

if [ "${1:-}" = --one ]; then
    shift
    one "$@"
    exit
fi
if [ $# != 2 ]; then
    echo "usage: $0 BUILD SECONDS" >&2
    exit 2
fi
sums=$(find "$1/src" -maxdepth 1 -name '*_fuzz' -type f | sort |
    xargs -r -P "$(nproc)" -n 1 "$0" --one "$1" "$2")
echo "$sums"
failed=$(grep -c '^FAILED' <<<"$sums")
echo "$(grep -c '^passed' <<<"$sums") passed, $failed failed"
[ "$failed" = 0 ]
