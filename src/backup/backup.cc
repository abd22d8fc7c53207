#include "backup/backup.h"

#include <algorithm>

namespace drey {

static_assert(2 + kStreamOps <= SlotShare::kUsersMax && ForgetOp::kUser > kStreamOps);
static_assert(BackupOp::kReserve + 2 + 1 <= limits::kOriginSlots,
              "a backup, a restore and a listing can run together");

void BackupService::start(const BackupOptions& options) {
  DREY_CHECK(!started_);
  started_ = true;
  mesh_space_.set(options.mesh);
  context_.lanes = options.ports->lanes;
  context_.clock = options.ports->clock;
  context_.random = options.ports->random;
  context_.tree = options.ports->tree;
  context_.ready = options.ready;
  context_.log = options.log;
  context_.store = options.store;
  context_.records = options.records != nullptr ? options.records : &mesh_space_;
  context_.keyring = options.keyring;
  context_.compressors = options.compressors;
  context_.sign_key = options.sign_key;
  context_.self = options.self;
  context_.compression = options.compression;
  context_.chunk_sizes = options.chunk_sizes;
  context_.slots.start(options.origin);
  std::array<FileIdentity, 2> skip;
  for (size_t i = 0; i < skip.size(); ++i)
    skip[i] = {options.skip[i].device, options.skip[i].inode};
  backup_.start(&context_, skip);
  adopt_.start(&context_, options.committer, &backup_.spare_cursor());
  catalog_.start(&context_);
  forget_.start(&context_);
  sweep_.start(&context_, options.committer, &backup_.spare_cursor());
  for (size_t i = 0; i < streams_.size(); ++i)
    streams_[i].start(&context_, static_cast<SlotShare::User>(i + 1));
}

void BackupService::tick(uint64_t) {
  if (!sweep_.running()) backup_.go();
  backup_.tick();
  adopt_.tick();
  sweep_.tick();
  for (StreamOp& stream : streams_) stream.tick();
}

bool BackupService::idle() const {
  bool streaming = std::any_of(streams_.begin(), streams_.end(),
                               [](const StreamOp& stream) { return stream.running(); });
  return !backup_.running() && !adopt_.running() && !catalog_.running() && !forget_.running() &&
         !streaming;
}

void BackupService::stop() {
  backup_.cancel();
  adopt_.cancel();
  catalog_.cancel();
  forget_.cancel();
  sweep_.cancel();
  for (StreamOp& stream : streams_) stream.cancel();
}

Status BackupService::backup(const BackupRequest& request, Op* done) {
  if (adopt_.running()) return Status::kBusy;
  // Nobody waits for a sweep: it ends at its next step, then the backup begins.
  sweep_.cancel();
  return backup_.begin(request, sweep_.running(), done);
}

Status BackupService::change_files(const FileChange& change, Op* input, Op* done) {
  if (adopt_.running()) return Status::kBusy;
  sweep_.cancel();
  return backup_.change_files(change, sweep_.running(), input, done);
}

void BackupService::cancel_change() {
  if (backup_.changes_files()) backup_.cancel();
}

void BackupService::cancel_backup() { backup_.cancel(); }
bool BackupService::backup_running() const { return backup_.running(); }
const char* BackupService::backup_state() const { return backup_.state_name(); }
const BackupProgress& BackupService::progress() const { return backup_.progress(); }
const BackupResult& BackupService::result() const { return backup_.result(); }
std::span<const BackupError> BackupService::errors() const { return backup_.errors(); }

Status BackupService::list_snapshots(SnapshotSink* sink, Op* done) {
  return catalog_.list(sink, done);
}

Status BackupService::resolve_snapshot(std::string_view text, SnapshotInfo* to, Op* done) {
  return catalog_.resolve(text, to, done);
}

uint64_t BackupService::unreadable_heads() const { return catalog_.unreadable_heads(); }

Result<StreamNumber> BackupService::open_stream(const StreamRequest& request, StreamSink* sink,
                                                Op* done) {
  for (size_t i = 0; i < streams_.size(); ++i) {
    if (streams_[i].running()) continue;
    DREY_TRY(streams_[i].begin(request, sink, done));
    return static_cast<StreamNumber>(i);
  }
  return Status::kBusy;
}

void BackupService::resume_stream(StreamNumber stream) { streams_[stream].resume(); }
void BackupService::cancel_stream(StreamNumber stream) { streams_[stream].cancel(); }
const StreamResult& BackupService::stream_result(StreamNumber stream) const {
  return streams_[stream].result();
}

Status BackupService::adopt(Op* done) {
  if (backup_.running() || sweep_.running()) return Status::kBusy;
  return adopt_.begin(done);
}

Status BackupService::sweep(Op* done) {
  if (backup_.running() || adopt_.running()) return Status::kBusy;
  return sweep_.begin(done);
}

}  // namespace drey
