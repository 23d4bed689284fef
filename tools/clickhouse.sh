#!/bin/sh
# Unpacks Debian's ClickHouse into .tools/clickhouse, without installing it: it brings a user and a
# service with it.  Prints the folder.  Only benchmarks use it.
set -eu
cd "$(dirname "$0")/.."
there=$PWD/.tools/clickhouse
libraries=$there/usr/lib/x86_64-linux-gnu:$there/usr/lib
if [ ! -e "$there/whole" ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    mkdir -p "$there"
    poco=$(for part in foundation json crypto net netssl util xml data dataodbc datasqlite mongodb; do
        echo "libpoco${part}80"
    done)
    (cd "$work" && chmod 755 . && apt-get -q download clickhouse-server clickhouse-client \
        clickhouse-common $poco libjemalloc2 libre2-9 libcapnp-0.9.2 libcctz2 libcpuinfo0 \
        libdouble-conversion3 libfarmhash0 libmariadb3 libmetrohash1 librdkafka1 libodbc2 libltdl7 \
        libboost-filesystem1.74.0 libboost-program-options1.74.0 libreadline8 libpcre3 \
        >apt.log 2>&1) || {
        cat "$work/apt.log" >&2
        echo "clickhouse: apt-get download failed" >&2
        exit 1
    }
    for package in "$work"/*.deb; do
        dpkg -x "$package" "$there"
    done
    missing=$(LD_LIBRARY_PATH=$libraries ldd "$there"/usr/bin/clickhouse-client "$there"/usr/sbin/clickhouse-server | grep 'not found') || true
    if [ -n "$missing" ]; then
        echo "clickhouse: libraries are missing: $missing" >&2
        exit 1
    fi
    touch "$there/whole"
fi
echo "$there"
