// Records going out: GET waits for a serve slot, a job reads and hashes, DATA carries it away.
// Healing takes serve slots, too, but always leaves one: two nodes that heal from each other must
// be able to serve each other. Part of ServeService, loop thread.
#pragma once

#include "mesh/data/data_context.h"

namespace drey {

class GetServer {
 public:
  static constexpr size_t kQueueMax = 64;

  void start(DataContext* context);
  void on_get(DataPeer& peer, const GetMessage& message);
  void tick() { pump(); }
  bool idle() const;

 private:
  struct Asked {
    PeerRef peer;
    GetMessage message;
  };
  struct Serving final : Job, BulkSend::Owner {
    GetServer* server = nullptr;
    RecordBuffer* buffer = nullptr;  // null: free
    Asked asked;
    Store* store = nullptr;
    DataSignal<Serving> read;
    BulkSend send;
    Status run() override;
    void on_read(Status status) { server->on_read(*this, status); }
    void on_bulk_sent(BulkSend&, Status) override { server->end(*this); }
  };
  static void refuse(const Asked& asked, Answer answer);
  void pump();
  void on_read(Serving& serving, Status status);
  void end(Serving& serving);

  DataContext* context_ = nullptr;
  std::array<Serving, limits::kServeSlots> servings_;
  std::array<Asked, kQueueMax> queue_;  // a ring
  size_t at_ = 0;
  size_t queued_ = 0;
};

}  // namespace drey
