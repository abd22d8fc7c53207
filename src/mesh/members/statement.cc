#include "mesh/members/statement.h"

#include <algorithm>

#include "crypto/hash.h"

namespace drey {
namespace {

// version, act, author kind, parent count, author id.
constexpr size_t kFixedBytes = 1 + 1 + 1 + 1 + 32;
constexpr uint8_t kByNode = 1;
constexpr uint8_t kByRecovery = 2;

// One kind per act, so that a signature for one act can never pass for another.
struct ActKind {
  Act act;
  std::string_view kind;
};
constexpr ActKind kActKinds[] = {
    {Act::kGenesis, "member-genesis"}, {Act::kAdd, "member-add"},
    {Act::kRetire, "member-retire"},   {Act::kRevoke, "member-revoke"},
    {Act::kEpoch, "member-epoch"},     {Act::kRecovery, "member-phrase"},
    {Act::kHeir, "member-heir"},       {Act::kFeature, "member-feature"},
    {Act::kAnnul, "member-annul"},     {Act::kLeave, "member-leave"},
};

std::string_view kind_of(Act act) {
  for (const ActKind& row : kActKinds)
    if (row.act == act) return row.kind;
  return "member-other";  // the act's byte stands in what is signed anyway
}

}  // namespace

Status decode_statement(Bytes from, Statement* to) {
  if (from.size() > limits::kStatementBytesMax) return Status::kTooLarge;
  ByteReader in(from);
  uint8_t version = in.u8();
  if (in.ok() && version > kStatementVersion) return Status::kUnsupported;
  if (version != kStatementVersion) return Status::kInvalid;
  to->act = static_cast<Act>(in.u8());
  uint8_t by = in.u8();
  to->parent_count = in.u8();
  in.copy(to->author.mut());
  if (!in.ok() || (by != kByNode && by != kByRecovery)) return Status::kInvalid;
  if (to->parent_count > limits::kStatementParentsMax) return Status::kTooLarge;
  to->by_recovery = by == kByRecovery;
  for (size_t i = 0; i < to->parent_count; ++i) {
    in.copy(to->parents[i].mut());
    if (i > 0 && !(to->parents[i - 1] < to->parents[i])) return Status::kInvalid;
  }
  to->body = in.bytes(in.u16());
  size_t unsigned_size = in.position();
  in.copy(to->signature);
  if (!in.at_end()) return Status::kInvalid;
  to->unsigned_bytes = from.first(unsigned_size);
  if (static_cast<uint8_t>(to->act) == 0) return Status::kInvalid;
  if ((to->act == Act::kGenesis) != (to->parent_count == 0)) return Status::kInvalid;
  return Status::kOk;
}

StatementId statement_id(const Statement& statement) {
  return StatementId::from(sha256(statement.unsigned_bytes));
}

Key32 signed_digest(const Statement& statement, const MeshId& mesh) {
  MeshId signed_mesh = statement.act == Act::kGenesis ? MeshId{} : mesh;
  return statement_digest(kind_of(statement.act), kStatementVersion, signed_mesh,
                          statement.unsigned_bytes);
}

Key32 recovery_key_id(const PublicKey& sign_key) { return sha256(sign_key); }

Result<size_t> build_statement(Signer by, const MeshId& mesh, Act act, Parents parents, Bytes body,
                               MutBytes to) {
  if (parents.size() > limits::kStatementParentsMax || body.size() > 0xffff)
    return Status::kTooLarge;
  ByteWriter out(to.first(std::min(to.size(), limits::kStatementBytesMax)));
  out.u8(kStatementVersion);
  out.u8(static_cast<uint8_t>(act));
  out.u8(by.recovery ? kByRecovery : kByNode);
  out.u8(static_cast<uint8_t>(parents.size()));
  if (by.recovery) {
    out.bytes(recovery_key_id(by.key->pub));
  } else {
    out.bytes(node_id(by.key->pub).bytes());
  }
  std::array<StatementId, limits::kStatementParentsMax> sorted;
  std::copy(parents.begin(), parents.end(), sorted.begin());
  std::sort(sorted.begin(), sorted.begin() + static_cast<ptrdiff_t>(parents.size()));
  for (size_t i = 0; i < parents.size(); ++i) out.bytes(sorted[i].bytes());
  out.u16(static_cast<uint16_t>(body.size()));
  out.bytes(body);
  if (!out.ok()) return Status::kTooLarge;

  Statement statement;
  statement.act = act;
  statement.unsigned_bytes = out.written();
  Signature signature;
  DREY_TRY(sign_digest(*by.key, signed_digest(statement, mesh), &signature));
  out.bytes(signature);
  if (!out.ok()) return Status::kTooLarge;
  // What we would refuse from others we do not publish ourselves.
  Statement check;
  DREY_TRY(decode_statement(out.written(), &check));
  return out.size();
}

}  // namespace drey
