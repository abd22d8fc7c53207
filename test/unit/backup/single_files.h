// Uploads into a ServiceWorld, and what its tables hold: for tests of single files.
#pragma once

#include "backup/files/file_table.h"
#include "unit/backup/service_world.h"

namespace drey::test {

// The client of one upload: writes what there is room for, at most `piece` bytes at a time.
struct Uploader : Op {
  ServiceWorld* world = nullptr;
  std::string_view bytes;
  size_t sent = 0;
  size_t piece = SIZE_MAX;
  size_t stops_at = SIZE_MAX;  // the client falls silent
  void step(Status) override {
    while (sent < std::min(bytes.size(), stops_at)) {
      MutBytes room = world->service->input_room();
      if (room.empty()) return;
      size_t size = std::min({room.size(), piece, std::min(bytes.size(), stops_at) - sent});
      std::memcpy(room.data(), bytes.data() + sent, size);
      sent += size;
      world->service->input_filled(size);
    }
  }
};

inline Status change(ServiceWorld& w, const FileChange& change, std::string_view bytes = "",
                     size_t piece = SIZE_MAX) {
  Uploader client;
  client.world = &w;
  client.bytes = bytes;
  client.piece = piece;
  client.bind(&w.ready);
  DoneOp done;
  done.bind(&w.ready);
  Status status = w.service->change_files(change, &client, &done);
  if (!ok(status)) return status;
  EXPECT_TRUE(w.wait(done));
  EXPECT_EQ(done.status, w.service->file_result().status);
  EXPECT_TRUE(!client.is_queued());
  return done.status;
}

inline Status put(ServiceWorld& w, std::string_view name, std::string_view bytes,
                  size_t piece = SIZE_MAX) {
  FileChange request;
  request.name = name;
  request.size = bytes.size();
  return change(w, request, bytes, piece);
}

inline Status remove(ServiceWorld& w, const FileId& id) {
  FileChange request;
  request.removed = id;
  return change(w, request);
}

inline bool newest_table(ServiceWorld& w, SnapshotInfo* to) {
  for (const SnapshotInfo& info : w.snapshots())
    if (info.set() == kFilesSet) {
      *to = info;
      return true;
    }
  return false;
}

// Contents of every version, by NAME/FILE_ID; names alone stand for their directories.
inline std::map<std::string, std::string> table(ServiceWorld& w) {
  SnapshotInfo info;
  if (!newest_table(w, &info)) return {};
  CollectSink sink;
  StreamResult result = w.stream(sink, info);
  EXPECT_EQ(result.status, Status::kOk);
  EXPECT_EQ(result.missing, 0u);
  EXPECT_EQ(result.files, info.files);
  EXPECT_EQ(result.bytes, info.bytes);
  return sink.files();
}

inline std::string path_of(std::string_view name, const FileId& id) {
  std::array<char, FileId::kHexSize> hex;
  EXPECT_TRUE(hex_encode(id.raw, hex));
  return std::string(name) + "/" + std::string(hex.data(), hex.size());
}

}  // namespace drey::test
