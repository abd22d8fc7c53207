// ForgetSource: one forget, and the sentence about it.

#include "node/node.h"

namespace drey {
namespace {

TextWriter& snapshots(TextWriter& to, uint64_t count) {
  return to.decimal(count).text(count == 1 ? " snapshot" : " snapshots");
}

const char* failure_code(Status status) {
  switch (status) {
    case Status::kNotFound:
      return "not_found";
    case Status::kExists:
    case Status::kInvalid:
    case Status::kUnsupported:
      return "usage";
    case Status::kDenied:
      return "denied";
    case Status::kFull:
      return "full";
    default:
      return "error";
  }
}

void write_failure(const ForgetResult& result, std::string_view name, TextWriter& words) {
  switch (result.status) {
    case Status::kNotFound:
      words.text("there is no snapshot ").text(name);
      break;
    case Status::kExists:
      words.text(name).text(" means several snapshots; give more of its digits");
      break;
    case Status::kDenied:
      words.text(name).text(" is another device's snapshot; only that device can forget it");
      break;
    case Status::kUnsupported:
      words.text(name).text(" is the table of this device's single files; drey rm removes one");
      break;
    case Status::kTooLarge:
      words.text(result.too_many_ranges
                     ? "too many kept snapshots lie between removed ones (at most 499); forget "
                       "some of the old ones"
                     : "this device has more snapshots than rules can weigh at once; forget some "
                       "by name first");
      break;
    case Status::kFull:
      words.text("no space to write it down, neither here nor in the reserve");
      break;
    default:
      words.text("it failed: ").text(status_name(result.status));
  }
  words.text("; nothing was removed");
}

}  // namespace

Status ForgetSource::start(const ForgetRequest& request, bool now, Connection* connection) {
  done_.set(&node_->ready(), this, &ForgetSource::done);
  DREY_TRY(node_->backup().forget(request, &done_));
  running_ = true;
  dry_run_ = request.dry_run;
  now_ = now;
  if (now) node_->mesh().data().cosigning().keep_open(node_->ports().clock->up_ns());
  for (size_t i = 0; i < request.snapshots.size(); ++i) {
    std::string_view name = request.snapshots[i];
    names_[i].size = static_cast<uint8_t>(std::min(name.size(), names_[i].text.size()));
    std::copy_n(name.begin(), names_[i].size, names_[i].text.begin());
  }
  attach(connection);
  return Status::kOk;
}

void ForgetSource::done(Status) {
  running_ = false;
  wake();
}

// What was removed, and when its space returns.
void ForgetSource::write_words(const ForgetResult& result, TextWriter& words) {
  if (result.removed == 0) {
    words.text("Nothing is removed: the rules keep ");
    words.text(result.kept == 1 ? "the only snapshot." : "every snapshot.");
    return;
  }
  if (dry_run_) {
    snapshots(words, result.removed).text(" would go, ").decimal(result.kept);
    words.text(" would stay; nothing was removed.");
    return;
  }
  snapshots(words, result.removed).text(result.removed == 1 ? " is" : " are").text(" removed, ");
  words.decimal(result.kept).text(result.kept == 1 ? " stays." : " stay.");
  words.text(" This device's space returns with its next clean-up, in the background");
  if (node_->mesh().membership().active_count() < 2) {
    words.text(".");
    return;
  }
  if (now_) {
    words.text("; on the other devices as soon as each of them is told.");
    return;
  }
  constexpr uint64_t kDays = board::kMinimumAgeSeconds / (24 * 3600);
  if (kDays == 0) {
    words.text("; on the other devices once every device has been told.");
    return;
  }
  words.text("; on the other devices ").decimal(kDays);
  words.text(" days of their running time after every device that is not lost has been told.");
}

Status ForgetSource::produce(MutBytes room, size_t* size) {
  if (running_) return Status::kAgain;
  const ForgetResult& result = node_->backup().forget_result();
  TextWriter out{std::span<char>(reinterpret_cast<char*>(room.data()), room.size())};
  char text[400];
  TextWriter words{std::span<char>(text)};
  if (ok(result.status)) {
    write_words(result, words);
  } else {
    const Name& name = names_[result.at];
    write_failure(result, {name.text.data(), name.size}, words);
  }
  out.text("{\"type\":\"summary\",\"status\":");
  out.json_string(ok(result.status) ? "ok" : failure_code(result.status));
  out.text(",\"dry_run\":").text(dry_run_ ? "true" : "false");
  out.text(",\"removed\":").decimal(result.removed).text(",\"kept\":").decimal(result.kept);
  out.text(",\"snapshots\":[");
  for (size_t i = 0; i < std::min<uint64_t>(result.removed, result.ids.size()); ++i)
    out.text(i > 0 ? ",\"" : "\"").hex(result.ids[i].bytes()).text("\"");
  out.text("],\"message\":").json_string(words.view()).text("}\n");
  *size = out.size();
  return Status::kEnd;
}

}  // namespace drey
