#include "sim/workload.h"

#include "drey/status.h"

namespace drey::sim {
std::string failed(const char* what, Status status) {
  return std::string(what) + ": " + status_name(status);
}

// ---- the user's files ----

// Half of the files compress well, as a household's do.
std::string Household::make_bytes(size_t size) {
  std::string bytes(size, '\0');
  bool text = rng_.below(2) == 0;
  for (size_t i = 0; i < size; i += 8) {
    uint64_t word = rng_.next();
    for (size_t k = i; k < size && k < i + 8; ++k, word >>= 8)
      bytes[k] = static_cast<char>(text ? 'a' + (word & 7) : word & 255);
  }
  return bytes;
}

void Household::write(SimTree* tree, const std::string& name, std::string bytes) {
  std::string path = std::string(kRoot) + "/" + name;
  DREY_CHECK(tree->write_file(path, bytes));
  files_[path.substr(1)] = std::make_shared<const std::string>(std::move(bytes));
}

void Household::edit(SimTree* tree) {
  std::vector<std::string> names;
  for (const auto& [path, bytes] : files_) names.push_back(path);
  for (int i = 0; i < 8; ++i) {
    const std::string& path = names[rng_.below(names.size())];
    std::string bytes = *files_[path];
    std::string patch = make_bytes(rng_.between(1, 3000));
    size_t at = rng_.below(bytes.size() + 1);
    bytes.replace(at, rng_.below(2) == 0 ? patch.size() : 0, patch);
    write(tree, path.substr(kRoot.size()), std::move(bytes));
  }
  for (int i = 0; i < 5; ++i) {
    const std::string& path = names[rng_.below(names.size())];
    if (files_.erase(path) > 0) DREY_CHECK(tree->remove("/" + path));
  }
}

void Household::advance(SimTree* tree) {
  tree->clock = nullptr;  // times are the same in every replay
  int fresh = round_ == 0 ? file_count_ : 3;
  if (round_ > 0) edit(tree);
  for (int i = 0; i < fresh; ++i, ++made_) {
    // 1 of 512 KiB, the rest 0 to 52 KiB: 2 MiB together.
    size_t size = made_ == 7 ? large_bytes_ : rng_.below(rng_.below(52 * 1024) + 1) * 2;
    std::string folder = made_ % 3 == 0 ? "letters/" : made_ % 3 == 1 ? "photos/2024/" : "";
    write(tree, folder + "file" + std::to_string(made_), make_bytes(size));
  }
  ++round_;
}

// ---- the oracle ----

void Oracle::acknowledge(const StatementId& id) {
  acked_.push_back({id, tried_.back().files});
  tried_.pop_back();
}

StatementId Oracle::forget_oldest() {
  StatementId id = acked_.front().id;
  tried_.push_back(acked_.front());
  acked_.erase(acked_.begin());
  return id;
}

std::string Oracle::compare(const Files& expected, const Restored& got, bool strict) {
  if (got.malformed) return "the stream is malformed";
  for (const auto& [path, file] : got.files) {
    auto found = expected.find(path);
    if (found == expected.end()) return "a file that never was: " + path;
    std::string bytes = *found->second;
    bool cut_off = file.bytes.size() < file.size && !strict;
    if (file.size != bytes.size() || (file.bytes.size() != file.size && !cut_off))
      return "wrong size: " + path;
    bytes.resize(file.bytes.size());
    for (auto [offset, length] : file.absent) bytes.replace(offset, length, length, '\0');
    if (bytes != file.bytes) return "wrong bytes: " + path;
  }
  if (!strict) return "";
  if (!ok(got.status)) return failed("restore", got.status);
  if (!got.ended || got.missing > 0) return "incomplete";
  return got.files.size() == expected.size() ? "" : "files are absent";
}

std::string Oracle::check_one(Device& device, const SnapshotInfo& info, const bool& strict) const {
  Restored got = device.restore(info);
  std::string wrong;
  for (const Snapshot& snapshot : acked_)
    if (snapshot.id == info.id) return compare(snapshot.files, got, strict);
  for (const Snapshot& snapshot : tried_) {
    wrong = compare(snapshot.files, got, strict);
    if (wrong.empty()) return "";
  }
  return "a snapshot that nobody made" + (wrong.empty() ? "" : ", or: " + wrong);
}

std::string Oracle::check(Device& device, const bool& strict) const {
  std::vector<SnapshotInfo> rows;
  Status status = device.list(&rows);
  if (!ok(status) && strict) return failed("list", status);
  for (const SnapshotInfo& info : rows) {
    std::string wrong = check_one(device, info, strict);
    if (!wrong.empty()) return "snapshot " + std::to_string(info.sequence) + ": " + wrong;
  }
  if (!strict) return "";
  for (const Snapshot& snapshot : acked_) {
    bool listed = false;
    for (const SnapshotInfo& info : rows) listed = listed || info.id == snapshot.id;
    if (!listed) return "an acknowledged snapshot is gone";
  }
  return rows.size() <= acked_.size() + tried_.size() ? "" : "a snapshot is listed twice";
}

std::string Oracle::check_newest(Device& device) const {
  std::vector<SnapshotInfo> rows;
  Status status = device.list(&rows);
  if (!ok(status)) return failed("list", status);
  if (acked_.empty()) return "";
  for (const SnapshotInfo& info : rows)
    if (info.id == acked_.back().id) return check_one(device, info, true);
  return "an acknowledged snapshot is gone";
}

// ---- W ----

Run::Run(uint64_t seed, const SimDisk& disk)
    : world(seed), node(world.add_node("a")), device(&node), household(seed) {
  node.disk.copy_from(disk);
}

Status Run::back_up() {
  StatementId id;
  oracle.begin(household.files());
  Status status = device.back_up(Household::kRoot, "default", &id);
  if (ok(status)) oracle.acknowledge(id);
  return status;
}

Status Run::start_patiently() {
  Status status = Status::kOk;
  for (int tries = 0; tries < (strict ? 1 : 3); ++tries) {
    status = device.start();
    if (ok(status)) return status;
    world.run_for(kSecond);
  }
  return status;
}

std::string Run::work() {
  for (int round = 0; round < Household::kRounds; ++round) {
    household.advance(&node.tree);
    if (!device.is_running()) {
      Status status = start_patiently();
      if (!ok(status)) return strict ? failed("start", status) : "";
    }
    world.run_for(3 * kSecond);
    Status status = back_up();
    if (status == Status::kTimeout) return "a backup neither ends nor fails";
    if (!ok(status) && strict) return failed("backup", status);
    if (!ok(status)) {
      world.run_for(3 * kSecond);
      if (back_up() == Status::kTimeout) return "the second backup neither ends nor fails";
    }
    if (round == 1 && !device.stop()) return "the daemon does not stop";
  }
  std::string wrong = forget_and_free();
  return wrong.empty() ? oracle.check(device, strict) : wrong;
}

std::string Run::forget_and_free() {
  if (!device.is_running() || oracle.acknowledged() < 2) return strict ? "nothing to forget" : "";
  Status status = device.forget(oracle.forget_oldest());
  if (ok(status)) status = device.sweep();
  if (ok(status)) status = device.compact();
  if (status == Status::kTimeout) return "forgetting neither ends nor fails";
  return ok(status) || !strict ? "" : failed("forget, sweep, compact", status);
}

std::string Run::recover(bool then_cut, bool thorough) {
  uint64_t begin = world.now_ns();
  Status status = device.start();
  if (!ok(status)) return failed("start", status);
  std::vector<SnapshotInfo> rows;
  status = device.list(&rows);
  if (!ok(status)) return failed("list", status);
  if (world.now_ns() - begin > 10 * kSecond) return "the start took more than ten seconds";
  std::string wrong = thorough ? oracle.check(device, true) : oracle.check_newest(device);
  if (!wrong.empty()) return wrong;
  world.run_for(2 * kSecond);
  status = back_up();
  if (!ok(status)) return failed("the next backup", status);
  if (then_cut) {
    device.lose_power({SimDisk::Keep::kNothing, 1, 512});
    status = device.start();
    if (!ok(status)) return failed("the start after the second power cut", status);
  }
  wrong = then_cut ? oracle.check(device, true) : oracle.check_newest(device);
  return wrong.empty() ? "" : "after the next backup: " + wrong;
}

}  // namespace drey::sim
