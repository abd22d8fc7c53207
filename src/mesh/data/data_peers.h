// The open links: who is at the other end, which bulks wait for their turn, which bulk arrives.
// Part of DataContext, loop thread. A slot is used again once its last bulk has come home.
#pragma once

#include "mesh/data/data_link.h"
#include "mesh/data/data_signal.h"
#include "mesh/data/data_types.h"

namespace drey {

// One bulk to be sent; embedded in its owner, which keeps head and bulk untouched and is told
// exactly once.
struct BulkSend {
  class Owner {
   public:
    virtual ~Owner() = default;
    // kOk: handed over to the session. Else the link ended, and what was sent does not count.
    virtual void on_bulk_sent(BulkSend& send, Status status) = 0;
  };
  enum class State : uint8_t { kIdle, kQueued, kSending };
  State state = State::kIdle;
  Owner* owner = nullptr;
  MessageType type = MessageType::kPut;
  uint8_t head_size = 0;
  std::array<uint8_t, 96> head{};
  Bytes bulk;
  BulkSend* next = nullptr;

  template <class Head>
  void set(const Head& from, Bytes record) {
    static_assert(Head::kBytesMax <= sizeof(head));
    ByteWriter to(head);
    from.encode(to);
    DREY_CHECK(to.ok());
    type = Head::kType;
    head_size = static_cast<uint8_t>(to.size());
    bulk = record;
  }
};

class DataPeer {
 public:
  // Who takes the bulk that is arriving.
  enum class Inbound : uint8_t { kNone, kReceive, kFetch };

  bool is_open() const { return link != nullptr; }
  Status send(MessageType type, Bytes body) {
    return link == nullptr ? Status::kClosed : link->send(type, body);
  }
  template <class M>
  Status send(const M& message) {
    std::array<uint8_t, M::kBytesMax> body;
    ByteWriter to(body);
    message.encode(to);
    return to.ok() ? send(M::kType, to.written()) : Status::kTooLarge;
  }
  // Queues a bulk behind those of other ops: fair, first come first served. The link is open.
  void send_bulk(BulkSend* send);
  // Takes a bulk out of the queue again; false when it is being sent (or was).
  bool withdraw(BulkSend* send);
  // Hands the next queued bulk over when the link is free for it.
  void pump();

  DataLink* link = nullptr;   // null: closed
  const void* key = nullptr;  // the Session or DataLink it stands for
  NodeId id;
  bool member = false;      // may hold records; else (recovery) it is only read from, or reads
  uint32_t serial = 0;      // of this use of the slot
  uint64_t moved_ns = 0;    // when something last arrived or was handed over
  uint64_t sent_ns = 0;     // when a bulk was last handed over
  uint64_t put_ns = 0;      // when a PUT of it last began or ended
  uint64_t bytes_owed = 0;  // of records asked for and not yet here
  uint8_t slow_waits = 0;   // own pushes that have waited here for long (PushService)
  uint64_t slow_until_ns = 0;
  uint64_t full_until_ns = 0;  // it refused a record for want of room
  bool reconciled = false;     // it was asked what it holds, and the masks follow
  uint64_t reconcile_due_ns = 0;
  uint64_t reconcile_asked_ns = 0;
  uint64_t unpinned_number = 0;  // what we do not need was unpinned here, up to this number
  Inbound inbound = Inbound::kNone;
  void* inbound_owner = nullptr;
  SessionLink session_link;

 private:
  friend class DataPeers;
  void on_sent(Status status);
  void abandon();

  DataSignal<DataPeer> sent_;
  BulkSend* head_ = nullptr;  // queued
  BulkSend* tail_ = nullptr;
  BulkSend* sending_ = nullptr;
  Clock* clock_ = nullptr;
};

// Names one use of a slot; outlives the link safely.
struct PeerRef {
  DataPeer* peer = nullptr;
  uint32_t serial = 0;
  PeerRef() = default;
  explicit PeerRef(DataPeer* of) : peer(of), serial(of->serial) {}
  DataPeer* get() const {
    return peer != nullptr && peer->is_open() && peer->serial == serial ? peer : nullptr;
  }
  bool is(const DataPeer& other) const { return peer == &other && serial == other.serial; }
};

class DataPeers {
 public:
  // Closed links may still have a bulk on its way home.
  static constexpr size_t kSlots = limits::kSessionsMax + 4;

  void start(const DataOptions& options);
  // A slot for the caller to put its link in at once. Null: none is free (close the link).
  DataPeer* open(const void* key, const NodeId& id, bool member);
  // Tries again what found a link busy.
  void tick();
  // Queued bulks are told kClosed; the one being sent comes home by itself.
  void close(DataPeer* peer);
  DataPeer* find_key(const void* key);
  // The newest open member link to this node; null when there is none.
  DataPeer* find_member(const NodeId& id);
  std::span<DataPeer> all() { return slots_; }
  size_t open_members() const;
  uint32_t new_request() { return ++request_ == 0 ? ++request_ : request_; }

 private:
  std::array<DataPeer, kSlots> slots_;
  uint32_t serial_ = 0;
  uint32_t request_ = 0;
};

}  // namespace drey
