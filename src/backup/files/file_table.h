// The words of single files: a device's table of them is its newest snapshot of the set "files",
// with a row NAME/FILE_ID for each version of each name (FORMAT.md "The table of single files").
// Plain data and pure functions.
#pragma once

#include <string_view>

#include "base/text.h"
#include "drey/ids.h"
#include "drey/limits.h"
#include "drey/status.h"

namespace drey {

// No backup may have this name.
inline constexpr std::string_view kFilesSet = "files";

// Names one version of a file for good. The first half is big-endian and rises from version to
// version of a name, so that the newest is the last in its directory; the second half is random.
struct FileId {
  static constexpr size_t kSize = 16;
  static constexpr size_t kHexSize = 2 * kSize;
  std::array<uint8_t, kSize> raw{};
  bool operator==(const FileId&) const = default;
};

inline constexpr size_t kFileNameMax = limits::kFileNameBytesMax;
inline constexpr size_t kFilePathMax = kFileNameMax + 1 + FileId::kHexSize;

// kInvalid: not 32 hex digits.
inline Status parse_file_id(std::string_view hex, FileId* to) { return hex_decode(hex, to->raw); }

// What a file may be called: any bytes that a directory entry may have.
inline bool is_file_name(std::string_view name) {
  return !name.empty() && name.size() <= kFileNameMax && name != "." && name != ".." &&
         name.find('/') == std::string_view::npos && name.find('\0') == std::string_view::npos;
}

// NAME and FILE_ID of a path in the table. kInvalid: it is none of a version.
inline Status split_file_path(std::string_view path, std::string_view* name, FileId* id) {
  size_t slash = path.find('/');
  if (slash == std::string_view::npos) return Status::kInvalid;
  *name = path.substr(0, slash);
  return parse_file_id(path.substr(slash + 1), id);
}

// A new version of a name, or (the name is empty) one that goes. Views live during the call only.
struct FileChange {
  std::string_view name;
  uint64_t size = 0;  // all of its bytes
  FileId removed;
};

struct FileResult {
  Status status = Status::kOk;  // kNotFound: no such version in this device's table
  FileId id;                    // of the version that is there now, or is gone
  bool same = false;            // the newest version had these bytes already: it is that one
  uint64_t old_tables = 0;      // heads of this device that the newest table has made superfluous
};

}  // namespace drey
