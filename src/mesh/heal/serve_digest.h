// Answers DIGEST and PINNED_LIST: which records this node holds for an owner. One question at a
// time; the others wait. Part of ServeService, loop thread.
#pragma once

#include "mesh/removal/serve_unpin.h"

namespace drey {

class DigestServer {
 public:
  static constexpr size_t kQueueMax = 64;  // a peer asks one question at a time
  static constexpr uint64_t kSendNs = 30 * kDataSecondNs;

  void start(DataContext* context, UnpinServer* unpins);
  void on_digest(DataPeer& peer, const DigestMessage& message);
  void on_list(DataPeer& peer, const PinnedListMessage& message);
  void tick(uint64_t now_ns);
  bool idle() const { return state_ == State::kIdle; }

 private:
  enum class State : uint8_t {
    kIdle,
    kReading,  // waits for the job
    kSending,  // waits for room in the link
  };
  struct Question {
    PeerRef peer;
    bool lists = false;
    uint32_t request = 0;
    NodeId owner;
    uint8_t bucket = 0;
    ChunkId after;
  };
  struct ReadJob final : Job {
    Store* store = nullptr;
    UnpinBook* book = nullptr;
    Question question;
    size_t count = 0;
    // One more than a message holds tells whether there are more.
    std::array<ChunkId, limits::kPinnedChunksMax + 1> chunks;
    std::array<BucketDigest, kBucketCount> digests;
    Status run() override;
  };
  void ask(const Question& question);
  void pump();
  void on_read(Status status);
  void send();
  Status send_digests(DataPeer& peer);
  Status send_list(DataPeer& peer);

  DataContext* context_ = nullptr;
  UnpinServer* unpins_ = nullptr;
  State state_ = State::kIdle;
  uint64_t since_ns_ = 0;
  DataSignal<DigestServer> read_;
  ReadJob job_;
  std::array<Question, kQueueMax> queue_;  // a ring
  size_t at_ = 0;
  size_t queued_ = 0;
};

}  // namespace drey
