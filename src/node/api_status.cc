// What can be read without an order: status, peers, metrics, health.

#include "drey/version.h"
#include "node/node.h"
#include "node/peer_words.h"
#include "wire/limits.h"

namespace drey {
namespace {

void write_address(TextWriter& out, const Address& address) {
  if (address.port == 0) {
    out.text("\"\"");
    return;
  }
  out.text("\"").address(address).text("\"");
}

const char* role_name(Role role) { return role == Role::kFull ? "full" : "vault"; }

// What goes on in the background: giving up, and looking whether holders keep their word.
void write_upkeep(DataService& data, TextWriter& out) {
  UnpinSummary unpins = data.unpins();
  out.text(",\"unpins\":{\"told\":").decimal(unpins.told);
  out.text(",\"waits_for_members\":").text(unpins.waits_for_members ? "true" : "false");
  out.text(",\"waiting\":").decimal(unpins.waiting);
  out.text(",\"done\":").decimal(unpins.done);
  out.text(",\"released\":").decimal(unpins.released).text("}");
  const Auditor& audits = data.audits();
  out.text(",\"audits\":{\"asked\":").decimal(audits.asked());
  out.text(",\"failed\":").decimal(audits.failed()).text("}");
}

}  // namespace

void Api::write_peers(TextWriter& out) {
  Mesh& mesh = node_->mesh();
  uint64_t now = node_->ports().clock->up_ns();
  out.text("[");
  bool first = true;
  for (const Peer& peer : mesh.peers().all()) {
    const Member* member = mesh.membership().find(peer.id);
    out.text(first ? "{\"id\":\"" : ",{\"id\":\"").hex(peer.id.bytes());
    out.text("\",\"name\":").json_string(member_name(mesh.membership(), peer.id));
    out.text(",\"role\":").json_string(member != nullptr ? role_name(member->role) : "?");
    out.text(",\"state\":").json_string(peer_state_name(peer.state)).text(",\"address\":");
    write_address(out, peer.address);
    out.text(",\"capacity_bytes\":")
        .decimal(peer.capacity_bytes)
        .text(",\"free_bytes\":")
        .decimal(peer.free_bytes);
    const Quota& quota = mesh.data().quota();
    out.text(",\"stored_here_bytes\":").decimal(quota.charged(peer.id)).text(",\"quota_bytes\":");
    if (quota.limit() == Quota::kNoLimit) {
      out.text("null");
    } else {
      out.decimal(quota.limit());
    }
    if (member != nullptr && member->leaving) out.text(",\"leaving\":true");
    if (peer.cloned) out.text(",\"cloned\":true");
    out.text(",\"last_seen_s\":").decimal(last_seen_s(mesh.peers(), peer, now)).text("}");
    first = false;
  }
  out.text("]");
}

void Api::get_peers(const Request&, Responder& responder) {
  write_peers(responder.body());
  responder.body().text("\n");
  responder.done(200, "application/json");
}

void Api::get_status(const Request&, Responder& responder) {
  TextWriter& out = responder.body();
  Mesh& mesh = node_->mesh();
  const Membership& membership = mesh.membership();
  const StoreStats& store = node_->store_stats();
  ReplicationSummary r = mesh.replication();
  Verdict verdict = node_->verdict();
  out.text("{\"schema\":1,\"verdict\":").json_string(verdict_name(verdict.kind));
  out.text(",\"sentence\":").json_string(verdict.sentence());
  out.text(",\"node\":{\"id\":\"")
      .hex(mesh.self().bytes())
      .text("\",\"name\":")
      .json_string(node_->name());
  out.text(",\"role\":").json_string(node_->is_full() ? "full" : "vault");
  out.text(",\"version\":").json_string(kVersion);
  out.text(",\"board\":")
      .json_string(board_name())
      .text("},\"mesh\":{\"id\":\"")
      .hex(membership.mesh().bytes());
  out.text("\",\"name\":")
      .json_string(membership.mesh_name())
      .text(",\"nodes\":")
      .decimal(membership.active_count());
  out.text(",\"copies\":").decimal(membership.settings().copies);
  out.text(",\"epoch\":").decimal(membership.current_epoch());
  out.text(",\"member\":").text(mesh.is_member() ? "true" : "false").text("},\"peers\":");
  write_peers(out);
  out.text(",\"store\":{\"records\":")
      .decimal(store.records)
      .text(",\"stored_bytes\":")
      .decimal(store.stored_bytes);
  out.text(",\"capacity_bytes\":")
      .decimal(store.capacity_bytes)
      .text(",\"free_bytes\":")
      .decimal(store.free_bytes);
  out.text(",\"dead_bytes\":")
      .decimal(store.dead_bytes)
      .text(",\"compacted_segments\":")
      .decimal(store.compacted);
  out.text(",\"corrupt_records\":")
      .decimal(store.corrupt)
      .text(",\"missing_statements\":")
      .decimal(mesh.missing_statements())
      .text(",\"state\":")
      .json_string(store_state_name(store.state));
  out.text("},\"replication\":{\"under_replicated\":")
      .decimal(r.under_replicated)
      .text(",\"missing\":")
      .decimal(r.missing);
  out.text(",\"records\":")
      .decimal(r.records)
      .text(",\"settled\":")
      .text(r.settled ? "true" : "false")
      .text("}");
  write_upkeep(mesh.data(), out);
  node_->write_snapshots_status(out);
  node_->write_memory_status(out);
  node_->scrubber().write_status(out, store.stored_bytes);
  if (node_->is_full()) node_->scheduler().write_status(out);
  out.text(",\"wear\":{\"written_bytes\":").decimal(store.written_bytes);
  out.text(",\"user_bytes\":").decimal(store.user_bytes).text("}}\n");
  responder.done(200, "application/json");
}

void Api::get_health(const Request&, Responder& responder) {
  responder.body().text("ok\n");
  responder.done(200, "text/plain; charset=utf-8");
}

void Api::get_ready(const Request&, Responder& responder) {
  Verdict verdict = node_->verdict();
  bool safe = verdict.kind == VerdictKind::kProtected;
  responder.body().text(verdict_name(verdict.kind)).text(": ").text(verdict.sentence()).text("\n");
  responder.done(safe ? 200 : 503, "text/plain; charset=utf-8");
}

void Api::get_recovery(const Request&, Responder& responder) {
  responder.body()
      .text("{\"sign_key\":\"")
      .hex(node_->mesh().membership().recovery().sign_key)
      .text("\",\"mesh\":\"")
      .hex(node_->mesh().membership().mesh().bytes())
      .text("\"}\n");
  responder.done(200, "application/json");
}

}  // namespace drey
