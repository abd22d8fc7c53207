// forget --now: the minimum age is shortened by the recovery phrase's word on the very UNPIN that
// an owner says to that holder, and by nothing else.
#include "data_net.h"
#include "mesh/removal/unpin.h"

namespace drey::data_test {
namespace {

constexpr uint64_t kNumber = 900;

KeyPair key_of(uint8_t secret) {
  KeyPair key;
  key.secret.raw[31] = secret;
  EXPECT_EQ(derive_public(&key), Status::kOk);
  return key;
}

struct UnpinNowTest : testing::Test {
  void SetUp() override {
    home = std::make_unique<Household>(1, true, 14 * 24 * 3600);
    home->recovery = key_of(77);
    a = &home->add();
    b = &home->add();
    c = &home->add();
    mesh.raw.fill(0x77);
    home->meet();
    home->connect_all();
    for (size_t i = 0; i < 20; ++i) {
      records.push_back(home->record(100 + i));
      home->push(*a, records.back());
    }
    ASSERT_EQ(home->flush(*a), Status::kOk);
    ASSERT_TRUE(home->settle(*a));
    ASSERT_EQ(pins_at(*b), 20u);
  }
  size_t pins_at(Node& at) { return pins_at(at, *a); }
  size_t pins_at(Node& at, Node& of) {
    size_t found = 0;
    for (const Record& record : records) {
      std::array<RecordPin, kNodeSlotsMax> pins;
      size_t count = 0;
      if (!ok(at.store.pins_of(record.c, pins, &count))) continue;
      for (size_t i = 0; i < count; ++i) found += pins[i].owner == of.id ? 1 : 0;
    }
    return found;
  }
  using Body = std::vector<uint8_t>;
  Body unpin(Node& by, Node& holder, uint64_t number = kNumber, size_t count = 20) {
    std::vector<ChunkId> chunks;
    for (size_t i = 0; i < count; ++i) chunks.push_back(records[i].c);
    std::sort(chunks.begin(), chunks.end());
    UnpinDraft draft;
    draft.begin(holder.id, number);
    for (const ChunkId& chunk : chunks) draft.add(chunk);
    EXPECT_EQ(draft.sign(by.key, mesh), Status::kOk);
    return {draft.bytes().begin(), draft.bytes().end()};
  }
  Signature word(const Body& unpin) { return word(home->recovery, unpin); }
  Signature word(const KeyPair& key, const Body& unpin) {
    Signature signature{};
    EXPECT_EQ(cosign_unpin(key, mesh, unpin, &signature), Status::kOk);
    return signature;
  }
  // Says it in the name of that end, and waits for what it does.
  template <class M>
  void say(FakeLink& from, const M& message) {
    Body body(M::kBytesMax);
    ByteWriter to(body);
    message.encode(to);
    ASSERT_EQ(from.send(M::kType, to.written()), Status::kOk);
    home->run(2 * kSecond);
  }
  FakeLink& a_to_b() { return *home->links[0]; }
  // Nothing went at b, and nothing will before the minimum age. It waits only when it was an UNPIN.
  void expect_untouched() {
    home->run(20 * kSecond);
    EXPECT_EQ(pins_at(*b), 20u);
    EXPECT_EQ(b->data.unpins().waiting, 0u);
    EXPECT_EQ(b->data.unpins().done, 0u);
  }
  void announce(uint64_t number = kNumber) { say(a_to_b(), AnnounceMessage{1, number}); }

  std::unique_ptr<Household> home;
  Node* a = nullptr;
  Node* b = nullptr;
  Node* c = nullptr;
  MeshId mesh;
  std::vector<Record> records;
};

TEST_F(UnpinNowTest, WithTheWordOfThePhraseThePinsGoAtOnce) {
  announce();
  Body statement = unpin(*a, *b);
  say(a_to_b(), UnpinNowMessage{2, word(statement), statement});
  EXPECT_EQ(pins_at(*b), 0u);
  EXPECT_EQ(b->data.unpins().done, 1u);
  EXPECT_EQ(pins_at(*c), 20u) << "each holder is told by itself";
}

TEST_F(UnpinNowTest, WithoutOrWithAnothersWordNothingGoes) {
  announce();
  Body statement = unpin(*a, *b);
  say(a_to_b(), UnpinNowMessage{2, Signature{}, statement});
  say(a_to_b(), UnpinNowMessage{3, word(a->key, statement), statement});  // a full member's own
  say(a_to_b(), UnpinNowMessage{4, word(key_of(78), statement), statement});
  Signature own{};  // the phrase signs, but another kind of thing
  ASSERT_EQ(sign_digest(home->recovery, statement_digest("unpin", 1, mesh, statement), &own),
            Status::kOk);
  say(a_to_b(), UnpinNowMessage{5, own, statement});
  Signature other_mesh{};
  ASSERT_EQ(sign_digest(home->recovery, statement_digest("now-unpin", 1, MeshId{}, statement),
                        &other_mesh),
            Status::kOk);
  say(a_to_b(), UnpinNowMessage{6, other_mesh, statement});
  Signature wrong = word(statement);
  for (size_t i = 0; i < wrong.size(); ++i) {
    wrong[i] ^= 1;
    say(a_to_b(), UnpinNowMessage{10 + static_cast<uint32_t>(i), wrong, statement});
    wrong[i] ^= 1;
  }
  expect_untouched();
}

TEST_F(UnpinNowTest, AWordGivenOnceIsGoodForThatUnpinOnly) {
  announce();
  Body small = unpin(*a, *b, kNumber, 1);
  Signature given = word(small);
  say(a_to_b(), UnpinNowMessage{2, given, unpin(*a, *b)});
  say(a_to_b(), UnpinNowMessage{3, given, unpin(*a, *b, kNumber - 1, 1)});
  Body changed = small;
  changed[1 + 65 + 32 + 8 + 2] ^= 1;  // another record
  say(a_to_b(), UnpinNowMessage{4, given, changed});
  expect_untouched();
}

TEST_F(UnpinNowTest, ForAnotherHolderNothingGoes) {
  announce();
  Body elsewhere = unpin(*a, *c);
  say(a_to_b(), UnpinNowMessage{2, word(elsewhere), elsewhere});
  expect_untouched();
}

TEST_F(UnpinNowTest, InAnothersNameNothingGoes) {
  Body statement = unpin(*a, *b);
  Signature given = word(statement);
  announce();
  FakeLink& c_to_b = *home->links[5];
  ASSERT_EQ(c_to_b.owner, c);
  say(c_to_b, AnnounceMessage{1, limits::kNumberMax});
  say(c_to_b, UnpinNowMessage{2, given, statement});  // heard on its way, or found on a card
  expect_untouched();
  // Its own, with a word for it: what others pin stays.
  Body own = unpin(*c, *b);
  say(c_to_b, UnpinNowMessage{3, word(own), own});
  EXPECT_EQ(pins_at(*b), 20u);
}

TEST_F(UnpinNowTest, AboveWhatWasAnnouncedNothingGoes) {
  Body statement = unpin(*a, *b);
  say(a_to_b(), UnpinNowMessage{2, word(statement), statement});
  announce(kNumber - 1);
  say(a_to_b(), UnpinNowMessage{3, word(statement), statement});
  expect_untouched();
}

TEST_F(UnpinNowTest, ADeviceThatRunsTwiceShortensNothing) {
  announce();
  a->frozen = true;
  home->tell(*b);
  home->run(kSecond);
  Body statement = unpin(*a, *b);
  say(a_to_b(), UnpinNowMessage{2, word(statement), statement});
  expect_untouched();
}

TEST_F(UnpinNowTest, AReplacedPhraseHasNoSayAnyMore) {
  announce();
  Body statement = unpin(*a, *b);
  Signature old = word(statement);
  home->recovery = key_of(78);
  home->tell(*b);
  say(a_to_b(), UnpinNowMessage{2, old, statement});
  expect_untouched();
  say(a_to_b(), UnpinNowMessage{3, word(statement), statement});
  EXPECT_EQ(pins_at(*b), 0u);
}

TEST_F(UnpinNowTest, BeforeAPhraseIsKnownNothingGoes) {
  announce();
  b->data.set_recovery_key(PublicKey{});
  Body statement = unpin(*a, *b);
  say(a_to_b(), UnpinNowMessage{2, word(statement), statement});
  say(a_to_b(), UnpinNowMessage{3, Signature{}, statement});
  expect_untouched();
}

// The owner's card is older than it was, or somebody kept what once was said: what was pinned since
// has a higher number.
TEST_F(UnpinNowTest, OfAThousandReplaysNoneTakesWhatWasPinnedAnew) {
  announce();
  Body newest = unpin(*a, *b);
  Body older_card = unpin(*a, *b, 30);
  say(a_to_b(), UnpinNowMessage{2, word(newest), newest});
  ASSERT_EQ(pins_at(*b), 0u);
  for (const Record& record : records) {
    Ticket ticket = 0;
    ASSERT_EQ(b->store.append_pins(a->id, kNumber + 1, {&record.c, 1}, &ticket), Status::kOk);
    ASSERT_EQ(b->store.commit(ticket), Status::kOk);
  }
  const std::array<Signature, 2> words = {word(newest), word(older_card)};
  for (uint32_t i = 0; i < 1000; ++i)
    say(a_to_b(), UnpinNowMessage{10 + i, words[i % 2], i % 2 == 0 ? newest : older_card});
  EXPECT_EQ(pins_at(*b), 20u);
}

TEST_F(UnpinNowTest, WhatOthersPinStays) {
  for (const Record& record : records) {
    Ticket ticket = 0;
    ASSERT_EQ(b->store.append_pins(c->id, 5, {&record.c, 1}, &ticket), Status::kOk);
    ASSERT_EQ(b->store.commit(ticket), Status::kOk);
  }
  announce();
  Body statement = unpin(*a, *b);
  say(a_to_b(), UnpinNowMessage{2, word(statement), statement});
  EXPECT_EQ(pins_at(*b), 0u);
  EXPECT_EQ(pins_at(*b, *c), 20u);
}

TEST_F(UnpinNowTest, WhatWasAnsweredIsDurable) {
  announce();
  Body statement = unpin(*a, *b);
  bool answered = false;
  home->links[1]->filter = [&](FakeLink::Frame& frame) {
    answered = answered || frame.type == MessageType::kUnpinned;
    return true;
  };
  Body body(UnpinNowMessage::kBytesMax);
  ByteWriter to(body);
  UnpinNowMessage{2, word(statement), statement}.encode(to);
  ASSERT_EQ(a_to_b().send(MessageType::kUnpinNow, to.written()), Status::kOk);
  ASSERT_TRUE(home->until([&] { return answered; }));
  SimDisk card;  // as it would be found had the power gone
  card.copy_from(b->sim->disk);
  card.crash({});
  auto again = std::make_unique<Store>();
  StoreOptions options;
  options.disk = options.log_disk = &card;
  options.clock = &b->sim->clock;
  options.random = &b->sim->random;
  options.self = b->id;
  ASSERT_EQ(again->open(options), Status::kOk);
  for (const Record& record : records) {
    std::array<RecordPin, kNodeSlotsMax> pins;
    size_t count = 0;
    ASSERT_EQ(again->pins_of(record.c, pins, &count), Status::kOk);
    EXPECT_EQ(count, 0u);
  }
  ASSERT_EQ(again->close(), Status::kOk);
}

// ---- The owner's side: who holds the phrase asks what there is to be signed ----

struct CosigningTest : UnpinNowTest {
  // As the sweep does it.
  void give_up(size_t count) {
    uint64_t number = a->store.next_number();
    while (number < 1000) number = a->store.next_number();
    std::vector<ChunkId> chunks;
    for (size_t i = 0; i < count; ++i) chunks.push_back(records[i].c);
    Ticket ticket = 0;
    ASSERT_EQ(a->store.append_unpin(a->id, number, chunks, &ticket), Status::kOk);
    ASSERT_EQ(a->store.commit(ticket), Status::kOk);
    ASSERT_EQ(a->store.update_holders(chunks, 0, ~uint64_t{0}), Status::kOk);
    a->data.approve_unpins(number);
    a->data.recheck();
  }
  Cosigning& desk() { return a->data.cosigning(); }
  void keep_open() { desk().keep_open(a->sim->clock.up_ns()); }
  bool asked() {
    return home->until([&] {
      keep_open();
      return !desk().waiting().empty();
    });
  }
};

TEST_F(CosigningTest, WithAPersonAtItEveryHolderGivesUpAtOnce) {
  keep_open();
  give_up(15);
  for (int holder = 0; holder < 2; ++holder) {
    ASSERT_TRUE(asked());
    EXPECT_FALSE(a->data.unpins_told());
    Body statement(desk().waiting().begin(), desk().waiting().end());
    desk().sign(desk().number(), word(statement));
    EXPECT_TRUE(desk().waiting().empty());
  }
  ASSERT_TRUE(home->until([&] { return a->data.unpins_told(); }));
  EXPECT_EQ(pins_at(*b), 5u);
  EXPECT_EQ(pins_at(*c), 5u);
  EXPECT_EQ(desk().taken_count(), 2u);
  EXPECT_EQ(b->data.unpins().waiting + c->data.unpins().waiting, 0u);
}

TEST_F(CosigningTest, WhoGoesAwayLeavesAnOrdinaryUnpin) {
  keep_open();
  give_up(15);
  ASSERT_TRUE(asked());
  ASSERT_TRUE(
      home->until([&] { return b->data.unpins().waiting + c->data.unpins().waiting == 2; }));
  EXPECT_TRUE(desk().waiting().empty());
  EXPECT_EQ(pins_at(*b) + pins_at(*c), 40u);
  EXPECT_EQ(desk().taken_count(), 0u);
}

TEST_F(CosigningTest, AWordForAnotherUnpinIsIgnoredAndAWrongOneLeavesAnOrdinaryUnpin) {
  keep_open();
  give_up(15);
  ASSERT_TRUE(asked());
  desk().sign(desk().number() - 1, Signature{});
  EXPECT_FALSE(desk().waiting().empty());
  desk().sign(desk().number(), Signature{});
  desk().close();
  ASSERT_TRUE(
      home->until([&] { return b->data.unpins().waiting + c->data.unpins().waiting == 2; }));
  EXPECT_EQ(pins_at(*b) + pins_at(*c), 40u);
}

TEST_F(CosigningTest, AHolderThatGoesAwayMeanwhileIsAskedAgain) {
  keep_open();
  give_up(15);
  ASSERT_TRUE(asked());
  uint64_t first = desk().number();
  for (auto& link : home->links) link->cut();
  home->run(kSecond);
  EXPECT_TRUE(desk().waiting().empty());
  home->connect_all();
  ASSERT_TRUE(asked());
  EXPECT_GT(desk().number(), first);
}

}  // namespace
}  // namespace drey::data_test
