// Bodies that come piece by piece: a running backup, a restore stream, a listing, a wait. Each is a
// slot of the Api, used by one connection at a time.
#pragma once

#include "backup/types.h"
#include "base/text.h"
#include "codec/keyring.h"
#include "mesh/data/data_signal.h"
#include "mesh/joining/pairing.h"
#include "mesh/requests.h"
#include "node/connection.h"

namespace drey {

class Node;

// What all of them share: the connection they feed and whether they are taken.
class NodeSource : public ResponseSource {
 public:
  void set_node(Node* node) { node_ = node; }
  bool free() const { return connection_ == nullptr && !busy(); }
  void attach(Connection* connection) { connection_ = connection; }
  void detach() override {
    connection_ = nullptr;
    on_detach();
  }
  // Every 100 ms while attached.
  virtual void tick(uint64_t now_ns) { (void)now_ns; }
  bool attached() const { return connection_ != nullptr; }

 protected:
  // Something still runs although nobody listens.
  virtual bool busy() const { return false; }
  virtual void on_detach() {}
  void wake() {
    if (connection_ != nullptr) connection_->wake();
  }
  Node* node_ = nullptr;
  Connection* connection_ = nullptr;
};

// POST /api/v1/backup: JSON lines "progress", "problem", at last "summary".
class BackupSource : public NodeSource {
 public:
  // Status of BackupService::backup().
  Status start(const BackupRequest& request, bool wait, Connection* connection);
  Status produce(MutBytes room, size_t* size) override;
  void tick(uint64_t now_ns) override;

 protected:
  bool busy() const override { return running_; }
  void on_detach() override;

 private:
  void done(Status status);
  void write_summary(TextWriter& out);
  bool waited_enough() const;
  bool running_ = false, wait_ = false, finished_ = false;
  Status status_ = Status::kOk;
  size_t told_errors_ = 0;
  uint64_t next_progress_ns_ = 0, finished_ns_ = 0;
  bool progress_due_ = false;
  DataSignal<BackupSource> done_;
};

// POST /api/v1/forget: one JSON line, "summary".
class ForgetSource : public NodeSource {
 public:
  // Status of BackupService::forget(). `now`: somebody holds the phrase and will ask for UNPINs.
  Status start(const ForgetRequest& request, bool now, Connection* connection);
  Status produce(MutBytes room, size_t* size) override;

 protected:
  bool busy() const override { return running_; }

 private:
  struct Name {
    std::array<char, 72> text{};
    uint8_t size = 0;
  };
  void done(Status status);
  void write_words(const ForgetResult& result, TextWriter& words);
  bool running_ = false, dry_run_ = false, now_ = false;
  std::array<Name, ForgetRequest::kSnapshotsMax> names_;
  DataSignal<ForgetSource> done_;
};

// POST /api/v1/forget/now: takes the phrase's word on an UNPIN and answers with the next that needs
// one; at last, or when nothing has come of it for a minute, "summary".
class UnpinNowSource : public NodeSource {
 public:
  // An empty signature: only asks. kInvalid: it is none.
  Status start(uint64_t number, std::string_view signature, Connection* connection);
  Status produce(MutBytes room, size_t* size) override;
  void tick(uint64_t now_ns) override;

 private:
  void write_words(bool complete, TextWriter& words);
  uint64_t deadline_ns_ = 0;
};

// POST /api/v1/stream: the frames of backup/STREAM.md. 404 when there is no such snapshot.
class StreamSource : public NodeSource, private StreamSink {
 public:
  Status start(std::string_view snapshot, std::string_view path, bool with_data, bool one_level,
               const Survivors& survivors, Connection* connection);
  int http_status() override;
  Status produce(MutBytes room, size_t* size) override;
  void tick(uint64_t now_ns) override;
  // The buffer, for a download, while it is free(): until take_back().
  MutBytes lend() {
    lent_ = true;
    return buffer_;
  }
  void take_back() { lent_ = false; }

 protected:
  bool busy() const override { return state_ != State::kIdle || lent_; }
  void on_detach() override;

 private:
  enum class State : uint8_t { kIdle, kAsking, kResolving, kOpening, kStreaming, kRefused, kEnded };
  static constexpr size_t kBufferBytes = 64 * 1024;
  MutBytes room() override;
  void produced(size_t size) override;
  void resolved(Status status);
  void ended(Status status);
  void ask();
  void open();
  void refuse(Status status);

  State state_ = State::kIdle;
  Status status_ = Status::kOk;
  std::array<char, 160> snapshot_{};
  size_t snapshot_size_ = 0;
  std::array<char, limits::kPathBytesMax> path_{};
  size_t path_size_ = 0;
  bool lent_ = false;
  bool with_data_ = false, one_level_ = false;
  Survivors survivors_;
  SnapshotInfo info_;
  StreamNumber stream_ = 0;
  bool has_stream_ = false;
  size_t begin_ = 0, end_ = 0;  // of what waits in buffer_
  std::array<uint8_t, kBufferBytes> buffer_{};
  DataSignal<StreamSource> resolved_;
  DataSignal<StreamSource> ended_signal_;
};

// GET /api/v1/snapshots: a JSON array, one object per line.
class SnapshotsSource : public NodeSource, private SnapshotSink {
 public:
  void start(Connection* connection);
  Status produce(MutBytes room, size_t* size) override;
  void tick(uint64_t now_ns) override;

 protected:
  bool busy() const override { return listing_; }

 private:
  bool row(const SnapshotInfo& info) override;
  void list();
  void listed(Status status);
  bool listing_ = false, more_ = false, complete_ = false;
  size_t skip_ = 0, seen_ = 0;
  size_t begin_ = 0, end_ = 0;
  std::array<char, 16 * 1024> buffer_{};
  DataSignal<SnapshotsSource> listed_;
};

// POST /api/v1/invite: "code", then "joined" and "summary".
class InviteSource : public NodeSource {
 public:
  Status start(Role role, uint8_t uses, bool wait, Connection* connection);
  Status produce(MutBytes room, size_t* size) override;
  void tick(uint64_t now_ns) override;

 protected:
  bool busy() const override { return open_; }
  void on_detach() override;

 private:
  void over(Status status);
  bool open_ = false, wait_ = false, told_code_ = false;
  uint8_t told_joined_ = 0;
  Status status_ = Status::kOk;
  std::array<uint8_t, 32> code_text_{};
  size_t code_size_ = 0;
  InviteRequest request_;
  DataSignal<InviteSource> over_;
};

// POST /api/v1/revoke, /api/v1/retire: one JSON line, "summary", once the statement is durable and
// passed on and, after a revocation, the new keys are there; with `wait` once the device has left.
class MemberSource : public NodeSource {
 public:
  enum class Order : uint8_t { kRevoke, kRetire };
  // Begins; what is wrong with the order stands in the summary.
  void start(Order order, std::string_view name, bool wait, Connection* connection);
  Status produce(MutBytes room, size_t* size) override;
  void tick(uint64_t now_ns) override;

 protected:
  bool busy() const override { return busy_; }

 private:
  struct SignJob : Job {
    Order order = Order::kRevoke;
    const KeyPair* key = nullptr;
    MeshId mesh;
    SubjectBody body;
    size_t parent_count = 0;
    std::array<StatementId, limits::kStatementParentsMax> parents;
    size_t size = 0;
    std::array<uint8_t, 512> statement;
    Status run() override;
  };
  Status find(std::string_view name);
  void is_signed(Status status);
  void published(Status status);
  void sign();
  bool waits(uint64_t now_ns) const;
  void write_retired(TextWriter& words);
  void write_revoked(TextWriter& words);

  bool busy_ = false, ended_ = true, already_ = false, wait_ = false;
  Status status_ = Status::kOk;
  uint64_t deadline_ns_ = 0;
  size_t name_size_ = 0;
  std::array<char, 2 * NodeId::kSize> name_{};
  SignJob sign_;
  StatementRequest publish_;
  DataSignal<MemberSource> signed_, published_;
};

// POST /api/v1/phrase/draft: mesh, parents and the keyring wrapped to the new phrase's key. POST
// /api/v1/phrase: publishes the RECOVERY statement that the command line made of it.
class PhraseSource : public NodeSource {
 public:
  // kInvalid, kTooLarge: no such key or statement, nothing has begun.
  Status draft(std::string_view unwrap_key, Connection* connection);
  Status publish(std::string_view statement, Connection* connection);
  Status produce(MutBytes room, size_t* size) override;

 protected:
  bool busy() const override { return busy_; }

 private:
  static constexpr size_t kRecoveryBytesMax = 4096;  // a whole keyring, eight parents
  struct WrapJob : Job {
    Random* random = nullptr;
    const Keyring* keyring = nullptr;
    PublicKey unwrap_key{};
    size_t size = 0;
    std::array<uint8_t, kRecoveryBytesMax> bytes;  // the envelope, later the statement
    Status run() override;
  };
  void begin(Connection* connection);
  void done(Status status);

  bool busy_ = false, drafting_ = false;
  Status status_ = Status::kOk;
  WrapJob wrap_;
  StatementRequest publish_;
  DataSignal<PhraseSource> done_;
};

// POST /api/v1/wait: one JSON line when every record has its holders, or at the timeout.
class WaitSource : public NodeSource {
 public:
  void start(uint64_t timeout_s, Connection* connection);
  Status produce(MutBytes room, size_t* size) override;
  void tick(uint64_t now_ns) override;

 private:
  uint64_t deadline_ns_ = 0;
};

// POST /api/v1/scrub: with `wait` JSON lines "progress" until everything was read; "summary".
class ScrubSource : public NodeSource {
 public:
  void start(bool wait, Connection* connection);
  Status produce(MutBytes room, size_t* size) override;
  void tick(uint64_t now_ns) override;

 private:
  bool wait_ = false;
  uint64_t passes_ = 0, damaged_ = 0, next_progress_ns_ = 0;
};

// GET /api/v1/events: server-sent events, one per line of the log ring.
class EventsSource : public NodeSource {
 public:
  void start(Connection* connection);
  Status produce(MutBytes room, size_t* size) override;
  void tick(uint64_t now_ns) override;

 private:
  uint64_t told_ = 0;
};

// Nothing to wait for any more: every own record has all the holders it needs.
bool all_copies_in_place(Node& node);
// ... and that is what the mesh's `copies` asks for.
bool is_protected(Node& node);

}  // namespace drey
