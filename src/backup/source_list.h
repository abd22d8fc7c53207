// The sources and excludes of one backup, copied, checked and brought into order. Loop thread;
// read-only while a backup runs.
#pragma once

#include <span>

#include "backup/entry.h"
#include "backup/types.h"

namespace drey {

class SourceList {
 public:
  // kInvalid: no path, one that is not absolute or has "." or "..", a malformed pattern or set
  // name, or the name of the single files' set; kTooLarge: a limit of BackupRequest.
  Status copy(const BackupRequest& request);
  // Without the leading '/', sorted, none beneath another.
  std::span<const std::string_view> roots() const { return {paths_.data(), path_count_}; }
  std::span<const std::string_view> excludes() const { return {excludes_.data(), exclude_count_}; }
  // Set and paths, as a head tells them.
  void describe(SnapshotInfo* info) const;

 private:
  Status add_path(std::string_view path);
  Status add_text(std::string_view text, std::string_view* to);

  size_t text_size_ = 0;
  size_t path_count_ = 0;
  size_t exclude_count_ = 0;
  uint8_t set_size_ = 0;
  std::array<char, limits::kNameBytesMax> set_;
  std::array<char, BackupRequest::kTextBytesMax> text_;
  std::array<std::string_view, limits::kSourcesMax> paths_;
  std::array<std::string_view, limits::kExcludesMax> excludes_;
};

}  // namespace drey
