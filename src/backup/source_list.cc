#include "backup/source_list.h"

#include <algorithm>

#include "backup/files/file_table.h"

namespace drey {

Status SourceList::copy(const BackupRequest& request) {
  text_size_ = path_count_ = exclude_count_ = 0;
  if (request.paths.size() > paths_.size() || request.excludes.size() > excludes_.size())
    return Status::kTooLarge;
  if (request.paths.empty() || !is_name(request.set) || request.set == kFilesSet)
    return Status::kInvalid;
  std::copy(request.set.begin(), request.set.end(), set_.begin());
  set_size_ = static_cast<uint8_t>(request.set.size());
  for (std::string_view path : request.paths) DREY_TRY(add_path(path));
  for (std::string_view pattern : request.excludes) {
    if (!is_pattern(pattern)) return Status::kInvalid;
    DREY_TRY(add_text(pattern, &excludes_[exclude_count_]));
    ++exclude_count_;
  }
  auto paths = paths_.begin();
  auto end = paths + static_cast<std::ptrdiff_t>(path_count_);
  std::sort(paths, end, [](auto a, auto b) { return compare_paths(a, b) < 0; });
  // In this order what lies beneath a path follows it.
  end = std::unique(paths, end, [](auto above, auto path) { return is_beneath(path, above); });
  path_count_ = static_cast<size_t>(end - paths);
  return Status::kOk;
}

// Empty components are dropped ("/a//b/" is "/a/b").
Status SourceList::add_path(std::string_view path) {
  if (!path.starts_with('/')) return Status::kInvalid;
  std::array<char, kEntryPathMax> clean;
  size_t size = 0;
  while (!path.empty()) {
    size_t end = std::min(path.find('/'), path.size());
    std::string_view part = path.substr(0, end);
    path.remove_prefix(std::min(end + 1, path.size()));
    if (part.empty()) continue;
    if (size + part.size() + 1 > clean.size()) return Status::kTooLarge;
    if (size > 0) clean[size++] = '/';
    std::copy(part.begin(), part.end(), clean.begin() + static_cast<std::ptrdiff_t>(size));
    size += part.size();
  }
  std::string_view whole(clean.data(), size);
  if (size > 0 && !is_entry_path(whole)) return Status::kInvalid;
  DREY_TRY(add_text(whole, &paths_[path_count_]));
  ++path_count_;
  return Status::kOk;
}

Status SourceList::add_text(std::string_view text, std::string_view* to) {
  if (text_.size() - text_size_ < text.size()) return Status::kTooLarge;
  std::copy(text.begin(), text.end(), text_.begin() + static_cast<std::ptrdiff_t>(text_size_));
  *to = {text_.data() + text_size_, text.size()};
  text_size_ += text.size();
  return Status::kOk;
}

void SourceList::describe(SnapshotInfo* info) const {
  info->set_size = set_size_;
  std::copy_n(set_.begin(), set_size_, info->set_data.begin());
  size_t at = 0;
  info->paths_cut = false;
  for (std::string_view path : roots()) {
    if (info->paths_data.size() - at < path.size() + 2) {
      info->paths_cut = true;
      continue;
    }
    info->paths_data[at++] = '/';
    std::copy(path.begin(), path.end(), info->paths_data.begin() + static_cast<std::ptrdiff_t>(at));
    at += path.size();
    info->paths_data[at++] = '\0';
  }
  info->paths_size = static_cast<uint16_t>(at);
}

}  // namespace drey
