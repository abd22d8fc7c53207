// Figures in Prometheus' text format. Every family stands once, with its help and its type; a test
// has promtool read it.

#include "drey/version.h"
#include "node/node.h"

namespace drey {
namespace {

// Writes families: family() once, then value() for each of its series.
class Metrics {
 public:
  explicit Metrics(TextWriter& out) : out_(out) {}
  Metrics& family(const char* name, const char* type, const char* help) {
    name_ = name;
    out_.text("# HELP ").text(name).text(" ").text(help);
    out_.text("\n# TYPE ").text(name).text(" ").text(type).text("\n");
    return *this;
  }
  Metrics& value(uint64_t number) {
    out_.text(name_).text(" ").decimal(number).text("\n");
    return *this;
  }
  // One label, whose value is a word of ours.
  Metrics& value(const char* label, std::string_view word, uint64_t number) {
    out_.text(name_).text("{").text(label).text("=\"").text(word).text("\"} ");
    out_.decimal(number).text("\n");
    return *this;
  }
  Metrics& value_of_row(std::string_view method, std::string_view path, uint64_t number) {
    out_.text(name_).text("{method=\"").text(method).text("\",path=\"").text(path);
    out_.text("\"} ").decimal(number).text("\n");
    return *this;
  }
  void gauge(const char* name, uint64_t number, const char* help) {
    family(name, "gauge", help).value(number);
  }
  void counter(const char* name, uint64_t number, const char* help) {
    family(name, "counter", help).value(number);
  }

 private:
  TextWriter& out_;
  const char* name_ = "";
};

void write_store(Metrics& to, const StoreStats& store) {
  to.gauge("drey_store_records", store.records, "Sealed records held in the own log.");
  to.gauge("drey_store_bytes", store.stored_bytes, "Bytes of the log's segments.");
  to.gauge("drey_store_capacity_bytes", store.capacity_bytes, "Bytes the log may take.");
  to.gauge("drey_store_free_bytes", store.free_bytes, "Bytes that new records may still take.");
  to.gauge("drey_store_dead_bytes", store.dead_bytes,
           "Bytes of the log that nobody needs: compaction frees them.");
  to.gauge("drey_store_segments", store.segments, "Segment files of the log.");
  to.family("drey_store_state", "gauge", "1 for the state the store is in.");
  for (StoreState state :
       {StoreState::kOk, StoreState::kFull, StoreState::kReadOnly, StoreState::kFailed})
    to.value("state", store_state_name(state), store.state == state ? 1 : 0);
  to.counter("drey_store_compacted_segments_total", store.compacted,
             "Segments freed by compaction since start.");
  to.counter("drey_store_retired_segments_total", store.retired,
             "Segments given up after a failed write or sync since start.");
  to.counter("drey_store_index_rebuilds_total", store.rebuilds,
             "Times the index was rebuilt from the log since start.");
  to.counter("drey_store_corrupt_records_total", store.corrupt,
             "Records found damaged since start.");
  to.counter("drey_device_written_bytes_total", store.written_bytes,
             "Bytes written to log and index since start: the card's wear.");
  to.counter("drey_user_bytes_total", store.user_bytes,
             "Bytes of records and statements accepted since start.");
}

void write_replication(Metrics& to, const ReplicationSummary& r, const UnpinSummary& unpins) {
  to.gauge("drey_own_records", r.records, "Records of this device's own backups.");
  to.gauge("drey_under_replicated_records", r.under_replicated, "Own records that lack a copy.");
  to.gauge("drey_missing_records", r.missing, "Own records that nobody holds.");
  to.gauge("drey_at_risk_records", r.at_risk, "Own records that this device alone holds.");
  to.gauge("drey_replication_settled", r.settled ? 1 : 0,
           "1 when nothing changed since the counts were taken.");
  to.counter("drey_unpins_told_total", unpins.told,
             "Own records that other devices were told to give up since start.");
  to.gauge("drey_unpins_waiting", unpins.waiting,
           "Unpin statements of other devices that wait here for their minimum age.");
  to.counter("drey_unpins_done_total", unpins.done,
             "Unpin statements of other devices that took effect since start.");
  to.counter("drey_released_records_total", unpins.released,
             "Surplus copies that were let go since start.");
}

void write_mesh(Metrics& to, const Mesh& mesh) {
  to.gauge("drey_sessions", mesh.session_count(), "Other devices connected now.");
  to.family("drey_peers", "gauge", "Other devices of the mesh, by how they are doing.");
  for (PeerState state : {PeerState::kAlive, PeerState::kQuiet, PeerState::kAway, PeerState::kLost})
    to.value("state", peer_state_name(state), mesh.peers().count_in(state));
  const Discovery::Counters& beacons = mesh.discovery().counters();
  to.counter("drey_beacons_sent_total", beacons.sent, "Beacons sent since start.");
  to.counter("drey_beacons_heard_total", beacons.heard, "Beacons heard since start.");
  to.counter("drey_beacons_refused_total", beacons.refused,
             "Beacons heard since start that were not of this mesh.");
}

void write_traffic(Metrics& to, Mesh& mesh) {
  to.counter("drey_mesh_received_bytes_total", mesh.traffic().received_bytes,
             "Bytes of messages from other devices since start, without TLS around them.");
  to.counter("drey_mesh_sent_bytes_total", mesh.traffic().sent_bytes,
             "Bytes of messages to other devices since start, without TLS around them.");
  const TransferCounts& counts = mesh.data().transfers();
  to.family("drey_record_reads_total", "counter",
            "Records wanted since start, by where they were: own_log is a hit, peer a miss.")
      .value("from", "own_log", counts.own_log)
      .value("from", "peer", counts.peer)
      .value("from", "nowhere", counts.nowhere);
  to.counter("drey_fetched_bytes_total", counts.peer_bytes,
             "Bytes of records got from other devices since start.");
  to.counter("drey_served_records_total", counts.served,
             "Records given to other devices that asked since start.");
  to.counter("drey_served_bytes_total", counts.served_bytes, "Bytes of these records.");
}

void write_backup(Metrics& to, BackupService& backup) {
  const BackupProgress& progress = backup.progress();
  to.gauge("drey_backup_running", backup.backup_running() ? 1 : 0, "1 while a backup runs.");
  to.gauge("drey_backup_files", progress.files, "Files the running or last backup saw.");
  to.gauge("drey_backup_unchanged_files", progress.unchanged,
           "... of them taken over unread from the snapshot before.");
  to.gauge("drey_backup_bytes", progress.bytes, "Bytes of these files.");
  to.gauge("drey_backup_read_bytes", progress.read_bytes, "... of them read.");
  to.gauge("drey_backup_added_bytes", progress.added_bytes,
           "Sealed bytes that were new to the mesh: what compression and deduplication left.");
  to.gauge("drey_backup_errors", progress.errors, "Entries it could not read.");
}

}  // namespace

void Api::get_metrics(const Request&, Responder& responder) {
  Metrics to(responder.body());
  Verdict verdict = node_->verdict();
  to.family("drey_build_info", "gauge", "The version that runs.").value("version", kVersion, 1);
  to.family("drey_verdict", "gauge", "1 for the verdict in force.");
  for (VerdictKind kind :
       {VerdictKind::kProtected, VerdictKind::kWaiting, VerdictKind::kAtRisk, VerdictKind::kLost})
    to.value("verdict", verdict_name(kind), verdict.kind == kind ? 1 : 0);
  write_store(to, node_->store_stats());
  write_replication(to, node_->mesh().replication(), node_->mesh().data().unpins());
  write_mesh(to, node_->mesh());
  write_traffic(to, node_->mesh());
  const Scrubber::Figures& scrub = node_->scrubber().figures();
  to.counter("drey_scrub_passes_total", scrub.passes, "Times everything kept here was re-read.");
  to.counter("drey_scrub_damaged_total", scrub.damaged, "Records scrubs found damaged.");
  to.gauge("drey_scrub_read_bytes", scrub.read_bytes, "Bytes the running pass has read.");
  if (node_->is_full()) {
    to.gauge("drey_snapshots", history_.count(), "Snapshots of all devices.");
    write_backup(to, node_->backup());
  }
  to.gauge("drey_http_connections", node_->http().open_count(),
           "Connections of page and control socket.");
  to.family("drey_http_requests_total", "counter",
            "Requests let in since start, by row of the route table.");
  for (size_t row = 0; row < routes().size(); ++row)
    to.value_of_row(method_name(routes()[row].method), routes()[row].path, asked_[row]);
  to.gauge("drey_logins", access_.sessions().count(node_->ports().clock->up_ns()),
           "Browsers signed in to the page.");
  to.counter("drey_log_errors_total", node_->log().error_count(), "Errors logged since start.");
  responder.done(200, "text/plain; version=0.0.4; charset=utf-8");
}

}  // namespace drey
