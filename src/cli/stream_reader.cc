#include "cli/stream_reader.h"

#include "cli/format.h"

namespace drey::cli {

StreamQuery parse_snapshot_argument(const std::string& text) {
  StreamQuery query;
  size_t colon = text.find(':');
  if (colon == std::string::npos) {
    query.snapshot = text;
    return query;
  }
  std::string rest = text.substr(colon + 1);
  if (rest == "latest" || rest.rfind("latest:", 0) == 0) {
    query.snapshot = text.substr(0, colon) + ":latest";
    query.path = rest.size() > 7 ? rest.substr(7) : "";
  } else {
    query.snapshot = text.substr(0, colon);
    query.path = rest;
  }
  while (!query.path.empty() && query.path.front() == '/') query.path.erase(0, 1);
  while (!query.path.empty() && query.path.back() == '/') query.path.pop_back();
  return query;
}

bool FrameSplitter::feed(std::string_view part) {
  pending_.insert(pending_.end(), part.begin(), part.end());
  size_t at = 0;
  while (!ended_ && pending_.size() - at >= kFrameHeaderBytes) {
    StreamFrameHeader header;
    Bytes left = Bytes(pending_).subspan(at);
    if (!ok(decode_frame_header(left.first(kFrameHeaderBytes), &header))) return false;
    if (left.size() < kFrameHeaderBytes + header.size) break;
    if (!dispatch(header.type, left.subspan(kFrameHeaderBytes, header.size))) return false;
    at += kFrameHeaderBytes + header.size;
  }
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(at));
  return true;
}

bool FrameSplitter::dispatch(FrameType type, Bytes body) {
  if (!started_) {
    started_ = true;
    return type == FrameType::kStart && ok(decode_start(body));
  }
  bool go_on = true;
  EntryFrame entry;
  DataFrame data;
  RangeFrame range;
  Status status = Status::kOk;
  switch (type) {
    case FrameType::kEntry:
      if (!ok(decode_entry_frame(body, &entry))) return false;
      go_on = visitor_.on_entry(entry);
      break;
    case FrameType::kData:
      if (!ok(decode_data_frame(body, &data))) return false;
      go_on = visitor_.on_data(data);
      break;
    case FrameType::kHole:
    case FrameType::kMissing:
      if (!ok(decode_range_frame(type, body, &range))) return false;
      go_on = visitor_.on_range(type, range);
      break;
    case FrameType::kLost:
      if (!ok(decode_lost(body, &status))) return false;
      go_on = visitor_.on_lost(status);
      break;
    case FrameType::kEnd:
      ended_ = true;
      return ok(decode_end_frame(body, &end_));
    case FrameType::kStart:
      return false;
  }
  stopped_ = !go_on;
  return go_on;
}

StreamOutcome read_stream(Context& context, const StreamQuery& query, FrameVisitor& visitor) {
  std::string body = "{\"snapshot\":" + json_string(query.snapshot) +
                     ",\"path\":" + json_string(query.path) +
                     ",\"data\":" + (query.data ? "true" : "false") +
                     ",\"one_level\":" + (query.one_level ? "true" : "false") +
                     ",\"lose\":" + json_list(query.lose) + "}";
  StreamOutcome outcome;
  Client client(context);
  FrameSplitter splitter(visitor);
  bool malformed = false;
  Client::Answer answer = client.stream("POST", "/api/v1/stream", body, [&](std::string_view part) {
    bool well = splitter.feed(part);
    malformed = !well && !splitter.stopped();
    return well;
  });
  outcome.stopped = splitter.stopped();
  outcome.end = splitter.end();
  if (outcome.stopped) return outcome;
  if (malformed) {
    complain("the daemon sent a stream that this version does not understand");
    return outcome;
  }
  outcome.exit = explain(context, answer);
  if (outcome.exit != kExitOk) return outcome;
  if (!splitter.ended()) {
    complain("the stream was cut off: what was received is not complete");
    outcome.exit = kExitError;
  } else if (outcome.end.status == Status::kNotFound) {
    complain("there is no /%s in that snapshot", printable(query.path).c_str());
    outcome.exit = kExitNotFound;
  } else if (!ok(outcome.end.status)) {
    complain("the stream ended early: %s", status_name(outcome.end.status));
    outcome.exit = kExitError;
  }
  return outcome;
}

}  // namespace drey::cli
