// The state log: small values that must survive and cannot be derived from the chunk log, such as
// addresses, numbers and habits. Append-only file `drey.state` in DIR, each entry with a CRC;
// rewritten when it exceeds 64 KiB. FORMAT.md has its bytes.
//
// One object per node, in static storage; the whole table is inside the object (about 150 KiB).
// Blocking: store lane, or before the loop runs. After a crash every put() that returned kOk is
// there; a torn tail is cut.
#pragma once

#include <array>
#include <string_view>

#include "base/log.h"
#include "drey/ports.h"

namespace drey {

class StateLog {
 public:
  static constexpr size_t kEntriesMax = 256;
  static constexpr size_t kKeyBytesMax = 63;
  static constexpr size_t kValueBytesMax = 512;
  static constexpr uint64_t kFileBytesMax = 64 * 1024;  // beyond it the file is rewritten

  // kUnsupported: a newer version, untouched. A damaged file keeps what verifies.
  Status open(Disk* disk, Log* log);
  Status close();

  bool is_open() const { return file_ >= 0; }

  // Durable when it returns kOk. kFull: 256 keys are there. kTooLarge: key or value.
  // An equal value is not written again. A put that fails with an error of the device
  // leaves the old value in the table and the log closed for writing until the next open().
  Status put(std::string_view key, Bytes value);
  Status remove(std::string_view key);  // kNotFound
  // kNotFound; kTooLarge (*size = what is needed).
  Status get(std::string_view key, MutBytes to, size_t* size) const;
  // The first key above `after` that starts with `prefix`, in bytewise order. kEnd. The view stays
  // valid until the next put or remove.
  Status next_key(std::string_view prefix, std::string_view after, std::string_view* key) const;
  size_t count() const { return count_; }

 private:
  struct Entry {
    uint8_t key_size = 0;
    uint16_t value_size = 0;
    std::array<char, kKeyBytesMax> key;
    std::array<uint8_t, kValueBytesMax> value;
    std::string_view name() const { return {key.data(), key_size}; }
    Bytes bytes() const { return {value.data(), value_size}; }
  };
  // Entries are sorted through `order_`, so that next_key() is a search.
  size_t lower_bound(std::string_view key) const;
  const Entry* find(std::string_view key) const;
  Status load();
  Status load_entries(uint64_t size, uint64_t* end);
  void apply_put(std::string_view key, Bytes value);
  void apply_remove(std::string_view key);
  Status write(std::string_view key, Bytes value, bool removed);
  Status rewrite();
  Status save(std::string_view name, uint64_t* size);

  Disk* disk_ = nullptr;
  Log* log_ = nullptr;
  Disk::File file_ = -1;
  uint64_t size_ = 0;
  uint64_t rewrite_at_ = kFileBytesMax;
  bool failed_ = false;
  size_t count_ = 0;
  std::array<uint16_t, kEntriesMax> order_{};  // slots in order of their keys, then the free ones
  std::array<Entry, kEntriesMax> entries_{};
};

}  // namespace drey
