#!/usr/bin/env bash
# Plants one violation after the other into a small clean tree: each house test must name it, and
# must pass on the clean tree.   Usage: selftest.sh CXX
set -uo pipefail
house=$(cd "$(dirname "$0")" && pwd)
cxx=${1:-c++}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0 checked=0

fresh() {
  rm -rf "$work/tree"
  mkdir -p "$work/tree"/{src/{base,store,mesh,cli,main,codec,crypto,node},platform/posix,include/drey,boards/native,test}
  cd "$work/tree" || exit 1
  cat >include/drey/limits.h <<'END'
#pragma once
#include "board.h"
#include <cstddef>
END
  cat >boards/native/board.h <<'END'
#pragma once
#include <cstddef>
inline constexpr const char* kName = "native";
END
  cat >src/base/clean.h <<'END'
// A comment may say new, malloc(), std::string or time().
#pragma once
#include <cstddef>
#include "drey/limits.h"
END
  cat >src/base/clean.cc <<'END'
#include "base/clean.h"
namespace drey {
class Sample {
 public:
  bool free() const { return said_; }
  const char* words() { return "malloc(1) { TO DO"; }
  bool said_ = false;
};
/* std::vector<int> and system("x") in a comment { */
size_t add(size_t a, size_t b) { return a + b; }
}  // namespace drey
END
  cat >src/cli/words.cc <<'END'
#include <string>
#include "node/api.h"
std::string words() { return "allowed here"; }
END
}

run() { # run RULE: its output and status
  case $1 in
    headers) "$house/headers.sh" . "$cxx" ;;
    symbols) "$house/symbols.sh" nm "$2" "$work/planted.a" ;;
    *) "$house/$1.sh" . ;;
  esac
}

# caught RULE EXPECTED [ARG]: the planted tree must be refused, with EXPECTED in the output.
caught() {
  local output status
  checked=$((checked + 1))
  output=$(run "$1" "${3:-}" 2>&1)
  status=$?
  if [ $status = 0 ] || ! grep -qF -- "$2" <<<"$output"; then
    echo "not caught by $1 (status $status, wanted: $2): $output"
    failed=1
  fi
}
clean() { # clean RULE [ARG]
  local output
  checked=$((checked + 1))
  output=$(run "$1" "${2:-}" 2>&1) || { echo "$1 fails on a clean tree: $output"; failed=1; }
}
plant() { # plant FILE TEXT
  fresh
  printf '%s\n' "$2" >>"$1"
}
compile() { # compile CODE: becomes planted.a
  printf '%s\n' "$1" | "$cxx" -std=c++20 -O0 -fno-exceptions -fno-rtti -x c++ -c -o "$work/planted.o" - &&
    rm -f "$work/planted.a" && ar rc "$work/planted.a" "$work/planted.o"
}

fresh
for rule in layers lengths banned headers; do clean $rule; done

plant src/base/bad.h '#include "store/store.h"'; caught layers 'layer break'
plant src/store/bad.h '#include "codec/seal.h"'; caught layers 'layer break'
plant src/mesh/bad.cc '#include "codec/seal.h"'; caught layers 'layer break'
plant src/mesh/bad.cc '#include "backup/walk.h"'; caught layers 'layer break'
plant src/cli/bad.cc '#include "store/store.h"'; caught layers 'layer break'
plant platform/posix/bad.cc '#include "base/text.h"'; caught layers 'layer break'
plant include/drey/bad.h '#include "base/text.h"'; caught layers 'layer break'
plant src/base/bad.cc '#include "board.h"'; caught layers 'boards are reached'
plant src/base/bad.cc '#include "../store/store.h"'; caught layers 'from the top'
plant boards/native/board.h '#include "drey/limits.h"'; caught layers 'a board includes nothing'
plant src/mesh/bad.cc '#include <sqlite3.h>'; caught layers 'only src/store'
plant src/store/bad.cc '#include <mbedtls/sha256.h>'; caught layers 'only crypto'
plant src/crypto/bad.cc '#include <mbedtls/chachapoly.h>'; caught layers 'decrypt'
plant src/base/bad.cc '#include <vector>'; caught layers 'through the ports'
plant src/store/bad.cc '#include <unistd.h>'; caught layers 'through the ports'
fresh; mkdir src/extra; echo '//' >src/extra/bad.cc; caught layers 'not in the layer table'

fresh; seq 500 | sed 's|^|// |' >src/base/long.h; clean lengths
fresh; seq 501 | sed 's|^|// |' >src/base/long.h; caught lengths '501 lines'
body() { # body LINES: a function of so many lines
  echo 'namespace drey {'; echo 'class Thing {'; echo '  int step(int x) const {'
  for ((i = 2; i < $1; ++i)); do echo "    if (x == '{') x += 1'000;  // }"; done
  echo '  }'; echo '};'; echo '}'
}
fresh; body 70 >src/base/function.h; clean lengths
fresh; body 71 >src/base/function.h; caught lengths 'function of 71 lines'
fresh; { echo 'void f(int a,'; echo '       int b)'; echo '{'; seq 70 | sed 's|.*|  g({1, 2});|'; echo '}'; } >test/f.cc
caught lengths 'test/f.cc:1: function of 74 lines'

for line in 'strcpy(a, b);' 'std::sprintf(a, b);' 'system("x");' 'int x = rand();' 'auto t = time(nullptr);' \
  'gettimeofday(&a, 0);' 'std::string s;' 'std::vector<int> v;' 'std::map<int, int> m;' 'std::function<void()> f;' \
  'uv_fs_open(a);' 'throw 1;' 'auto* p = dynamic_cast<T*>(q);' 'char* p = getenv("X");' 'std::stable_sort(a, b);' \
  'void* p = malloc(4);' '::remove(p);' 'std::chrono::seconds s;' 'printf("x");'; do
  plant src/base/bad.cc "$line"; caught banned 'src/base/bad.cc:1:'
done
plant platform/posix/bad.cc 'strcat(a, b);'; caught banned 'without a bound'
plant src/base/bad.cc '// TO''DO: later'; caught banned 'unfinished'
plant test/bad_test.cc 'TEST(A, DISABLED_b) {'; caught banned 'cannot fail'

if [ "$(clang-format --version 2>/dev/null | sed -n 's/.*version \([0-9]*\).*/\1/p')" = 14 ]; then
  fresh; echo 'BasedOnStyle: Google' >.clang-format; caught format 'src/base/clean.h'
  find src include boards -name '*.cc' -o -name '*.h' | xargs clang-format -i; clean format
fi

plant include/drey/needy.h 'inline uint8_t needy();'; caught headers 'drey/needy.h'
plant boards/native/board.h 'static_assert(false);'; caught headers 'does not compile alone'
fresh; sed -i 's/"native"/"other"/' boards/native/board.h; caught headers 'kName is not'

compile 'struct A { virtual ~A() = default; virtual void f(); }; void A::f() {}' && clean symbols src
compile 'int* f() { return new int(1); }' && caught symbols '_Znwm' platform
compile '#include <cstdlib>
void* f() { return malloc(3); }' && caught symbols 'malloc' platform
compile '#include <string>
std::string f(const char* a) { return std::string(a) + "x"; }' && caught symbols '_Znwm' src
compile '#include <ctime>
long f() { return time(nullptr); }' && caught symbols 'time' src
compile '#include <unistd.h>
long f(void* p) { return read(0, p, 1); }' && caught symbols 'read' src
compile '#include <unistd.h>
long f(void* p) { return read(0, p, 1); }' && clean symbols platform

echo "house rules: $checked planted and clean trees checked"
exit $failed
