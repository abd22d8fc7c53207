#!/usr/bin/env bash
# Fails on calls and types the house does not use.   Usage: banned.sh ROOT
set -uo pipefail
cd "${1:?usage: banned.sh ROOT}" || exit 2
broken=0

files() { # files DIR...: sources beneath them
  find "$@" -type f \( -name '*.cc' -o -name '*.h' \) 2>/dev/null | sort
}
portable() { files src | grep -vE '^src/(cli|main)/'; }

# Code only: comments and the inside of strings are blanked, "file:line:" stands in front.
code() {
  xargs -r awk '
    FNR == 1 { in_comment = 0 }
    {
      line = $0
      gsub(/\\./, "", line)
      gsub(/"[^"]*"/, "\"\"", line)
      if (in_comment) {
        if (line !~ /\*\//) next
        sub(/^.*\*\//, "", line)
        in_comment = 0
      }
      gsub(/\/\*([^*]|\*[^\/])*\*\//, "", line)
      sub(/\/\/.*/, "", line)
      if (line ~ /\/\*/) { in_comment = 1; sub(/\/\*.*/, "", line) }
      printf "%s:%d:%s\n", FILENAME, FNR, line
    }'
}
# ban WHY REGEX: reads code() lines
ban() {
  local found
  found=$(grep -E "^[^:]+:[0-9]+:(.*[^A-Za-z0-9_.>])?$2") || return 0
  printf '%s\n' "$found" | sed "s|\$|   <- $1|"
  broken=1
}
call='[ ]*\('

everything=$(files src platform include boards | code)
ban 'writes without a bound' "(std::|::)?(strcpy|strcat|stpcpy|sprintf|vsprintf|gets|alloca)$call" <<<"$everything"
ban 'runs a shell' "(std::|::)?(system|popen)$call" <<<"$everything"
ban 'not random' "(std::|::)?(rand|srand|drand48|rand_r)$call" <<<"$everything"
ban 'jumps over destructors' "(std::|::)?(setjmp|longjmp|_setjmp)$call" <<<"$everything"
ban 'uses libuv'"'"'s own threads and hides the cost' 'uv_fs_' <<<"$everything"
ban 'no exceptions, no RTTI' '(throw|try|dynamic_cast|typeid)[^A-Za-z0-9_]' <<<"$everything"

inner=$(portable | code)
ban 'the clock is a port' "(std::|::)?(time|gettimeofday|clock_gettime|localtime|localtime_r|gmtime|gmtime_r|mktime|sleep|usleep|nanosleep)$call" <<<"$inner"
ban 'the clock is a port' 'std::chrono' <<<"$inner"
ban 'the environment is an argument' "(std::|::)?(getenv|secure_getenv|setenv)$call" <<<"$inner"
ban 'allocates' 'std::(string|wstring|vector|deque|list|map|multimap|set|multiset|unordered_map|unordered_set|function|any|shared_ptr|unique_ptr|make_unique|make_shared|stable_sort|inplace_merge|stable_partition|to_string|thread|mutex|regex|cout|cerr|cin)([^A-Za-z0-9_]|$)' <<<"$inner"
ban 'allocates' "(std::|::)?(malloc|calloc|realloc|strdup|strndup|asprintf|vasprintf|qsort)$call" <<<"$inner"
ban 'reaches the world beside the ports' "(std::|::)?(fopen|fdopen|freopen|fwrite|fread|printf|puts|putchar|perror|_exit|quick_exit|syscall)$call" <<<"$inner"
# Names that methods may have as well; the archives' symbols are looked at in symbols.sh besides.
ban 'reaches the world beside the ports' "(std::|::)(free|remove|rename|exit|open|close|read|write)$call" <<<"$inner"
ban 'reaches the world beside the ports' "(std::|::)?(fprintf|fputs|abort)$call" < <(grep -v '^src/base/status\.cc:' <<<"$inner")
ban 'libuv belongs to the platform' 'uv_[a-z]' <<<"$inner"

unfinished=$(files src platform include boards | xargs -r grep -nE 'TODO|FIXME|XXX|HACK')
if [ -n "$unfinished" ]; then
  printf '%s\n' "$unfinished" | sed 's|$|   <- unfinished|'
  broken=1
fi
disabled=$(files test | xargs -r grep -nE '(^|[^A-Za-z_])DISABLED_')
if [ -n "$disabled" ]; then
  printf '%s\n' "$disabled" | sed 's|$|   <- a test that cannot fail|'
  broken=1
fi
exit $broken
