// status, peers, wait, doctor, snapshots: what the daemon knows.

#include <cstdio>
#include <cstdlib>

#include "cli/format.h"

namespace drey::cli {
namespace {

// Calls and prints the raw JSON where --json was given; returns the exit code, kExitOk to go on.
int fetch(Context& context, std::string_view path, Client::Answer* answer) {
  Client client(context);
  *answer = client.call("GET", path);
  if (int code = explain(context, *answer); code != kExitOk) return code;
  if (context.json) std::printf("%s", answer->body.c_str());
  return kExitOk;
}

// What this device keeps for it, and how much that may become where it is not everything.
std::string stored_here(const Object& peers, int peer) {
  std::string text = human_bytes(peers.number("stored_here_bytes", peer));
  std::string quota = peers.text("quota_bytes", peer);
  if (quota.empty() || quota == "null") return text;
  return text + " of " + human_bytes(peers.number("quota_bytes", peer));
}

void print_peers(const Object& object, int list) {
  Table table;
  table.row({"DEVICE", "ROLE", "STATE", "ADDRESS", "FREE", "CAPACITY", "HERE", "SEEN"});
  for (int e = object.json().first(list); e >= 0; e = object.json().next(e)) {
    std::string state = object.text("state", e);
    bool cloned = object.boolean("cloned", e);
    table.row({printable(object.text("name", e)), object.text("role", e),
               state + (cloned ? " (twice: drey doctor)" : ""), object.text("address", e),
               human_bytes(object.number("free_bytes", e)),
               human_bytes(object.number("capacity_bytes", e)), stored_here(object, e),
               state == "alive" ? "now"
               : object.number("capacity_bytes", e) == 0
                   ? "not yet"
                   : human_seconds(object.number("last_seen_s", e)) + " ago"});
  }
  table.print();
}

// One line per set of drey.conf.
void print_schedule(const Object& status) {
  const http::Json& json = status.json();
  int list = status.at("schedule");
  if (list < 0) return;
  for (int e = json.first(list); e >= 0; e = json.next(e)) {
    std::string state = status.text("state", e);
    std::string last = status.text("last_age_s", e);
    bool ran = !last.empty() && last != "null";
    std::string next = state == "running"  ? "running now"
                       : state == "failed" ? "FAILED: " + status.text("message", e)
                                           : "next in " + human_seconds(status.number("next_s", e));
    std::printf("backup %s: last %s, %s\n", printable(status.text("set", e)).c_str(),
                ran ? (human_seconds(status.number("last_age_s", e)) + " ago").c_str() : "never",
                next.c_str());
  }
}

}  // namespace

int cmd_status(Context& context, const Arguments&) {
  Client::Answer answer;
  if (int code = fetch(context, "/api/v1/status", &answer); code != kExitOk || context.json)
    return code;
  Object status(answer.body);
  print_verdict(context, status);
  int node = status.at("node"), mesh = status.at("mesh"), store = status.at("store");
  int replication = status.at("replication"), snapshots = status.at("snapshots");
  std::printf("\n%s (%s) in the mesh %s of %llu devices, %llu copies\n",
              printable(status.text("name", node)).c_str(), status.text("role", node).c_str(),
              printable(status.text("name", mesh)).c_str(),
              static_cast<unsigned long long>(status.number("nodes", mesh)),
              static_cast<unsigned long long>(status.number("copies", mesh)));
  std::printf("store: %llu records, %s of %s, %s\n",
              static_cast<unsigned long long>(status.number("records", store)),
              human_bytes(status.number("stored_bytes", store)).c_str(),
              human_bytes(status.number("capacity_bytes", store)).c_str(),
              status.text("state", store).c_str());
  std::printf("copies: %llu records lack some, %llu are on nobody\n",
              static_cast<unsigned long long>(status.number("under_replicated", replication)),
              static_cast<unsigned long long>(status.number("missing", replication)));
  if (!status.text("last_id", snapshots).empty() && status.text("last_id", snapshots) != "null") {
    std::printf("snapshots: %llu, the last %s ago\n",
                static_cast<unsigned long long>(status.number("count", snapshots)),
                human_seconds(status.number("last_age_s", snapshots)).c_str());
  }
  print_schedule(status);
  std::printf("\n");
  print_peers(status, status.at("peers"));
  return kExitOk;
}

int cmd_peers(Context& context, const Arguments&) {
  Client::Answer answer;
  if (int code = fetch(context, "/api/v1/peers", &answer); code != kExitOk || context.json)
    return code;
  Object object(answer.body);
  print_peers(object, 0);
  return kExitOk;
}

int cmd_wait(Context& context, const Arguments& arguments) {
  Client client(context);
  std::string timeout = arguments.value("timeout", "0");
  char* end = nullptr;
  unsigned long seconds = std::strtoul(timeout.c_str(), &end, 10);
  if (end == timeout.c_str() || *end != 0 || timeout[0] == '-') {
    complain("--timeout takes seconds, not '%s'", timeout.c_str());
    return kExitUsage;
  }
  std::string last;
  Client::Answer answer =
      client.lines("POST", "/api/v1/wait", "{\"timeout_s\":" + std::to_string(seconds) + "}",
                   [&](std::string_view line) {
                     last = line;
                     if (context.json) std::printf("%s\n", last.c_str());
                     return true;
                   });
  if (int code = explain(context, answer); code != kExitOk) return code;
  Object summary(last);
  if (!context.json) print_verdict(context, summary);
  return summary.boolean("settled") ? kExitOk : kExitNotEnough;
}

namespace {

int end_clone_alarm(Context& context, const std::string& node) {
  Client client(context);
  Client::Answer answer =
      client.call("POST", "/api/v1/one-left", "{\"node\":" + json_string(node) + "}");
  if (int code = explain(context, answer); code != kExitOk) return code;
  if (context.json) std::printf("%s", answer.body.c_str());
  if (!context.json)
    say(context, "the alarm is over on this device; say the same on the others that show it");
  return kExitOk;
}

}  // namespace

int cmd_doctor(Context& context, const Arguments& arguments) {
  if (arguments.has("one-left")) return end_clone_alarm(context, arguments.value("one-left"));
  Client::Answer answer;
  if (int code = fetch(context, "/api/v1/doctor", &answer); code != kExitOk || context.json)
    return code;
  Object report(answer.body);
  bool all_well = true;
  int checks = report.at("checks");
  for (int e = report.json().first(checks); e >= 0; e = report.json().next(e)) {
    bool well = report.boolean("ok", e);
    all_well = all_well && well;
    std::printf("%s %s: %s\n", well ? "ok  " : "FAIL", report.text("name", e).c_str(),
                printable(report.text("words", e)).c_str());
  }
  return all_well ? kExitOk : kExitError;
}

int cmd_scrub(Context& context, const Arguments& arguments) {
  bool wait = arguments.has("wait");
  Client client(context);
  ProgressLine progress(context);
  std::string last;
  Client::Answer answer = client.lines(
      "POST", "/api/v1/scrub", wait ? "{\"wait\":true}" : "{}", [&](std::string_view line) {
        last = line;
        if (context.json) std::printf("%s\n", last.c_str());
        Object event(line);
        if (event.text("type") == "progress")
          progress.update("read", event.number("read_bytes"), event.number("stored_bytes"));
        return true;
      });
  progress.clear();
  if (int code = explain(context, answer); code != kExitOk) return code;
  Object summary(last);
  if (summary.text("type") != "summary") {
    complain("the daemon stopped before everything was read; it goes on after its next start");
    return kExitError;
  }
  if (context.json) return kExitOk;
  uint64_t damaged = summary.number("damaged");
  if (!wait) {
    say(context, "reading %s again; drey status tells what is found",
        human_bytes(summary.number("stored_bytes")).c_str());
  } else if (damaged == 0) {
    say(context, "%s read, nothing is damaged",
        human_bytes(summary.number("stored_bytes")).c_str());
  } else {
    say(context,
        "%llu damaged pieces found; they come again from other devices (drey wait follows that)",
        static_cast<unsigned long long>(damaged));
  }
  return kExitOk;
}

int cmd_snapshots(Context& context, const Arguments&) {
  Client::Answer answer;
  if (int code = fetch(context, "/api/v1/snapshots", &answer); code != kExitOk || context.json)
    return code;
  Table table;
  table.row({"ID", "DEVICE", "SET", "TIME", "FILES", "SIZE", "PATHS"});
  size_t count = 0;
  // One object per line inside the array, so that a listing of any length needs no big document.
  for (size_t at = 0; at < answer.body.size();) {
    size_t end = answer.body.find('\n', at);
    if (end == std::string::npos) end = answer.body.size();
    std::string_view line(answer.body.data() + at, end - at);
    at = end + 1;
    if (!line.empty() && (line[0] == ',' || line[0] == '[')) line.remove_prefix(1);
    if (line.empty() || line[0] != '{') continue;
    Object row(line);
    std::string paths;
    int list = row.at("paths");
    for (int e = row.json().first(list); e >= 0; e = row.json().next(e))
      paths += (paths.empty() ? "" : " ") + printable(row.text_of(e));
    table.row({row.text("id").substr(0, 12), printable(row.text("node")),
               printable(row.text("set")), human_time(row.number("time")),
               std::to_string(row.number("files")), human_bytes(row.number("bytes")), paths});
    ++count;
  }
  if (count > 0) {
    table.print();
  } else {
    say(context, "there are no snapshots yet; make one with: drey backup PATH");
  }
  return kExitOk;
}

}  // namespace drey::cli
