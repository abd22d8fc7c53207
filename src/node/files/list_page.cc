// DownloadSource: a list as a page.
#include <algorithm>

#include "node/files/download_source.h"
#include "node/node.h"
#include "node/peer_words.h"

namespace drey {

// A window of a connection holds an end of the page with the largest row beside it.
static_assert(kListEndsBytesMax + kListRowBytesMax < kResponseBytes);

uint64_t DownloadSource::age_s(int64_t time_ns) const {
  int64_t age_ns = node_->ports().clock->wall_ns() - std::max<int64_t>(time_ns, 0);
  return static_cast<uint64_t>(std::max<int64_t>(age_ns, 0)) / 1'000'000'000;
}

VersionRows::Table DownloadSource::table_of_rows() const {
  bool own = info_.node == node_->mesh().self();
  std::string_view node = member_name(node_->mesh().membership(), info_.node);
  return {own ? std::string_view() : node, may_write_};
}

void DownloadSource::begin_page(TextWriter& out) {
  page_begun_ = true;
  versions_.begin();
  if (what_ == What::kList) return write_files_begin(out, may_write_);
  std::string_view node = member_name(node_->mesh().membership(), info_.node);
  write_folder_begin(out, {info_.id.bytes(), node, path_, age_s(info_.time_ns)});
}

void DownloadSource::page_row(const EntryFrame& frame, TextWriter& out) {
  std::string_view name;
  FileId id;
  if (what_ == What::kPath) {
    write_folder_row(out, frame.path, frame.entry, age_s(frame.entry.mtime_ns));
  } else if (frame.entry.kind != FileKind::kFile || !ok(split_file_path(frame.path, &name, &id))) {
    return;
  } else {
    versions_.add(out, table_of_rows(), name, id, frame.entry.size, age_s(frame.entry.mtime_ns));
  }
  first_row_ = false;
}

}  // namespace drey
