// The body of a form with one file in it (RFC 7578), as browsers and `curl -F` send it: the part's
// head, its contents, and the closing boundary. How many bytes the contents have follows from the
// sizes of all and of the two ends. Bytes in, no allocation; owned by its upload, loop thread.
#pragma once

#include <array>
#include <string_view>

#include "drey/bytes.h"
#include "drey/status.h"

namespace drey {

class Multipart {
 public:
  static constexpr size_t kBoundaryMax = 70;  // RFC 2046
  static constexpr size_t kHeadMax = 1024;    // of the part: its name, type and disposition

  // kInvalid: no boundary in the content type, or a body too small for its ends.
  Status begin(std::string_view content_type, uint64_t body_bytes);
  // Takes bytes of the head; gives how many. kInvalid, kTooLarge.
  Result<size_t> take_head(Bytes bytes);
  bool head_done() const { return head_done_; }
  uint64_t content_bytes() const { return content_bytes_; }
  // After the head: what the browser calls the file, without folders; "" when it does not say.
  std::string_view file_name() const { return {head_.data() + name_at_, name_size_}; }
  // Behind the contents: must be exactly the closing boundary. kInvalid: there is another part.
  Status take_tail(Bytes bytes);
  bool done() const { return tail_at_ == tail_size_; }

 private:
  Status read_head();
  std::array<char, kHeadMax> head_{};
  size_t head_size_ = 0;
  std::array<char, kBoundaryMax + 8> tail_{};  // CRLF--boundary--CRLF
  size_t tail_size_ = 0, tail_at_ = 0;
  size_t name_at_ = 0, name_size_ = 0;
  uint64_t body_bytes_ = 0, content_bytes_ = 0;
  bool head_done_ = false;
};

// What an upload without ?name= is called: the quoted `filename` of a Content-Disposition, behind
// its last slash. Gives where it stands in `value`.
std::string_view file_name_of(std::string_view value);

}  // namespace drey
