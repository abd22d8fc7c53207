// A session: one connection to one other node, from the first byte of its knock to the last of its
// frames. Slots of a static pool inside Sessions; loop thread only, except that a handshake step
// runs as a job on the work lane. Nothing of it survives a crash.
//
// A Session& is valid from on_open to the end of on_closed. close() only marks: the slot is given
// back after its waits and jobs have come home, then on_closed is called from the ready queue.
#pragma once

#include "mesh/session/session_gate.h"
#include "mesh/session/session_send.h"
#include "wire/knock.h"
#include "wire/plain.h"
#include "wire/tls.h"

namespace drey {

class Sessions;

class Session {
 public:
  using Kind = SessionKind;

  Kind kind() const { return kind_; }
  // Members: as admit() said. Pairing: zeros until set_peer(). Recovery: the asking side's id is
  // SHA-256 of the recovery key.
  const NodeId& peer() const { return peer_; }
  const PublicKey& peer_key() const { return peer_key_; }
  bool initiator() const { return initiator_; }
  uint32_t key_number() const { return key_number_; }  // members: of the knock's K_disc
  const Address& remote() const { return remote_; }
  // 32 bytes that only the two ends of this connection share: what a pairing proof signs.
  const Key32& binding() const { return binding_; }
  // Index in the pool, below kSessionsMax; and a number no other session of this process had.
  size_t slot() const { return slot_; }
  uint64_t number() const { return number_; }
  bool is_open() const { return state_ == State::kOpen; }

  // Queues a control frame. kBusy: the ring is full, nothing queued; kClosed; kInvalid: this kind
  // of session may not say it, or the size breaks its rule.
  Status send(MessageType type, Bytes body);
  // The same for a message struct.
  template <class M>
  Status send(const M& message) {
    std::array<uint8_t, M::kBytesMax> body;
    ByteWriter to(body);
    message.encode(to);
    return to.ok() ? send(M::kType, to.written()) : Status::kTooLarge;
  }
  // Queues a bulk, one at a time (kBusy). On kOk, `sent` completes exactly once: kOk when the last
  // byte was handed to TLS, else why the session ended; until then `bulk` stays untouched. On any
  // other return it never completes. kClosed, kInvalid as above.
  Status send_bulk(MessageType type, Bytes head, Bytes bulk, Op* sent);
  bool bulk_busy() const { return out_.bulk_busy(); }
  size_t send_room() const { return out_.ring_free(); }
  // Free for mesh-data: what this peer still owes or is owed; readers choose the lowest.
  uint64_t bytes_outstanding = 0;

  // Members: after HELLO. kOk: this is the session to use. kExists: another session to this node
  // stays, this one is being closed (or a clone was found). See sessions.h for the rule.
  Status greet(uint64_t boot_id);
  bool greeted() const { return greeted_; }
  uint64_t boot_id() const { return boot_id_; }
  // Pairing: after the peer has proved its key over binding().
  void set_peer(const PublicKey& key);
  // Within on_bulk_begin only.
  void drop_bulk() { drop_bulk_ = true; }
  // Ends the session: what is queued may be lost. Idempotent.
  void close(Status why);
  // Ends it once everything queued has been handed to the socket.
  void close_after_sending();

  const char* state_name() const;

 private:
  friend class Sessions;
  enum class State : uint8_t {
    kFree,
    kConnecting,        // TCP, ours
    kKnockSending,      // ours
    kSaltReading,       // ours, pairing
    kKnockReading,      // theirs
    kSaltSending,       // theirs, pairing
    kHandshakeQueued,   // waits for one of the two handshake turns
    kHandshakeRunning,  // the job is on the work lane
    kHandshakeWaiting,  // waits for the socket
    kOpen,
    kClosing,  // waits for its waits and jobs
  };
  static constexpr size_t kStateCount = 11;
  static const char* name_of(State state);

  // One outstanding request per op: the driver leads up to kOpen and away from it, then reader and
  // writer each wait for their direction.
  struct Driver : Op {
    Session* session = nullptr;
    void step(Status status) override { session->drive(status); }
    const char* state_name() const override { return session->state_name(); }
  };
  struct Reader : Op {
    Session* session = nullptr;
    bool waiting = false;
    void step(Status status) override { session->read_step(status); }
  };
  struct Writer : Op {
    Session* session = nullptr;
    bool waiting = false;
    void step(Status status) override { session->write_step(status); }
  };
  struct HandshakeJob : Job {
    Session* session = nullptr;
    Status run() override;
  };

  // session_open.cc
  void drive(Status status);
  Status advance(Status status);  // kOk: the state has changed, go on; kAgain: a wait was begun
  Status send_exact();            // of small_, from small_at_; kAgain
  Status read_exact();
  Status make_knock();
  Status judge_knock();
  Status judge_member_knock(const Knock& knock);
  Status judge_joiner_knock(const Knock& knock);
  Status knock_sent();
  Status take_salt();
  Status begin_handshake();
  Status ask_turn();
  Status run_handshake();  // on the work lane
  Status take_certificate();
  Status handshake_step_done(Status status);
  bool still_invited();
  Status enter();
  Status wait_for(uint8_t events);

  // session_io.cc
  void open_io();
  void read_step(Status status);
  Status read_some(size_t* budget);
  Status frame_event(FrameParser::Event event);
  Status control_frame(MessageType type, Bytes body);
  Status bulk_begin();
  void write_step(Status status);
  void kick_writer();
  void tick(uint64_t now_ns);
  void tick_open(uint64_t now_ns);

  // session.cc
  void prepare(Sessions* pool, size_t slot);
  void begin(Kind kind, Net::Socket socket, const Address& remote, bool initiator);
  void move(State to);
  bool is_pending() const { return state_ != State::kFree && state_ < State::kOpen; }
  bool is_quiet() const;
  void finish_if_quiet();
  void clear();
  uint64_t now() const;

  Sessions* pool_ = nullptr;
  Channel* channel_ = nullptr;
  Driver driver_;
  Reader reader_;
  Writer writer_;
  HandshakeJob job_;
  State state_ = State::kFree;
  Kind kind_ = Kind::kMember;
  bool initiator_ = false;
  uint32_t key_number_ = 0;  // ours to make: 0 = the newest
  bool driver_waits_ = false;
  bool job_out_ = false;
  bool channel_open_ = false;
  bool greeted_ = false;
  bool was_open_ = false;
  bool drop_bulk_ = false;
  bool linger_ = false;   // close_after_sending()
  bool shut_ = false;     // everything was sent, the peer has been told
  bool probing_ = false;  // a newer session of the same node waits for this one's PONG
  Status why_ = Status::kOk;
  size_t slot_ = 0;
  uint64_t number_ = 0;
  Net::Socket socket_ = Net::kNone;
  Address remote_;
  NodeId expected_;
  NodeId peer_;
  PublicKey peer_key_{};
  Key32 binding_{};
  uint64_t boot_id_ = 0;
  uint64_t deadline_ns_ = 0;  // of the state before kOpen, of greet(), of lingering
  uint64_t heard_ns_ = 0;     // last byte read
  uint64_t wrote_ns_ = 0;     // last byte written, or the queue's becoming non-empty
  uint64_t pinged_ns_ = 0;
  uint64_t probe_nonce_ = 0;
  uint64_t probe_deadline_ns_ = 0;
  uint64_t rival_number_ = 0;  // of the newer session

  // Before kOpen: the knock or the salt on its way; the pairing secrets.
  std::array<uint8_t, limits::kKnockBytes> small_;
  size_t small_size_ = 0;
  size_t small_at_ = 0;
  uint16_t room_ = 0;
  Secret<limits::kPairingCodeBytes> code_;
  std::array<uint8_t, limits::kPairingSaltBytes> salt_{};
  Secret<limits::kPskBytes> psk_;
  KeyPair recovery_;  // our own end of a recovery session
  std::array<uint8_t, limits::kCertificateBytesMax> recovery_certificate_;
  size_t recovery_certificate_size_ = 0;

  TlsChannel tls_;
  PlainChannel plain_;
  SendQueue out_;
  FrameParser in_;
};

}  // namespace drey
