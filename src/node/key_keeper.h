// Keeps a node in possession of the keys that the membership speaks of, and the mesh in possession
// of keys that no removed device has (DESIGN 5 "Revoke"; MEMBERSHIP.md "Keys of an epoch").
//
// - Every valid EPOCH statement that holds something for this device is opened: a full device gets
//   the epoch's seed, a vault its beacon key. Nothing is written for it: the statement in the log,
//   wrapped to the key in drey.keys, is the durable form, and load() opens it again at each start.
// - What is sealed under follows the membership at once: from the moment a revocation is known,
//   nothing is sealed until an epoch is there that knows of it.
// - A full device authors what is missing: the epoch after a revocation, or one more statement of
//   an epoch for members it was not wrapped to (they joined elsewhere at that time). All full
//   devices would; the order of their ids gives each its turn, so that mostly one does.
// - A device that was asked to leave says RETIRE once nothing is kept there alone.
// - It raises the mesh's feature level once every member has shown that it can (mixed versions).
//
// Owned by Node. Loop thread but load(); reading and wrapping are jobs. After a crash the same work
// is found again in the statements.
#pragma once

#include "base/log.h"
#include "mesh/mesh.h"
#include "node/epoch_wrap.h"
#include "node/key_file.h"

namespace drey {

class KeyKeeper final : public KeyringCourier {
 public:
  static constexpr uint64_t kSecondNs = 1'000'000'000;
  static constexpr uint64_t kTurnNs = 3 * kSecondNs;    // per full device before us in order
  static constexpr uint64_t kRetryNs = 30 * kSecondNs;  // after a failure

  struct Options {
    Ports* ports = nullptr;
    ReadyQueue* ready = nullptr;
    Log* log = nullptr;
    Store* store = nullptr;
    Mesh* mesh = nullptr;
    NodeKeys* keys = nullptr;
  };
  // Before the mesh starts, after its load(): opens what the log holds. Blocking.
  void load(const Options& options);
  // The mesh runs: from now on changes are followed.
  void start();
  void tick(uint64_t now_ns);
  void stop() { stopping_ = true; }
  bool idle() const { return !busy_; }
  // This device's own order made keys necessary: its turn is now.
  void hurry() { hurried_ = true; }
  // A revocation is known, and no epoch yet that knows of it: nothing may be sealed.
  bool waits_for_epoch() const;

  // KeyringCourier
  Status export_for(const PublicKey& wrap_key, MutBytes to, size_t* size) override;
  void on_members_changed() override;

 private:
  static constexpr size_t kStatementWords = limits::kStatementsMax / 64;
  static constexpr size_t kDeviceWords = Membership::kIdentitiesMax / 64;
  // Reads one statement; opens what it has for this device.
  struct ReadJob : Job {
    Store* store = nullptr;
    const NodeKeys* keys = nullptr;
    StatementId id;
    bool mine = false;  // `key` was opened
    uint64_t epoch = 0;
    Secret<32> key;
    Bytes blobs;
    std::array<uint8_t, limits::kStatementBytesMax> bytes;
    Status run() override;
  };
  // Wraps an epoch to `recipients`, a new one when it has no id yet; or a feature level.
  struct WriteJob : Job {
    Random* random = nullptr;
    const NodeKeys* keys = nullptr;
    Epoch epoch;
    bool fresh = false;
    uint16_t feature = 0;  // 0: an epoch
    bool retire = false;   // ... or this device's own RETIRE
    size_t recipient_count = 0;
    std::array<EpochRecipient, kEpochRecipientsMax> recipients;
    size_t parent_count = 0;
    std::array<StatementId, limits::kStatementParentsMax> parents;
    size_t size = 0;
    MutBytes statement;  // ReadJob's room: one of them is at work at a time
    Status run() override;
  };
  // To whom statements have given an epoch.
  struct Given {
    uint64_t epoch = 0;
    bool recovery = false;
    std::array<uint64_t, kDeviceWords> devices{};
  };

  bool is_full() const { return options_.keys->role == NodeRole::kFull; }
  bool seen(size_t index) const { return (seen_[index / 64] >> (index % 64)) & 1; }
  size_t next_unread() const;  // of the membership; its count: none
  void read_done(Status status);
  void take(size_t index);
  void note_given(uint64_t epoch, Bytes blobs);
  Given* given_of(uint64_t epoch);
  bool plan_write();
  bool plan_fresh();
  bool plan_missing(const Given& given);
  bool plan_feature();
  bool plan_retire();
  size_t add_recipients(const Given* without);
  uint64_t turn_ns() const;
  void write();
  void written(Status status);
  void published(Status status);

  Options options_;
  bool running_ = false, stopping_ = false, busy_ = false, hurried_ = false;
  uint64_t looked_revision_ = 0, looked_ns_ = 0;
  uint64_t needed_since_ns_ = 0;  // 0: nothing is to be written
  uint64_t retry_ns_ = 0;
  size_t reading_ = 0;
  Key32 recovery_id_{};
  std::array<uint64_t, kStatementWords> seen_{};
  std::array<Given, limits::kEpochsMax> given_;
  size_t given_count_ = 0;
  ReadJob read_;
  WriteJob write_;
  StatementRequest publish_;
  DataSignal<KeyKeeper> read_done_, written_, published_;
};

}  // namespace drey
