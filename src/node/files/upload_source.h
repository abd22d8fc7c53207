// POST /files/upload and DELETE /files/{file_id}: one change of this device's table of single
// files. People's uploads wait in line, for each other and for a running backup, at most
// kWaitNs; while one waits, its client is not read. The answer comes when the new version is as
// durable as a backup would be.
#pragma once

#include "backup/files/file_table.h"
#include "node/api_sources.h"
#include "node/files/multipart.h"

namespace drey {

class UploadLine;

class UploadSource : public NodeSource, public UploadBody {
 public:
  static constexpr uint64_t kWaitNs = 300'000'000'000;
  // Whoever sends less than this in a minute while others may wait is cut off.
  static constexpr uint64_t kBytesPerMinuteMin = 256 * 1024;

  void set_line(UploadLine* line) { line_ = line; }
  // `name` may be empty when `multipart` is not: then the form says it. `to_page`: a browser
  // without JavaScript sent the form, and goes on to the list of files. kInvalid.
  Status start_upload(std::string_view name, std::string_view multipart, bool to_page,
                      uint64_t body_bytes, Connection* connection);
  void start_removal(const FileId& id, Connection* connection);

  // ResponseSource, UploadBody
  int http_status() override { return state_ == State::kEnded ? status_code_ : 0; }
  void write_headers(TextWriter& out) override;
  Status produce(MutBytes room, size_t* size) override;
  MutBytes room() override;
  void filled(size_t size) override;
  size_t take(Bytes bytes) override;

  void tick(uint64_t now_ns) override;
  // For the line:
  bool in_line() const { return state_ == State::kInLine; }
  uint64_t place() const { return place_; }
  // It is the first in line. False: somebody else's work runs.
  bool begin();

 protected:
  bool busy() const override { return running_; }
  void on_detach() override;

 private:
  enum class State : uint8_t { kFree, kHead, kInLine, kBody, kEnded };
  void join_line();
  bool set_name(std::string_view name);
  std::string_view name() const { return {name_.data(), name_size_}; }
  uint64_t direct_left() const;
  void changed(Status status);
  void room_changed(Status status);
  void end(int status_code, std::string_view code, std::string_view words);
  void fail(Status status);

  UploadLine* line_ = nullptr;
  State state_ = State::kFree;
  bool running_ = false;  // the change has begun and not ended
  bool removes_ = false;
  bool form_ = false, to_page_ = false;
  bool has_last_ = false;  // of a form: the last byte, held back until the form is seen to end
  uint8_t last_ = 0;
  int status_code_ = 0;
  std::string_view code_, words_;  // of a refusal
  uint64_t place_ = 0;
  uint64_t give_up_ns_ = 0;
  uint64_t size_ = 0, received_ = 0;
  uint64_t check_ns_ = 0, checked_ = 0;  // of the client's pace
  FileId id_;
  size_t name_size_ = 0;
  std::array<char, kFileNameMax> name_{};
  Multipart parts_;
  DataSignal<UploadSource> changed_, room_changed_;
};

// Who is next: in the order in which their first bytes came.
class UploadLine {
 public:
  void set_node(Node* node);
  UploadSource* free_source();
  uint64_t next_place() { return ++last_place_; }
  void admit();
  void tick(uint64_t now_ns);

 private:
  uint64_t last_place_ = 0;
  std::array<UploadSource, 8> sources_;
};

}  // namespace drey
