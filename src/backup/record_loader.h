// Gets one record and opens it: fetch, then a job on a work lane. When C is lost or does not hold
// D, D is looked up again and another record of the same content is tried once. Embedded in the op
// that needs pages or chunks; loop thread.
#pragma once

#include "backup/backup_context.h"

namespace drey {

class RecordLoader {
 public:
  void start(BackupContext* context);
  // Fetches the record of `d` into `record`; `fetched` completes with kOk, or kNotFound, kIo, ...
  // `record` stays in use until then.
  void fetch(const ContentId& d, const ChunkId& c, ChunkType type, OriginBuffer* record,
             Op* fetched);
  // After a fetch that was kOk: opens it into `plain`. `opened` completes with kOk and size(), or
  // kCorrupt, kNotFound (a key this node was not given), kTooLarge, ... Consumes the record.
  void open(MutBytes plain, Op* opened);
  size_t size() const { return size_; }
  bool busy() const { return busy_; }

 private:
  struct OpenJob final : Job {
    RecordLoader* loader = nullptr;
    MutBytes plain;
    Status run() override;
  };
  struct FindJob final : Job {
    RecordLoader* loader = nullptr;
    ChunkId found;
    Status run() override;
  };
  void fetch_done(Status status);
  void find_done(Status status);
  void open_done(Status status);
  void look_up(Status why);
  void tell(Status status);

  BackupContext* context_ = nullptr;
  ContentId d_;
  ChunkId c_;
  ChunkType type_ = ChunkType::kData;
  OriginBuffer* record_ = nullptr;
  Op* op_ = nullptr;
  bool busy_ = false;
  bool opening_ = false;  // open() was called: after a second fetch it goes on opening
  bool second_ = false;   // another C is being tried
  Status first_failure_ = Status::kOk;
  size_t size_ = 0;
  FetchRequest request_;
  OpenJob open_job_;
  FindJob find_job_;
  Signal<RecordLoader> fetched_;
  Signal<RecordLoader> found_;
  Signal<RecordLoader> opened_;
};

}  // namespace drey
