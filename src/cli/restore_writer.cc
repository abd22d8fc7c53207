#include "cli/restore_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace drey::cli {
namespace {

constexpr uint64_t kNamedMax = 10;  // files in the way that are named one by one

}  // namespace

RestoreWriter::RestoreWriter(const Context& context, const RestoreOptions& options)
    : context_(context), options_(options), progress_(context), is_root_(geteuid() == 0) {}

RestoreWriter::~RestoreWriter() { drop_file(); }

bool RestoreWriter::open(const std::string& target) {
  if (beneath_.open_root(target)) return true;
  complain("cannot open the target %s: %s", target.c_str(), std::strerror(errno));
  return false;
}

bool RestoreWriter::problem(const std::string& path, const char* what, int error) {
  ++counts_.errors;
  if (gave_up_) return false;  // a full or read-only target fails everywhere: once is enough
  progress_.clear();
  complain("/%s: %s%s%s", printable(path).c_str(), what, error != 0 ? ": " : "",
           error != 0 ? std::strerror(error) : "");
  if (error == ENOSPC || error == EROFS || error == EDQUOT || error == EIO) {
    complain(
        "stopped here; what is restored so far is whole, run the same command again with "
        "--overwrite");
    gave_up_ = true;
    return false;
  }
  return true;
}

// A second restore meets every file of the first one: a few are named, the rest counted.
bool RestoreWriter::in_the_way(const std::string& path) {
  if (++in_the_way_ <= kNamedMax)
    return problem(path, "exists already; --overwrite replaces it", 0);
  ++counts_.errors;
  return true;
}

RestoreWriter::Meta RestoreWriter::meta_of(const Entry& entry) {
  Meta meta;
  meta.kind = entry.kind;
  meta.mode = entry.mode;
  meta.uid = entry.uid;
  meta.gid = entry.gid;
  meta.mtime_ns = entry.mtime_ns;
  meta.xattrs.assign(entry.xattrs.begin(), entry.xattrs.end());
  return meta;
}

bool RestoreWriter::on_entry(const EntryFrame& frame) {
  if (!finish_file()) return false;
  switch (frame.entry.kind) {
    case FileKind::kDir:
      return make_directory(frame);
    case FileKind::kFile:
      return begin_file(frame);
    default:
      return make_special(frame);
  }
}

// Makes sure that nothing (or, for a directory, at most a directory) stands at parent/name.
// False: something stands there and must stay (told and counted).
bool RestoreWriter::clear_way(int parent, const std::string& name, const std::string& path,
                              bool directory_wanted) {
  struct stat st {};
  if (fstatat(parent, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) return true;
  if (directory_wanted && S_ISDIR(st.st_mode)) return true;
  if (!options_.overwrite) {
    in_the_way(path);
    return false;
  }
  if (S_ISDIR(st.st_mode)) {
    if (unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0) return true;
    problem(path, "a directory is in the way", errno);
    return false;
  }
  // A file is replaced by rename(), at the end; anything that must be made in place goes first.
  if (directory_wanted && unlinkat(parent, name.c_str(), 0) != 0) {
    problem(path, "cannot replace it", errno);
    return false;
  }
  return true;
}

bool RestoreWriter::make_directory(const EntryFrame& frame) {
  std::string path(frame.path), name(name_of(frame.path));
  int parent = beneath_.directory(parent_of(frame.path), true);
  if (parent < 0) return problem(path, "cannot reach its directory", errno);
  if (!clear_way(parent, name, path, true)) return !gave_up_;
  if (mkdirat(parent, name.c_str(), 0700) != 0 && errno != EEXIST)
    return problem(path, "cannot make it", errno);
  directories_.emplace_back(path, meta_of(frame.entry));
  return true;
}

bool RestoreWriter::link_to_earlier(const EntryFrame& frame, int parent) {
  auto found = links_.find(frame.entry.link_id);
  if (found == links_.end()) return false;
  // The parent descriptor belongs to beneath_: keep a copy while another one is opened.
  int to = fcntl(parent, F_DUPFD_CLOEXEC, 0);
  int from = beneath_.directory(parent_of(found->second), false);
  std::string old_name(name_of(found->second)), name(name_of(frame.path));
  bool done = false;
  if (from >= 0 && to >= 0) {
    if (options_.overwrite) unlinkat(to, name.c_str(), 0);
    done = linkat(from, old_name.c_str(), to, name.c_str(), 0) == 0;
  }
  if (to >= 0) close(to);
  return done;
}

bool RestoreWriter::begin_file(const EntryFrame& frame) {
  std::string path(frame.path), name(name_of(frame.path));
  int parent = beneath_.directory(parent_of(frame.path), true);
  if (parent < 0) return problem(path, "cannot reach its directory", errno);
  if (!clear_way(parent, name, path, false)) return !gave_up_;
  if (frame.entry.hardlink && link_to_earlier(frame, parent)) {
    ++counts_.files;
    return true;
  }
  parent = beneath_.directory(parent_of(frame.path), true);
  if (parent < 0) return problem(path, "cannot reach its directory", errno);
  file_ = OpenFile{};
  file_.path = path;
  file_.size = frame.entry.size;
  file_.meta = meta_of(frame.entry);
  file_.hardlink = frame.entry.hardlink;
  file_.link_id = frame.entry.link_id;
  for (int tries = 0; tries < 100 && file_.fd < 0; ++tries) {
    file_.temporary =
        ".drey-" + std::to_string(getpid()) + "-" + std::to_string(temporary_number_++);
    file_.fd = openat(parent, file_.temporary.c_str(),
                      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file_.fd < 0 && errno != EEXIST) break;
  }
  if (file_.fd < 0) return problem(path, "cannot create it", errno);
  return true;
}

bool RestoreWriter::on_data(const DataFrame& frame) {
  counts_.bytes += file_.fd >= 0 ? frame.bytes.size() : 0;
  progress_.update(std::to_string(counts_.files) + " files", counts_.bytes, 0);
  if (file_.fd < 0 || file_.bad) return true;
  Bytes left = frame.bytes;
  uint64_t at = frame.offset;
  while (!left.empty()) {
    ssize_t n = pwrite(file_.fd, left.data(), left.size(), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      int error = n < 0 ? errno : EIO;
      file_.bad = true;
      return problem(file_.path, "cannot write it", error);
    }
    left = left.subspan(static_cast<size_t>(n));
    at += static_cast<uint64_t>(n);
  }
  return true;
}

bool RestoreWriter::on_range(FrameType type, const RangeFrame& frame) {
  if (type != FrameType::kMissing) return true;  // holes come from ftruncate at the end
  ++counts_.missing;
  progress_.clear();
  complain("/%s: %llu bytes at %llu are on no reachable device", printable(file_.path).c_str(),
           static_cast<unsigned long long>(frame.length),
           static_cast<unsigned long long>(frame.offset));
  if (file_.fd >= 0) file_.bad = true;
  if (options_.skip_bad) return true;
  complain("stopped; start more devices, or restore the rest with --skip-bad");
  return false;
}

bool RestoreWriter::on_lost(Status) {
  ++counts_.missing;
  progress_.clear();
  complain("a part of the file list is on no reachable device: entries after %s may be absent",
           directories_.empty() ? "the start" : printable(directories_.back().first).c_str());
  return options_.skip_bad;
}

bool RestoreWriter::place(int parent, const std::string& temporary, const std::string& name) {
  if (options_.overwrite) return renameat(parent, temporary.c_str(), parent, name.c_str()) == 0;
  if (renameat2(parent, temporary.c_str(), parent, name.c_str(), RENAME_NOREPLACE) == 0)
    return true;
  if (errno != EINVAL && errno != ENOSYS) return false;
  // File systems without RENAME_NOREPLACE: link() never replaces.
  if (linkat(parent, temporary.c_str(), parent, name.c_str(), 0) != 0) return false;
  unlinkat(parent, temporary.c_str(), 0);
  return true;
}

bool RestoreWriter::finish_file() {
  if (file_.fd < 0) return true;
  if (file_.bad) {
    drop_file();
    return true;
  }
  std::string path = file_.path, name(name_of(path));
  if (ftruncate(file_.fd, static_cast<off_t>(file_.size)) != 0) {
    int error = errno;
    drop_file();
    return problem(path, "cannot set its size", error);
  }
  apply_fd(file_.fd, file_.meta, path);
  int parent = beneath_.directory(parent_of(path), false);
  if (parent < 0 || !place(parent, file_.temporary, name)) {
    int error = errno;
    drop_file();
    return problem(path, "cannot give it its name", error);
  }
  close(file_.fd);
  file_.fd = -1;
  ++counts_.files;
  if (file_.hardlink) links_.emplace(file_.link_id, path);
  return true;
}

void RestoreWriter::drop_file() {
  if (file_.fd < 0) return;
  close(file_.fd);
  file_.fd = -1;
  int parent = beneath_.directory(parent_of(file_.path), false);
  if (parent >= 0) unlinkat(parent, file_.temporary.c_str(), 0);
}

bool RestoreWriter::make_special(const EntryFrame& frame) {
  const Entry& entry = frame.entry;
  std::string path(frame.path), name(name_of(frame.path));
  int parent = beneath_.directory(parent_of(frame.path), true);
  if (parent < 0) return problem(path, "cannot reach its directory", errno);
  if (!clear_way(parent, name, path, false)) return !gave_up_;
  if (entry.hardlink && link_to_earlier(frame, parent)) return true;
  parent = beneath_.directory(parent_of(frame.path), true);
  if (options_.overwrite) unlinkat(parent, name.c_str(), 0);
  int made = -1;
  if (entry.kind == FileKind::kSymlink) {
    made = symlinkat(std::string(as_text(entry.link)).c_str(), parent, name.c_str());
  } else if (entry.kind == FileKind::kFifo) {
    made = mknodat(parent, name.c_str(), S_IFIFO | 0600, 0);
  } else if (entry.kind == FileKind::kCharDevice || entry.kind == FileKind::kBlockDevice) {
    mode_t type = entry.kind == FileKind::kCharDevice ? S_IFCHR : S_IFBLK;
    made = mknodat(parent, name.c_str(), type | 0600, makedev(entry.rdev_major, entry.rdev_minor));
  } else {
    return problem(path, "is of a kind this version does not know", 0);
  }
  if (made != 0) return problem(path, "cannot make it", errno);
  apply_at(parent, name, meta_of(entry), path);
  if (entry.hardlink) links_.emplace(entry.link_id, path);
  return true;
}

bool RestoreWriter::finish(bool whole) {
  if (!whole) drop_file();
  bool well = finish_file();
  progress_.clear();
  for (size_t i = directories_.size(); i-- > 0;) {
    const auto& [path, meta] = directories_[i];
    int parent = beneath_.directory(parent_of(path), false);
    std::string name(name_of(path));
    int fd = parent < 0
                 ? -1
                 : openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
      problem(path, "cannot set its times", errno);
      continue;
    }
    apply_fd(fd, meta, path);
    close(fd);
  }
  if (in_the_way_ > kNamedMax)
    complain("%llu files exist already; --overwrite replaces them",
             static_cast<unsigned long long>(in_the_way_));
  beneath_.forget();
  int root = openat(beneath_.root(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (root >= 0) {
    if (syncfs(root) != 0) well = problem("the target", "cannot be synced", errno) && well;
    close(root);
  }
  return well;
}

}  // namespace drey::cli
