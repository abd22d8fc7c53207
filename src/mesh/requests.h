// What other modules ask of Mesh. A request is embedded in the asking op, belongs to Mesh from the
// call until `op` is completed, and is never copied. Loop thread. After a crash nothing of a
// request remains but what it made durable.
#pragma once

#include "drey/ids.h"
#include "drey/op.h"
#include "store/types.h"

namespace drey {

// Bring a record of the own backup to its homes (DESIGN 4). Completes when every reachable home
// answered: kOk = durable on another device or in the own log; kFull, kReadOnly, kIo: nowhere.
struct PushRequest {
  ChunkId c;
  ContentId d;
  ChunkType type = ChunkType::kData;
  Bytes record;         // stays untouched until completion
  uint64_t number = 0;  // of the pin
  Op* op = nullptr;
  // Out.
  uint64_t holders = 0;         // mask of node slots that have it durably
  bool in_own_log = false;      // and the own log does, too
  PushRequest* next = nullptr;  // used by Mesh
};

// Get a record from wherever it is: the own log first, then holders, next on failure. Bytes are
// verified to hash to `c`. kNotFound: nobody reachable has it. kTooLarge: `room`.
struct FetchRequest {
  ChunkId c;
  MutBytes room;
  NodeId only;  // zero: anybody; else this holder alone is asked, and not the own log
  Op* op = nullptr;
  // Out.
  size_t size = 0;
  bool denied = false;  // somebody that should hold it said it does not, or gave other bytes
  FetchRequest* next = nullptr;  // used by Mesh
};

// Publish an own statement: kMembership (any builder of statement.h) or kHead (encode_head).
// Completes kOk when it is durable in the own log; it was then given to every connected member.
// kExists: already known. kInvalid, kDenied, kNotFound (a parent), kTooLarge as Membership::check;
// kFull, kReadOnly, kIo: not stored, nobody was told.
struct StatementRequest {
  StatementKind kind = StatementKind::kMembership;
  Bytes statement;  // at most kStatementBytesMax; stays untouched until completion
  Op* op = nullptr;
  // Out.
  StatementKey key{};
  StatementRequest* next = nullptr;  // used by Mesh
};

}  // namespace drey
