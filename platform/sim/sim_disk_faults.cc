// What tests do to a simulated disk: power cuts, failing calls, rot, and looking inside.
#include <algorithm>

#include "sim/sim_disk.h"

namespace drey {

// ---- power ----

void SimDisk::undo(std::vector<uint8_t>* data, const Change& change) {
  if (change.is_truncate) {
    uint64_t kept = std::min(change.offset, change.old_size);
    data->resize(kept);
    data->insert(data->end(), change.old_bytes.begin(), change.old_bytes.end());
  } else {
    std::copy(change.old_bytes.begin(), change.old_bytes.end(),
              data->begin() + static_cast<std::ptrdiff_t>(change.offset));
  }
  data->resize(change.old_size);
}

void SimDisk::redo(std::vector<uint8_t>* data, const Change& change, const Crash& how,
                   SimRng* rng) {
  // 0: lost, 1: kept, 2 and 3: kept in blocks. Without chance: kept.
  uint64_t fate = rng == nullptr ? 1 : rng->below(4);
  if (fate == 0) return;
  if (change.is_truncate) {
    data->resize(change.offset);
    return;
  }
  Bytes bytes(change.bytes);
  if (fate == 1) return apply_write(data, change.offset, bytes);
  // The new size may be on the disk before the bytes are; they read as zeros then.
  uint64_t end = change.offset + bytes.size();
  if (fate == 3 && data->size() < end) data->resize(end);
  size_t step = std::max<size_t>(how.tear_bytes, 1);
  for (uint64_t at = change.offset; at < end;) {
    uint64_t next = std::min(end, (at / step + 1) * step);
    Bytes block = bytes.subspan(at - change.offset, next - at);
    if (rng->below(2) == 0) apply_write(data, at, block);
    at = next;
  }
}

void SimDisk::crash_content(Content* content, const Crash& how, uint64_t prefix_order,
                            SimRng* rng) {
  std::vector<uint8_t>& data = content->data;
  for (auto change = content->pending.rbegin(); change != content->pending.rend(); ++change)
    undo(&data, *change);
  for (const Change& change : content->pending) {
    if (change.doomed) continue;
    bool whole = change.synced || how.keep == Keep::kAll ||
                 (how.keep == Keep::kPrefix && change.order <= prefix_order);
    if (whole) {
      redo(&data, change, how, nullptr);
    } else if (how.keep == Keep::kSome) {
      redo(&data, change, how, rng);
    }
  }
  content->pending.clear();
}

void SimDisk::crash_names(const Crash& how, uint64_t prefix_order) {
  auto set = [this](const std::string& name, Inode inode) {
    if (inode == 0) {
      names_.erase(name);
    } else {
      names_[name] = inode;
    }
  };
  for (auto change = pending_names_.rbegin(); change != pending_names_.rend(); ++change)
    set(change->name, change->before);
  for (const NameChange& change : pending_names_) {
    bool kept =
        how.keep == Keep::kAll || (how.keep != Keep::kNothing && change.order <= prefix_order);
    if (kept) set(change.name, change.now);
  }
  pending_names_.clear();
  // A directory that was never made durable takes its files along.
  std::erase_if(names_, [this](const auto& entry) {
    size_t slash = entry.first.find('/');
    return slash != std::string::npos && !is_dir(entry.first.substr(0, slash));
  });
}

void SimDisk::crash(const Crash& how) {
  SimRng rng(how.seed);
  uint64_t oldest = order_ + 1;
  for (const auto& [inode, content] : contents_)
    if (!content.pending.empty()) oldest = std::min(oldest, content.pending.front().order);
  for (const NameChange& change : pending_names_) oldest = std::min(oldest, change.order);
  uint64_t data_prefix = rng.between(oldest - 1, order_);
  // Of a random subset of data, names may be further or less far than data.
  uint64_t name_prefix = how.keep == Keep::kSome ? rng.between(oldest - 1, order_) : data_prefix;
  for (auto& [inode, content] : contents_) crash_content(&content, how, data_prefix, &rng);
  crash_names(how, name_prefix);
  restart();
  clear_faults();
  collect_garbage();
}

void SimDisk::restart() {
  handles_.fill(Handle());
  locks_.clear();
  cut_ = false;
  cut_nth_ = 0;
  collect_garbage();
}

void SimDisk::cut_at(uint64_t nth, Cut cut) {
  cut_nth_ = nth;
  cut_kind_ = cut;
}

bool SimDisk::tear_into(SimDisk* copy) const {
  if (upcoming_.inode == 0) return false;
  (void)copy->write_some(&copy->contents_[upcoming_.inode], upcoming_.offset,
                         upcoming_.bytes.first(upcoming_.bytes.size() / 2));
  return true;
}

void SimDisk::copy_from(const SimDisk& other) {
  names_ = other.names_;
  contents_ = other.contents_;
  pending_names_ = other.pending_names_;
  next_inode_ = other.next_inode_;
  order_ = other.order_;
  capacity_bytes = other.capacity_bytes;
  read_only = other.read_only;
  sync_failure = other.sync_failure;
  failed_write_tears = other.failed_write_tears;
  clear_faults();
  restart();
}

// ---- failing calls ----

void SimDisk::fail_nth(Call call, uint64_t nth, Status status, uint64_t times) {
  faults_[static_cast<size_t>(call)] = {nth, times, status};
}

void SimDisk::clear_faults() { faults_.fill(Fault()); }

// ---- looking inside ----

void SimDisk::collect_garbage() {
  std::set<Inode> used;
  for (const auto& [name, inode] : names_) used.insert(inode);
  for (const NameChange& change : pending_names_) {
    used.insert(change.before);
    used.insert(change.now);
  }
  for (const Handle& handle : handles_) used.insert(handle.inode);
  std::erase_if(contents_, [&used](const auto& entry) { return !used.contains(entry.first); });
}

bool SimDisk::flip(const std::string& name, uint64_t offset, uint8_t mask) {
  auto found = names_.find(name);
  if (found == names_.end() || found->second == kDirInode) return false;
  std::vector<uint8_t>& data = contents_[found->second].data;
  if (offset >= data.size()) return false;
  data[offset] = static_cast<uint8_t>(data[offset] ^ mask);
  return true;
}

const std::vector<uint8_t>* SimDisk::peek(const std::string& name) const {
  auto found = names_.find(name);
  if (found == names_.end() || found->second == kDirInode) return nullptr;
  return &contents_.at(found->second).data;
}

void SimDisk::put(const std::string& name, Bytes content) {
  size_t slash = name.find('/');
  if (slash != std::string::npos) names_.emplace(name.substr(0, slash), kDirInode);
  auto [entry, is_new] = names_.emplace(name, next_inode_);
  if (is_new) ++next_inode_;
  contents_[entry->second].data.assign(content.begin(), content.end());
  contents_[entry->second].pending.clear();
}

std::vector<std::string> SimDisk::names() const {
  std::vector<std::string> all;
  for (const auto& [name, inode] : names_)
    if (inode != kDirInode) all.push_back(name);
  return all;
}

// Of what has a name: a file system short of blocks gives those of removed files out at once.
uint64_t SimDisk::used_bytes() const {
  uint64_t sum = 0;
  for (const auto& [name, inode] : names_)
    if (auto content = contents_.find(inode); content != contents_.end())
      sum += content->second.data.size();
  return sum;
}

uint64_t SimDisk::content_hash() const {
  uint64_t hash = 0xcbf29ce484222325ull;
  auto fold = [&hash](uint8_t byte) { hash = (hash ^ byte) * 0x100000001b3ull; };
  for (const auto& [name, inode] : names_) {
    for (char c : name) fold(static_cast<uint8_t>(c));
    fold(0);
    if (inode == kDirInode) continue;
    for (uint8_t byte : contents_.at(inode).data) fold(byte);
    fold(0xff);
  }
  return hash;
}

size_t SimDisk::open_count() const {
  return static_cast<size_t>(std::count_if(handles_.begin(), handles_.end(),
                                           [](const Handle& handle) { return handle.inode != 0; }));
}

}  // namespace drey
