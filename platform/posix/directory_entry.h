// The records that getdents64(2) fills a buffer with. Stateless; the kernel's bytes are trusted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace drey {

struct DirectoryEntry {
  size_t record_bytes = 0;
  bool is_dot = false;  // "." or ".."
  std::string_view name;
};

// struct linux_dirent64: inode 8, offset 8, record length 2, type 1, name with its NUL.
inline DirectoryEntry read_entry(const char* entries, size_t at) {
  DirectoryEntry entry;
  uint16_t record_bytes;
  std::memcpy(&record_bytes, entries + at + 16, sizeof record_bytes);
  entry.record_bytes = record_bytes;
  entry.name = std::string_view(entries + at + 19);
  entry.is_dot = entry.name == "." || entry.name == "..";
  return entry;
}

}  // namespace drey
