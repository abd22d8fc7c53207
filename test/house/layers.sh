#!/usr/bin/env bash
# Fails when a file includes what does not stand below it (the layer table of the design), or a
# system header that its folder does not own.   Usage: layers.sh ROOT
set -uo pipefail
cd "${1:?usage: layers.sh ROOT}" || exit 2

find src platform include boards -type f \( -name '*.cc' -o -name '*.h' \) 2>/dev/null | sort |
  xargs -r awk '
  BEGIN {
    # folder -> what its quoted includes may begin with
    may["src/base"] = "base drey"
    may["src/crypto"] = "crypto base drey"
    may["src/codec"] = "codec crypto base drey"
    may["src/store"] = "store crypto base drey"
    may["src/wire"] = "wire crypto base drey"
    may["src/http"] = "http base drey"
    may["src/mesh"] = "mesh store wire crypto base drey"
    may["src/backup"] = "backup mesh codec store wire crypto base drey"
    may["src/node"] = "node backup mesh codec store wire http crypto base drey"
    may["src/cli"] = "cli node http base drey"
    may["src/main"] = "*"
    may["platform/posix"] = "posix drey"
    may["platform/sim"] = "sim drey"
    may["platform/heap"] = "heap drey"
    may["platform/kernels"] = "kernels drey"
    may["platform/link"] = "link"
    may["include/drey"] = "drey board.h"
    # Single headers below node that the command line shares with the daemon: the words of the phrase
    # (it never enters the daemon) and the frames of the restore stream.
    also["src/cli"] = "codec/phrase.h backup/stream_format.h"

    # system header -> the folders that alone touch it
    owner["sqlite3.h"] = "src/store"
    owner["zlib.h"] = "src/codec"
    owner["zstd.h"] = "src/codec"
    owner["zstd_errors.h"] = "src/codec"
    owner["llhttp.h"] = "src/http"
    owner["jsmn.h"] = "src/http"
    owner["uv.h"] = "platform/posix src/main"

    # What src (but cli and main) may use of the standard library: nothing here allocates.
    n = split("array span string_view cstdint cstddef cstring cstdio cstdarg cstdlib algorithm bit " \
              "compare utility type_traits limits optional atomic new iterator concepts tuple " \
              "initializer_list cinttypes numeric functional", names, " ")
    for (i = 1; i <= n; ++i) standard[names[i]] = 1
    delete standard["functional"]
  }
  function report(why) {
    printf "%s:%d: %s: %s\n", FILENAME, FNR, why, $0
    broken = 1
  }
  function holds(list, word) { return list == "*" || index(" " list " ", " " word " ") > 0 }
  FNR == 1 {
    split(FILENAME, part, "/")
    folder = part[1] "/" part[2]
    if (part[1] != "boards" && !(folder in may)) report("folder is not in the layer table")
    portable = part[1] == "src" && part[2] != "cli" && part[2] != "main"
  }
  /^[ \t]*#[ \t]*include[ \t]*"/ {
    split($0, quote, "\"")
    target = quote[2]
    top = target
    sub(/\/.*/, "", top)
    if (part[1] == "boards") report("a board includes nothing of the project")
    else if (target ~ /\.\./) report("includes are written from the top folder")
    else if (target !~ /\// && target != "board.h") report("includes name their folder")
    else if (target == "board.h" && FILENAME !~ /^include\/drey\/(limits|version)\.h$/ && folder != "src/main")
      report("boards are reached through drey/limits.h")
    else if (!holds(may[folder], top) && !holds(also[folder], target)) report("layer break")
  }
  /^[ \t]*#[ \t]*include[ \t]*</ {
    header = $0
    sub(/^[^<]*</, "", header)
    sub(/>.*/, "", header)
    if (header in owner) {
      if (!holds(owner[header], folder)) report("only " owner[header] " may include this")
    } else if (header ~ /^mbedtls\/(chachapoly|chacha20|poly1305|gcm|ccm|cipher|aes)\.h$/) {
      if (folder != "src/codec") report("only src/codec may decrypt")
    } else if (header ~ /^mbedtls\/(ssl|x509|net|debug)/) {
      if (folder != "src/wire") report("only src/wire speaks TLS")
    } else if (header ~ /^(mbedtls|psa)\//) {
      if (folder !~ /^src\/(crypto|codec|wire)$/) report("only crypto, codec and wire use mbedTLS")
    } else if (part[1] == "boards") {
      if (header != "cstddef" && header != "cstdint") report("a board holds numbers only")
    } else if (portable || part[1] == "include") {
      if (!(header in standard)) report("src reaches the world through the ports only")
    }
  }
  END { exit broken }
'
status=$?
[ $status = 0 ] || echo "layers: broken (see the table in the design, section 3)"
exit $status
