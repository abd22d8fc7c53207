#!/usr/bin/env bash
# Fails when a source differs from what clang-format makes of it.   Usage: format.sh ROOT
# Versions disagree in details: the tree is formatted with the one of Debian 12, others only tell.
set -uo pipefail
cd "${1:?usage: format.sh ROOT}" || exit 2
version=$(clang-format --version 2>/dev/null | sed -n 's/.*version \([0-9]*\).*/\1/p')
if [ "$version" != 14 ]; then
  echo "not checked: this clang-format is version ${version:-none}, the tree uses 14"
  exit 0
fi
bad=$(find src platform include boards test -type f \( -name '*.cc' -o -name '*.h' \) -print0 |
  xargs -0r clang-format --dry-run -Werror 2>&1 | sed -n 's/^\([^:]*\):[0-9].*error:.*/\1/p' | sort -u)
[ -z "$bad" ] || printf '%s\nformat: run `make format`\n' "$bad"
[ -z "$bad" ]
