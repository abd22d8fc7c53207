#include "node/files/multipart.h"

#include <algorithm>

#include "base/text.h"

namespace drey {

Status Multipart::begin(std::string_view content_type, uint64_t body_bytes) {
  *this = {};
  constexpr std::string_view kKey = "boundary=";
  size_t at = content_type.find(kKey);
  if (at == std::string_view::npos) return Status::kInvalid;
  std::string_view boundary = content_type.substr(at + kKey.size());
  if (boundary.starts_with('"')) {
    boundary.remove_prefix(1);
    boundary = boundary.substr(0, boundary.find('"'));
  } else {
    boundary = boundary.substr(0, boundary.find_first_of("; \t"));
  }
  if (boundary.empty() || boundary.size() > kBoundaryMax) return Status::kInvalid;
  TextWriter tail{std::span<char>(tail_)};
  tail.text("\r\n--").text(boundary).text("--\r\n");
  tail_size_ = tail.size();
  body_bytes_ = body_bytes;
  return Status::kOk;
}

Result<size_t> Multipart::take_head(Bytes bytes) {
  size_t taken = 0;
  while (!head_done_ && taken < bytes.size()) {
    if (head_size_ == head_.size()) return Status::kTooLarge;
    head_[head_size_++] = static_cast<char>(bytes[taken++]);
    if (!std::string_view(head_.data(), head_size_).ends_with("\r\n\r\n")) continue;
    DREY_TRY(read_head());
    head_done_ = true;
  }
  return taken;
}

Status Multipart::read_head() {
  std::string_view head(head_.data(), head_size_);
  // The opening boundary is the closing one without its last two dashes.
  std::string_view opening(tail_.data() + 2, tail_size_ - 6);
  if (!head.starts_with(opening) || !head.substr(opening.size()).starts_with("\r\n"))
    return Status::kInvalid;
  if (body_bytes_ < head_size_ + tail_size_) return Status::kInvalid;
  content_bytes_ = body_bytes_ - head_size_ - tail_size_;
  std::string_view name = file_name_of(head);
  if (name.empty()) return Status::kOk;
  name_at_ = static_cast<size_t>(name.data() - head_.data());
  name_size_ = name.size();
  // Browsers escape a quote as %22 and line ends likewise; nothing else.
  size_t to = name_at_;
  for (size_t i = 0; i < name_size_; ++i) {
    std::string_view rest = name.substr(i);
    char c = rest.front();
    if (rest.starts_with("%22")) c = '"', i += 2;
    head_[to++] = c;
  }
  name_size_ = to - name_at_;
  return Status::kOk;
}

Status Multipart::take_tail(Bytes bytes) {
  if (bytes.size() > tail_size_ - tail_at_) return Status::kInvalid;
  std::string_view expected(tail_.data() + tail_at_, bytes.size());
  if (as_text(bytes) != expected) return Status::kInvalid;
  tail_at_ += bytes.size();
  return Status::kOk;
}

std::string_view file_name_of(std::string_view value) {
  constexpr std::string_view kKey = "filename=\"";
  size_t at = value.find(kKey);
  if (at == std::string_view::npos) return {};
  std::string_view name = value.substr(at + kKey.size());
  size_t end = name.find('"');
  if (end == std::string_view::npos) return {};
  name = name.substr(0, end);
  size_t slash = name.find_last_of("/\\");
  return slash == std::string_view::npos ? name : name.substr(slash + 1);
}

}  // namespace drey
