// ls, find, diff: what snapshots hold, without contents.

#include <unistd.h>

#include <cstdio>

#include "base/text.h"
#include "cli/format.h"
#include "cli/stream_reader.h"

namespace drey::cli {
namespace {

const char* kind_name(FileKind kind) {
  static constexpr const char* kNames[] = {"other", "file",    "dir",      "symlink",
                                           "fifo",  "chardev", "blockdev", "socket"};
  return kNames[static_cast<size_t>(kind)];
}

char kind_letter(FileKind kind) { return "?-dlpcbs"[static_cast<size_t>(kind)]; }

std::string mode_text(const Entry& entry) {
  std::string text(1, kind_letter(entry.kind));
  for (int shift = 6; shift >= 0; shift -= 3) {
    int bits = entry.mode >> shift & 7;
    text += bits & 4 ? 'r' : '-';
    text += bits & 2 ? 'w' : '-';
    text += bits & 1 ? 'x' : '-';
  }
  return text;
}

// Names go out as the bytes they are, unless to a terminal.
std::string shown(std::string_view path) {
  static const bool kTerminal = isatty(STDOUT_FILENO);
  return kTerminal ? printable(path) : std::string(path);
}

void print_entry(const Context& context, const EntryFrame& frame, bool detailed) {
  const Entry& entry = frame.entry;
  if (context.json) {
    std::printf(
        "{\"type\":\"entry\",\"path\":%s,\"kind\":\"%s\",\"mode\":%u,\"uid\":%u,\"gid\":%u,"
        "\"size\":%llu,\"mtime_ns\":%lld",
        json_string("/" + std::string(frame.path)).c_str(), kind_name(entry.kind), entry.mode,
        entry.uid, entry.gid, static_cast<unsigned long long>(entry.size),
        static_cast<long long>(entry.mtime_ns));
    if (entry.kind == FileKind::kSymlink)
      std::printf(",\"target\":%s", json_string(as_text(entry.link)).c_str());
    std::printf("}\n");
    return;
  }
  std::string path = "/" + shown(frame.path);
  if (!detailed) {
    std::printf("%s\n", path.c_str());
    return;
  }
  std::string arrow = entry.kind == FileKind::kSymlink ? " -> " + shown(as_text(entry.link)) : "";
  std::printf("%s %5u %5u %12llu %s %s%s\n", mode_text(entry).c_str(), entry.uid, entry.gid,
              static_cast<unsigned long long>(entry.size),
              human_time(static_cast<uint64_t>(entry.mtime_ns / 1'000'000'000)).c_str(),
              path.c_str(), arrow.c_str());
}

class LsVisitor : public FrameVisitor {
 public:
  LsVisitor(const Context& context, bool detailed) : context_(context), detailed_(detailed) {}
  bool on_entry(const EntryFrame& frame) override {
    ++entries;
    print_entry(context_, frame, detailed_);
    return true;
  }
  bool on_lost(Status) override { return lost = true; }
  uint64_t entries = 0;
  bool lost = false;

 private:
  const Context& context_;
  bool detailed_;
};

class FindVisitor : public FrameVisitor {
 public:
  FindVisitor(const Context& context, std::string pattern, std::string snapshot)
      : context_(context), pattern_(std::move(pattern)), snapshot_(std::move(snapshot)) {}
  bool on_entry(const EntryFrame& frame) override {
    std::string path = "/" + std::string(frame.path);
    bool match = pattern_.find('/') == std::string::npos
                     ? glob_match(pattern_, path.substr(path.rfind('/') + 1))
                     : path_match(pattern_, path);
    if (!match) return true;
    ++found;
    if (context_.json) {
      std::printf("{\"type\":\"match\",\"snapshot\":\"%s\",\"path\":%s}\n", snapshot_.c_str(),
                  json_string(path).c_str());
    } else {
      std::printf("%s:%s\n", snapshot_.substr(0, 12).c_str(), shown(path).c_str());
    }
    return true;
  }
  uint64_t found = 0;

 private:
  const Context& context_;
  std::string pattern_, snapshot_;
};

// What diff compares of an entry.
struct Mark {
  std::string path;
  Entry entry;
  std::string link;
};

class CollectVisitor : public FrameVisitor {
 public:
  bool on_entry(const EntryFrame& frame) override {
    Mark mark{std::string(frame.path), frame.entry, std::string(as_text(frame.entry.link))};
    mark.entry.link = mark.entry.xattrs = {};
    marks.push_back(std::move(mark));
    return true;
  }
  std::vector<Mark> marks;
};

// '+' new, '-' gone, 'M' other contents, 'U' other metadata, 0 equal.
char compare(const Mark& a, const Mark& b) {
  if (a.entry.kind != b.entry.kind || a.link != b.link ||
      a.entry.rdev_major != b.entry.rdev_major || a.entry.rdev_minor != b.entry.rdev_minor)
    return 'M';
  bool file = a.entry.kind == FileKind::kFile;
  if (file && (a.entry.size != b.entry.size || a.entry.mtime_ns != b.entry.mtime_ns)) return 'M';
  bool equal = a.entry.mode == b.entry.mode && a.entry.uid == b.entry.uid &&
               a.entry.gid == b.entry.gid && (file || a.entry.mtime_ns == b.entry.mtime_ns);
  return equal ? 0 : 'U';
}

void print_change(const Context& context, char change, const std::string& path) {
  if (context.json) {
    std::printf("{\"type\":\"change\",\"change\":\"%c\",\"path\":%s}\n", change,
                json_string("/" + path).c_str());
  } else {
    std::printf("%c /%s\n", change, shown(path).c_str());
  }
}

}  // namespace

int cmd_ls(Context& context, const Arguments& arguments) {
  LsVisitor visitor(context, arguments.has("long"));
  StreamOutcome outcome =
      read_stream(context, parse_snapshot_argument(arguments.positional[0]), visitor);
  if (context.json && outcome.exit == kExitOk)
    std::printf("{\"type\":\"summary\",\"entries\":%llu}\n",
                static_cast<unsigned long long>(visitor.entries));
  if (!visitor.lost) return outcome.exit;
  complain("a part of the list is on no reachable device");
  return kExitNotEnough;
}

int cmd_find(Context& context, const Arguments& arguments) {
  Client client(context);
  std::vector<std::string> ids;
  Client::Answer answer = client.lines("GET", "/api/v1/snapshots", "", [&](std::string_view line) {
    if (!line.empty() && (line[0] == ',' || line[0] == '[')) line.remove_prefix(1);
    if (!line.empty() && line[0] == '{') ids.push_back(Object(line).text("id"));
    return true;
  });
  if (int code = explain(context, answer); code != kExitOk) return code;
  uint64_t found = 0;
  for (const std::string& id : ids) {
    FindVisitor visitor(context, arguments.positional[0], id);
    StreamQuery query;
    query.snapshot = id;
    StreamOutcome outcome = read_stream(context, query, visitor);
    if (outcome.exit != kExitOk) return outcome.exit;
    found += visitor.found;
  }
  if (context.json)
    std::printf("{\"type\":\"summary\",\"matches\":%llu}\n",
                static_cast<unsigned long long>(found));
  return found > 0 ? kExitOk : kExitNotFound;
}

int cmd_diff(Context& context, const Arguments& arguments) {
  CollectVisitor sides[2];
  for (size_t i = 0; i < 2; ++i) {
    StreamOutcome outcome =
        read_stream(context, parse_snapshot_argument(arguments.positional[i]), sides[i]);
    if (outcome.exit != kExitOk) return outcome.exit;
  }
  const std::vector<Mark>&a = sides[0].marks, &b = sides[1].marks;
  uint64_t changes = 0;
  for (size_t i = 0, j = 0; i < a.size() || j < b.size();) {
    auto order = i == a.size()   ? std::strong_ordering::greater
                 : j == b.size() ? std::strong_ordering::less
                                 : compare_paths(a[i].path, b[j].path);
    if (order < 0) {
      print_change(context, '-', a[i++].path), ++changes;
    } else if (order > 0) {
      print_change(context, '+', b[j++].path), ++changes;
    } else {
      if (char change = compare(a[i], b[j]); change != 0)
        print_change(context, change, a[i].path), ++changes;
      ++i, ++j;
    }
  }
  if (context.json)
    std::printf("{\"type\":\"summary\",\"changes\":%llu}\n",
                static_cast<unsigned long long>(changes));
  return kExitOk;
}

}  // namespace drey::cli
