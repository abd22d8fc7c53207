// Devices, keys and statements for tests of membership: deterministic, and cheap because each key
// is made once per process.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "crypto/hash.h"
#include "mesh/members/membership.h"

namespace drey::test {

using ByteVector = std::vector<uint8_t>;

// How many cases: NAME in the environment, for what verifies slowly (emulators), else `count`.
inline uint32_t cases_wanted(const char* name, uint32_t count) {
  const char* text = std::getenv(name);
  return text != nullptr ? static_cast<uint32_t>(std::strtoul(text, nullptr, 10)) : count;
}

inline const KeyPair& key(int number) {
  static std::map<int, KeyPair> keys;
  auto [at, fresh] = keys.try_emplace(number);
  if (fresh) {
    uint8_t seed[4];
    store_le(seed, static_cast<uint32_t>(number));
    Key32 scalar = sha256(Bytes(seed));
    std::copy(scalar.begin(), scalar.end(), at->second.secret.raw.begin());
    EXPECT_EQ(derive_public(&at->second), Status::kOk);
  }
  return at->second;
}
// Recovery keys live in a range of their own.
inline const KeyPair& phrase(int number = 0) { return key(100000 + number); }
inline NodeId id(int number) { return node_id(key(number).pub); }

inline const IdentityCard& card(int number, const std::string& name = "") {
  static std::map<std::pair<int, std::string>, std::pair<std::string, IdentityCard>> cards;
  auto [at, fresh] = cards.try_emplace({number, name});
  if (fresh) {
    at->second.first = name.empty() ? "node-" + std::to_string(number) : name;
    at->second.second.wrap_key = key(200000 + number % 7).pub;
    at->second.second.name = at->second.first;
    EXPECT_EQ(sign_card(key(number), &at->second.second), Status::kOk);
  }
  return at->second.second;
}

inline ByteVector genesis() {
  static ByteVector made = [] {
    GenesisBody body;
    body.founder = card(0);
    body.recovery.sign_key = phrase().pub;
    body.recovery.unwrap_key = key(300000).pub;
    body.mesh_name = "home";
    body.epoch = 1;
    static const uint8_t blob[] = {1, 2, 3};
    body.keyring = blob;
    ByteVector to(limits::kStatementBytesMax);
    Result<size_t> size = build_genesis(key(0), body, to);
    EXPECT_EQ(size.status(), Status::kOk);
    to.resize(size.value());
    return to;
  }();
  return made;
}

inline StatementId id_of(const ByteVector& bytes) {
  Statement statement;
  EXPECT_EQ(decode_statement(bytes, &statement), Status::kOk);
  return statement_id(statement);
}

// A view of the mesh, as one node has it: statements are authored on the tips it knows.
class View {
 public:
  View() : membership(std::make_unique<Membership>()) { (void)take(genesis()); }
  std::unique_ptr<Membership> membership;
  std::vector<ByteVector> bytes;  // in the order of the table

  Status take(const ByteVector& statement) {
    Status status = membership->insert(statement);
    if (ok(status)) bytes.push_back(statement);
    membership->evaluate();
    return status;
  }
  // Everything the other one has.
  void merge(const View& other) {
    for (const ByteVector& statement : other.bytes) {
      Status status = take(statement);
      EXPECT_TRUE(status == Status::kOk || status == Status::kExists) << status_name(status);
    }
  }
  View copy() const {
    View other;
    other.merge(*this);
    return other;
  }

  template <class Build>
  ByteVector author(Signer by, Build build) {
    std::array<StatementId, limits::kStatementParentsMax> tips;
    size_t count = membership->tips(tips);
    ByteVector to(limits::kStatementBytesMax);
    Result<size_t> size = build(by, membership->mesh(), Parents(tips.data(), count), MutBytes(to));
    EXPECT_EQ(size.status(), Status::kOk);
    to.resize(size.value());
    return to;
  }
  static Signer node(int number) { return {&key(number), false}; }
  static Signer words(int number = 0) { return {&phrase(number), true}; }

  ByteVector make_add(Signer by, int subject, Role role = Role::kFull,
                      const std::string& name = "") {
    return author(by, [&](Signer s, const MeshId& m, Parents p, MutBytes to) {
      return build_add(s, m, p, {role, card(subject, name)}, to);
    });
  }
  ByteVector make_revoke(Signer by, int subject, uint64_t heads_until = kEverySequence) {
    return author(by, [&](Signer s, const MeshId& m, Parents p, MutBytes to) {
      return build_revoke(s, m, p, {id(subject), heads_until}, to);
    });
  }
  ByteVector make_retire(Signer by, int subject) {
    return author(by, [&](Signer s, const MeshId& m, Parents p, MutBytes to) {
      return build_retire(s, m, p, id(subject), to);
    });
  }
  ByteVector make_leave(Signer by, int subject) {
    return author(by, [&](Signer s, const MeshId& m, Parents p, MutBytes to) {
      return build_leave(s, m, p, id(subject), to);
    });
  }
  ByteVector make_annul(Signer by, const StatementId& revocation) {
    return author(by, [&](Signer s, const MeshId& m, Parents p, MutBytes to) {
      return build_annul(s, m, p, revocation, to);
    });
  }
  ByteVector make_epoch(Signer by, uint64_t number) {
    return author(by, [&](Signer s, const MeshId& m, Parents p, MutBytes to) {
      return build_epoch(s, m, p, {number, as_bytes("blob")}, to);
    });
  }
  ByteVector make_heir(Signer by, int from, int to_node) {
    return author(by, [&](Signer s, const MeshId& m, Parents p, MutBytes to) {
      return build_heir(s, m, p, {id(from), id(to_node)}, to);
    });
  }
  ByteVector make_recovery(Signer by, int fresh) {
    return author(by, [&](Signer s, const MeshId& m, Parents p, MutBytes to) {
      RecoveryBody body;
      body.keys.unwrap_key = key(300000 + fresh).pub;
      body.keyring = as_bytes("blob");
      return build_recovery(s, m, p, phrase(fresh), body, to);
    });
  }
  ByteVector make_feature(Signer by, uint16_t level) {
    return author(by, [&](Signer s, const MeshId& m, Parents p, MutBytes to) {
      return build_feature(s, m, p, level, to);
    });
  }
  ByteVector make_other(Signer by, uint8_t act, const std::string& body) {
    return author(by, [&](Signer s, const MeshId& m, Parents p, MutBytes to) {
      return build_statement(s, m, static_cast<Act>(act), p, as_bytes(body), to);
    });
  }
  // Authors and takes.
  StatementId add(int by, int subject, Role role = Role::kFull) {
    return put(make_add(node(by), subject, role));
  }
  StatementId revoke(int by, int subject) { return put(make_revoke(node(by), subject)); }
  StatementId retire(int by, int subject) { return put(make_retire(node(by), subject)); }
  StatementId put(const ByteVector& statement) {
    EXPECT_EQ(take(statement), Status::kOk);
    return id_of(statement);
  }

  MemberState state(int number) const {
    const Member* member = membership->find(id(number));
    return member == nullptr ? MemberState::kNone : member->state;
  }
  bool active(int number) const { return state(number) == MemberState::kActive; }
};

// Everything the state says, as text that can be compared and printed.
inline std::string describe(const Membership& membership) {
  std::map<std::string, std::string> members;
  auto hex = [](Bytes bytes) {
    std::string text;
    for (uint8_t b : bytes.first(std::min<size_t>(bytes.size(), 8))) {
      char digits[3];
      std::snprintf(digits, sizeof digits, "%02x", b);
      text += digits;
    }
    return text;
  };
  for (const Member& m : membership.members()) {
    members[hex(m.id.bytes())] =
        std::to_string(static_cast<int>(m.state)) + (m.role == Role::kFull ? " full " : " vault ") +
        std::string(m.name()) + " heir " + hex(m.heir.bytes()) + " of " + hex(m.ancestor.bytes());
  }
  std::string text;
  for (const auto& [name, line] : members) text += name + ": " + line + "\n";
  text += "active " + std::to_string(membership.active_count());
  text += " epoch " + std::to_string(membership.current_epoch());
  text += " feature " + std::to_string(membership.feature_level());
  text += " recovery " + hex(membership.recovery_id());
  text += " digest " + hex(membership.digest()) + "\n";
  return text;
}

}  // namespace drey::test
