#!/bin/sh
# Builds the portal's pages into a folder: web.sh FOLDER
#
# What is made depends on web/, words/ and docs/api.yaml alone, so it is kept under the hash of these in
# .tools/pages/ and every build folder gets a copy; an unchanged front end costs a moment.
set -eu
umask 022
[ $# = 1 ] || { echo "usage: $0 FOLDER" >&2 && exit 2; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."

hash=$(find web/src web/public web/*.json web/*.ts web/index.html words docs/api.yaml tools/words.py tools/words_ts.py \
    tools/web.sh tools/node.sh -type f -not -path '*/made/*' | LC_ALL=C sort | xargs sha256sum | sha256sum | cut -c1-32)
kept=.tools/pages/$hash
if [ ! -f "$kept/index.html" ]; then
    mkdir -p .tools/pages
    exec 9>.tools/pages/lock
    flock 9 # two build folders at once: the second finds what the first has made
fi
if [ ! -f "$kept/index.html" ]; then
    PATH=$(tools/node.sh):$PATH
    export PATH
    python3 tools/words_ts.py web/src/words/made words/*.yaml words/portal/*.yaml
    cd web
    lock=$(sha256sum package-lock.json | cut -c1-32)
    if [ "$(cat node_modules/.lock 2>/dev/null)" != "$lock" ]; then
        npm ci --no-audit --no-fund --ignore-scripts --loglevel=error >&2
        echo "$lock" >node_modules/.lock
    fi
    mkdir -p src/api/made
    node node_modules/openapi-typescript/bin/cli.js ../docs/api.yaml -o src/api/made/types.ts >/dev/null
    node node_modules/typescript/bin/tsc --noEmit
    node node_modules/vite/bin/vite.js build --logLevel warn
    cd ..
    rm -rf "$kept.new"
    mv web/dist "$kept.new"
    find .tools/pages -mindepth 1 -maxdepth 1 -type d -mtime +7 -exec rm -rf {} +
    mv "$kept.new" "$kept"
fi
rm -rf "$out"
cp -r "$kept" "$out"
