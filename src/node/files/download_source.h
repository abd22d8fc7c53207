// GET of single files and of what snapshots hold: the list of files, the facts of one, its contents
// (or a range of them), a folder as tar; the list of files and that of a folder also as a page.
// First the entry is looked up, from page to page; then a second stream brings the contents. The
// bytes wait in a buffer lent by a restore's source, of which there are as many as streams: who
// finds none waits in line, and while others wait, contents come in turns, each with a stream that
// begins where the last one ended.
//
// Bytes that no device can give end the answer early, so that the client sees a cut body.
#pragma once

#include "backup/files/file_table.h"
#include "backup/stream_format.h"
#include "node/api_sources.h"
#include "node/files/byte_range.h"
#include "node/files/tar_head.h"
#include "node/page/page_list.h"

namespace drey {

class DownloadLine;

class DownloadSource : public NodeSource, private StreamSink, private SnapshotSink {
 public:
  // A turn while others wait: short beside what a person waits for, long beside opening a stream.
  static constexpr uint64_t kTurnNs = 200'000'000;

  void set_line(DownloadLine* line) { line_ = line; }
  // As a page or as JSON.
  void start_list(bool page, bool may_write, Connection* connection);
  // `range`: the header's value; "": all. Views live until the answer is complete.
  void start_file(const FileId& id, bool facts_only, std::string_view range,
                  Connection* connection);
  // `page`: a folder's list as a page, when the path ends in '/' or is empty.
  void start_path(std::string_view snapshot, std::string_view path, std::string_view range,
                  bool page, Connection* connection);

  int http_status() override { return status_code_; }
  std::string_view content_type(std::string_view given) override;
  uint64_t length() override;
  void write_headers(TextWriter& out) override;
  Status produce(MutBytes room, size_t* size) override;
  void tick(uint64_t now_ns) override;
  // For the line:
  bool in_line() const {
    return attached() && lender_ == nullptr &&
           (state_ == State::kOpeningLook || state_ == State::kOpeningData);
  }
  uint64_t place() const { return place_; }
  bool had_turn() const { return had_turn_; }
  bool is_tar() const { return tar_; }
  bool runs_as_tar() const { return tar_ && lender_ != nullptr; }
  void begin_turn(StreamSource* lender);

 protected:
  bool busy() const override { return asking_ || has_stream_ || lender_ != nullptr; }
  void on_detach() override;

 private:
  enum class What : uint8_t { kList, kFacts, kFile, kPath };
  enum class State : uint8_t {
    kIdle,
    kNextTable,    // asks for the next device's table
    kResolving,    // the snapshot's name
    kOpeningLook,  // a stream of entries
    kLooking,
    kOpeningData,
    kListing,
    kSending,
    kYielding,  // its turn is over: the stream ends
    kFacts,
    kRefused,
  };
  // StreamSink, SnapshotSink
  MutBytes room() override;
  void produced(size_t size) override;
  bool row(const SnapshotInfo& info) override;

  void begin(What what, Connection* connection);
  void ask();
  void asked(Status status);
  void open();
  void ended(Status status);
  void look();
  bool is_wanted(const EntryFrame& frame) const;
  void found_entry();
  void refuse(int status_code, std::string_view code, std::string_view words);
  void not_found();
  void join_line();
  bool turn_is_over(uint64_t now_ns);
  void yield();
  void end_turn();
  void give_back();
  void release();
  bool has_head() const;
  // Of a file's contents, what the client has not got.
  uint64_t contents_left() const { return left_ + data_left_ + zeros_left_; }
  bool frame_here(StreamFrameHeader* header) const;
  Bytes frame_body(const StreamFrameHeader& header) const;
  Status list(TextWriter& out);
  void list_entry(const EntryFrame& frame, TextWriter& out);
  Status end_list(TextWriter& out);
  // list_page.cc
  void begin_page(TextWriter& out);
  void page_row(const EntryFrame& frame, TextWriter& out);
  VersionRows::Table table_of_rows() const;
  uint64_t age_s(int64_t time_ns) const;
  void write_facts(std::string_view path, const Entry& entry, TextWriter& out);
  Status send(MutBytes room, size_t* size);
  Status take_frame(MutBytes room, size_t* size);
  Status begin_entry(Bytes body, MutBytes room, size_t* size);
  std::string_view name() const;

  DownloadLine* line_ = nullptr;
  uint64_t place_ = 0;
  bool had_turn_ = false;     // what goes wrong now cuts the body, or says nothing
  uint64_t turn_ns_ = 0;      // since when it has the stream
  uint64_t turn_left_ = 0;    // contents_left() then,
  uint64_t ticked_left_ = 0;  // and at the last tick
  StreamSource* lender_ = nullptr;
  MutBytes buffer_;
  size_t begin_ = 0, end_ = 0;  // of what waits in it
  What what_ = What::kList;
  State state_ = State::kIdle;
  int status_code_ = 0;
  bool asking_ = false;  // the catalog
  bool has_stream_ = false;
  StreamNumber stream_ = 0;
  bool found_ = false;      // the catalog's answer; then the entry
  bool any_table_ = false;  // last_owner_'s was looked at
  bool lost_ = false;       // some page could not be read
  bool page_ = false, may_write_ = false, page_begun_ = false;
  bool first_row_ = true;
  bool tar_ = false;
  bool over_ = false;  // END was seen
  NodeId last_owner_;
  FileId id_;
  SnapshotInfo info_, draft_;
  std::string_view snapshot_, path_, range_text_;
  Entry entry_;  // views cleared
  ByteRange range_;
  uint64_t data_left_ = 0;   // of a DATA frame
  uint64_t zeros_left_ = 0;  // of a hole, of padding, of the end of a tar
  uint64_t pad_ = 0;         // behind the contents of a tar's entry
  uint64_t left_ = 0;        // of the contents of the entry being sent, behind this frame
  size_t found_path_size_ = 0;
  std::array<char, kFilePathMax> found_path_{};  // in a table
  VersionRows versions_;
  std::string_view code_, words_;
  DataSignal<DownloadSource> asked_, ended_;
};

}  // namespace drey
