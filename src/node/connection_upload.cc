// Uploads: the body goes to its taker as it comes, past the parser.
#include <algorithm>

#include "node/connection.h"

namespace drey {
namespace {

constexpr uint64_t kBodyTimeoutNs = 60'000'000'000;  // of silence

}  // namespace

void Connection::begin_upload() {
  if (parser_.header_count("content-length") != 1)
    return refuse(411, "length", "an upload must say its size: Content-Length");
  upload_left_ = parser_.content_length();
  bool keep = !close_after_;
  close_after_ = true;  // unless its body is taken
  Responder responder(this);
  deps_.router->route(request_, responder);
  if (state_ != State::kUpload) {
    if (flush()) message_finished();
    return;
  }
  close_after_ = !keep;
  if (parser_.header("expect") == "100-continue") {
    TextWriter go{std::span<char>(out_)};
    out_end_ = go.text("HTTP/1.1 100 Continue\r\n\r\n").size();
    if (!flush()) return;  // step() comes back to receive()
  }
  receive();
}

// A taker without room stops the reading, and so the client.
void Connection::receive() {
  if (!flush()) return;
  for (int turns = 0; turns < 32; ++turns) {
    if (upload_left_ == 0 || source_->http_status() != 0) return answer_upload();
    if (in_begin_ < in_end_) {
      size_t have = static_cast<size_t>(std::min<uint64_t>(in_end_ - in_begin_, upload_left_));
      size_t took = upload_->take(Bytes(in_).subspan(in_begin_, have));
      in_begin_ += took;
      upload_left_ -= took;
      if (took > 0) continue;
      deadline_ns_ = UINT64_MAX;  // the source has one of its own
      return;
    }
    in_begin_ = in_end_ = 0;
    MutBytes room = upload_->room();
    bool direct = room.size() >= in_.size();
    MutBytes to = direct ? room : MutBytes(in_);
    to = to.first(static_cast<size_t>(std::min<uint64_t>(to.size(), upload_left_)));
    Result<size_t> got = deps_.net->try_read(socket_, to);
    if (got.status() == Status::kAgain) return await(Net::kReadable);
    if (!got.ok()) return close();
    deadline_ns_ = deps_.clock->up_ns() + kBodyTimeoutNs;
    if (direct) {
      upload_->filled(got.value());
      upload_left_ -= got.value();
    } else {
      in_end_ = got.value();
    }
  }
  if (!is_queued()) complete(Status::kOk);
}

void Connection::answer_upload() {
  close_after_ = close_after_ || upload_left_ > 0;
  upload_ = nullptr;
  set_state(State::kStream);
  pump();
}

}  // namespace drey
