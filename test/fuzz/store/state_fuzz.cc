// drey.state, whatever it holds: what verifies is kept, the rest is left out, and what was read
// once is read the same after the file was made anew. First byte: bit 0 = make the checksums right.
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "crypto/crc32c.h"
#include "drey/check.h"
#include "sim/sim_disk.h"
#include "store/state_log.h"

namespace {

using namespace drey;
using Table = std::map<std::string, std::string>;

void mend(std::vector<uint8_t>* file) {
  if (file->size() < 16) return;
  store_le<uint32_t>(&(*file)[12], crc32c(0, Bytes(*file).first(12)));
  for (size_t at = 16; at + 8 <= file->size();) {
    size_t bytes = 8 + (*file)[at + 4] + load_le<uint16_t>(&(*file)[at + 6]);
    if (bytes > file->size() - at) return;
    store_le<uint32_t>(&(*file)[at], crc32c(0, Bytes(*file).subspan(at + 4, bytes - 4)));
    at += bytes;
  }
}

Table table_of(const StateLog& log) {
  Table table;
  std::string after;
  std::string_view key;
  std::array<uint8_t, StateLog::kValueBytesMax> value;
  while (ok(log.next_key("", after, &key))) {
    DREY_CHECK(!key.empty() && key.size() <= StateLog::kKeyBytesMax);
    DREY_CHECK(key > after);
    size_t size = 0;
    DREY_CHECK(ok(log.get(key, value, &size)));
    after = key;
    table[after] = std::string(as_text(Bytes(value).first(size)));
  }
  DREY_CHECK(table.size() == log.count() && table.size() <= StateLog::kEntriesMax);
  return table;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  static std::unique_ptr<StateLog> log = std::make_unique<StateLog>();
  SimDisk disk;
  std::vector<uint8_t> file(data + 1, data + size);
  if ((data[0] & 1) != 0) mend(&file);
  disk.put("drey.state", file);
  Status opened = log->open(&disk, nullptr);
  DREY_CHECK(ok(opened) || opened == Status::kUnsupported);
  if (!ok(opened)) {
    DREY_CHECK(*disk.peek("drey.state") == file);  // untouched
    return 0;
  }
  Table table = table_of(*log);
  Status put = log->put("fuzz", as_bytes("value"));
  DREY_CHECK(ok(put) || (put == Status::kFull && table.size() == StateLog::kEntriesMax));
  if (ok(put)) table["fuzz"] = "value";
  DREY_CHECK(ok(log->close()));
  DREY_CHECK(ok(log->open(&disk, nullptr)));
  DREY_CHECK(table_of(*log) == table);
  DREY_CHECK(ok(log->close()));
  return 0;
}
