// What makes the daemon a good service: the schedule of drey.conf, SIGHUP, and the words for the
// service manager.

#include <algorithm>

#include "node/disk_share.h"
#include "node/node.h"

namespace drey {
namespace {

constexpr uint64_t kTellNs = 10ull * 1'000'000'000;  // a sixth of the unit's WatchdogSec
constexpr uint64_t kLeaveBytes = 2ull << 30;

// What a running daemon cannot change: sockets, disks and names.
constexpr ConfigKey kFixed[] = {ConfigKey::kName,  ConfigKey::kListen,   ConfigKey::kPage,
                                ConfigKey::kGroup, ConfigKey::kGroup6,   ConfigKey::kPeer,
                                ConfigKey::kStore, ConfigKey::kCapacity, ConfigKey::kQuota};

bool same_values(const Config& a, const Config& b, ConfigKey key) {
  if (a.count(key) != b.count(key)) return false;
  for (size_t i = 0; i < a.count(key); ++i)
    if (a.text(key, i) != b.text(key, i)) return false;
  return true;
}

}  // namespace

void Node::Reload::step(Status) { node->reload(); }

uint64_t disk_share(uint64_t free_bytes, uint64_t stored_bytes) {
  uint64_t without = free_bytes + stored_bytes;
  uint64_t leaving = without - std::min(without, kLeaveBytes);
  return std::min(without / 5 * 4, std::max(leaving, without / 2));
}

void Node::share_disk() {
  if (!options_.share_the_disk || options_.config->is_set(ConfigKey::kCapacity)) return;
  Result<Disk::Space> space = ports_.store->space();
  if (space.ok())
    store_.set_capacity(disk_share(space.value().free_bytes, store_.stats().stored_bytes));
}

void Node::start_scheduler() {
  schedule_work_.start(this, &state_);
  schedule_work_.set_config(options_.config);
  Scheduler::Options options;
  options.config = options_.config;
  options.work = &schedule_work_;
  options.clock = ports_.clock;
  options.random = ports_.random;
  options.log = &log_;
  options.ready = &ready_;
  scheduler_.start(options);
}

void Node::reload() {
  if (stopping_ || options_.config_source == nullptr) return;
  ConfigError error;
  ports_.host->notify("RELOADING=1");
  const Config* config = options_.config_source->read_again(&error);
  if (config == nullptr) {
    // The message may show what stands there, the log does not.
    log_.error("drey.conf was not taken over, see line %zu: drey config check says why",
               error.line);
    ports_.host->notify("READY=1");
    return;
  }
  for (ConfigKey key : kFixed)
    if (!same_values(*options_.config, *config, key))
      log_.warning("%s in drey.conf counts from the next start on", config_row(key).name);
  options_.config = config;
  schedule_work_.set_config(config);
  if (backup_started_) scheduler_.reload(config);
  log_.info("drey.conf was read again: %zu sets to back up", config->set_count());
  ports_.host->notify("READY=1");
}

// The watchdog hears that the loop turns; the status is the verdict, whenever it changes.
void Node::tell_manager(uint64_t now_ns) {
  if (now_ns < next_tell_ns_ || !mesh_started_) return;
  next_tell_ns_ = now_ns + kTellNs;
  ports_.host->notify("WATCHDOG=1");
  Verdict verdict = this->verdict();
  uint64_t hash = 1469598103934665603ull;  // FNV-1a: only whether it is another sentence
  for (char c : verdict.sentence()) hash = (hash ^ static_cast<uint8_t>(c)) * 1099511628211ull;
  if (hash == told_verdict_) return;
  told_verdict_ = hash;
  char text[300];
  TextWriter out{std::span<char>(text)};
  out.text("STATUS=").text(verdict_name(verdict.kind)).text(": ").text(verdict.sentence());
  ports_.host->notify(out.view());
}

}  // namespace drey
