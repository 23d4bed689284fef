#!/bin/sh
# Unpacks Debian's syslog-ng into .tools/syslog-ng, without installing it: it conflicts with rsyslog.
# Prints the folder.  Only tests and benchmarks use it.
set -eu
cd "$(dirname "$0")/.."
there=$PWD/.tools/syslog-ng
if [ ! -x "$there/usr/sbin/syslog-ng" ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    mkdir -p "$there"
    (cd "$work" && apt-get -q download syslog-ng-core syslog-ng-scl syslog-ng-mod-http libivykis0 libnet1 \
        libpcre3 libwrap0 libjson-c5 libdbi1 >apt.log 2>&1) || {
        cat "$work/apt.log" >&2
        echo "syslog-ng: apt-get download failed" >&2
        exit 1
    }
    for package in "$work"/*.deb; do
        dpkg -x "$package" "$there"
    done
fi
echo "$there"
