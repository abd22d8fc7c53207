#include "sim/machine.h"

namespace drey::sim {
namespace {

struct ListSink final : SnapshotSink {
  std::vector<SnapshotInfo> rows;
  bool row(const SnapshotInfo& info) override {
    rows.push_back(info);
    return true;
  }
};

// One beacon is enough here, and nobody looks at the page.
void configure(Config* config) {
  ConfigError error;
  DREY_CHECK(ok(config->apply_flag("group6", "off", &error)));
  DREY_CHECK(ok(config->apply_flag("page", "off", &error)));
}

}  // namespace

struct Machine::Request final : Op {
  Done done;
  bool over = false;
  bool spent = false;  // may be deleted
  void step(Status with) override {
    over = true;
    done(with);
    spent = true;
  }
};

// One life of the daemon.
struct Machine::Run {
  explicit Run(SimNode* sim) : node(&sim->clock, &sim->host) { configure(&config); }
  Config config;
  Node node;
  std::vector<std::unique_ptr<Request>> requests;
  ListSink listing;
  StreamReader stream;
};

Machine::Machine(SimNode* sim) : sim_(sim) {}
Machine::~Machine() { drop(); }

Status Machine::init(uint8_t copies) {
  auto run = std::make_unique<Run>(sim_);
  NodeOptions options;
  options.ports = sim_->ports();
  options.config = &run->config;
  Node::InitRequest request;
  request.node_name = sim_->name();
  request.mesh_name = "home";
  request.compression = "auto";
  request.copies = copies;
  char phrase[160];
  size_t size = 0;
  Explanation why;
  Status status = run->node.init(options, request, phrase, &size, &why);
  run.reset();
  sim_->kill();  // the process ends, its locks with it
  return status;
}

Status Machine::start() {
  DREY_CHECK(run_ == nullptr);
  if (!sim_->is_up()) sim_->power_on();
  sim_->wake_up();
  run_ = std::make_unique<Run>(sim_);
  NodeOptions options;
  options.ports = sim_->ports();
  options.config = &run_->config;
  options.control_path = "/control";
  options.plain_sessions = plain;
  options.minimum_age_s = minimum_age_s;
  Explanation why;
  Status status = run_->node.start(options, &why);
  if (!ok(status)) {
    sim_->host.log_line(3, why.view());
    kill();
    return status;
  }
  sim_->host.idle_tick_ns = idle_tick_ns;
  Op* tick = run_->node.open_loop();
  sim_->host.attach(&run_->node.ready(), tick, Node::kTickMs);
  return Status::kOk;
}

bool Machine::stop() {
  sim_->wake_up();
  run_->node.stop();
  bool in_time =
      sim_->world().run_until([this] { return !sim_->host.is_attached(); }, 10 * kSecond);
  run_->node.close_loop();
  drop();
  sim_->kill();
  return in_time;
}

// Objects go first, on a disk that answers nothing any more: a dead process writes nothing.
void Machine::drop() {
  if (run_ == nullptr) return;
  sim_->host.stop();
  sim_->disk.cut_now();
  sim_->store.cut_now();
  std::unique_ptr<Run> ended = std::move(run_);
  for (auto& request : ended->requests)
    if (!request->over) request->done(Status::kClosed);
}

void Machine::kill() {
  drop();
  sim_->kill();
}

void Machine::lose_power(const SimDisk::Crash& how) {
  drop();
  sim_->power_off(how);
  sim_->power_on();
}

void Machine::switch_off(const SimDisk::Crash& how) {
  drop();
  sim_->power_off(how);
}

Node& Machine::node() { return run_->node; }

// ---- what a person asks ----

// Everything an op may touch lives as long as the daemon: an answer that comes too late harms
// nobody.
Machine::Request* Machine::ask(Done done) {
  std::erase_if(run_->requests, [](const auto& old) { return old->spent; });
  run_->requests.push_back(std::make_unique<Request>());
  Request* request = run_->requests.back().get();
  request->done = std::move(done);
  request->bind(&run_->node.ready());
  sim_->host.stir();
  return request;
}

void Machine::back_up(std::string_view path,
                      std::function<void(Status, const BackupResult&)> done) {
  Request* request = ask([this, done](Status status) {
    done(status, run_ != nullptr ? node().backup().result() : BackupResult());
  });
  BackupRequest wish;
  wish.paths = {&path, 1};
  Status status = node().backup().backup(wish, request);
  if (!ok(status)) request->complete(status);
}

void Machine::forget(const RetentionPolicy& policy, Done done) {
  Request* request = ask(std::move(done));
  ForgetRequest wish;
  wish.policy = policy;
  Status status = node().backup().forget(wish, request);
  if (!ok(status)) request->complete(status);
}

void Machine::list(Done done) {
  run_->listing.rows.clear();
  Request* request = ask(std::move(done));
  Status status = node().backup().list_snapshots(&run_->listing, request);
  if (!ok(status)) request->complete(status);
}

void Machine::resolve(std::string_view name, SnapshotInfo* to, Done done) {
  Request* request = ask(std::move(done));
  Status status = node().backup().resolve_snapshot(name, to, request);
  if (!ok(status)) request->complete(status);
}

const std::vector<SnapshotInfo>& Machine::listed() const { return run_->listing.rows; }

void Machine::open_stream(const StreamRequest& wish, Done done) {
  run_->stream.reset();
  Request* request = ask(std::move(done));
  Result<StreamNumber> number = node().backup().open_stream(wish, &run_->stream, request);
  if (!number.ok()) request->complete(number.status());
}

void Machine::restore(const SnapshotInfo& snapshot, Done done) {
  StreamRequest wish;
  wish.snapshot = snapshot;
  open_stream(wish, std::move(done));
}

void Machine::survey(const SnapshotInfo& snapshot, const Survivors& survivors, Done done) {
  StreamRequest wish;
  wish.snapshot = snapshot;
  wish.survivors = survivors;
  open_stream(wish, std::move(done));
}

Restored Machine::take_restored() { return run_->stream.take(); }

Status Machine::wait(const std::function<void(Done)>& begin) {
  // With all faults at once a restore waits out one fetch after another: 622 s were seen.
  constexpr uint64_t kPatienceNs = 3600 * kSecond;
  // The node's own questions to the catalog (for its page, its status) take milliseconds, and who
  // is refused meanwhile asks again, as the command line's sources do.
  constexpr uint64_t kAskAgainNs = 100 * kMillisecond;
  constexpr int kAsksMax = 100;
  Status status = Status::kBusy;
  for (int ask = 0; ask < kAsksMax && status == Status::kBusy; ++ask) {
    if (ask > 0) sim_->world().run_for(kAskAgainNs);
    if (!is_running()) return Status::kCancelled;
    // Shared: the answer may come when nobody waits any more.
    auto answer = std::make_shared<std::pair<bool, Status>>(false, Status::kTimeout);
    begin([answer](Status result) { *answer = {true, result}; });
    (void)sim_->world().run_until([answer] { return answer->first; }, kPatienceNs);
    status = answer->second;
  }
  return status;
}

}  // namespace drey::sim
