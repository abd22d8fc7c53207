#include "node/page/page_list.h"

#include <algorithm>

#include "drey/version.h"
#include "node/page/page_text.h"

namespace drey {

using namespace page_text;

namespace {

constexpr std::string_view kColor = "0b57b0";

// What stands behind the last '/'.
std::string_view last_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

void write_files_begin(TextWriter& out, bool may_write) {
  write_head(out, "Files · Drey", kColor);
  fill(out, fragment("list"));
  fill(out, fragment("list title"), {{"title", "Files"}});
  if (may_write) fill(out, fragment("upload"));
  fill(out, fragment("list begin"));
}

void VersionRows::add(TextWriter& out, const Table& table, std::string_view name, const FileId& id,
                      uint64_t size, uint64_t age_s) {
  if (held_) write_held(out, table, name != std::string_view(name_.data(), name_size_));
  held_ = true;
  id_ = id;
  size_ = size;
  age_s_ = age_s;
  name_size_ = name.copy(name_.data(), name_.size());
}

void VersionRows::finish(TextWriter& out, const Table& table) {
  if (held_) write_held(out, table, true);
  held_ = false;
}

void VersionRows::write_held(TextWriter& out, const Table& table, bool newest) {
  std::string_view name(name_.data(), name_size_);
  if (!in_name_) out.text("<li>");
  if (!newest && !in_older_) fill(out, fragment("older"), {{"name", name}});
  if (!newest) out.text("<li>");
  if (newest && in_older_) fill(out, fragment("older end"));
  in_name_ = in_older_ = !newest;
  Words id, where;
  id.to().hex(id_.raw);
  if (!table.node.empty()) where.to().text(", on ").text(table.node);
  fill(
      out, fragment("version"),
      {{"id", id}, {"name", name}, {"size", Size(size_)}, {"when", Ago(age_s_)}, {"where", where}});
  if (table.node.empty() && table.may_delete)
    fill(out, fragment("delete"), {{"id", id}, {"name", name}});
}

void write_folder_begin(TextWriter& out, const ListedFolder& folder) {
  // Of a long path its end.
  constexpr size_t kShown = 300;
  size_t cut = folder.path.size() - std::min(folder.path.size(), kShown);
  bool whole = folder.path.empty();
  Words title, id;
  title.to().text(cut > 0 ? "…" : "/").text(folder.path.substr(cut));
  id.to().hex(folder.snapshot.first(6));
  // The address of a folder without the '/' at its end is the tar of it.
  std::array<char, 3 * limits::kFileNameBytesMax + 3> room;
  TextWriter tar{std::span<char>(room)};
  if (whole) {
    tar.text("/api/v1/snapshots/").hex(folder.snapshot).text("/files/");
  } else {
    tar.text("../").percent(last_of(folder.path));
  }
  write_head(out, "Snapshot · Drey", kColor);
  fill(out, fragment("list"));
  if (!whole) fill(out, fragment("list up"));
  fill(out, fragment("list title"), {{"title", title}});
  fill(out, fragment("folder"),
       {{"id", id}, {"node", folder.node}, {"when", Ago(folder.age_s)}, {"tar", tar.view()}});
  fill(out, fragment("list begin"));
}

void write_folder_row(TextWriter& out, std::string_view path, const Entry& entry, uint64_t age_s) {
  std::string_view name = last_of(path);
  bool folder = entry.kind == FileKind::kDir;
  if (!folder && entry.kind != FileKind::kFile) {
    std::string_view words =
        entry.kind == FileKind::kSymlink ? "a link" : "neither file nor folder";
    return fill(out, fragment("odd entry"), {{"name", name}, {"words", words}});
  }
  // A name of 255 bytes, three characters for each.
  std::array<char, 3 * limits::kFileNameBytesMax> room;
  TextWriter href{std::span<char>(room)};
  href.percent(name);
  Words words;
  if (!folder) words.to().human_bytes(entry.size).text(", ").text(Ago(age_s));
  fill(out, fragment("folder entry"),
       {{"href", href.view()}, {"slash", folder ? "/" : ""}, {"name", name}, {"words", words}});
}

void write_list_end(TextWriter& out, bool lost, bool empty) {
  if (lost) fill(out, fragment("list lost"));
  if (empty && !lost) fill(out, fragment("list empty"));
  fill(out, fragment("list end"));
  write_end(out, kVersion, board_name());
}

}  // namespace drey
