// UnpinNowSource: `forget --now`, from the side of the daemon, which has no phrase.

#include "node/node.h"
#include "node/peer_words.h"

namespace drey {
namespace {

// Without anything to sign. A device that is away may be away for long; it is told when it returns.
constexpr uint64_t kQuietNs = 60'000'000'000;

}  // namespace

Status UnpinNowSource::start(uint64_t number, std::string_view signature, Connection* connection) {
  Cosigning& desk = node_->mesh().data().cosigning();
  if (!signature.empty()) {
    Signature word{};
    DREY_TRY(hex_decode(signature, word));
    desk.sign(number, word);
  }
  attach(connection);
  uint64_t now_ns = node_->ports().clock->up_ns();
  desk.keep_open(now_ns);
  deadline_ns_ = now_ns + kQuietNs;
  return Status::kOk;
}

void UnpinNowSource::tick(uint64_t now_ns) {
  if (!attached()) return;
  node_->mesh().data().cosigning().keep_open(now_ns);
  if (node_->sweep_runs()) deadline_ns_ = now_ns + kQuietNs;
  wake();
}

void UnpinNowSource::write_words(bool complete, TextWriter& words) {
  const Peer* away = nullptr;
  for (const Peer& peer : node_->mesh().peers().all())
    if (peer.session == nullptr) away = &peer;
  if (complete && away == nullptr) {
    words.text("Every other device has given up what only they needed.");
    return;
  }
  if (!complete && away == nullptr)
    words.text("Not every device has been told yet");
  else
    words.text(member_name(node_->mesh().membership(), away->id)).text(" is not there");
  // Nothing is unpinned anywhere before everybody who is not lost has stored the number.
  words.text(complete ? "; it is told when it returns, and keeps them "
                      : "; all devices are told later, and keep what was not given up ");
  words.decimal(board::kMinimumAgeSeconds / (24 * 3600)).text(" days of running time more.");
}

Status UnpinNowSource::produce(MutBytes room, size_t* size) {
  Cosigning& desk = node_->mesh().data().cosigning();
  TextWriter out{std::span<char>(reinterpret_cast<char*>(room.data()), room.size())};
  Bytes unpin = desk.waiting();
  if (!unpin.empty()) {
    out.text("{\"type\":\"unpin\",\"number\":").decimal(desk.number());
    out.text(",\"statement\":\"").hex(unpin).text("\"}\n");
    *size = out.size();
    return Status::kEnd;
  }
  bool complete = node_->unpins_told();
  if (!complete && node_->ports().clock->up_ns() < deadline_ns_) return Status::kAgain;
  desk.close();
  char text[400];
  TextWriter words{std::span<char>(text)};
  write_words(complete, words);
  out.text("{\"type\":\"summary\",\"status\":").json_string(complete ? "ok" : "partly");
  out.text(",\"message\":").json_string(words.view()).text("}\n");
  *size = out.size();
  return Status::kEnd;
}

}  // namespace drey
