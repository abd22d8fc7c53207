#include "node/access/credentials.h"

#include <algorithm>

#include "base/text.h"
#include "crypto/hash.h"

namespace drey {
namespace {

constexpr std::string_view kMagic = "DREYACCS";
constexpr uint16_t kVersion = 1;
constexpr size_t kTokenBytes = 4 + 1 + 1 + limits::kNameBytesMax + 32;
constexpr size_t kUserBytes = 1 + 1 + limits::kNameBytesMax + 4 + 16 + 32;
static_assert(8 + 2 + 4 + 2 + Credentials::kTokensMax * kTokenBytes +
                  Credentials::kUsersMax * kUserBytes + 32 <=
              Credentials::kFileBytesMax);

void write_name(ByteWriter& out, const Credentials::Name& name) {
  out.u8(name.size);
  out.text(name.view());
}

bool read_name(ByteReader& in, Credentials::Name* name) {
  std::string_view text = as_text(in.bytes(in.u8()));
  if (!in.ok() || !is_name(text)) return false;
  name->set(text);
  return true;
}

// What a person handed out; owner is nobody's to have.
bool read_scope(ByteReader& in, Scope* scope) {
  uint8_t value = in.u8();
  *scope = static_cast<Scope>(value);
  return value >= static_cast<uint8_t>(Scope::kRead) &&
         value <= static_cast<uint8_t>(Scope::kAdmin);
}

}  // namespace

void Credentials::Name::set(std::string_view from) {
  size = static_cast<uint8_t>(std::min(from.size(), text.size()));
  std::copy_n(from.begin(), size, text.begin());
}

Result<uint32_t> Credentials::add_token(Scope scope, std::string_view name, const Key32& hash) {
  for (Token& token : tokens_) {
    if (token.number != 0) continue;
    token.number = next_number_++;
    token.scope = scope;
    token.name.set(name);
    token.hash = hash;
    return token.number;
  }
  return Status::kFull;
}

Status Credentials::remove_token(uint32_t number) {
  for (Token& token : tokens_) {
    if (token.number != number || number == 0) continue;
    token = Token{};
    return Status::kOk;
  }
  return Status::kNotFound;
}

const Credentials::Token* Credentials::find_token(const Key32& hash) const {
  const Token* found = nullptr;
  for (const Token& token : tokens_)
    if (token.number != 0 && equal_constant_time(token.hash, hash)) found = &token;
  return found;
}

Status Credentials::add_user(const User& user) {
  User* place = nullptr;
  for (User& row : users_) {
    if (row.scope != Scope::kNone && row.name.view() == user.name.view()) {
      place = &row;
      break;
    }
    if (row.scope == Scope::kNone && place == nullptr) place = &row;
  }
  if (place == nullptr) return Status::kFull;
  *place = user;
  return Status::kOk;
}

Status Credentials::remove_user(std::string_view name) {
  const User* user = find_user(name);
  if (user == nullptr) return Status::kNotFound;
  users_[static_cast<size_t>(user - users_.data())] = User{};
  return Status::kOk;
}

const Credentials::User* Credentials::find_user(std::string_view name) const {
  for (const User& user : users_)
    if (user.scope != Scope::kNone && user.name.view() == name) return &user;
  return nullptr;
}

size_t Credentials::encode(MutBytes to) const {
  ByteWriter out(to);
  out.text(kMagic);
  out.u16(kVersion);
  out.u32(next_number_);
  out.u8(static_cast<uint8_t>(
      std::count_if(tokens_.begin(), tokens_.end(), [](const Token& t) { return t.number != 0; })));
  out.u8(static_cast<uint8_t>(std::count_if(
      users_.begin(), users_.end(), [](const User& u) { return u.scope != Scope::kNone; })));
  for (const Token& token : tokens_) {
    if (token.number == 0) continue;
    out.u32(token.number);
    out.u8(static_cast<uint8_t>(token.scope));
    write_name(out, token.name);
    out.bytes(token.hash);
  }
  for (const User& user : users_) {
    if (user.scope == Scope::kNone) continue;
    out.u8(static_cast<uint8_t>(user.scope));
    write_name(out, user.name);
    out.u32(user.iterations);
    out.bytes(user.salt);
    out.bytes(user.hash);
  }
  out.bytes(sha256(out.written()));
  return out.ok() ? out.size() : 0;
}

void Credentials::clear() {
  next_number_ = 1;
  tokens_ = {};
  users_ = {};
}

Status Credentials::decode(Bytes from) {
  clear();
  Status status = decode_rows(from);
  if (!ok(status)) clear();
  return status;
}

Status Credentials::decode_rows(Bytes from) {
  if (from.size() < kMagic.size() + 2 + 32 || as_text(from.first(kMagic.size())) != kMagic)
    return Status::kCorrupt;
  ByteReader in(from.first(from.size() - 32));
  in.bytes(kMagic.size());
  if (in.u16() != kVersion) return Status::kUnsupported;
  if (!equal(sha256(from.first(from.size() - 32)), from.last(32))) return Status::kCorrupt;
  next_number_ = in.u32();
  size_t token_count = in.u8(), user_count = in.u8();
  if (token_count > kTokensMax || user_count > kUsersMax) return Status::kCorrupt;
  for (size_t i = 0; i < token_count; ++i) {
    Token& token = tokens_[i];
    token.number = in.u32();
    if (token.number == 0 || token.number >= next_number_ || !read_scope(in, &token.scope) ||
        !read_name(in, &token.name))
      return Status::kCorrupt;
    in.copy(token.hash);
  }
  for (size_t i = 0; i < user_count; ++i) {
    User& user = users_[i];
    if (!read_scope(in, &user.scope) || !read_name(in, &user.name)) return Status::kCorrupt;
    user.iterations = in.u32();
    if (user.iterations == 0 || user.iterations > kIterationsMax) return Status::kCorrupt;
    in.copy(user.salt);
    in.copy(user.hash);
  }
  return in.at_end() ? Status::kOk : Status::kCorrupt;
}

Status Credentials::load(Disk& disk) {
  clear();
  Result<Disk::File> file = disk.open(kFileName, Disk::kRead);
  if (!file.ok()) return file.status();
  std::array<uint8_t, kFileBytesMax> bytes;
  Result<size_t> size = disk.read_at(file.value(), 0, bytes);
  disk.close(file.value());
  return size.ok() ? decode(Bytes(bytes).first(size.value())) : size.status();
}

}  // namespace drey
