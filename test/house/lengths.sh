#!/usr/bin/env bash
# Fails on files above 500 lines and functions above 70.   Usage: lengths.sh ROOT
set -uo pipefail
cd "${1:?usage: lengths.sh ROOT}" || exit 2

find src platform include boards test -type f \( -name '*.cc' -o -name '*.h' \) 2>/dev/null | sort |
  xargs -r awk -v file_max=500 -v function_max=70 '
  # A small scanner: comments, strings and preprocessor lines are dropped; a brace opens a function
  # when the text since the last statement holds a parenthesis and names no container.
  function finish() {
    if (lines > file_max) {
      printf "%s: %d lines (at most %d)\n", name, lines, file_max
      broken = 1
    }
  }
  function open_brace() {
    ++depth
    kind[depth] = "other"
    if (function_depth == 0) {
      if (head ~ /(^|[^a-z_])(namespace|extern)[^a-z_(]*/ && head !~ /\(/) kind[depth] = "container"
      else if (head ~ /(^|[ \t>])(class|struct|union|enum)[ \t]/ && head !~ /\)[ \t]*(const|noexcept|override|final|[ \t])*$/)
        kind[depth] = "container"
      else if (head ~ /\(/ && head !~ /=[ \t]*$/) {
        function_depth = depth
        function_begin = head_line
      }
    }
    head = ""
  }
  function close_brace(   size) {
    if (depth == function_depth && depth > 0) {
      size = FNR - function_begin + 1
      if (size > function_max) {
        printf "%s:%d: function of %d lines (at most %d)\n", FILENAME, function_begin, size, function_max
        broken = 1
      }
      function_depth = 0
    }
    if (depth > 0) --depth
    head = ""
  }
  function strip(line,   i, c, out, two) {
    out = ""
    for (i = 1; i <= length(line); ++i) {
      c = substr(line, i, 1)
      two = substr(line, i, 2)
      if (raw_end != "") {
        if (substr(line, i, length(raw_end)) == raw_end) {
          i += length(raw_end) - 1
          raw_end = ""
        }
        continue
      }
      if (in_comment) {
        if (two == "*/") { in_comment = 0; ++i }
        continue
      }
      if (two == "//") break
      if (two == "/*") { in_comment = 1; ++i; continue }
      if (two == "R\"") {
        raw_end = substr(line, i + 2)
        sub(/\(.*/, "", raw_end)
        i += 2 + length(raw_end)
        raw_end = ")" raw_end "\""
        out = out "S"
        continue
      }
      if (c == "\"" || (c == "\x27" && substr(line, i - 1, 1) !~ /[0-9A-Fa-f]/)) {
        for (++i; i <= length(line) && substr(line, i, 1) != c; ++i)
          if (substr(line, i, 1) == "\\") ++i
        out = out "S"
        continue
      }
      out = out c
    }
    return out
  }
  FNR == 1 {
    if (name != "") finish()
    name = FILENAME
    depth = function_depth = in_comment = in_macro = 0
    head = raw_end = ""
  }
  { lines = FNR }
  raw_end == "" && !in_comment && (in_macro || /^[ \t]*#/) {
    in_macro = /\\$/
    next
  }
  {
    line = strip($0)
    for (i = 1; i <= length(line); ++i) {
      c = substr(line, i, 1)
      if (c == "{") open_brace()
      else if (c == "}") close_brace()
      else if (c == ";" && head !~ /\([^)]*$/) head = ""
      else {
        if (head == "" && c ~ /[ \t]/) continue
        if (head == "") head_line = FNR
        head = head c
      }
    }
    if (head != "") head = head " "
  }
  END {
    if (name != "") finish()
    exit broken
  }
'
