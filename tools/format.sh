#!/bin/sh
# Whether clang-format would change anything: exit 0 if not, 1 with a list if so, 77 without it.
# With --fix it changes what it would.
cd "$(dirname "$0")/.." || exit 1
command -v clang-format >/dev/null || exit 77
act='--dry-run --Werror'
[ "${1:-}" = --fix ] && act=-i
# shellcheck disable=SC2086
find src tools tests \( -name '*.[ch]' -o -name '*.cc' \) -print0 2>/dev/null |
    xargs -0 clang-format $act || exit 1
