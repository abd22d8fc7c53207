// I13: what is valid in one role is offered in every other one. One key signs for the node and for
// the recovery key here, so that nothing but the role tells two objects apart.
#include <functional>

#include "mesh/discovery/beacon.h"
#include "mesh/heads/forget.h"
#include "mesh/joining/pair_proof.h"
#include "mesh/removal/unpin.h"
#include "unit/mesh/membership_support.h"
#include "wire/knock.h"

namespace drey::test {
namespace {

// Every kind of signature of the mesh; two for pairing share one and differ in a byte.
constexpr const char* kKinds[] = {
    "member-genesis", "member-add",  "member-retire",  "member-revoke", "member-epoch",
    "member-phrase",  "member-heir", "member-feature", "member-annul",  "member-leave",
    "member-other",   "card",        "phrase-new",     "head",          "forget",
    "unpin",          "pair"};

// One signature: over what, by whom, and who looks at it.
struct Place {
  std::string kind;
  ByteVector bytes;  // what is signed
  MeshId mesh;
  const KeyPair* signer;
  std::function<Status(const Signature&)> check;
};

struct Whole {
  std::string name;
  ByteVector bytes;
};

class WrongRole : public ::testing::Test {
 protected:
  WrongRole() {
    GenesisBody body;
    body.founder = card(0);
    body.recovery = {key(0).pub, key(300000).pub};
    body.mesh_name = "home";
    body.epoch = 1;
    genesis_ = make([&](MutBytes to) { return build_genesis(key(0), body, to); });
    mesh_.raw = id_of(genesis_).raw;
    base_ = {genesis_};
    tip_ = StatementId{mesh_.raw};
    for (int i : {1, 2}) grow(add(i));
    grow(make([&](MutBytes to) { return build_revoke(node(), mesh_, tips(), {id(2)}, to); }));
    revocation_ = tip_;
  }
  static Signer node() { return {&key(0), false}; }
  static Signer words() { return {&key(0), true}; }
  Parents tips() const { return Parents(&tip_, 1); }
  template <class Build>
  static ByteVector make(Build build) {
    ByteVector to(limits::kStatementBytesMax);
    Result<size_t> size = build(MutBytes(to));
    EXPECT_EQ(size.status(), Status::kOk);
    to.resize(size.ok() ? size.value() : 0);
    return to;
  }
  void grow(const ByteVector& bytes) {
    base_.push_back(bytes);
    tip_ = id_of(bytes);
  }
  ByteVector add(int subject, const Signature* signature = nullptr) {
    AddBody body{Role::kFull, card(subject)};
    if (signature != nullptr) body.card.signature = *signature;
    return make([&](MutBytes to) { return build_add(node(), mesh_, tips(), body, to); });
  }
  // As a node that holds the base hears it.
  Status hear(Bytes bytes) {
    auto membership = std::make_unique<Membership>();
    Statement statement;
    bool first = ok(decode_statement(bytes, &statement)) && statement.act == Act::kGenesis;
    for (const ByteVector& one : base_) {
      if (first) break;
      EXPECT_EQ(membership->insert(one), Status::kOk);
    }
    return membership->add(bytes);
  }

  // One valid statement of each act.
  std::vector<Whole> statements() {
    auto by = [&](Signer who, Act act, Bytes body) {
      return make([&](MutBytes to) { return build_statement(who, mesh_, act, tips(), body, to); });
    };
    RecoveryBody fresh;
    fresh.keys.unwrap_key = key(300001).pub;
    return {
        {"member-genesis", genesis_},
        {"member-add", add(3)},
        {"member-retire",
         make([&](MutBytes to) { return build_retire(node(), mesh_, tips(), id(1), to); })},
        {"member-revoke",
         make([&](MutBytes to) { return build_revoke(node(), mesh_, tips(), {id(1)}, to); })},
        {"member-epoch", make([&](MutBytes to) {
           return build_epoch(node(), mesh_, tips(), {70000, as_bytes("b")}, to);
         })},
        {"member-phrase", make([&](MutBytes to) {
           return build_recovery(words(), mesh_, tips(), key(5), fresh, to);
         })},
        {"member-heir", make([&](MutBytes to) {
           return build_heir(words(), mesh_, tips(), {id(1), id(0)}, to);
         })},
        {"member-feature",
         make([&](MutBytes to) { return build_feature(node(), mesh_, tips(), 2, to); })},
        {"member-annul",
         make([&](MutBytes to) { return build_annul(words(), mesh_, tips(), revocation_, to); })},
        {"member-leave",
         make([&](MutBytes to) { return build_leave(node(), mesh_, tips(), id(1), to); })},
        {"member-other", by(node(), static_cast<Act>(99), id(1).bytes())},
    };
  }
  ByteVector head() {
    Head made;
    made.owner = id(0);
    made.sequence = 3;
    made.epoch = 1;
    made.sealed = as_bytes("sealed");
    return make([&](MutBytes to) {
      return encode_head(key(0), mesh_, &made, to.first(limits::kHeadBytesMax));
    });
  }
  ByteVector forget() {
    RangeBuilder builder;
    builder.begin(nullptr);
    EXPECT_EQ(builder.add(2), Status::kOk);
    EXPECT_EQ(builder.finish(), Status::kOk);
    Forget made;
    made.owner = id(0);
    made.number = 3;
    made.highest = 9;
    made.range_count = builder.count();
    made.ranges = builder.bytes();
    return make([&](MutBytes to) { return encode_forget(key(0), mesh_, &made, to); });
  }
  ByteVector unpin() {
    UnpinDraft draft;
    draft.begin(id(1), 3);
    draft.add(ChunkId{});
    EXPECT_EQ(draft.sign(key(0), mesh_), Status::kOk);
    return {draft.bytes().begin(), draft.bytes().end()};
  }
  // What ends with its signature.
  Place at_end(const std::string& kind, const ByteVector& bytes,
               std::function<Status(Bytes)> check) {
    MeshId mesh = kind == "member-genesis" ? MeshId{} : mesh_;
    return {kind, ByteVector(bytes.begin(), bytes.end() - 64), mesh, &key(0),
            [bytes, check](const Signature& signature) {
              ByteVector with = bytes;
              std::copy(signature.begin(), signature.end(), with.end() - 64);
              return check(with);
            }};
  }
  Place of_card() {
    Statement statement;
    ByteVector bytes = add(3);
    EXPECT_EQ(decode_statement(bytes, &statement), Status::kOk);
    Bytes body = statement.body;  // role, card, its signature
    return {"card", ByteVector(body.begin() + 1, body.end() - 64), MeshId{}, &key(3),
            [this](const Signature& signature) { return hear(add(3, &signature)); }};
  }
  Place of_phrase() {
    Statement statement;
    ByteVector bytes = statements()[5].bytes;
    EXPECT_EQ(decode_statement(bytes, &statement), Status::kOk);
    ByteVector body(statement.body.begin(), statement.body.end());
    Key32 old = recovery_key_id(key(0).pub);
    ByteVector over(body.begin(), body.begin() + 130);  // both keys
    over.insert(over.end(), old.begin(), old.end());
    return {"phrase-new", over, mesh_, &key(5), [this, body](const Signature& proof) {
              ByteVector with = body;
              std::copy(proof.begin(), proof.end(), with.begin() + 130);
              return hear(make([&](MutBytes to) {
                return build_statement(words(), mesh_, Act::kRecovery, tips(), with, to);
              }));
            }};
  }
  template <class M>
  static ByteVector pair_bytes(uint8_t role, const M& message) {
    ByteVector bytes(1 + 32 + M::kBytesMax);
    ByteWriter out(bytes);
    out.u8(role);
    out.bytes(Key32{});
    message.encode_signed_part(out);
    bytes.resize(out.written().size());
    return bytes;
  }
  Place of_pair_hello() {
    PairHelloMessage hello;
    hello.sign_key = hello.wrap_key = key(0).pub;
    return {"pair", pair_bytes(1, hello), MeshId{}, &key(0), [hello](const Signature& proof) {
              PairHelloMessage with = hello;
              with.proof = proof;
              return verify_pair_hello(Key32{}, with);
            }};
  }
  Place of_pair_accept(uint8_t role) {
    auto accept = std::make_shared<PairAcceptMessage>();
    accept->role = 1;
    accept->mesh = mesh_;
    accept->sign_key = key(0).pub;
    return {"pair", pair_bytes(role, *accept), mesh_, &key(0), [accept](const Signature& proof) {
              accept->proof = proof;
              return verify_pair_accept(Key32{}, *accept);
            }};
  }

  ByteVector genesis_;
  MeshId mesh_;
  StatementId tip_, revocation_;
  std::vector<ByteVector> base_;
};

TEST_F(WrongRole, TheRightKeyUnderTheSameBytesCountsInItsOwnKindAndMeshOnly) {
  std::vector<Place> places;
  for (const Whole& one : statements())
    places.push_back(at_end(one.name, one.bytes, [this](Bytes bytes) { return hear(bytes); }));
  places.push_back(
      at_end("head", head(), [&](Bytes b) { return verify_head(b, mesh_, key(0).pub); }));
  places.push_back(
      at_end("forget", forget(), [&](Bytes b) { return verify_forget(b, mesh_, key(0).pub); }));
  places.push_back(at_end("unpin", unpin(), [&](Bytes b) { return verify_unpin(b, mesh_); }));
  places.push_back(of_card());
  places.push_back(of_phrase());
  places.push_back(of_pair_hello());
  places.push_back(of_pair_accept(2));
  MeshId other = mesh_;
  other.raw[5] ^= 1;
  int refused = 0, accepted = 0;
  for (const Place& place : places) {
    for (const char* kind : kKinds) {
      for (const MeshId& mesh : {mesh_, MeshId{}, other}) {
        Signature signature;
        ASSERT_EQ(
            sign_digest(*place.signer, statement_digest(kind, 1, mesh, place.bytes), &signature),
            Status::kOk);
        bool right = place.kind == kind && place.mesh == mesh;
        Status status = place.check(signature);
        EXPECT_EQ(ok(status), right) << kind << " as " << place.kind << " " << status_name(status);
        ++(ok(status) ? accepted : refused);
      }
    }
  }
  EXPECT_EQ(accepted, static_cast<int>(places.size()));
  std::printf("%zu places, %d signatures refused\n", places.size(), refused);
  // An inviter's words signed as a joiner's.
  Place swapped = of_pair_accept(1);
  Signature signature;
  ASSERT_EQ(sign_digest(key(0), statement_digest("pair", 1, mesh_, swapped.bytes), &signature),
            Status::kOk);
  EXPECT_EQ(swapped.check(signature), Status::kDenied);
}

TEST_F(WrongRole, AWholeObjectIsRefusedWhereAnotherIsExpected) {
  Secret<32> disc;
  disc.raw.fill(7);
  Beacon beacon;
  beacon.node = id(0);
  beacon.listen_port = 4747;
  beacon.key_number = 1;
  ByteVector sent(kBeaconBytes);
  encode_beacon(&beacon, disc, Key32{}, std::span<uint8_t, kBeaconBytes>(sent.data(), sent.size()));
  Knock knock;
  knock.key_number = 1;
  knock.tag = knock_tag(disc, knock, NodeId{});
  KnockBytes knocked{};
  encode_knock(knock, &knocked);
  std::vector<Whole> objects = statements();
  for (Whole& one : objects) one.name = "statement";
  objects.push_back({"head", head()});
  objects.push_back({"forget", forget()});
  objects.push_back({"unpin", unpin()});
  objects.push_back({"beacon", sent});
  objects.push_back({"knock", {knocked.begin(), knocked.end()}});
  std::map<std::string, std::function<Status(Bytes)>> roles;
  roles["statement"] = [&](Bytes b) { return hear(b); };
  roles["head"] = [&](Bytes b) { return verify_head(b, mesh_, key(0).pub); };
  roles["forget"] = [&](Bytes b) { return verify_forget(b, mesh_, key(0).pub); };
  roles["unpin"] = [&](Bytes b) { return verify_unpin(b, mesh_); };
  roles["beacon"] = [&](Bytes b) {
    Beacon read;
    DREY_TRY(decode_beacon(b, &read));
    return verify_beacon(b, read, disc) ? Status::kOk : Status::kDenied;
  };
  roles["knock"] = [&](Bytes b) {
    KnockBytes bytes{};
    std::copy_n(b.begin(), std::min(b.size(), bytes.size()), bytes.begin());
    Knock read;
    DREY_TRY(decode_knock(bytes, &read));
    return knock_fits(disc, read, id(0)) ? Status::kOk : Status::kDenied;
  };
  int refused = 0;
  for (const Whole& one : objects) {
    for (const auto& [role, check] : roles) {
      bool right = role == one.name;
      EXPECT_EQ(ok(check(one.bytes)), right) << one.name << " as " << role;
      refused += right ? 0 : 1;
    }
  }
  EXPECT_EQ(refused, static_cast<int>(objects.size() * (roles.size() - 1)));
}

TEST_F(WrongRole, AStatementRelabelledAsAnyOtherActIsRefused) {
  int pairs = 0;
  for (const Whole& one : statements()) {
    for (int act : {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 99, 255}) {
      ByteVector bytes = one.bytes;
      if (bytes[1] == act) continue;
      bytes[1] = static_cast<uint8_t>(act);
      EXPECT_NE(hear(bytes), Status::kOk) << one.name << " as " << act;
      ++pairs;
    }
    // Said by the recovery key instead of the node, or the other way round: one key, one name.
    ByteVector bytes = one.bytes;
    bytes[2] ^= 3;
    EXPECT_NE(hear(bytes), Status::kOk) << one.name;
  }
  EXPECT_EQ(pairs, 11 * 13);
}

}  // namespace
}  // namespace drey::test
