// Writes a restore stream beneath a target directory, with the caller's rights, and nowhere else.
//
// A file is written under a temporary name and renamed when it is whole, so that no half file ever
// stands under a final name. Directories get their modes and times last, deepest first.
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "cli/beneath.h"
#include "cli/format.h"
#include "cli/stream_reader.h"

namespace drey::cli {

struct RestoreOptions {
  bool overwrite = false;
  bool skip_bad = false;
};

struct RestoreCounts {
  uint64_t files = 0, bytes = 0, errors = 0, missing = 0;
};

class RestoreWriter : public FrameVisitor {
 public:
  RestoreWriter(const Context& context, const RestoreOptions& options);
  ~RestoreWriter() override;
  // False: the reason was told.
  bool open(const std::string& target);
  Beneath& beneath() { return beneath_; }

  bool on_entry(const EntryFrame& frame) override;
  bool on_data(const DataFrame& frame) override;
  bool on_range(FrameType type, const RangeFrame& frame) override;
  bool on_lost(Status status) override;
  // At the end: the last file (only when the stream was whole: of a stream that broke off nobody
  // knows whether the open file is complete), the directories' metadata, one syncfs.
  bool finish(bool whole = true);

  const RestoreCounts& counts() const { return counts_; }
  bool gave_up() const { return gave_up_; }  // stopped by an error that would hit every file

 private:
  struct Meta {  // what is set after the contents
    FileKind kind = FileKind::kOther;
    uint16_t mode = 0;
    uint32_t uid = 0, gid = 0;
    int64_t mtime_ns = 0;
    std::vector<uint8_t> xattrs;
  };
  struct OpenFile {
    int fd = -1;
    std::string path, temporary;
    uint64_t size = 0;
    Meta meta;
    bool bad = false;
    bool hardlink = false;
    std::array<uint8_t, 16> link_id{};
  };

  bool make_directory(const EntryFrame& frame);
  bool begin_file(const EntryFrame& frame);
  bool make_special(const EntryFrame& frame);
  bool link_to_earlier(const EntryFrame& frame, int parent);
  bool finish_file();
  void drop_file();
  bool place(int parent, const std::string& temporary, const std::string& name);
  bool clear_way(int parent, const std::string& name, const std::string& path,
                 bool directory_wanted);
  void apply_fd(int fd, const Meta& meta, const std::string& path);
  void apply_at(int parent, const std::string& name, const Meta& meta, const std::string& path);
  void set_xattrs(int fd, const std::string& proc_path, const Meta& meta, const std::string& path);
  static Meta meta_of(const Entry& entry);
  // Counts and tells an error of one path; true = go on with the rest.
  bool problem(const std::string& path, const char* what, int error);
  bool in_the_way(const std::string& path);  // the same, of what --overwrite would replace
  uint16_t safe_mode(const Meta& meta, bool owner_set) const;

  const Context& context_;
  RestoreOptions options_;
  Beneath beneath_;
  ProgressLine progress_;
  RestoreCounts counts_;
  OpenFile file_;
  bool gave_up_ = false;
  bool owner_warned_ = false, xattr_warned_ = false;
  bool is_root_ = false;
  uint64_t temporary_number_ = 0;
  uint64_t in_the_way_ = 0;
  std::vector<std::pair<std::string, Meta>> directories_;
  std::map<std::array<uint8_t, 16>, std::string> links_;
};

}  // namespace drey::cli
