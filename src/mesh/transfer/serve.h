// Serve: what this node does for others. Pins (serve_pin), records coming in (serve_put), records
// going out (serve_get), digests of what an owner has here (serve_digest), and what owners give up
// (serve_unpin) or nobody needs here (release). How much of it each member may ask: quota.
//
// Credit: PIN is answered "want" only with a receive slot reserved for it, and the receive slots
// wait for nothing but their sender and the own disk, so two nodes that back up to each other never
// wait for each other. "Durable" is said only after the commit of the group. Loop thread; what was
// reserved or queued is lost at a crash, what was answered durable is not.
#pragma once

#include "mesh/heal/serve_digest.h"
#include "mesh/removal/release.h"
#include "mesh/transfer/quota.h"
#include "mesh/transfer/serve_get.h"
#include "mesh/transfer/serve_pin.h"
#include "mesh/transfer/serve_put.h"

namespace drey {

class ServeService {
 public:
  void start(DataContext* context) {
    quota_.start(context);
    puts_.start(context, &quota_);
    pins_.start(context, &puts_, &quota_);
    gets_.start(context);
    unpins_.start(context);
    releases_.start(context);
    digests_.start(context, &unpins_);
  }
  void on_pin(DataPeer& peer, const PinMessage& message) { pins_.on_pin(peer, message); }
  void on_get(DataPeer& peer, const GetMessage& message) { gets_.on_get(peer, message); }
  void on_digest(DataPeer& peer, const DigestMessage& m) { digests_.on_digest(peer, m); }
  void on_list(DataPeer& peer, const PinnedListMessage& m) { digests_.on_list(peer, m); }
  MutBytes on_put_begin(DataPeer& peer, const PutHead& head, size_t size) {
    return puts_.on_begin(peer, head, size);
  }
  void on_put_end(DataPeer& peer, Status status) { puts_.on_end(peer, status); }
  void on_closed(const DataPeer& peer) {
    puts_.on_closed(peer);
    releases_.on_closed(peer);
  }
  void tick(uint64_t now_ns) {
    quota_.tick(now_ns);
    puts_.tick(now_ns);
    gets_.tick();
    digests_.tick(now_ns);
    unpins_.tick(now_ns);
    releases_.tick(now_ns);
  }
  bool idle() const {
    return pins_.idle() && puts_.idle() && gets_.idle() && digests_.idle() && unpins_.idle() &&
           releases_.idle() && quota_.idle();
  }
  Releaser& releases() { return releases_; }
  const Releaser& releases() const { return releases_; }
  UnpinServer& unpins() { return unpins_; }
  const UnpinServer& unpins() const { return unpins_; }
  const Quota& quota() const { return quota_; }
  const ReceivePool& receive_pool() const { return puts_.pool(); }

 private:
  Quota quota_;
  PutServer puts_;
  PinServer pins_;
  GetServer gets_;
  UnpinServer unpins_;
  Releaser releases_;
  DigestServer digests_;
};

}  // namespace drey
