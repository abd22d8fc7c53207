// The Disk port itself. What tests do to a disk is in sim_disk_faults.cc.
#include "sim/sim_disk.h"

#include <algorithm>

#include "drey/check.h"

namespace drey {
namespace {

std::string dir_of(const std::string& name) {
  size_t slash = name.find('/');
  return slash == std::string::npos ? std::string() : name.substr(0, slash);
}

bool is_valid_part(std::string_view part) {
  return !part.empty() && part != "." && part != ".." && part.find('/') == std::string_view::npos &&
         part.find('\0') == std::string_view::npos;
}

}  // namespace

// ---- counting, faults, power ----

Status SimDisk::enter(Call call) {
  if (cut_) return Status::kIo;
  auto kind = static_cast<size_t>(call);
  ++calls_[kind];
  if (before_call) before_call(call, calls_[kind]);
  Fault& fault = faults_[kind];
  if (fault.nth == 0) return Status::kOk;
  if (fault.nth > 1) {
    --fault.nth;
    return Status::kOk;
  }
  if (fault.times > 0 && --fault.times == 0) fault.nth = 0;
  return fault.status;
}

Status SimDisk::begin_mutation(Call call, Fate* fate) {
  if (cut_) return Status::kIo;
  ++mutations_;
  if (before_mutation) before_mutation(mutations_);
  if (cut_nth_ > 0 && --cut_nth_ == 0) {
    fate->torn = cut_kind_ == Cut::kTorn && call == Call::kWrite;
    fate->cut_after = cut_kind_ == Cut::kAfter || fate->torn;
    if (!fate->cut_after) {
      cut_ = true;
      if (on_cut) on_cut();
      return Status::kIo;
    }
  }
  DREY_TRY(enter(call));
  return read_only ? Status::kReadOnly : Status::kOk;
}

Status SimDisk::end_mutation(const Fate& fate) {
  if (fate.cut_after) {
    cut_ = true;
    if (on_cut) on_cut();
  }
  return cut_ ? Status::kIo : Status::kOk;
}

// ---- names ----

Result<std::string> SimDisk::checked(std::string_view name) const {
  if (name.empty()) return Status::kInvalid;
  if (name.size() > kNameBytesMax) return Status::kTooLarge;
  size_t slash = name.find('/');
  bool valid = slash == std::string_view::npos
                   ? is_valid_part(name)
                   : is_valid_part(name.substr(0, slash)) && is_valid_part(name.substr(slash + 1));
  if (!valid) return Status::kInvalid;
  return std::string(name);
}

bool SimDisk::is_dir(const std::string& name) const {
  if (name.empty()) return true;
  auto found = names_.find(name);
  return found != names_.end() && found->second == kDirInode;
}

bool SimDisk::has_parent(const std::string& name) const { return is_dir(dir_of(name)); }

bool SimDisk::has_children(const std::string& name) const {
  auto next = names_.upper_bound(name + "/");
  return next != names_.end() && next->first.starts_with(name + "/");
}

void SimDisk::set_name(const std::string& name, Inode inode, uint64_t order) {
  auto found = names_.find(name);
  NameChange change;
  change.order = order;
  change.name = name;
  change.before = found == names_.end() ? 0 : found->second;
  change.now = inode;
  pending_names_.push_back(change);
  if (inode == 0) {
    names_.erase(name);
  } else {
    names_[name] = inode;
  }
}

// Forgets how to undo the changes in `dir`. A rename is committed in both directories at once, and
// with it what happened to its names before.
void SimDisk::commit_names(const std::string& dir) {
  std::set<size_t> committed;
  for (size_t i = 0; i < pending_names_.size(); ++i)
    if (dir_of(pending_names_[i].name) == dir) committed.insert(i);
  for (size_t before = 0; before != committed.size();) {
    before = committed.size();
    for (size_t i = 0; i < pending_names_.size(); ++i) {
      for (size_t k : std::set<size_t>(committed)) {
        bool same_rename = pending_names_[i].order == pending_names_[k].order;
        bool earlier = pending_names_[i].name == pending_names_[k].name && i < k;
        if (same_rename || earlier) committed.insert(i);
      }
    }
  }
  for (auto i = committed.rbegin(); i != committed.rend(); ++i)
    pending_names_.erase(pending_names_.begin() + static_cast<std::ptrdiff_t>(*i));
}

// ---- Disk ----

SimDisk::Content* SimDisk::content_of(File file) {
  DREY_CHECK(file >= 0 && static_cast<size_t>(file) < kFilesMax);
  Inode inode = handles_[static_cast<size_t>(file)].inode;
  DREY_CHECK(inode != 0);
  return &contents_[inode];
}

Result<Disk::File> SimDisk::open(std::string_view name, uint32_t flags) {
  Result<std::string> path = checked(name);
  DREY_TRY(path.status());
  if ((flags & (kRead | kWrite)) == 0) return Status::kInvalid;
  DREY_TRY(enter(Call::kOpen));
  auto handle = std::find_if(handles_.begin(), handles_.end(),
                             [](const Handle& candidate) { return candidate.inode == 0; });
  if (handle == handles_.end()) return Status::kBusy;
  if (!has_parent(path.value())) {
    return names_.contains(dir_of(path.value())) ? Status::kChanged : Status::kNotFound;
  }
  auto found = names_.find(path.value());
  Inode inode = found == names_.end() ? 0 : found->second;
  if (inode != 0 && (flags & kCreate) != 0 && (flags & kExclusive) != 0) return Status::kExists;
  if (inode == kDirInode) return Status::kInvalid;
  if (inode != 0 && (flags & kWrite) != 0 && read_only) return Status::kReadOnly;
  if (inode == 0) {
    if ((flags & kCreate) == 0) return Status::kNotFound;
    Fate fate;
    DREY_TRY(begin_mutation(Call::kNames, &fate));
    inode = next_inode_++;
    contents_[inode];
    set_name(path.value(), inode, ++order_);
    DREY_TRY(end_mutation(fate));
  }
  handle->inode = inode;
  handle->writable = (flags & kWrite) != 0;
  handle->is_log = path.value().starts_with("log/");
  return static_cast<File>(handle - handles_.begin());
}

void SimDisk::close(File file) {
  (void)content_of(file);
  handles_[static_cast<size_t>(file)] = Handle();
}

Result<size_t> SimDisk::read_at(File file, uint64_t offset, MutBytes to) {
  const std::vector<uint8_t>& data = content_of(file)->data;
  DREY_TRY(enter(Call::kRead));
  if (offset >= data.size()) return size_t{0};
  size_t count = std::min<size_t>(to.size(), data.size() - offset);
  std::copy_n(data.begin() + static_cast<std::ptrdiff_t>(offset), count, to.begin());
  return count;
}

void SimDisk::apply_write(std::vector<uint8_t>* data, uint64_t offset, Bytes from) {
  if (data->size() < offset + from.size()) data->resize(offset + from.size());
  std::copy(from.begin(), from.end(), data->begin() + static_cast<std::ptrdiff_t>(offset));
}

Status SimDisk::write_some(Content* content, uint64_t offset, Bytes from) {
  if (from.empty()) return Status::kOk;
  uint64_t size = content->data.size();
  Status status = Status::kOk;
  if (offset + from.size() > size) {
    uint64_t used = used_bytes();
    uint64_t room = size + (capacity_bytes > used ? capacity_bytes - used : 0);
    if (offset + from.size() > room) {
      status = Status::kFull;
      if (offset >= room) return status;
      from = from.first(room - offset);
    }
  }
  Change change;
  change.order = ++order_;
  change.offset = offset;
  change.bytes.assign(from.begin(), from.end());
  change.old_size = size;
  if (offset < size) {
    auto begin = content->data.begin() + static_cast<std::ptrdiff_t>(offset);
    auto count = static_cast<std::ptrdiff_t>(std::min<uint64_t>(from.size(), size - offset));
    change.old_bytes.assign(begin, begin + count);
  }
  apply_write(&content->data, offset, from);
  bytes_written_ += from.size();
  content->pending.push_back(std::move(change));
  return status;
}

Status SimDisk::write_at(File file, uint64_t offset, Bytes from) {
  Content* content = content_of(file);
  if (!handles_[static_cast<size_t>(file)].writable) return Status::kIo;  // EBADF
  Fate fate;
  upcoming_ = {handles_[static_cast<size_t>(file)].inode, offset, from};
  Status status = begin_mutation(Call::kWrite, &fate);
  upcoming_ = Upcoming();
  if (!ok(status)) {
    bool tears = failed_write_tears && !cut_ && status != Status::kReadOnly;
    if (tears) (void)write_some(content, offset, from.first(from.size() / 2));
    return status;
  }
  std::vector<uint8_t> rotten;
  if (touch_log_write && handles_[static_cast<size_t>(file)].is_log) {
    rotten.assign(from.begin(), from.end());
    touch_log_write(rotten);
    from = rotten;
  }
  status = write_some(content, offset, fate.torn ? from.first(from.size() / 2) : from);
  DREY_TRY(end_mutation(fate));
  return status;
}

Status SimDisk::sync(File file) {
  Content* content = content_of(file);
  Handle& handle = handles_[static_cast<size_t>(file)];
  if (handle.is_log && handle.sync_failed) ++repeated_syncs_;
  Fate fate;
  Status status = begin_mutation(Call::kSync, &fate);
  if (cut_) return Status::kIo;
  handle.sync_failed = !ok(status);
  std::vector<Change>& pending = content->pending;
  if (status == Status::kReadOnly && pending.empty()) status = Status::kOk;
  if (!ok(status)) {
    // What was not synced is the newest part: earlier changes are synced or doomed already.
    while (sync_failure == SyncFailure::kReverted && !pending.empty() && !pending.back().synced &&
           !pending.back().doomed) {
      undo(&content->data, pending.back());
      pending.pop_back();
    }
    for (Change& change : pending) change.doomed = change.doomed || !change.synced;
    return status;
  }
  bool any_doomed =
      std::any_of(pending.begin(), pending.end(), [](const Change& c) { return c.doomed; });
  if (any_doomed) {
    for (Change& change : pending) change.synced = !change.doomed;
  } else {
    pending.clear();
  }
  return end_mutation(fate);
}

Result<uint64_t> SimDisk::size(File file) {
  if (cut_) return Status::kIo;
  return uint64_t{content_of(file)->data.size()};
}

Status SimDisk::truncate(File file, uint64_t size) {
  Content* content = content_of(file);
  if (!handles_[static_cast<size_t>(file)].writable) return Status::kInvalid;
  Fate fate;
  DREY_TRY(begin_mutation(Call::kNames, &fate));
  std::vector<uint8_t>& data = content->data;
  Change change;
  change.order = ++order_;
  change.is_truncate = true;
  change.offset = size;
  change.old_size = data.size();
  if (size < data.size())
    change.old_bytes.assign(data.begin() + static_cast<std::ptrdiff_t>(size), data.end());
  data.resize(size);
  content->pending.push_back(std::move(change));
  return end_mutation(fate);
}

Status SimDisk::remove(std::string_view name) {
  Result<std::string> path = checked(name);
  DREY_TRY(path.status());
  Fate fate;
  DREY_TRY(begin_mutation(Call::kNames, &fate));
  if (!names_.contains(path.value())) return Status::kNotFound;
  if (has_children(path.value())) return Status::kInvalid;
  set_name(path.value(), 0, ++order_);
  return end_mutation(fate);
}

Status SimDisk::rename(std::string_view from, std::string_view to) {
  Result<std::string> source = checked(from);
  Result<std::string> target = checked(to);
  DREY_TRY(source.status());
  DREY_TRY(target.status());
  Fate fate;
  DREY_TRY(begin_mutation(Call::kNames, &fate));
  auto found = names_.find(source.value());
  if (found == names_.end() || !has_parent(target.value())) return Status::kNotFound;
  // Moving whole directories is not something a node does.
  if (found->second == kDirInode || is_dir(target.value())) return Status::kInvalid;
  Inode inode = found->second;
  if (source.value() != target.value()) {
    uint64_t order = ++order_;
    set_name(target.value(), inode, order);
    set_name(source.value(), 0, order);
  }
  return end_mutation(fate);
}

Status SimDisk::make_dir(std::string_view name) {
  Result<std::string> path = checked(name);
  DREY_TRY(path.status());
  Fate fate;
  DREY_TRY(begin_mutation(Call::kNames, &fate));
  if (names_.contains(path.value())) return Status::kExists;
  if (!has_parent(path.value())) return Status::kNotFound;
  set_name(path.value(), kDirInode, ++order_);
  return end_mutation(fate);
}

Status SimDisk::sync_dir(std::string_view name) {
  std::string dir(name);
  if (!name.empty()) {
    Result<std::string> path = checked(name);
    DREY_TRY(path.status());
  }
  Fate fate;
  Status status = begin_mutation(Call::kSync, &fate);
  if (status == Status::kReadOnly && pending_names_.empty()) status = Status::kOk;
  DREY_TRY(status);
  if (!names_.contains(dir) && !dir.empty()) return Status::kNotFound;
  if (!is_dir(dir)) return Status::kChanged;
  commit_names(dir);
  collect_garbage();
  return end_mutation(fate);
}

Status SimDisk::list(std::string_view dir, void (*visit)(void*, std::string_view), void* context) {
  std::string path(dir);
  if (!dir.empty()) {
    Result<std::string> name = checked(dir);
    DREY_TRY(name.status());
  }
  DREY_TRY(enter(Call::kRead));
  if (!path.empty() && !names_.contains(path)) return Status::kNotFound;
  if (!is_dir(path)) return Status::kChanged;
  std::vector<std::string> found;
  for (const auto& [name, inode] : names_)
    if (dir_of(name) == path) found.push_back(path.empty() ? name : name.substr(path.size() + 1));
  for (const std::string& name : found) visit(context, name);
  return Status::kOk;
}

Status SimDisk::lock(std::string_view name) {
  Result<std::string> path = checked(name);
  DREY_TRY(path.status());
  if (cut_) return Status::kIo;
  if (locks_.contains(path.value())) return Status::kBusy;
  if (!names_.contains(path.value())) {
    Fate fate;
    DREY_TRY(begin_mutation(Call::kNames, &fate));
    Inode inode = next_inode_++;
    contents_[inode];
    set_name(path.value(), inode, ++order_);
    DREY_TRY(end_mutation(fate));
  }
  locks_.insert(path.value());
  return Status::kOk;
}

Result<Disk::Space> SimDisk::space() {
  if (cut_) return Status::kIo;
  uint64_t used = used_bytes();
  Space space;
  space.capacity_bytes = capacity_bytes;
  space.free_bytes = capacity_bytes > used ? capacity_bytes - used : 0;
  return space;
}

}  // namespace drey
