// The node: every part of the program in one static object, and the order in which they start and
// stop. Main owns it together with the platform; tests own several, one per simulated device.
//
// Loop thread, except where a method says "before the loop". After a crash start() finds everything
// that was acknowledged (store/store.h) and goes on.
#pragma once

#include "backup/backup.h"
#include "base/config.h"
#include "base/log.h"
#include "codec/compress.h"
#include "mesh/mesh.h"
#include "node/api.h"
#include "node/http_server.h"
#include "node/key_file.h"
#include "node/key_keeper.h"
#include "node/keyring_wrap.h"
#include "node/schedule_work.h"
#include "node/scheduler.h"
#include "node/scrub.h"
#include "node/verdict.h"
#include "store/commit.h"
#include "store/state_log.h"
#include "store/store.h"

namespace drey {

// What a failed start, init, join or recover has to say to a person.
struct Explanation {
  std::array<char, 480> text{};
  size_t size = 0;
  std::string_view view() const { return {text.data(), size}; }
  void say(const char* format, ...) __attribute__((format(printf, 2, 3)));
};

// Where drey.conf comes from: main, which may read files anywhere.
class ConfigSource {
 public:
  virtual ~ConfigSource() = default;
  // Reads it again. The new configuration, which stays where it is until the next call but one; or
  // null with *error filled, and the old one stands.
  virtual const Config* read_again(ConfigError* error) = 0;
};

struct NodeOptions {
  Ports ports;
  const Config* config = nullptr;
  ConfigSource* config_source = nullptr;  // null: SIGHUP does nothing
  // Without `capacity =`: four fifths of what would be free without this store, and 2 GiB left.
  // False: the whole file system.
  bool share_the_disk = false;
  std::string_view control_path;  // of the control socket
  uint32_t own_uid = 0;
  bool plain_sessions = false;                         // simulator only: no TLS between nodes
  uint64_t minimum_age_s = board::kMinimumAgeSeconds;  // simulator only: another one
  // Directories no backup walks: DIR, and the store's.
  size_t skip_count = 0;
  std::array<BackupOptions::Skip, 2> skip{};
};

class Node {
 public:
  explicit Node(Clock* clock, Host* host) : log_(clock, host) {}
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // ---- The daemon ----
  // Opens everything and listens. Before the loop. kNotFound: DIR has no node. kBusy: another
  // process has DIR. kUnsupported: a newer format, untouched. Others: told in `why`.
  Status start(const NodeOptions& options, Explanation* why);
  // Runs the loop until stop() or SIGTERM, then closes everything.
  void run();
  // The same for a host that drives several nodes at once (the simulator): it runs ready() and
  // completes the op every kTickMs until Host::stop() is called, then close_loop() closes.
  static constexpr uint32_t kTickMs = 100;
  Op* open_loop();
  void close_loop();
  void stop();

  // ---- Making a node (setup.cc) ----
  // A new node and a new mesh. Before the loop; DIR must not hold a node yet (kExists).
  struct InitRequest {
    std::string_view node_name, mesh_name, compression;
    uint8_t copies = 2;
  };
  Status init(const NodeOptions& options, const InitRequest& request, std::span<char> phrase_text,
              size_t* phrase_size, Explanation* why);
  // Runs a loop of its own until the mesh has taken this device in, or not.
  struct JoinWords {
    std::string_view name, code;
    uint32_t timeout_s = 0;
  };
  Status join(const NodeOptions& options, const JoinWords& words, Explanation* why);
  struct RecoverWords {
    std::string_view name, phrase, replace;
    uint32_t timeout_s = 0;
  };
  Status recover(const NodeOptions& options, const RecoverWords& words, Explanation* why);

  // ---- Parts, for the API and for tests ----
  Ports& ports() { return ports_; }
  ReadyQueue& ready() { return ready_; }
  Log& log() { return log_; }
  Mesh& mesh() { return mesh_; }
  Store& store() { return store_; }
  BackupService& backup() { return backup_; }
  const NodeKeys& keys() const { return keys_; }
  const StoreStats& store_stats() const { return stats_; }
  Scrubber& scrubber() { return scrubber_; }
  Scheduler& scheduler() { return scheduler_; }
  const Config& config() const { return *options_.config; }
  KeyKeeper& keeper() { return keeper_; }
  HttpServer& http() { return http_; }
  OriginPool& scratch() { return origin_; }  // a buffer of it, within one step of the loop
  bool is_full() const { return keys_.role == NodeRole::kFull; }
  std::string_view name() const;
  Verdict verdict();
  // Who is left without the devices that `names` names. kNotFound, kExists (several): *at says
  // which of them.
  Status survivors_without(std::span<const std::string_view> names, Survivors* to, size_t* at);
  // The sweep for what was forgotten ran, and every connected device was told what it may give up.
  bool unpins_told();
  // That cannot be yet: the pages of kept snapshots are being read, or a backup is first.
  bool sweep_runs() const { return sweeping_ || backup_.backup_running(); }
  // After a change of the table of single files: so many heads are superfluous now.
  void note_old_tables(uint64_t count);
  // Members ,"snapshots":{...} and ,"memory":{...} of the status.
  void write_snapshots_status(TextWriter& out);
  void write_memory_status(TextWriter& out);

 private:
  class Tick : public Op {
   public:
    void step(Status status) override;
    const char* state_name() const override { return "tick"; }
    Node* node = nullptr;
  };
  class Terminate : public Op {
   public:
    void step(Status status) override;
    const char* state_name() const override { return "terminate"; }
    Node* node = nullptr;
  };
  class Reload : public Op {
   public:
    void step(Status status) override;
    const char* state_name() const override { return "reload"; }
    Node* node = nullptr;
  };
  // Once a second, and again at once while there is something to compact: index commit, a step of
  // compaction and fresh figures, on the store lane.
  struct MaintainJob : Job {
    Store* store = nullptr;
    bool others_wait = false;  // for a commit: the steps are small then
    bool again = false;
    StoreStats stats;
    size_t lost_count = 0;
    std::array<LostStatement, 16> lost;
    Status run() override;
  };
  // Notes in the state log which FORGET was swept for.
  struct SweptJob : Job {
    StateLog* state = nullptr;
    uint64_t number = 0;
    Status run() override;
  };
  // sweep.cc
  void load_swept();
  void sweep_forgotten(uint64_t now_ns);
  void swept(Status status);
  void swept_noted(Status status);
  // files/old_tables.cc
  void forget_old_tables(uint64_t now_ns);
  void tables_forgotten(Status status);
  // start.cc
  Status open_disk(const NodeOptions& options, Explanation* why);
  Status open_store(const NodeId& self, Explanation* why);
  Status start_mesh(bool member, Explanation* why);
  Status start_backup();
  Status listen_http(const NodeOptions& options, Explanation* why);
  void on_tick();
  void maintained(Status status);
  void look_up_latest();
  void adopt_ancestor(uint64_t now_ns);
  void adopted(Status status);
  void latest_found(Status status);
  bool stopped() const;
  bool api_started() const { return http_.started(); }
  void announce_ready();
  // service.cc
  void start_scheduler();
  void reload();
  void share_disk();
  void tell_manager(uint64_t now_ns);
  std::span<const Address> addresses(ConfigKey key, std::span<Address> to) const;
  // setup.cc
  Status prepare_fresh_dir(const NodeOptions& options, Explanation* why);
  Status run_setup();
  void setup_done(Status status);
  Status found_mesh(const InitRequest& request, const KeyPair& recovery, const KeyPair& unwrapping,
                    Explanation* why);
  Status take_keyring(const JoinRequest& request);

  ReadyQueue ready_;
  Log log_;
  Ports ports_;
  NodeOptions options_;
  NodeKeys keys_;
  Store store_;
  StateLog state_;
  Committer committer_;
  KeyKeeper keeper_;
  Mesh mesh_;
  CompressorSet compressors_;
  OriginPool origin_;
  BackupService backup_;
  HttpServer http_;
  Api api_;
  Tick tick_;
  Terminate terminate_;
  Reload reload_;
  NodeScheduleWork schedule_work_;
  Scheduler scheduler_;
  uint64_t next_tell_ns_ = 0;
  uint64_t told_verdict_ = 0;  // a hash of the sentence that the service manager has
  MaintainJob maintain_;
  DataSignal<Node> maintained_;
  bool maintaining_ = false;
  uint64_t next_maintain_ns_ = 0;
  StoreStats stats_;
  Scrubber scrubber_;
  uint64_t scrub_findings_ = 0;
  // The newest snapshot, looked up again whenever the heads change.
  SnapshotInfo latest_, latest_draft_;
  bool has_latest_ = false, looking_up_ = false;
  uint64_t latest_of_heads_ = 0;
  DataSignal<Node> latest_found_;
  // After recover --replace: the records of the replaced device become ours.
  bool adopting_ = false, adopted_all_ = false;
  uint64_t next_adopt_ns_ = 0;
  DataSignal<Node> adopted_signal_;
  // The claims on what forgotten snapshots alone needed.
  bool sweeping_ = false, sweep_told_ = false;
  uint64_t swept_number_ = 0;  // of the FORGET whose sweep came to its end
  uint64_t sweeping_for_ = 0;
  uint64_t next_sweep_ns_ = 0;
  uint64_t next_surplus_sweep_ns_ = 0;
  bool sweep_again_ = false;  // the last one claimed records that were needed and not claimed
  SweptJob swept_job_;
  DataSignal<Node> swept_, swept_noted_;
  // Heads of tables that newer ones have replaced.
  bool forgetting_tables_ = false;
  uint64_t old_tables_ = 0;
  uint64_t next_tables_ns_ = 0, tables_retry_ns_ = 0;
  DataSignal<Node> tables_forgotten_;
  bool store_open_ = false, mesh_started_ = false, backup_started_ = false;
  bool stopping_ = false;
  uint64_t stop_deadline_ns_ = 0;
  Status setup_status_ = Status::kOk;
  DataSignal<Node> setup_done_;
  JoinRequest join_;
  RecoverRequest recover_;
};

// Everything the node owns is in the board's RAM sum; the platform's tables (317 KiB on native) and
// the configuration take what is left.
inline constexpr size_t kPlatformBytes = 488 * 1024;
static_assert(sizeof(Node) + kPlatformBytes <=
              limits::kSlotPoolBytes + limits::kCodecArenaBytes + limits::kTableBytes);

}  // namespace drey
