// The doctor: which of disk, multicast, addresses and sessions fails, and towards whom.

#include "backup/record_space.h"
#include "node/node.h"
#include "node/peer_words.h"

namespace drey {
namespace {

// The list of findings, one sentence each.
class Findings {
 public:
  explicit Findings(TextWriter& out) : out_(out) { out_.text("{\"checks\":["); }
  // Where the sentence is written; it counts with add().
  TextWriter& words() {
    sentence_ = TextWriter{std::span<char>(room_)};
    return sentence_;
  }
  void add(std::string_view name, bool well) {
    out_.text(first_ ? "" : ",").text("{\"name\":").json_string(name);
    out_.text(",\"ok\":").text(well ? "true" : "false");
    out_.text(",\"words\":").json_string(sentence_.view()).text("}");
    first_ = false;
  }
  void end() { out_.text("]}\n"); }

 private:
  TextWriter& out_;
  std::array<char, 400> room_{};
  TextWriter sentence_{std::span<char>(room_)};
  bool first_ = true;
};

void judge_store(const StoreStats& store, Findings& findings) {
  bool well = store.state == StoreState::kOk;
  findings.words()
      .text(well ? "the disk takes and gives records" : "the store is not well: ")
      .text(well ? "" : store_state_name(store.state));
  findings.add("store", well);
}

void judge_multicast(const Mesh& mesh, Findings& findings) {
  const Discovery::Counters& beacons = mesh.discovery().counters();
  bool heard = beacons.heard > beacons.refused || mesh.peers().all().empty();
  findings.words()
      .decimal(beacons.sent)
      .text(" beacons sent, ")
      .decimal(beacons.heard)
      .text(" heard of other devices, ")
      .decimal(beacons.refused)
      .text(" of them not of this mesh")
      .text(heard ? ""
                  : "; nothing is heard: a firewall or the router drops UDP multicast; use --peer "
                    "ADDRESS:PORT");
  findings.add("multicast", heard);
}

void judge_peer(const Mesh& mesh, const Peer& peer, uint64_t now_ns, Findings& findings) {
  bool alive = peer.state == PeerState::kAlive;
  TextWriter& words = findings.words();
  words.text(member_name(mesh.membership(), peer.id))
      .text(" is ")
      .text(peer_state_name(peer.state));
  if (alive) {
    words.text(" at ").address(peer.address);
  } else if (mesh.discovery().find(peer.id) != nullptr) {
    words.text(
        ": its beacons are heard, but no connection comes about: a firewall drops TCP to its "
        "port, or this device was replaced or cast out");
  } else {
    words.text(": not heard for ")
        .decimal(last_seen_s(mesh.peers(), peer, now_ns))
        .text(" s of up-time: it is off, asleep or elsewhere");
  }
  findings.add("peer", alive);
}

// What a person does about it, in order; the last step is post_one_left.
void judge_identity(std::string_view name, bool own, Findings& findings) {
  findings.words()
      .text("two devices run with the identity of ")
      .text(name)
      .text(own ? " (this one): nothing is backed up or removed here"
                : ": no copies of it are taken")
      .text(". Turn one of them off, empty its directory and let it join anew. Then, here and on ")
      .text("each device that says this: drey doctor --one-left ")
      .text(name);
  findings.add("identity", false);
}

}  // namespace

void Api::get_doctor(const Request&, Responder& responder) {
  Mesh& mesh = node_->mesh();
  Findings findings(responder.body());
  judge_store(node_->store_stats(), findings);
  judge_multicast(mesh, findings);
  findings.words().text("the page listens at ").address(node_->http().page_address());
  findings.add("page", true);
  findings.words().text("peers connect to port ").decimal(mesh.listen_port());
  findings.add("mesh port", mesh.listen_port() != 0);
  uint64_t now = node_->ports().clock->up_ns();
  for (const Peer& peer : mesh.peers().all()) judge_peer(mesh, peer, now, findings);
  for (const Auditor::Suspect& suspect : mesh.data().audits().suspects()) {
    findings.words()
        .text(member_name(mesh.membership(), suspect.id))
        .text(" did not give back ")
        .decimal(suspect.failed)
        .text(" of the pieces it says it has: they were copied anew; check its disk, or retire it");
    findings.add("audit", false);
  }
  if (mesh.cloned()) judge_identity(node_->name(), true, findings);
  for (const Peer& peer : mesh.peers().all())
    if (peer.cloned) judge_identity(member_name(mesh.membership(), peer.id), false, findings);
  findings.end();
  responder.done(200, "application/json");
}

void Api::post_one_left(const Request& request, Responder& responder) {
  if (!parse(request, responder)) return;
  std::array<char, 2 * NodeId::kSize> text;
  std::string_view name = name_in(text, responder);
  if (name.empty()) return;
  MeshSpace space;
  space.set(&node_->mesh());
  NodeId id;
  Status status = space.find_node(name, &id);
  if (status == Status::kExists)
    return responder.error(400, "usage", "several devices are called so; give digits of the id");
  if (ok(status)) status = node_->mesh().end_clone_alarm(id);
  if (!ok(status))
    return responder.error(404, "not_found", "no alarm about a device of that name stands here");
  node_->log().info("an alarm about a copied identity was ended by a person");
  responder.body().text("{\"node\":").json_string(member_name(node_->mesh().membership(), id));
  responder.body().text("}\n");
  responder.done(200, "application/json");
}

}  // namespace drey
