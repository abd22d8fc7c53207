// What sessions ask of the mesh: who may knock, who may enter, and who hears what arrives. Both
// interfaces are implemented by Mesh and called on the loop thread only. Implementations may call
// any Session or Sessions function from within; nothing is called back recursively from close().
#pragma once

#include "drey/ports.h"
#include "wire/messages.h"

namespace drey {

class Session;

// The secret half of a pairing code and the public room it is tried in.
struct Invitation {
  uint16_t room = 0;
  Secret<limits::kPairingCodeBytes> code;
  uint8_t tries_left = 0;  // wrong codes that may still come; 0 = ended
};

class SessionGate {
 public:
  virtual ~SessionGate() = default;
  // The index-th known beacon key K_disc with this number (two partitions may have numbered two
  // keys alike). False when there is no such one, or it is of no use to any member any more.
  virtual bool discovery_key(uint32_t number, size_t index, Secret<32>* key) = 0;
  // The one to knock with; false on a node without a mesh.
  virtual bool newest_discovery_key(uint32_t* number, Secret<32>* key) = 0;
  // Is this the id (SHA-256 of the public key) of a recovery key in force?
  virtual bool is_recovery_key(const Key32& id) = 0;
  // The open invitation; false when there is none.
  virtual bool invitation(Invitation* to) = 0;
  // A joiner in the right room had the wrong code: counts against the invitation.
  virtual void wrong_code() = 0;
  // After a handshake with certificates: the peer has proved to hold `peer`. True lets it in and
  // sets *id (of a member: its NodeId). `initiator`: we called. `key_number`: members, of the
  // K_disc that the knock was made with. Recovery, initiator: the answering node; the recovering
  // device knows no keys yet and may admit anybody. Not asked on pairing sessions.
  virtual bool admit(SessionKind kind, bool initiator, uint32_t key_number, const PublicKey& peer,
                     NodeId* id) = 0;
};

struct ConnectFailure {
  SessionKind kind = SessionKind::kMember;
  Address remote;
  NodeId expected;
  Status why = Status::kOk;  // kTimeout, kClosed (refused, no answer), kDenied (wrong key or code)
};

class SessionHandler {
 public:
  virtual ~SessionHandler() = default;
  // The session is authenticated and admitted; both sides send HELLO now (members).
  virtual void on_open(Session& session) = 0;
  // Last call for a session that was open; its slot is reused afterwards.
  virtual void on_closed(Session& session, Status why) = 0;
  // A control frame whose size is within its message_rule. The body is not decoded yet.
  virtual void on_message(Session& session, MessageType type, Bytes body) = 0;
  // Where to put the `size` bytes of a bulk (at least so many); they belong to the session until
  // on_bulk_end. Empty = protocol error: the session is closed. session.drop_bulk() before
  // returning drops the bytes instead (a late answer nobody waits for): no on_bulk_end follows.
  virtual MutBytes on_bulk_begin(Session& session, MessageType type, Bytes head, size_t size) = 0;
  // Not kOk: the session ended midway, `bulk` is what the room was, with undefined content.
  virtual void on_bulk_end(Session& session, MessageType type, Bytes head, Bytes bulk,
                           Status status) = 0;
  // Two sessions of one member, from two different starts of it, both alive: a clone. Both are
  // closed after this call.
  virtual void on_clone(Session& one, Session& other) = 0;
  // A connect_*() call ended without on_open.
  virtual void on_connect_failed(const ConnectFailure& failure) = 0;
};

}  // namespace drey
