#include "sim/fleet.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "base/text.h"
#include "crypto/hash.h"
#include "sim/joining.h"
#include "sim/log_map.h"

namespace drey::sim {
namespace {

using Disks = std::vector<std::unique_ptr<SimDisk>>;

// The cards of a mesh that has just been made: made once for each kind.
const Disks& fresh_disks(uint64_t seed, const FleetOptions& options) {
  static std::map<std::tuple<uint64_t, size_t, size_t, uint8_t>, Disks> made;
  auto [at, fresh] = made.try_emplace({seed, options.count, options.vaults, options.copies});
  if (!fresh) return at->second;
  SimWorld world(seed);
  for (size_t i = 0; i < options.count; ++i) world.add_node("node" + std::to_string(i));
  Machine founder(&world.node(0));
  DREY_CHECK(ok(founder.init(options.copies)));
  for (size_t i = 1; i < options.count; ++i) {
    bool vault = i + options.vaults >= options.count;
    DREY_CHECK(ok(admit(world.node(0), world.node(i), vault ? NodeRole::kVault : NodeRole::kFull)));
  }
  for (size_t i = 0; i < options.count; ++i) {
    at->second.push_back(std::make_unique<SimDisk>());
    at->second.back()->copy_from(world.node(i).disk);
  }
  return at->second;
}

std::string hex(Bytes bytes) {
  std::array<char, 128> text;
  TextWriter out(text);
  out.hex(bytes);
  return std::string(out.view());
}

// "" also when only parts of it came, unless `strict`.
std::string compare(const Files& expected, const Restored& got, bool strict) {
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

// The records and heads that lie whole in the log of a card.
struct Inventory {
  std::set<std::string> records;
  std::set<std::string> statements;
  std::string rotten;  // one that passes for good and is not
};

Inventory take_inventory(const SimDisk& disk) {
  Inventory found;
  for (const LogPlace& place : log_places(disk)) {
    std::string key = hex(place.header.key);
    if (place.is_statement(StatementKind::kHead) || place.is_statement(StatementKind::kForget))
      found.statements.insert(key);
    if (!place.is_record()) continue;
    const std::vector<uint8_t>& bytes = *disk.peek(place.file);
    Bytes body = Bytes(bytes).subspan(place.offset + kEntryHeaderBytes, place.header.length);
    Key32 hash = sha256(body);
    if (std::equal(hash.begin(), hash.end(), place.header.key.begin()))
      found.records.insert(record_key(place));
    else
      found.rotten = key;
  }
  return found;
}

std::vector<RecordRow> own_records(Node& node) {
  std::vector<RecordRow> own;
  std::array<RecordRow, 256> rows;
  ChunkId after;
  size_t count = rows.size();
  while (count == rows.size()) {
    if (!ok(node.store().scan_records(after, rows, &count))) break;
    for (size_t i = 0; i < count; ++i)
      if (rows[i].state.mine) own.push_back(rows[i]);
    if (count > 0) after = rows[count - 1].c;
  }
  return own;
}

}  // namespace

Fleet::Fleet(uint64_t seed, const FleetOptions& options) : world(seed), options_(options) {
  const Disks& disks = fresh_disks(seed, options);
  for (size_t i = 0; i < options.count; ++i) {
    SimNode& sim = world.add_node("node" + std::to_string(i));
    sim.disk.copy_from(*disks[i]);
    machines_.push_back(std::make_unique<Machine>(&sim));
    machines_[i]->minimum_age_s = options.minimum_age_s;
    uint64_t whose = options.same_files ? 0 : options.shared_files ? i / 2 : i;
    owners_.push_back({Household(mix(seed, whose, 11), options.files, options.large_bytes)});
    if (is_full(i)) owners_[i].household.advance(&sim.tree);
  }
}

// ---- devices ----

std::string Fleet::mend() {
  world.mend_all();
  world.net = SimWorld::NetOptions();
  for (auto& machine : machines_) {
    if (gone_.contains(machine->sim().index())) continue;
    machine->sim().disk.clear_faults();
    machine->sim().disk.cut_at(0, SimDisk::Cut::kBefore);
    machine->sim().wake_up();
    // What has failed stays failed until a restart: the person does that.
    if (machine->is_running()) {
      StoreState state = machine->node().store_stats().state;
      if (state == StoreState::kFailed || state == StoreState::kReadOnly) machine->kill();
    }
    if (machine->is_running()) continue;
    Status status = machine->start();
    if (!ok(status)) return machine->sim().name() + ": " + failed("start", status);
  }
  return "";
}

bool Fleet::connected(size_t i, size_t k) {
  if (is_gone(i) || is_gone(k)) return true;
  if (!at(i).is_running() || !at(k).is_running()) return false;
  const Peer* peer = at(i).mesh().peers().find(at(k).mesh().self());
  return peer != nullptr && peer->session != nullptr;
}

bool Fleet::together(uint64_t limit_ns) {
  auto all = [this] {
    for (size_t i = 0; i < size(); ++i)
      for (size_t k = 0; k < size(); ++k)
        if (i != k && !connected(i, k)) return false;
    return true;
  };
  return world.run_until(all, limit_ns);
}

// ---- what people do ----

void Fleet::edit(size_t i) {
  if (!owners_[i].backing_up && is_full(i)) owners_[i].household.advance(&at(i).sim().tree);
}

void Fleet::back_up(size_t i) {
  if (owners_[i].backing_up || !at(i).is_awake() || !is_full(i)) return;
  owners_[i].backing_up = true;
  size_t row = snapshots_.size();
  snapshots_.push_back({i, StatementId(), owners_[i].household.files(), Fate::kTried});
  at(i).back_up(Household::kRoot, [this, i, row](Status status, const BackupResult& result) {
    owners_[i].backing_up = false;
    owners_[i].last = status;
    at(i).sim().host.log_line(7, std::string("-- backup: ") + status_name(status));
    if (!ok(status) || result.progress.errors > 0) return;
    snapshots_[row].id = result.snapshot;
    snapshots_[row].fate = Fate::kAcknowledged;
  });
}

void Fleet::forget(size_t i, uint32_t keep, uint32_t keep_daily) {
  if (is_busy(i) || !at(i).is_awake() || !is_full(i)) return;
  owners_[i].forgetting = true;
  // One that was tried may be there, and then counts among the newest.
  uint32_t newer = 0;
  for (size_t row = snapshots_.size(); row-- > 0;) {
    Snapshot& snapshot = snapshots_[row];
    if (snapshot.owner != i || snapshot.fate > Fate::kAcknowledged) continue;
    if (newer >= keep && snapshot.fate == Fate::kAcknowledged) snapshot.fate = Fate::kLetGo;
    ++newer;
  }
  RetentionPolicy policy;
  policy.keep_last = keep;
  policy.keep_daily = keep_daily;
  size_t begun = snapshots_.size();
  at(i).forget(policy, [this, i, begun](Status status) {
    owners_[i].forgetting = false;
    for (size_t row = 0; row < begun && ok(status); ++row)
      if (snapshots_[row].owner == i && snapshots_[row].fate == Fate::kLetGo)
        snapshots_[row].fate = Fate::kForgotten;
    at(i).sim().host.log_line(7, std::string("-- forget: ") + status_name(status));
  });
}

bool Fleet::quiet(uint64_t limit_ns) {
  auto idle = [this] {
    for (size_t i = 0; i < size(); ++i)
      if (is_busy(i)) return false;
    return true;
  };
  return world.run_until(idle, limit_ns);
}

// ---- the oracle ----

std::string Fleet::judge(const SnapshotInfo& info, const Restored& got, bool strict) const {
  for (const Snapshot& snapshot : snapshots_)
    if (snapshot.fate != Fate::kTried && snapshot.id == info.id)
      return compare(snapshot.files, got, strict && snapshot.fate == Fate::kAcknowledged);
  std::string wrong;
  for (const Snapshot& snapshot : snapshots_) {
    if (snapshot.fate != Fate::kTried) continue;
    wrong = compare(snapshot.files, got, false);
    if (wrong.empty()) return "";
  }
  return "a snapshot that nobody made" + (wrong.empty() ? "" : ", or: " + wrong);
}

std::string Fleet::check(size_t i, bool strict) {
  if (!is_full(i) || !at(i).is_awake()) return "";
  Machine& machine = at(i);
  std::string where = machine.sim().name() + ": ";
  Status status = machine.wait([&](Machine::Done done) { machine.list(std::move(done)); });
  if (!machine.is_running()) return "";
  if (!ok(status)) return strict ? where + failed("list", status) : "";
  std::vector<SnapshotInfo> rows = machine.listed();
  std::set<std::string> listed;
  for (const SnapshotInfo& info : rows) {
    listed.insert(hex(info.id.bytes()));
    status = machine.wait([&](Machine::Done done) { machine.restore(info, std::move(done)); });
    if (!machine.is_running()) return "";
    if (status == Status::kTimeout) return where + "a restore neither ends nor fails";
    Restored got = machine.take_restored();
    got.status = status;
    std::string wrong = judge(info, got, strict);
    if (!wrong.empty()) return where + "snapshot " + std::to_string(info.sequence) + ": " + wrong;
  }
  if (!strict) return "";
  for (const Snapshot& snapshot : snapshots_)
    if (snapshot.fate == Fate::kAcknowledged && !listed.contains(hex(snapshot.id.bytes())))
      return where + "an acknowledged snapshot of " + at(snapshot.owner).sim().name() + " is gone";
  return "";
}

std::string Fleet::check_all(bool strict) {
  for (size_t i = 0; i < size(); ++i) {
    std::string wrong = check(i, strict);
    if (!wrong.empty()) return wrong;
  }
  return "";
}

std::string Fleet::check_logs() {
  for (size_t i = 0; i < size(); ++i) {
    std::string rotten = take_inventory(at(i).sim().disk).rotten;
    if (!rotten.empty()) return at(i).sim().name() + ": a rotten record in a good entry: " + rotten;
  }
  return "";
}

std::string Fleet::check_forgotten() {
  for (size_t i = 0; i < size(); ++i) {
    if (!is_full(i) || !at(i).is_awake()) continue;
    (void)at(i).wait([&](Machine::Done done) { at(i).list(std::move(done)); });
    for (const SnapshotInfo& info : at(i).listed())
      for (const Snapshot& snapshot : snapshots_)
        if (snapshot.fate == Fate::kForgotten && snapshot.id == info.id)
          return at(i).sim().name() + ": a forgotten snapshot is back";
  }
  return "";
}

std::string Fleet::unrest() {
  size_t first = 0;
  while (is_gone(first)) ++first;
  for (size_t i = first; i < size(); ++i) {
    if (is_gone(i)) continue;
    std::string why = unrest_of(i, first);
    if (!why.empty()) return at(i).sim().name() + ": " + why;
  }
  return "";
}

std::string Fleet::unrest_of(size_t i, size_t first) {
  Machine& machine = at(i);
  if (!machine.is_awake()) return "is off";
  for (size_t k = 0; k < size(); ++k)
    if (i != k && !connected(i, k)) return "does not see " + at(k).sim().name();
  Mesh& mesh = machine.mesh();
  Mesh& other = at(first).mesh();
  if (mesh.membership().digest() != other.membership().digest()) return "knows other members";
  if (mesh.heads().digest() != other.heads().digest()) return "knows other heads";
  if (mesh.missing_statements() != 0) return "statements are missing";
  if (!mesh.forgotten_settled()) return "forgotten heads are still there";
  if (is_busy(i)) return "a backup or a forgetting is under way";
  if (!is_full(i)) return "";
  ReplicationSummary r = mesh.replication();
  if (!r.settled) return "the copies are not counted";
  if (r.under_replicated + r.missing + r.at_risk != 0)
    return std::to_string(r.under_replicated) + " of " + std::to_string(r.records) +
           " records lack a copy, missing " + std::to_string(r.missing);
  Verdict verdict = machine.node().verdict();
  return verdict.kind == VerdictKind::kProtected ? "" : std::string(verdict.sentence());
}

std::string Fleet::settle(uint64_t limit_ns) {
  uint64_t end = world.now_ns() + limit_ns;
  std::string why = unrest();
  while (!why.empty() && world.now_ns() < end) {
    world.run_for(10 * kSecond);
    why = unrest();
  }
  return why;
}

void Fleet::lose(size_t i) {
  at(i).switch_off({SimDisk::Keep::kNothing, 1, 512});
  gone_.insert(i);
  for (Snapshot& snapshot : snapshots_)
    if (snapshot.owner == i && snapshot.fate == Fate::kAcknowledged) snapshot.fate = Fate::kLetGo;
}

const StatementId* Fleet::newest(size_t i) const {
  for (size_t row = snapshots_.size(); row-- > 0;)
    if (snapshots_[row].owner == i && snapshots_[row].fate == Fate::kAcknowledged)
      return &snapshots_[row].id;
  return nullptr;
}

uint64_t Fleet::taken_in() {
  uint64_t bytes = 0;
  for (auto& machine : machines_)
    if (machine->is_running()) bytes += machine->node().store_stats().user_bytes;
  return bytes;
}

void each_life(Suite& suite, uint64_t cases, uint64_t salt, const Life& body) {
  suite.expect(cases);
  for (uint64_t index = 0; index < cases; ++index) {
    if (!suite.wants(index)) continue;
    suite.run(index, [&] {
      SimRng rng(mix(suite.seed(), index, salt));
      return Outcome{1, 0, body(index, rng)};
    });
  }
}

std::string begin_together(Fleet& fleet) {
  std::string wrong = fleet.mend();
  return wrong.empty() && !fleet.together() ? "they do not find each other" : wrong;
}

std::string all_back_up(Fleet& fleet) {
  for (size_t i = 0; i < fleet.size(); ++i) fleet.edit(i);
  for (size_t i = 0; i < fleet.size(); ++i) fleet.back_up(i);
  if (!fleet.quiet()) return "a backup does not end";
  for (size_t i = 0; i < fleet.size(); ++i)
    if (fleet.is_full(i) && !fleet.last_worked(i)) return "a backup failed";
  fleet.world.run_for(kMinute);
  return fleet.settle();
}

std::string record_key(const LogPlace& place) {
  return hex(Bytes(place.header.key).first(ChunkId::kSize));
}

std::set<std::string> Fleet::records_of_others(size_t i) {
  std::set<std::string> keys;
  for (size_t k = 0; k < size(); ++k) {
    if (k == i || !is_full(k) || !at(k).is_running()) continue;
    for (const RecordRow& row : own_records(at(k).node())) keys.insert(hex(row.c.bytes()));
  }
  return keys;
}

uint64_t Fleet::missing_bytes() {
  std::vector<Inventory> held(size());
  for (size_t i = 0; i < size(); ++i)
    if (!is_gone(i)) held[i] = take_inventory(at(i).sim().disk);
  std::map<std::string, uint64_t> missing;
  for (size_t i = 0; i < size(); ++i) {
    if (!is_full(i) || !at(i).is_running()) continue;
    for (const RecordRow& row : own_records(at(i).node())) {
      std::string key = hex(row.c.bytes());
      uint64_t others = 0;
      for (size_t k = 0; k < size(); ++k) others += k != i && held[k].records.contains(key) ? 1 : 0;
      uint64_t lacks = options_.copies - std::min<uint64_t>(others, options_.copies);
      missing[key] = std::max<uint64_t>(missing[key], lacks * row.state.size);
    }
  }
  uint64_t bytes = 0;
  for (const auto& [key, lacking] : missing) bytes += lacking;
  return bytes;
}

}  // namespace drey::sim
