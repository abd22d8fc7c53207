// One chunk or page on its way from plaintext to the mesh: D, is it known, seal, push (DESIGN 4).
// The backup op holds a fixed number of them; each is a state machine of its own that only tells
// the op "look at me". Loop thread, jobs on lanes.
//
// kOk after the push means: durable on another device or in the own log.
#pragma once

#include "backup/backup_context.h"
#include "backup/content_reader.h"

namespace drey {

// Contents this backup has brought to the mesh a moment ago: the claims in the store follow later.
class RecentContents {
 public:
  void reset() { rows_ = {}; }
  bool find(const ContentId& d, ChunkId* c) const;
  void add(const ContentId& d, const ChunkId& c);

 private:
  struct Row {
    ContentId d;
    ChunkId c;
  };
  std::array<Row, 64> rows_{};
};

class SealTransfer {
 public:
  enum class State : uint8_t {
    kFree,
    kDigesting,    // D, on a work lane
    kFinding,      // known already? on the store lane
    kWantsRecord,  // for a slot, and an epoch to seal under: give_record()
    kSealing,
    kPushing,
    kEnded,  // status(); take the slots back with release()
  };
  void start(BackupContext* context, Op* owner);
  // `chunk.number` 0: a page, its bytes stay with the caller until resolved.
  void begin(ChunkType type, const FilledChunk& chunk, uint64_t number, RecentContents* recent);
  // Also once more with the record that take_record() gave: no epoch was in force.
  void give_record(OriginBuffer* record);
  // Instead of give_record(): it has ended.
  void give_up(Status why) { finish(why); }

  State state() const { return state_; }
  bool free() const { return state_ == State::kFree; }
  // (D, C) is known, and was not taken yet.
  bool has_result() const { return has_result_; }
  ResolvedChunk take_result();
  bool is_page() const { return type_ == ChunkType::kPage; }
  // The plaintext is not needed any more; its slot is plain_slot().
  bool plain_done() const { return plain_done_; }
  void forget_plain() { has_plain_ = false; }
  bool has_plain() const { return has_plain_; }
  uint16_t plain_slot() const { return chunk_.slot; }
  bool holds_record() const { return record_ != nullptr; }
  OriginBuffer* take_record();
  Status status() const { return status_; }
  size_t added_bytes() const { return added_bytes_; }  // 0 when it was known
  void end() { state_ = State::kFree; }

 private:
  struct DigestJob final : Job {
    SealTransfer* transfer = nullptr;
    Status run() override;
  };
  struct FindJob final : Job {
    SealTransfer* transfer = nullptr;
    bool known = false;
    Status run() override;
  };
  struct SealJob final : Job {
    SealTransfer* transfer = nullptr;
    size_t size = 0;
    Status run() override;
  };
  void on_step(Status status);
  void digested();
  void found(Status status);
  void sealed(Status status);
  void finish(Status status);
  void resolve();

  BackupContext* context_ = nullptr;
  Op* owner_ = nullptr;
  RecentContents* recent_ = nullptr;
  State state_ = State::kFree;
  Status status_ = Status::kOk;
  ChunkType type_ = ChunkType::kData;
  FilledChunk chunk_;
  uint64_t number_ = 0;
  bool has_plain_ = false;
  bool plain_done_ = false;
  bool has_result_ = false;
  size_t added_bytes_ = 0;
  ContentId d_;
  ChunkId c_;
  OriginBuffer* record_ = nullptr;
  PushRequest push_;
  DigestJob digest_job_;
  FindJob find_job_;
  SealJob seal_job_;
  Signal<SealTransfer> signal_;
};

}  // namespace drey
