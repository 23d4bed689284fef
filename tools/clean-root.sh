#!/bin/bash
# Tries a command of this checkout in a fresh Debian 12: clean-root.sh FOLDER COMMAND [ARGUMENT ...]
#
#   tools/clean-root.sh /var/tmp/clean ./run --empty
#   tools/clean-root.sh /var/tmp/clean ./test
#
# FOLDER is made by debootstrap if it is not there (minbase: no git, no sudo, no certificates) and
# kept; remove it for a fresh one.  The last commit is unpacked to /hinomi in it, and test data, if
# HINOMI_TEST_DATA names some, are copied.  Needs root and debootstrap.  MIRROR: a mirror other than
# debootstrap's own.
set -eu
if [ $# -lt 2 ] || [ "$(id -u)" != 0 ]; then
    sed -n '2,10s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
root=$(realpath -m "$1")
shift
cd "$(dirname "$0")/.."

if [ ! -d "$root" ]; then
    debootstrap --variant=minbase bookworm "$root.new" ${MIRROR:+"$MIRROR"}
    mv "$root.new" "$root"
fi
mkdir -p "$root/hinomi"
git archive HEAD | tar -x -C "$root/hinomi"
cp /etc/resolv.conf "$root/etc/"
data=()
if [ -n "${HINOMI_TEST_DATA:-}" ]; then
    mkdir -p "$root/data"
    cp -r "$HINOMI_TEST_DATA/." "$root/data/"
    data=(HINOMI_TEST_DATA=/data)
fi

# Only /proc is mounted; the device nodes that debootstrap made are enough.
mount -t proc proc "$root/proc"
trap 'umount "$root/proc"' EXIT
chroot "$root" /usr/bin/env -i HOME=/root TERM="${TERM:-dumb}" PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    "${data[@]}" /bin/sh -c 'cd /hinomi && exec "$@"' sh "$@"
