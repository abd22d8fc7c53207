#include "node/files/download_line.h"

namespace drey {

void DownloadLine::set_node(Node* node, std::span<StreamSource> lenders) {
  lenders_ = lenders;
  for (DownloadSource& source : sources_) {
    source.set_node(node);
    source.set_line(this);
  }
}

DownloadSource* DownloadLine::free_source() {
  for (DownloadSource& source : sources_)
    if (source.free()) return &source;
  return nullptr;
}

bool DownloadLine::other_tar(const DownloadSource& source) const {
  for (const DownloadSource& other : sources_)
    if (&other != &source && other.runs_as_tar()) return true;
  return false;
}

// In the order in which they came to wait. Whoever had no turn yet (a list, a small file) goes
// before those that had one, but not twice in a row: neither kind waits for the other for long.
DownloadSource* DownloadLine::next() {
  DownloadSource *fresh = nullptr, *again = nullptr;
  for (DownloadSource& source : sources_) {
    if (!source.in_line() || (source.is_tar() && other_tar(source))) continue;
    DownloadSource*& first = source.had_turn() ? again : fresh;
    if (first == nullptr || source.place() < first->place()) first = &source;
  }
  bool take_fresh = fresh != nullptr && (again == nullptr || !fresh_last_);
  return take_fresh ? fresh : again;
}

void DownloadLine::admit() {
  for (StreamSource& lender : lenders_) {
    DownloadSource* source = lender.free() ? next() : nullptr;
    if (source == nullptr) continue;
    fresh_last_ = !source->had_turn();
    source->begin_turn(&lender);
  }
}

void DownloadLine::tick(uint64_t now_ns) {
  for (DownloadSource& source : sources_) source.tick(now_ns);
  admit();
}

}  // namespace drey
