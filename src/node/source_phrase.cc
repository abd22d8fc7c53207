// PhraseSource: what the command line needs for new words, and their statement.

#include "node/node.h"

namespace drey {

Status PhraseSource::WrapJob::run() {
  return wrap_keyring(*random, Envelope::kRecovery, unwrap_key, *keyring, bytes, &size);
}

Status PhraseSource::draft(std::string_view unwrap_key, Connection* connection) {
  DREY_TRY(hex_decode(unwrap_key, wrap_.unwrap_key));
  begin(connection);
  drafting_ = true;
  wrap_.random = node_->ports().random;
  wrap_.keyring = &node_->keys().keyring;
  wrap_.op = &done_;
  node_->ports().lanes->submit(Lane::kWork, &wrap_);
  return Status::kOk;
}

Status PhraseSource::publish(std::string_view statement, Connection* connection) {
  wrap_.size = statement.size() / 2;
  if (wrap_.size == 0 || wrap_.size > wrap_.bytes.size()) return Status::kTooLarge;
  MutBytes bytes = MutBytes(wrap_.bytes).first(wrap_.size);
  DREY_TRY(hex_decode(statement, bytes));
  Statement decoded;
  DREY_TRY(decode_statement(bytes, &decoded));
  if (decoded.act != Act::kRecovery) return Status::kInvalid;
  begin(connection);
  drafting_ = false;
  publish_.kind = StatementKind::kMembership;
  publish_.statement = bytes;
  publish_.op = &done_;
  node_->mesh().publish(&publish_);
  return Status::kOk;
}

void PhraseSource::begin(Connection* connection) {
  done_.set(&node_->ready(), this, &PhraseSource::done);
  busy_ = true;
  attach(connection);
}

void PhraseSource::done(Status status) {
  busy_ = false;
  status_ = status;
  if (ok(status) && !drafting_) node_->log().info("the recovery phrase was replaced");
  wake();
}

Status PhraseSource::produce(MutBytes room, size_t* size) {
  if (busy_) return Status::kAgain;
  TextWriter out{std::span<char>(reinterpret_cast<char*>(room.data()), room.size())};
  const Membership& membership = node_->mesh().membership();
  out.text("{\"type\":\"summary\",\"status\":");
  // Denied: not signed by the phrase in force.
  out.json_string(ok(status_)                    ? "ok"
                  : status_ == Status::kDenied   ? "denied"
                  : status_ == Status::kFull     ? "full"
                  : status_ == Status::kReadOnly ? "full"
                                                 : "error");
  if (ok(status_) && drafting_) {
    std::array<StatementId, limits::kStatementParentsMax> parents;
    size_t count = membership.tips(parents);
    out.text(",\"mesh\":\"").hex(membership.mesh().bytes()).text("\",\"parents\":[");
    for (size_t i = 0; i < count; ++i) {
      out.text(i > 0 ? ",\"" : "\"").hex(parents[i].bytes()).text("\"");
    }
    out.text("],\"keyring\":\"").hex(Bytes(wrap_.bytes).first(wrap_.size)).text("\"");
  }
  out.text("}\n");
  *size = out.size();
  return Status::kEnd;
}

}  // namespace drey
