// whatif: which files would be lost if some devices were?

#include <cstdio>

#include "cli/format.h"
#include "cli/stream_reader.h"

namespace drey::cli {
namespace {

// Names the entries of one snapshot that would be lost, or of which something would be missing.
class LossVisitor : public FrameVisitor {
 public:
  LossVisitor(const Context& context, std::string snapshot)
      : context_(context), snapshot_(std::move(snapshot)) {}
  ~LossVisitor() override { end_file(); }
  bool on_entry(const EntryFrame& frame) override {
    end_file();
    path_ = frame.path;
    directory_ = frame.entry.kind == FileKind::kDir;
    size_ = frame.entry.kind == FileKind::kFile ? frame.entry.size : 0;
    return true;
  }
  bool on_range(FrameType type, const RangeFrame& range) override {
    if (type == FrameType::kMissing) missing_ += range.length;
    return true;
  }
  // The page that lists this entry would be lost, or cannot be read today.
  bool on_lost(Status) override {
    lost_ = !directory_;
    return true;
  }
  void end_file() {
    if (lost_) missing_ = size_;
    if (missing_ == 0 && !lost_) return;
    ++files;
    bytes += missing_;
    if (context_.json) {
      std::printf(
          "{\"type\":\"lost_file\",\"snapshot\":\"%s\",\"path\":%s,\"missing_bytes\":%llu}\n",
          snapshot_.c_str(), json_string("/" + path_).c_str(),
          static_cast<unsigned long long>(missing_));
    } else {
      std::printf("%s: /%s\n", snapshot_.substr(0, 12).c_str(), printable(path_).c_str());
    }
    missing_ = 0;
    lost_ = false;
  }
  uint64_t files = 0, bytes = 0;

 private:
  const Context& context_;
  std::string snapshot_, path_;
  uint64_t missing_ = 0, size_ = 0;
  bool lost_ = false, directory_ = false;
};

}  // namespace

// Only this device's own snapshots: of others it does not know who holds their pieces.
int cmd_whatif(Context& context, const Arguments& arguments) {
  std::vector<std::string> lose = arguments.values("lose");
  lose.insert(lose.end(), arguments.positional.begin(), arguments.positional.end());
  if (lose.empty()) {
    complain("which devices? drey whatif --lose NODE...");
    return kExitUsage;
  }
  Client client(context);
  Client::Answer answer = client.call("GET", "/api/v1/status");
  if (int code = explain(context, answer); code != kExitOk) return code;
  Object status(answer.body);
  std::string self = status.text("name", status.at("node"));
  std::vector<std::string> ids;
  answer = client.lines("GET", "/api/v1/snapshots", "", [&](std::string_view line) {
    if (!line.empty() && (line[0] == ',' || line[0] == '[')) line.remove_prefix(1);
    if (line.empty() || line[0] != '{') return true;
    Object row(line);
    if (row.text("node") == self) ids.push_back(row.text("id"));
    return true;
  });
  if (int code = explain(context, answer); code != kExitOk) return code;
  uint64_t files = 0, bytes = 0, snapshots = 0;
  for (const std::string& id : ids) {
    StreamQuery query;
    query.snapshot = id;
    query.data = true;
    query.lose = lose;
    LossVisitor visitor(context, id);
    StreamOutcome outcome = read_stream(context, query, visitor);
    if (outcome.exit != kExitOk) return outcome.exit;
    visitor.end_file();
    files += visitor.files;
    bytes += visitor.bytes;
    snapshots += visitor.files > 0 ? 1 : 0;
  }
  if (context.json)
    std::printf(
        "{\"type\":\"summary\",\"snapshots\":%zu,\"damaged_snapshots\":%llu,\"files\":%llu,"
        "\"bytes\":%llu}\n",
        ids.size(), static_cast<unsigned long long>(snapshots),
        static_cast<unsigned long long>(files), static_cast<unsigned long long>(bytes));
  if (files == 0) {
    say(context, "nothing of this device's %zu snapshots would be lost", ids.size());
    return kExitOk;
  }
  say(context, "%llu of this device's %zu snapshots would lack %llu files (%s)",
      static_cast<unsigned long long>(snapshots), ids.size(),
      static_cast<unsigned long long>(files), human_bytes(bytes).c_str());
  return kExitNotEnough;
}

}  // namespace drey::cli
