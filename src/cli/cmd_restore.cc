// restore and cat: file contents out of a snapshot.

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "cli/restore_writer.h"

namespace drey::cli {
namespace {

// Who was there to give pieces and to know of newer snapshots. A device that is off, or keeps
// something back, cannot be told from one that has nothing: so it is said how many there were.
struct Witnesses {
  size_t alive = 0;
  size_t all = 0;  // other devices of the mesh
};

Witnesses witnesses(Context& context) {
  Witnesses found;
  Client client(context);
  Client::Answer answer = client.call("GET", "/api/v1/peers");
  if (answer.status != 200) return found;
  Object object(answer.body);
  for (int e = object.json().first(0); e >= 0; e = object.json().next(e)) {
    ++found.all;
    found.alive += object.text("state", e) == "alive" ? 1 : 0;
  }
  return found;
}

void print_summary(const RestoreCounts& counts, bool whole, const Witnesses& seen) {
  std::printf(
      "{\"type\":\"summary\",\"files\":%llu,\"bytes\":%llu,\"errors\":%llu,\"missing\":%llu,"
      "\"complete\":%s,\"seen_by\":%zu,\"devices\":%zu}\n",
      static_cast<unsigned long long>(counts.files), static_cast<unsigned long long>(counts.bytes),
      static_cast<unsigned long long>(counts.errors),
      static_cast<unsigned long long>(counts.missing),
      whole && counts.errors == 0 && counts.missing == 0 ? "true" : "false", seen.alive, seen.all);
}

void tell(Context& context, const RestoreCounts& counts, bool whole, const Witnesses& seen,
          const std::string& target) {
  if (whole)
    say(context, "restored %llu files, %s, beneath %s",
        static_cast<unsigned long long>(counts.files), human_bytes(counts.bytes).c_str(),
        target.c_str());
  if (counts.missing > 0) {
    complain("incomplete, seen by %zu of %zu other devices%s", seen.alive, seen.all,
             seen.alive < seen.all ? "; start the others and try again" : "");
  } else if (whole && seen.alive < seen.all) {
    say(context, "seen by %zu of %zu other devices: the others may know newer snapshots",
        seen.alive, seen.all);
  }
}

}  // namespace

int cmd_restore(Context& context, const Arguments& arguments) {
  if (arguments.value("target").empty()) {
    complain("restore needs --target DIR: where to write");
    return kExitUsage;
  }
  StreamQuery query = parse_snapshot_argument(arguments.positional[0]);
  query.data = true;
  RestoreWriter writer(context, {arguments.has("overwrite"), arguments.has("skip-bad")});
  if (!writer.open(arguments.value("target"))) return kExitError;
  catch_interruption();
  StreamOutcome outcome = read_stream(context, query, writer);
  bool whole = outcome.exit == kExitOk && !outcome.stopped;
  bool finished = writer.finish(whole);
  const RestoreCounts& counts = writer.counts();
  Witnesses seen = witnesses(context);
  if (context.json) print_summary(counts, whole, seen);
  if (!context.json || counts.missing > 0)
    tell(context, counts, whole, seen, arguments.value("target"));
  if (interrupted()) {
    complain("interrupted; what is restored so far is whole, --overwrite goes on from the start");
    return kExitInterrupted;
  }
  if (counts.missing > 0) return kExitNotEnough;
  if (outcome.stopped || writer.gave_up() || !finished) return kExitError;
  if (!whole) return outcome.exit;
  return counts.errors > 0 ? kExitPartly : kExitOk;
}

namespace {

class CatVisitor : public FrameVisitor {
 public:
  bool on_entry(const EntryFrame& frame) override {
    if (frame.entry.kind == FileKind::kFile && entries++ == 0) return true;
    complain("/%s is not a file", printable(frame.path).c_str());
    return false;
  }
  bool on_data(const DataFrame& frame) override { return write(as_text(frame.bytes)); }
  bool on_range(FrameType type, const RangeFrame& frame) override {
    if (type == FrameType::kMissing) {
      complain("a piece of the file is on no reachable device");
      missing = true;
      return false;
    }
    static constexpr char kZeros[4096] = {};
    for (uint64_t left = frame.length; left > 0;) {
      size_t part = left < sizeof kZeros ? static_cast<size_t>(left) : sizeof kZeros;
      if (!write({kZeros, part})) return false;
      left -= part;
    }
    return true;
  }
  bool missing = false;
  size_t entries = 0;

 private:
  static bool write(std::string_view text) {
    while (!text.empty()) {
      ssize_t n = ::write(STDOUT_FILENO, text.data(), text.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) {
        complain("cannot write: %s", std::strerror(errno));
        return false;
      }
      text.remove_prefix(static_cast<size_t>(n));
    }
    return true;
  }
};

}  // namespace

int cmd_cat(Context& context, const Arguments& arguments) {
  StreamQuery query = parse_snapshot_argument(arguments.positional[0]);
  if (query.path.empty()) {
    complain("cat needs a file: SNAP:PATH");
    return kExitUsage;
  }
  query.data = true;
  CatVisitor visitor;
  StreamOutcome outcome = read_stream(context, query, visitor);
  if (visitor.missing) return kExitNotEnough;
  return outcome.stopped ? kExitError : outcome.exit;
}

}  // namespace drey::cli
