// Starting, running and stopping the daemon: the order of things.

#include <algorithm>
#include <cstdarg>
#include <cstdio>

#include "codec/self_test.h"
#include "crypto/self_test.h"
#include "drey/version.h"
#include "node/genesis_file.h"
#include "node/node.h"
#include "node/peer_words.h"

namespace drey {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;
constexpr uint64_t kAdoptRetryNs = 30 * kSecondNs;
// What a step of compaction may read and write while it has the store lane: a quarter of a second
// of a slow card when somebody waits for a commit, a second otherwise.
constexpr uint64_t kBusyCompactBytes = 1 << 20;
constexpr uint64_t kIdleCompactBytes = 4 << 20;
constexpr uint64_t kBusyPauseNs = kSecondNs / 4;
constexpr uint64_t kStopNs = 8 * kSecondNs;  // then what is still open is left to the next start

}  // namespace

void Explanation::say(const char* format, ...) {
  va_list list;
  va_start(list, format);
  int length = std::vsnprintf(text.data(), text.size(), format, list);
  va_end(list);
  size = length < 0 ? 0 : static_cast<size_t>(length);
  if (size >= text.size()) size = text.size() - 1;
}

void Node::Tick::step(Status) { node->on_tick(); }

void Node::Terminate::step(Status) { node->stop(); }

Status Node::MaintainJob::run() {
  Status status = store->maintain();
  stats = store->stats();
  bool urgent = stats.state == StoreState::kFull || stats.free_bytes < 2 * limits::kSegmentBytes;
  Status compacted = store->compact(urgent ? CompactMode::kUrgent : CompactMode::kIdle,
                                    others_wait ? kBusyCompactBytes : kIdleCompactBytes, &again);
  if (compacted == Status::kBusy) again = true;
  if (again) stats = store->stats();
  lost_count = store->take_lost_statements(lost);
  return status;
}

std::string_view Node::name() const {
  const Member* member = mesh_.membership().find(mesh_.self());
  return member != nullptr ? member->name() : std::string_view("?");
}

std::span<const Address> Node::addresses(ConfigKey key, std::span<Address> to) const {
  size_t count = 0;
  for (size_t i = 0; i < options_.config->count(key) && count < to.size(); ++i) {
    Result<Address> address = options_.config->address(key, i);
    if (address.ok()) to[count++] = address.value();
  }
  return to.first(count);
}

Status Node::open_disk(const NodeOptions& options, Explanation* why) {
  options_ = options;
  ports_ = options.ports;
  CompressorLease lease(compressors_);
  Status status = crypto_self_test();
  if (ok(status)) status = codec_self_test(*lease.get());
  if (!ok(status))
    why->say(
        "the known answers of the cryptography do not come out right on this machine: refusing to "
        "start");
  return status;
}

Status Node::open_store(const NodeId& self, Explanation* why) {
  StoreOptions store;
  store.disk = ports_.disk;
  store.log_disk = ports_.store;
  store.clock = ports_.clock;
  store.random = ports_.random;
  store.log = &log_;
  store.self = self;
  store.capacity_bytes = options_.config->number(ConfigKey::kCapacity);
  Status status = store_.open(store);
  switch (status) {
    case Status::kOk:
      break;
    case Status::kBusy:
      why->say("another drey runs on this directory already");
      return status;
    case Status::kUnsupported:
      why->say(
          "this directory was written by a newer version of drey; nothing was touched; install "
          "that version");
      return status;
    case Status::kNotFound:
      why->say(
          "the disk that keeps the pieces is not there; is it mounted? Nothing was written "
          "elsewhere");
      return status;
    case Status::kInvalid:
      why->say("the disk that keeps the pieces belongs to another node; put the right one in");
      return status;
    default:
      why->say("the store cannot be opened: %s", status_name(status));
      return status;
  }
  store_open_ = true;
  status = state_.open(ports_.disk, &log_);
  if (!ok(status)) why->say("the state log cannot be opened: %s", status_name(status));
  load_swept();
  share_disk();
  stats_ = store_.stats();
  committer_.bind(&ready_);
  committer_.start(&store_, ports_.lanes);
  maintain_.store = &store_;
  maintained_.set(&ready_, this, &Node::maintained);
  if (ok(status)) scrubber_.start(&store_, &state_, ports_.lanes, &ready_, ports_.clock->up_ns());
  return status;
}

Status Node::start_mesh(bool member, Explanation* why) {
  std::array<Address, 4> groups;
  std::array<Address, Mesh::kPeerAddressesMax> peers;
  std::array<Address, 2> listen;
  std::array<DiscoveryKey, Keyring::kBeaconKeysMax> keys;
  size_t group_count = addresses(ConfigKey::kGroup, groups).size();
  group_count += addresses(ConfigKey::kGroup6, std::span(groups).subspan(group_count)).size();
  MeshOptions mesh;
  mesh.clock = ports_.clock;
  mesh.random = ports_.random;
  mesh.net = ports_.net;
  mesh.lanes = ports_.lanes;
  mesh.ready = &ready_;
  mesh.log = &log_;
  mesh.store = &store_;
  mesh.committer = &committer_;
  mesh.state = &state_;
  mesh.board = board_name();
  mesh.capacity_bytes = stats_.capacity_bytes;
  mesh.groups = std::span<const Address>(groups).first(group_count);
  mesh.peers = addresses(ConfigKey::kPeer, peers);
  mesh.plain = options_.plain_sessions;
  mesh.minimum_age_s = options_.minimum_age_s;
  mesh.quota_bytes = options_.config->number(ConfigKey::kQuota);
  if (member) {
    mesh.identity = &keys_.sign;
    mesh.mesh = keys_.mesh;
    mesh.listen = addresses(ConfigKey::kListen, listen);
    for (size_t i = 0; i < keys_.beacon_key_count; ++i)
      keys[i] = {keys_.beacon_keys[i].number, keys_.beacon_keys[i].key};
    mesh.discovery_keys = std::span<const DiscoveryKey>(keys).first(keys_.beacon_key_count);
    mesh.courier = &keeper_;
  }
  Status status = mesh_.start(mesh);
  mesh_started_ = ok(status);
  if (mesh_started_ && member) keeper_.start();
  if (!mesh_started_)
    why->say("cannot listen for peers: %s; see listen = ADDRESS:PORT",
             status == Status::kExists     ? "another program has that port"
             : status == Status::kNotFound ? "this device has no such address"
                                           : status_name(status));
  return status;
}

Status Node::start_backup() {
  const MeshSettings& settings = mesh_.membership().settings();
  BackupOptions backup;
  backup.ports = &ports_;
  backup.ready = &ready_;
  backup.log = &log_;
  backup.store = &store_;
  backup.committer = &committer_;
  backup.mesh = &mesh_;
  backup.keyring = &keys_.keyring;
  backup.compressors = &compressors_;
  backup.origin = &origin_;
  backup.sign_key = &keys_.sign;
  backup.self = mesh_.self();
  DREY_TRY(parse_compression(settings.compression, &backup.compression));
  backup.chunk_sizes = {settings.chunk_bytes_min, settings.chunk_bytes_average,
                        settings.chunk_bytes_max};
  for (size_t i = 0; i < options_.skip_count; ++i) backup.skip[i] = options_.skip[i];
  backup_.start(backup);
  backup_started_ = true;
  return Status::kOk;
}

Status Node::listen_http(const NodeOptions& options, Explanation* why) {
  api_.start(this);
  http_.start({&ports_, &ready_, &api_, options.own_uid});
  Status status = http_.listen_control(options.control_path);
  if (!ok(status)) {
    why->say("cannot open the control socket %.*s: %s",
             static_cast<int>(options.control_path.size()), options.control_path.data(),
             status_name(status));
    return status;
  }
  Result<Address> page = options_.config->address(ConfigKey::kPage);
  if (!page.ok()) return Status::kOk;
  status = http_.listen_page(page.value());
  api_.set_page_port(http_.page_address().port);
  if (ok(status)) return status;
  // The page is a comfort: a taken port must not stop the backups.
  log_.warning("the status page cannot listen (%s); use page = ADDRESS:PORT", status_name(status));
  return Status::kOk;
}

Status Node::start(const NodeOptions& options, Explanation* why) {
  DREY_TRY(open_disk(options, why));
  Status status = load_keys(*ports_.disk, &keys_);
  if (!ok(status)) {
    why->say(status == Status::kNotFound
                 ? "there is no node in this directory; make one with drey init or drey join"
             : status == Status::kUnsupported
                 ? "the keys were written by a newer version of drey; nothing was touched"
                 : "the key file is damaged; with the recovery phrase: move this directory away, "
                   "then drey recover --replace NAME");
    return status;
  }
  DREY_TRY(open_store(keys_.id(), why));
  status = keep_genesis(*ports_.disk, store_, keys_.mesh, &log_);
  if (ok(status)) status = mesh_.load(&store_, keys_.mesh);
  if (!ok(status)) {
    if (status == Status::kCorrupt) {
      why->say(
          "this device's log is gone or lacks its beginning. Is its disk mounted? If the log is "
          "lost: empty this directory, then drey recover --replace NAME, or drey join");
      return status;
    }
    why->say("the list of members cannot be read: %s", status_name(status));
    return status;
  }
  keeper_.load({&ports_, &ready_, &log_, &store_, &mesh_, &keys_});
  DREY_TRY(start_mesh(true, why));
  if (is_full() && !ok(status = start_backup())) {
    why->say("this build cannot take part in that mesh: its settings exceed this board's limits");
    return status;
  }
  return listen_http(options, why);
}

void Node::announce_ready() {
  char line[200];
  TextWriter out{std::span<char>(line)};
  out.text("ready node=").text(name()).text(" port=").decimal(mesh_.listen_port());
  if (http_.page_address().port != 0) out.text(" page=").address(http_.page_address());
  ports_.host->print_line(out.view());
  // Before the first tick, so that a manager that starts others after us has a verdict to show.
  ports_.host->notify("READY=1");
}

void Node::run() {
  Op* tick = open_loop();
  ports_.host->run(&ready_, tick, kTickMs);
  close_loop();
}

Op* Node::open_loop() {
  tick_.node = terminate_.node = reload_.node = this;
  tick_.bind(&ready_);
  terminate_.bind(&ready_);
  reload_.bind(&ready_);
  ports_.host->on_terminate(&terminate_);
  ports_.host->on_reload(&reload_);
  if (backup_started_) start_scheduler();
  announce_ready();
  return &tick_;
}

void Node::close_loop() {
  if (!store_open_) return;
  Status status = store_.close();
  if (!ok(status))
    log_.error("the store did not close cleanly: %s; the next start checks it",
               status_name(status));
  (void)state_.close();
  store_open_ = false;
}

void Node::stop() {
  if (stopping_) return;
  stopping_ = true;
  stop_deadline_ns_ = ports_.clock->up_ns() + kStopNs;
  ports_.host->notify("STOPPING=1");
  if (api_started()) api_.stop();
  http_.stop();
  scrubber_.stop();
  scheduler_.stop();
  keeper_.stop();
  if (backup_started_) backup_.stop();
  if (mesh_started_) mesh_.stop();
}

bool Node::stopped() const {
  return (!backup_started_ || backup_.idle()) && (!mesh_started_ || mesh_.stopped()) &&
         committer_.idle() && !maintaining_ && !sweeping_ && scrubber_.idle() &&
         scheduler_.idle() && keeper_.idle() && api_.idle() && http_.open_count() == 0;
}

void Node::on_tick() {
  uint64_t now = ports_.clock->up_ns();
  log_.tick();
  if (mesh_started_) mesh_.tick(now);
  keeper_.tick(now);
  if (backup_started_) {
    backup_.tick(now);
    look_up_latest();
    adopt_ancestor(now);
    sweep_forgotten(now);
    forget_old_tables(now);
    scheduler_.tick(now);
  }
  http_.tick(now);
  if (api_started()) api_.tick(now);
  if (stopping_) {
    if (stopped() || now >= stop_deadline_ns_) ports_.host->stop();
    return;
  }
  tell_manager(now);
  if (store_open_ && !maintaining_ && now >= next_maintain_ns_) {
    maintaining_ = true;
    next_maintain_ns_ = now + kSecondNs;
    maintain_.op = &maintained_;
    maintain_.others_wait = !committer_.idle();
    ports_.lanes->submit(Lane::kStore, &maintain_);
  }
  if (!store_open_) return;
  scrubber_.tick(now, stats_.stored_bytes);
  if (scrub_findings_ == scrubber_.findings()) return;
  scrub_findings_ = scrubber_.findings();
  log_.warning("scrub: damage found; what is lost here comes again from other devices");
  mesh_.data().found_damage(scrubber_.figures().damaged);
}

void Node::maintained(Status) {
  maintaining_ = false;
  if (maintain_.again)
    next_maintain_ns_ = maintain_.others_wait ? ports_.clock->up_ns() + kBusyPauseNs : 0;
  // An index rebuilt while running has forgotten who holds what: ask everybody again.
  if (mesh_started_ && maintain_.stats.rebuilds != stats_.rebuilds) mesh_.data().recheck();
  if (mesh_started_)
    mesh_.statements_lost(
        std::span<const LostStatement>(maintain_.lost).first(maintain_.lost_count));
  // A read found rot: the owners are told as they are of what the scrub finds.
  if (mesh_started_ && maintain_.stats.corrupt > stats_.corrupt)
    mesh_.data().found_damage(maintain_.stats.corrupt);
  stats_ = maintain_.stats;
  if (mesh_started_) mesh_.tell_free_space(stats_.free_bytes, static_cast<uint8_t>(stats_.state));
}

Verdict Node::verdict() {
  VerdictInput in;
  const Membership& membership = mesh_.membership();
  in.full = is_full();
  in.cast_out = mesh_.is_cast_out();
  in.left = !mesh_.is_member() && !in.cast_out;
  in.leaving = mesh_.is_leaving();
  in.cloned = mesh_.clone_proved();
  if (const Peer* peer = mesh_.leaving_waits_for(); in.leaving && peer != nullptr)
    in.waits_for = member_name(membership, peer->id);
  in.others = membership.active_count() > 0 ? membership.active_count() - 1 : 0;
  in.others_away =
      in.others - std::min<size_t>(in.others, mesh_.peers().count_in(PeerState::kAlive));
  in.copies = membership.settings().copies;
  // A device that replaces another continues its backups: they count, too.
  const Member* owner = membership.find(mesh_.self());
  for (size_t i = 0; owner != nullptr && i <= membership.members().size(); ++i) {
    const HeadTable::Highest* head = mesh_.heads().find(owner->id);
    in.own_snapshots += head != nullptr ? static_cast<size_t>(head->held) : 0;
    owner = owner->ancestor.is_zero() ? nullptr : membership.find(owner->ancestor);
  }
  in.stored_records = stats_.records;
  in.replication = mesh_.replication();
  return judge(in);
}

// Walks the replaced device's snapshots once after each start, with retries while devices that hold
// their pages are away. Claims that are known already cost no byte on the disk.
void Node::adopt_ancestor(uint64_t now_ns) {
  const Member* self = mesh_.membership().find(mesh_.self());
  if (self == nullptr || self->ancestor.is_zero() || adopting_ || adopted_all_ || stopping_) return;
  if (now_ns < next_adopt_ns_ || mesh_.session_count() == 0) return;
  next_adopt_ns_ = now_ns + kAdoptRetryNs;
  adopted_signal_.set(&ready_, this, &Node::adopted);
  Status status = backup_.adopt(&adopted_signal_);
  adopting_ = ok(status);
  // Busy: a backup runs, the next try comes.
  if (!adopting_ && status != Status::kBusy) adopted(status);
}

void Node::adopted(Status status) {
  adopting_ = false;
  adopted_all_ = ok(status);
  if (adopted_all_) {
    log_.info("the backups of the replaced device are this device's now");
    mesh_.data().recheck();  // their copies are to be counted
  } else {
    log_.info("the backups of the replaced device are not all taken over yet (%s); trying again",
              status_name(status));
  }
}

void Node::look_up_latest() {
  if (looking_up_ || stopping_ || latest_of_heads_ == mesh_.heads().changes()) return;
  latest_found_.set(&ready_, this, &Node::latest_found);
  looking_up_ = ok(backup_.resolve_snapshot("latest", &latest_draft_, &latest_found_));
  if (looking_up_) latest_of_heads_ = mesh_.heads().changes();
}

void Node::latest_found(Status status) {
  looking_up_ = false;
  if (status == Status::kNotFound) has_latest_ = false;
  if (!ok(status)) return;
  latest_ = latest_draft_;
  has_latest_ = true;
}

void Node::write_snapshots_status(TextWriter& out) {
  out.text(",\"snapshots\":{\"count\":").decimal(mesh_.heads().count()).text(",\"last_id\":");
  if (!has_latest_) {
    out.text("null,\"last_age_s\":null}");
    return;
  }
  int64_t age_ns = ports_.clock->wall_ns() - latest_.time_ns;
  out.text("\"").hex(latest_.id.bytes()).text("\",\"last_age_s\":");
  out.decimal(static_cast<uint64_t>(std::max<int64_t>(age_ns, 0)) / 1'000'000'000).text("}");
}

void Node::write_memory_status(TextWriter& out) {
  out.text(",\"memory\":{\"budget_bytes\":").decimal(limits::kRamBytes);
  out.text(",\"used_bytes\":")
      .decimal(limits::kRamBytes)
      .text(",\"peak_bytes\":")
      .decimal(limits::kRamBytes)
      .text("}");
}

}  // namespace drey
