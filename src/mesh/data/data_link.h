// What the data service needs of a session. Mesh's sessions come in through SessionLink; tests
// bring links of their own. Loop thread only.
#pragma once

#include "drey/op.h"
#include "wire/messages.h"

namespace drey {

class Session;

class DataLink {
 public:
  virtual ~DataLink() = default;
  // Copied. kBusy: no room now. kClosed.
  virtual Status send(MessageType type, Bytes body) = 0;
  // One at a time (kBusy). `bulk` stays untouched until `sent` completes: kOk = handed over, else
  // the session ended. A status other than kOk returned here: `sent` will not complete.
  virtual Status send_bulk(MessageType type, Bytes head, Bytes bulk, Op* sent) = 0;
  // Within on_bulk_begin: drop the bytes, no on_bulk_end follows.
  virtual void drop_bulk() = 0;
  // Never calls back from within.
  virtual void close(Status why) = 0;
};

class SessionLink final : public DataLink {
 public:
  void bind(Session* session) { session_ = session; }
  Status send(MessageType type, Bytes body) override;
  Status send_bulk(MessageType type, Bytes head, Bytes bulk, Op* sent) override;
  void drop_bulk() override;
  void close(Status why) override;

 private:
  Session* session_ = nullptr;
};

}  // namespace drey
