// Who of the downloads has a buffer and a stream, of which there are only as many as restores can
// run: files take turns, so that everybody's bytes flow and a slow reader holds up nobody. A folder
// as tar cannot go on in the middle: it keeps its stream, and one at a time leaves one for others.
//
// Part of the Api; loop thread.
#pragma once

#include "drey/limits.h"
#include "node/files/download_source.h"

namespace drey {

class DownloadLine {
 public:
  // Two connections are the control socket's, and one stays for whoever looks at the page.
  static constexpr size_t kDownloadsMax = limits::kHttpConnectionsMax - 3;

  void set_node(Node* node, std::span<StreamSource> lenders);
  DownloadSource* free_source();  // null: too many at once
  uint64_t next_place() { return ++last_place_; }
  // Would somebody take what is given back?
  bool anybody_waits() { return next() != nullptr; }
  bool other_tar(const DownloadSource& source) const;
  void admit();
  void tick(uint64_t now_ns);

 private:
  DownloadSource* next();

  std::span<StreamSource> lenders_;
  uint64_t last_place_ = 0;
  bool fresh_last_ = false;  // the last one admitted had had no turn before
  std::array<DownloadSource, kDownloadsMax> sources_;
};

}  // namespace drey
