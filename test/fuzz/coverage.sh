#!/usr/bin/env bash
# Line coverage of every decoder by its fuzzers: corpus and mutations, no unit test.
#   test/fuzz/coverage.sh [RUNS [BUILD_DIR]]     RUNS per fuzzer, default 20,000
# gcc --coverage and gcov; prints "decoder lines covered"; "<" marks those below 95 %.
# wire/frame has four lines behind its last switches that nothing can reach.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
runs=${1:-20000} dir=${2:-build/coverage}
least=95

# FILE, or FILE=FUNCTIONS that are no decoders there: encoders, what needs a daemon, key derivation.
decoders=(
  base/{address,config_table,config_value,glob}
  'base/config=number|flag|address|is_set'
  'base/text_parse=hex_encode'
  wire/messages_mesh
  wire/messages_records
  'wire/frame=encode_frame_header'
  'wire/knock=pairing_psk|knock_tag|encode_'
  'wire/message_rules=message_name'
  mesh/discovery/beacon
  'mesh/heads/head=encode_head|HeadTable|add_to_digest|head_hash'
  'mesh/members/statement=build_statement'
  'mesh/members/statement_body=build_|put_|sign_card|check_body|Body::'
  'mesh/members/membership=Membership::(find|is_active|tips|missing_parents|next_epoch_id|verify|add)\('
  'mesh/members/membership_state=recovery_statement'
  store/log_format store/marker store/state_log
  'store/segment_reader=attach'
  backup/{entry,page,page_cursor,head_body,stream_format}
  crypto/record
  codec/{aead,head,hpke}
  'codec/compress=Compressor::compress|looks_compressible|CompressorSet'
  'codec/compress_zlib=Compressor::compress_'
  'codec/compress_zstd=Compressor::compress_|fitting_parameters|set_parameters'
  'codec/keyring=Keyring::(k_|merge|derive)'
  'codec/phrase=_generate|phrase_keys|derive_labeled'
  'codec/seal=drey::seal\(|store_body|seal_nonce|chunk_id'
  http/{parser,json}
  node/key_file
  'cli/stream_reader=read_stream'
)
mkdir -p "$dir"
if [ ! -f "$dir/build.ninja" ]; then
  cmake -G Ninja -B "$dir" -S . -DBOARD=sim -DCMAKE_BUILD_TYPE=Debug \
    -DCMAKE_C_FLAGS='--coverage -O1' -DCMAKE_CXX_FLAGS='--coverage -O1' >"$dir/configure.log" 2>&1 ||
    { cat "$dir/configure.log"; exit 1; }
fi
cmake --build "$dir" --target fuzzers >"$dir/build.log" 2>&1 ||
  { grep -E 'error|FAILED' "$dir/build.log" | head; exit 1; }
find "$dir" -name '*.gcda' -delete
for program in "$dir"/test/*_fuzz; do
  name=$(basename "$program" _fuzz)
  "$program" --runs "$runs" "test/fuzz/corpus/$name" >/dev/null || echo "FAILED: $program"
done

# Lines of one source that count, and how many of them ran: its own, outside the excepted functions.
measure() { # measure DATA SOURCE EXCEPT
  gcov --json-format -t "$1" 2>/dev/null | python3 -c '
import json, re, sys
source, but = sys.argv[1], sys.argv[2]
lines = {}
for file in json.load(sys.stdin)["files"]:
    if not file["file"].endswith(source):
        continue
    left_out = [f for f in file["functions"] if but and re.search(but, f["demangled_name"])]
    for line in file["lines"]:
        number = line["line_number"]
        if not any(f["start_line"] <= number <= f["end_line"] for f in left_out):
            lines[number] = max(lines.get(number, 0), line["count"])
hit = sum(1 for count in lines.values() if count)
print(len(lines), "%.1f" % (100 * hit / len(lines) if lines else 0))
' "src/$2.cc" "$3"
}

printf '%-28s %7s %9s\n' decoder lines covered
for row in "${decoders[@]}"; do
  decoder=${row%%=*} except=
  [ "$decoder" = "$row" ] || except=${row#*=}
  data=$(find "$dir" -path "*src/$decoder.cc.gcda" | head -1)
  lines=0 percent=0
  [ -z "$data" ] || read -r lines percent < <(measure "$data" "$decoder" "$except")
  mark=
  if [ "${percent%.*}" -lt "$least" ]; then mark=' <'; fi
  printf '%-28s %7s %8s%%%s\n' "$decoder" "$lines" "$percent" "$mark"
done
