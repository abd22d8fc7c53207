// Bodies of membership statements: encoders and strict decoders side by side (MEMBERSHIP.md).
#include "base/text.h"
#include "mesh/members/statement.h"

namespace drey {
namespace {

constexpr size_t kBodyBytesMax = limits::kStatementBytesMax;
constexpr size_t kCardBytesMax = 65 + 65 + 1 + limits::kNameBytesMax + 64;

void put_name(ByteWriter& out, std::string_view name) {
  out.u8(static_cast<uint8_t>(name.size()));
  out.text(name);
}

std::string_view get_text(ByteReader& in) { return as_text(in.bytes(in.u8())); }

void put_card(ByteWriter& out, const IdentityCard& card) {
  out.bytes(card.sign_key);
  out.bytes(card.wrap_key);
  put_name(out, card.name);
  out.bytes(card.signature);
}

Status get_card(ByteReader& in, IdentityCard* card) {
  in.copy(card->sign_key);
  in.copy(card->wrap_key);
  card->name = get_text(in);
  in.copy(card->signature);
  if (!in.ok() || !is_name(card->name)) return Status::kInvalid;
  if (card->sign_key[0] != 4 || card->wrap_key[0] != 4) return Status::kInvalid;
  return Status::kOk;
}

void put_blob(ByteWriter& out, Bytes blob) {
  out.u16(static_cast<uint16_t>(blob.size()));
  out.bytes(blob);
}

Bytes get_blob(ByteReader& in) { return in.bytes(in.u16()); }

Status finish(const ByteReader& in) { return in.at_end() ? Status::kOk : Status::kInvalid; }

struct Body {
  std::array<uint8_t, kBodyBytesMax> bytes;
  ByteWriter out{MutBytes(bytes)};
};

Result<size_t> build_from(Signer by, const MeshId& mesh, Act act, Parents parents, const Body& body,
                          Status (*check)(Bytes), MutBytes to) {
  if (!body.out.ok()) return Status::kTooLarge;
  DREY_TRY(check(body.out.written()));
  return build_statement(by, mesh, act, parents, body.out.written(), to);
}

template <class T, Status (*Decode)(Bytes, T*)>
Status check_body(Bytes body) {
  T decoded;
  return Decode(body, &decoded);
}

}  // namespace

Status check_settings(const MeshSettings& settings) {
  if (settings.copies < 1 || settings.chunk_bytes_min < 64) return Status::kInvalid;
  if (settings.copies > limits::kCopiesMax) return Status::kTooLarge;
  if (settings.chunk_bytes_min >= settings.chunk_bytes_average ||
      settings.chunk_bytes_average >= settings.chunk_bytes_max)
    return Status::kInvalid;
  if (settings.chunk_bytes_max > limits::kChunkBytesMax) return Status::kTooLarge;
  if (settings.compression.size() > kCompressionBytesMax) return Status::kTooLarge;
  for (char c : settings.compression)
    if (c < ' ' || c > '~') return Status::kInvalid;
  return Status::kOk;
}

Key32 card_digest(const IdentityCard& card) {
  std::array<uint8_t, kCardBytesMax> bytes;
  ByteWriter out(bytes);
  out.bytes(card.sign_key);
  out.bytes(card.wrap_key);
  put_name(out, card.name.substr(0, limits::kNameBytesMax));
  return statement_digest("card", kStatementVersion, MeshId{}, out.written());
}

Status sign_card(const KeyPair& identity, IdentityCard* card) {
  if (!is_name(card->name)) return Status::kInvalid;
  card->sign_key = identity.pub;
  return sign_digest(identity, card_digest(*card), &card->signature);
}

Key32 recovery_digest(const MeshId& mesh, const RecoveryKeys& keys, const Key32& old_key_id) {
  std::array<uint8_t, 65 + 65 + 32> bytes;
  ByteWriter out(bytes);
  out.bytes(keys.sign_key);
  out.bytes(keys.unwrap_key);
  out.bytes(old_key_id);
  return statement_digest("phrase-new", kStatementVersion, mesh, out.written());
}

Status decode_genesis(Bytes body, GenesisBody* to) {
  ByteReader in(body);
  DREY_TRY(get_card(in, &to->founder));
  in.copy(to->recovery.sign_key);
  in.copy(to->recovery.unwrap_key);
  to->mesh_name = get_text(in);
  to->settings.copies = in.u8();
  to->settings.chunk_bytes_min = in.u32();
  to->settings.chunk_bytes_average = in.u32();
  to->settings.chunk_bytes_max = in.u32();
  to->settings.compression = get_text(in);
  to->epoch = in.u64();
  to->keyring = get_blob(in);
  DREY_TRY(finish(in));
  if (!is_name(to->mesh_name) || to->epoch == 0) return Status::kInvalid;
  if (to->recovery.sign_key[0] != 4 || to->recovery.unwrap_key[0] != 4) return Status::kInvalid;
  return check_settings(to->settings);
}

Result<size_t> build_genesis(const KeyPair& founder, const GenesisBody& body, MutBytes to) {
  Body bytes;
  put_card(bytes.out, body.founder);
  bytes.out.bytes(body.recovery.sign_key);
  bytes.out.bytes(body.recovery.unwrap_key);
  put_name(bytes.out, body.mesh_name);
  bytes.out.u8(body.settings.copies);
  bytes.out.u32(body.settings.chunk_bytes_min);
  bytes.out.u32(body.settings.chunk_bytes_average);
  bytes.out.u32(body.settings.chunk_bytes_max);
  put_name(bytes.out, body.settings.compression);
  bytes.out.u64(body.epoch);
  put_blob(bytes.out, body.keyring);
  return build_from({&founder, false}, MeshId{}, Act::kGenesis, {}, bytes,
                    check_body<GenesisBody, decode_genesis>, to);
}

Status decode_add(Bytes body, AddBody* to) {
  ByteReader in(body);
  uint8_t role = in.u8();
  DREY_TRY(get_card(in, &to->card));
  if (role != static_cast<uint8_t>(Role::kFull) && role != static_cast<uint8_t>(Role::kVault))
    return Status::kInvalid;
  to->role = static_cast<Role>(role);
  return finish(in);
}

Result<size_t> build_add(Signer by, const MeshId& mesh, Parents parents, const AddBody& body,
                         MutBytes to) {
  Body bytes;
  bytes.out.u8(static_cast<uint8_t>(body.role));
  put_card(bytes.out, body.card);
  return build_from(by, mesh, Act::kAdd, parents, bytes, check_body<AddBody, decode_add>, to);
}

Status decode_retire(Bytes body, SubjectBody* to) {
  ByteReader in(body);
  in.copy(to->subject.mut());
  to->heads_until = kEverySequence;
  return finish(in);
}

Result<size_t> build_retire(Signer by, const MeshId& mesh, Parents parents, const NodeId& subject,
                            MutBytes to) {
  return build_statement(by, mesh, Act::kRetire, parents, subject.bytes(), to);
}

Result<size_t> build_leave(Signer by, const MeshId& mesh, Parents parents, const NodeId& subject,
                           MutBytes to) {
  return build_statement(by, mesh, Act::kLeave, parents, subject.bytes(), to);
}

Status decode_revoke(Bytes body, SubjectBody* to) {
  ByteReader in(body);
  in.copy(to->subject.mut());
  to->heads_until = in.u64();
  return finish(in);
}

Result<size_t> build_revoke(Signer by, const MeshId& mesh, Parents parents, const SubjectBody& body,
                            MutBytes to) {
  Body bytes;
  bytes.out.bytes(body.subject.bytes());
  bytes.out.u64(body.heads_until);
  return build_from(by, mesh, Act::kRevoke, parents, bytes, check_body<SubjectBody, decode_revoke>,
                    to);
}

Status decode_annulled(Bytes body, StatementId* to) {
  ByteReader in(body);
  in.copy(to->mut());
  return finish(in);
}

Result<size_t> build_annul(Signer by, const MeshId& mesh, Parents parents,
                           const StatementId& revocation, MutBytes to) {
  return build_statement(by, mesh, Act::kAnnul, parents, revocation.bytes(), to);
}

Status decode_epoch(Bytes body, EpochBody* to) {
  ByteReader in(body);
  to->epoch = in.u64();
  to->blobs = get_blob(in);
  DREY_TRY(finish(in));
  return to->epoch == 0 ? Status::kInvalid : Status::kOk;
}

Result<size_t> build_epoch(Signer by, const MeshId& mesh, Parents parents, const EpochBody& body,
                           MutBytes to) {
  Body bytes;
  bytes.out.u64(body.epoch);
  put_blob(bytes.out, body.blobs);
  return build_from(by, mesh, Act::kEpoch, parents, bytes, check_body<EpochBody, decode_epoch>, to);
}

Status decode_recovery(Bytes body, RecoveryBody* to) {
  ByteReader in(body);
  in.copy(to->keys.sign_key);
  in.copy(to->keys.unwrap_key);
  in.copy(to->proof);
  to->keyring = get_blob(in);
  DREY_TRY(finish(in));
  if (to->keys.sign_key[0] != 4 || to->keys.unwrap_key[0] != 4) return Status::kInvalid;
  return Status::kOk;
}

Result<size_t> build_recovery(Signer by, const MeshId& mesh, Parents parents, const KeyPair& fresh,
                              RecoveryBody body, MutBytes to) {
  body.keys.sign_key = fresh.pub;
  Key32 digest = recovery_digest(mesh, body.keys, recovery_key_id(by.key->pub));
  DREY_TRY(sign_digest(fresh, digest, &body.proof));
  Body bytes;
  bytes.out.bytes(body.keys.sign_key);
  bytes.out.bytes(body.keys.unwrap_key);
  bytes.out.bytes(body.proof);
  put_blob(bytes.out, body.keyring);
  return build_from(by, mesh, Act::kRecovery, parents, bytes,
                    check_body<RecoveryBody, decode_recovery>, to);
}

Status decode_heir(Bytes body, HeirBody* to) {
  ByteReader in(body);
  in.copy(to->from.mut());
  in.copy(to->to.mut());
  DREY_TRY(finish(in));
  return to->from == to->to ? Status::kInvalid : Status::kOk;
}

Result<size_t> build_heir(Signer by, const MeshId& mesh, Parents parents, const HeirBody& body,
                          MutBytes to) {
  Body bytes;
  bytes.out.bytes(body.from.bytes());
  bytes.out.bytes(body.to.bytes());
  return build_from(by, mesh, Act::kHeir, parents, bytes, check_body<HeirBody, decode_heir>, to);
}

Status decode_feature(Bytes body, uint16_t* level) {
  ByteReader in(body);
  *level = in.u16();
  return finish(in);
}

Result<size_t> build_feature(Signer by, const MeshId& mesh, Parents parents, uint16_t level,
                             MutBytes to) {
  std::array<uint8_t, 2> body;
  store_le(body.data(), level);
  return build_statement(by, mesh, Act::kFeature, parents, body, to);
}

}  // namespace drey
