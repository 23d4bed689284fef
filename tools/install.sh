#!/bin/sh
# Installs what is missing of tools/packages.txt: install.sh run|test
# Asks dpkg each time, which takes a few hundredths of a second, and apt only if something is
# missing.  Needs root or sudo only then.
set -eu
cd "$(dirname "$0")/.."
case ${1:-} in
run) stages=run ;;
test) stages='run|test' ;;
*) echo "usage: $0 run|test" >&2 && exit 2 ;;
esac

wanted=$(sed 's/#.*//' tools/packages.txt | awk -v s="^($stages)\$" '$2 ~ s { print $1 }')
# Pages are built by Node; tools/node.sh gets a newer one by npm where this one is too old.
command -v npm >/dev/null || wanted="$wanted nodejs npm"
if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "install: this is not a Debian; the build needs what tools/packages.txt lists." >&2
    exit 0
fi
# shellcheck disable=SC2086
there=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' $wanted 2>/dev/null |
    awk '$2 == "installed" { print $1 }')
missing=
for package in $wanted; do
    case "
$there
" in
    *"
$package
"*) ;;
    *) missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "install: these packages are missing, and there is neither root nor sudo here." >&2
        echo "install: as root, please: apt-get install$missing" >&2
        exit 1
    fi
    as_root=sudo
fi

mkdir -p build/logs
log=build/logs/apt.log
apt() {
    $as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C \
        apt-get -q -y -o DPkg::Lock::Timeout=300 "$@" >>"$log" 2>&1 </dev/null
}
echo "install:$missing"
: >"$log"
# shellcheck disable=SC2086
if ! apt update || ! apt install --no-install-recommends $missing; then
    tail -n 20 "$log" >&2
    echo "install: apt-get failed; the whole of it is in $log" >&2
    exit 1
fi
