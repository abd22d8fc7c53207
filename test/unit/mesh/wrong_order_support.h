// Callers who know every key and every message of the mesh, and say them in any order.
#pragma once

#include <algorithm>
#include <set>

#include "mesh/joining/pair_proof.h"
#include "mesh/session/sessions.h"
#include "unit/mesh/wrong_order_gossip.h"

namespace drey::test {

// One identity that calls the victim again and again, or is called. One session at a time.
class Caller final : public SessionGate, public SessionHandler, public Op {
 public:
  Caller(SimWorld* world, SimNode* node, ReadyQueue* ready, Gossip* gossip, SessionKind kind,
         int number)
      : world_(world), gossip_(gossip), rng_(gossip->rng), kind_(kind), number_(number) {
    bind(ready);
    SessionsOptions options;
    options.net = &node->net;
    options.clock = &node->clock;
    options.random = &node->random;
    options.lanes = &node->lanes;
    options.ready = ready;
    options.gate = this;
    options.handler = this;
    options.identity = &key(number);
    options.plain = true;
    EXPECT_EQ(sessions->start(options), Status::kOk);
    boot_id_ = rng_.next();
  }

  std::unique_ptr<Sessions> sessions = std::make_unique<Sessions>();
  uint64_t opened = 0;
  uint64_t failed = 0;
  uint64_t pause_ns = kMillisecond;
  bool calls = true;  // again, after the end of a session
  // Says what is expected, in order: a record is stored here and given back.
  const Known* honest = nullptr;
  bool served = false;

  // Answers devices that join with the right code, or recover.
  void listen(const Address& at) {
    listens_ = true;
    EXPECT_EQ(sessions->listen(at), Status::kOk);
  }
  void call() {
    if (!calls || listens_ || session_ != nullptr) return;
    Status status = Status::kOk;
    Secret<limits::kPairingCodeBytes> code;
    code.raw.fill(rng_.below(40) == 0 ? 0x78 : 0x77);
    if (kind_ == SessionKind::kMember)
      status = sessions->connect_member(gossip_->victim, id(0));
    else if (kind_ == SessionKind::kRecovery)
      status = sessions->connect_recovery(gossip_->victim, phrase());
    else
      status = sessions->connect_pairing(gossip_->victim, 0x1234, code);
    if (!ok(status)) later(kSecond);
  }

  // ---- SessionGate ----
  bool discovery_key(uint32_t number, size_t index, Secret<32>* to) override {
    *to = gossip_->disc.key;
    return number == gossip_->disc.number && index == 0;
  }
  bool newest_discovery_key(uint32_t* number, Secret<32>* to) override {
    *number = gossip_->disc.number;
    *to = gossip_->disc.key;
    return true;
  }
  bool is_recovery_key(const Key32&) override { return listens_; }
  bool invitation(Invitation* to) override {
    to->room = 0x1234;
    to->code.raw.fill(0x77);
    to->tries_left = 5;
    return listens_;
  }
  void wrong_code() override {}
  bool admit(SessionKind, bool, uint32_t, const PublicKey& peer, NodeId* to) override {
    *to = node_id(peer);
    return true;
  }

  // ---- SessionHandler ----
  void on_open(Session& session) override {
    ++opened;
    session_ = &session;
    requests_.clear();
    wants_.clear();
    left_ = honest != nullptr ? 0 : rng_.below(40);
    kind_ = session.kind();
    bool greets = kind_ == SessionKind::kMember || (listens_ && kind_ == SessionKind::kRecovery);
    if (greets && (honest != nullptr || rng_.below(10) != 0)) say_hello();
    bool joins = kind_ == SessionKind::kPairing && !listens_;
    calm_ = (listens_ || joins) && rng_.below(3) == 0;
    if (joins && (calm_ || rng_.below(3) != 0)) say_pair_hello();
    if (kind_ == SessionKind::kRecovery && calm_) say_all_ids(1);
    if (honest != nullptr) return say_pin(*honest, id(number_), true);
    plan();
  }
  void on_closed(Session& session, Status) override {
    if (session_ != &session) return;
    session_ = nullptr;
    later(rng_.below(20) == 0 ? kSecond : pause_ns);
  }
  void on_message(Session& session, MessageType type, Bytes body) override {
    ++gossip_->heard[static_cast<uint16_t>(type) & 127];
    if (type == MessageType::kHello) {
      HelloMessage hello;
      ASSERT_EQ(HelloMessage::decode(body, &hello), Status::kOk);
      if (kind_ == SessionKind::kMember) (void)session.greet(hello.boot_id);
    } else if (type == MessageType::kPinned) {
      PinnedMessage pinned;
      ASSERT_EQ(PinnedMessage::decode(body, &pinned), Status::kOk);
      if (pinned.answer == Answer::kWant) on_want(pinned.request);
    } else if (type == MessageType::kStored) {
      StoredMessage stored;
      ASSERT_EQ(StoredMessage::decode(body, &stored), Status::kOk);
      if (stored.answer != Answer::kDurable) return;
      ++gossip_->stored;
      if (honest != nullptr) (void)session.send(GetMessage{77, honest->c});
    } else if (type == MessageType::kStatementIds) {
      StatementIdsMessage ids;
      ASSERT_EQ(StatementIdsMessage::decode(body, &ids), Status::kOk);
      for (const StatementKey& one : ids.keys)
        if (gossip_->keys.size() < 200) gossip_->keys.push_back(one);
    } else if (type == MessageType::kStatementGet && listens_) {
      StatementGetMessage get;
      ASSERT_EQ(StatementGetMessage::decode(body, &get), Status::kOk);
      for (const StatementKey& one : get.keys) answer_get(get.kind, one);
      bool next = get.keys.empty() && get.kind == 1 && kind_ == SessionKind::kRecovery;
      if (next && rng_.below(4) != 0) say_all_ids(2);
    } else if (type == MessageType::kStatement && listens_ && body.size() > 70) {
      StatementMessage statement;
      ASSERT_EQ(StatementMessage::decode(body, &statement), Status::kOk);
      if (statement.kind == 1) gossip_->know({statement.bytes.begin(), statement.bytes.end()});
    } else if (type == MessageType::kPairHello && listens_) {
      if (rng_.below(4) == 0) return;
      say_accept();
      if (rng_.below(4) != 0) say_keyring();
      say_all_ids(1);
    } else if (type == MessageType::kPairAccept) {
      ++gossip_->accepted;
    } else if (body.size() >= 4 && type != MessageType::kStatement) {
      requests_.push_back(load_le<uint32_t>(body.data()));
    }
  }
  MutBytes on_bulk_begin(Session&, MessageType, Bytes head, size_t size) override {
    ++gossip_->bulks;
    requests_.push_back(load_le<uint32_t>(head.data()));
    received_.resize(size);
    return received_;
  }
  void on_bulk_end(Session&, MessageType, Bytes, Bytes bulk, Status status) override {
    if (ok(status) && honest != nullptr && equal(bulk, honest->bytes)) served = true;
  }
  void on_clone(Session&, Session&) override {}
  void on_connect_failed(const ConnectFailure&) override {
    ++failed;
    later(100 * kMillisecond);
  }
  void step(Status) override { sending_ = false; }  // the bulk has gone, or its session

 private:
  void later(uint64_t delay_ns) {
    world_->after(delay_ns, nullptr, [this] { call(); });
  }
  void plan() {
    uint64_t delay = rng_.below(30) == 0 ? rng_.below(2 * kSecond) : rng_.below(3 * kMillisecond);
    if (calm_) delay = rng_.below(kSecond / 3);
    world_->after(delay, nullptr, [this, number = session_->number()] {
      if (session_ != nullptr && session_->number() == number) pulse();
    });
  }
  void plan_end() {
    world_->after(rng_.below(20 * kSecond), nullptr, [this, number = session_->number()] {
      if (session_ != nullptr && session_->number() == number) session_->close(Status::kCancelled);
    });
  }
  void pulse() {
    if (left_-- == 0) {
      if (calls && rng_.below(100) == 0) return plan_end();
      return rng_.below(2) == 0 ? session_->close(Status::kCancelled)
                                : session_->close_after_sending();
    }
    say_anything();
    plan();
  }
  template <class M>
  void say(const M& message) {
    gossip_->said[static_cast<uint16_t>(M::kType)] += ok(session_->send(message)) ? 1 : 0;
  }
  uint32_t request() {
    if (!requests_.empty() && rng_.below(3) != 0) return requests_[rng_.below(requests_.size())];
    return static_cast<uint32_t>(rng_.next());
  }
  Answer answer(std::initializer_list<Answer> of) { return of.begin()[rng_.below(of.size())]; }

  void say_hello() {
    HelloMessage hello;
    bool right = honest != nullptr || rng_.below(20) != 0;
    hello.node = right ? id(number_) : gossip_->owner();
    hello.boot_id = right ? boot_id_ : rng_.next();
    hello.capacity_gib = 100;
    hello.state = honest != nullptr ? 0 : static_cast<uint8_t>(rng_.below(4));
    hello.mesh = gossip_->mesh;
    hello.name = "caller";
    say(hello);
  }
  void say_pair_hello() {
    PairHelloMessage hello;
    const IdentityCard& mine = card(number_);
    hello.sign_key = key(number_).pub;
    hello.wrap_key = mine.wrap_key;
    hello.name = mine.name;
    if (calm_ || rng_.below(4) != 0)
      (void)sign_pair_hello(key(number_), session_->binding(), &hello);
    say(hello);
    if (!calm_ && rng_.below(3) == 0) return;
    StatementMessage signature;
    signature.kind = 1;
    signature.bytes = mine.signature;
    say(signature);
  }
  void say_accept() {
    PairAcceptMessage accept;
    accept.role = static_cast<uint8_t>(1 + rng_.below(2));
    accept.mesh = gossip_->mesh;
    accept.sign_key = key(number_).pub;
    accept.add = gossip_->add;
    accept.disc_number = gossip_->disc.number;
    accept.disc_key = gossip_->disc.key;
    if (rng_.below(4) != 0) (void)sign_pair_accept(key(number_), session_->binding(), &accept);
    say(accept);
  }
  void say_keyring() {
    PairKeyringMessage keyring;
    keyring.blob = as_bytes("for you");
    say(keyring);
  }
  void say_all_ids(uint8_t kind) {
    StatementIdsMessage ids;
    std::vector<StatementKey> keys;
    for (const auto& known : gossip_->statements)
      if (known.kind == kind) keys.push_back(known.key);
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    ids.kind = kind;
    ids.keys = keys;
    say(ids);
  }
  void answer_get(uint8_t kind, const StatementKey& wanted) {
    if (rng_.below(calm_ ? 200 : 20) == 0) return;
    for (const auto& known : gossip_->statements)
      if (known.kind == kind && known.key == wanted) {
        StatementMessage statement;
        statement.kind = kind;
        statement.bytes = known.bytes;
        say(statement);
      }
  }
  void say_pin(const Known& record, const NodeId& owner, bool right) {
    PinMessage pin;
    pin.request = static_cast<uint32_t>(rng_.next());
    pin.c = record.c;
    pin.size = static_cast<uint32_t>(right ? record.bytes.size() : 1 + rng_.below(900));
    pin.owner = owner;
    pin.number = 1 + rng_.below(1000);
    wants_.emplace_back(pin, &record);
    say(pin);
  }
  void on_want(uint32_t request) {
    ++gossip_->wanted;
    for (auto& [pin, record] : wants_)
      if (pin.request == request && (honest != nullptr || rng_.below(3) != 0))
        return say_put(pin, *record);
  }
  void say_put(const PinMessage& pin, const Known& record) {
    PutHead head;
    head.request = pin.request;
    head.c = pin.c;
    head.type = pin.type;
    head.owner = pin.owner;
    head.number = pin.number;
    say_bulk(head, record.bytes);
  }
  template <class Head>
  void say_bulk(const Head& head, Bytes bytes) {
    if (sending_) return;
    std::array<uint8_t, Head::kBytesMax> room;
    ByteWriter to(room);
    head.encode(to);
    sending_ = ok(session_->send_bulk(Head::kType, to.written(), bytes, this));
    gossip_->said[static_cast<uint16_t>(Head::kType)] += sending_ ? 1 : 0;
  }

  void say_anything() {
    if (calm_) return say(PingMessage{rng_.next()});
    switch (kind_) {
      case SessionKind::kMember:
        return rng_.below(3) == 0 ? say_common() : say_of_records();
      case SessionKind::kRecovery:
        return rng_.below(2) == 0 ? say_common() : say_of_recovery();
      case SessionKind::kPairing:
        return rng_.below(2) == 0 ? say_common() : say_of_pairing();
    }
  }
  // Hello, pings and statements.
  void say_common() {
    std::vector<StatementKey> keys(rng_.below(12) == 0 ? rng_.below(400) : rng_.below(6));
    for (StatementKey& one : keys) one = gossip_->statement_key();
    uint8_t kind = static_cast<uint8_t>(rng_.below(60) == 0 ? rng_.below(256) : 1 + rng_.below(4));
    switch (rng_.below(8)) {
      case 0:
        if (listens_) return say_all_ids(static_cast<uint8_t>(1 + rng_.below(2)));
        return rng_.below(8) == 0 ? say_hello() : say(PingMessage{rng_.next()});
      case 1: {
        std::array<uint8_t, 8> nonce{};
        return (void)session_->send(MessageType::kPong, nonce);
      }
      case 2:
      case 3: {
        StatementIdsMessage ids;
        ids.kind = kind;
        ids.more = rng_.below(3) == 0;
        ids.keys = keys;
        return say(ids);
      }
      case 4:
      case 5: {
        StatementGetMessage get;
        get.kind = kind;
        get.keys = keys;
        return say(get);
      }
      default: {
        const auto& [right, key, bytes] =
            gossip_->statements[rng_.below(gossip_->statements.size())];
        StatementMessage statement;
        statement.kind = rng_.below(8) == 0 ? kind : right;
        statement.bytes = bytes;
        return say(statement);
      }
    }
  }
  void say_of_records() {
    const Known& record = gossip_->record();
    switch (rng_.below(14)) {
      case 0:
      case 1:
      case 2:
        return say_pin(record, rng_.below(4) == 0 ? gossip_->owner() : id(number_),
                       rng_.below(6) != 0);
      case 3:
        return say(
            PinnedMessage{request(), answer({Answer::kDurable, Answer::kWant, Answer::kWant,
                                             Answer::kBusy, Answer::kFull, Answer::kRefused})});
      case 4:
        return say(StoredMessage{request(), answer({Answer::kDurable, Answer::kBusy, Answer::kFull,
                                                    Answer::kRefused, Answer::kCorrupt})});
      case 5:
        return say(DigestMessage{request(), gossip_->owner()});
      case 6: {
        DigestsMessage digests;
        digests.request = request();
        for (size_t i = rng_.below(9); i > 0; --i)
          digests.buckets[rng_.below(digests.buckets.size())] = {
              static_cast<uint32_t>(rng_.below(5)), rng_.next(), rng_.next()};
        return say(digests);
      }
      case 7:
        return say(PinnedListMessage{request(), gossip_->owner(),
                                     static_cast<uint8_t>(record.c.raw[0]),
                                     rng_.below(2) == 0 ? ChunkId{} : record.c});
      case 8: {
        PinnedChunksMessage chunks;
        std::set<ChunkId> sorted;
        for (size_t i = rng_.below(4); i > 0; --i) sorted.insert(gossip_->record().c);
        std::vector<ChunkId> list;
        chunks.bucket = record.c.raw[0];
        for (const ChunkId& c : sorted)
          if (c.raw[0] == chunks.bucket) list.push_back(c);
        chunks.request = request();
        chunks.more = rng_.below(3) == 0;
        chunks.chunks = list;
        return say(chunks);
      }
      case 9:
        return say(LessMessage{rng_.below(100)});
      case 10:
        if (wants_.empty()) return;
        return say_put(wants_[rng_.below(wants_.size())].first, gossip_->record());
      default:
        return say_of_recovery();
    }
  }
  // What both kinds of sessions may say about records.
  void say_of_recovery() {
    const Known& record = gossip_->record();
    switch (rng_.below(4)) {
      case 0:
        return say(MissingMessage{request(), answer({Answer::kBusy, Answer::kRefused,
                                                     Answer::kCorrupt, Answer::kNotFound})});
      case 1:
        return say_bulk(DataHead{request(), record.c}, record.bytes);
      default:
        return say(GetMessage{static_cast<uint32_t>(rng_.next()), record.c});
    }
  }
  void say_of_pairing() {
    switch (rng_.below(6)) {
      case 0:
      case 1:
        return listens_ ? say_accept() : say_pair_hello();
      case 2:
        return say_accept();
      case 3:
        return say_keyring();
      default:
        return say(PairDoneMessage{static_cast<uint8_t>(rng_.below(8) == 0 ? 3 : 0)});
    }
  }

  SimWorld* world_;
  Gossip* gossip_;
  SimRng& rng_;
  SessionKind kind_;
  int number_;
  uint64_t boot_id_ = 0;
  Session* session_ = nullptr;
  uint64_t left_ = 0;
  bool sending_ = false;
  bool listens_ = false;
  bool calm_ = false;               // keeps the order, but goes when it likes
  std::vector<uint32_t> requests_;  // of the victim's questions
  std::vector<std::pair<PinMessage, const Known*>> wants_;
  ByteVector received_;
};

}  // namespace drey::test
