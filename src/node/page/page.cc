#include "node/page/page.h"

#include <algorithm>

#include "node/page/page_text.h"

namespace drey {

using namespace page_text;

namespace {

const char* color_of(VerdictKind kind) {
  switch (kind) {
    case VerdictKind::kProtected:
      return "14692c";
    case VerdictKind::kWaiting:
      return "b58300";
    default:
      return "a11212";
  }
}

const char* title_of(VerdictKind kind) {
  switch (kind) {
    case VerdictKind::kProtected:
      return "✓ Protected · Drey";
    case VerdictKind::kWaiting:
      return "… Waiting · Drey";
    case VerdictKind::kAtRisk:
      return "! At risk · Drey";
    default:
      return "!! Lost · Drey";
  }
}

// {"set":NAME} and the like, for a data-body attribute.
struct JsonBody : Words {
  JsonBody(std::string_view name, std::string_view value) {
    to().text("{\"").text(name).text("\":").json_string(value).text("}");
  }
};

// ---- Sections ----

void write_verdict(TextWriter& out, const PageModel& m) {
  Words words;
  words.to().decimal(m.nodes).text(m.nodes == 1 ? " device, " : " devices, ");
  words.to().decimal(m.copies).text(m.copies == 1 ? " copy" : " copies").text(" of every piece");
  fill(out, fragment("verdict"),
       {{"kind", verdict_name(m.kind)},
        {"sentence", m.sentence},
        {"node", m.node},
        {"mesh", m.mesh},
        {"words", words}});
}

void write_work(TextWriter& out, const PageModel& m) {
  if (!m.backing_up && !m.scrubbing && m.under_replicated == 0) return;
  fill(out, fragment("work"));
  if (m.backing_up) {
    Words words;
    words.to().decimal(m.backup_files).text(" files, ").human_bytes(m.backup_bytes);
    words.to().text(" seen, ").human_bytes(m.backup_added_bytes).text(" new");
    fill(out, fragment("work idle"), {{"what", "Backing up:"}, {"words", words}});
  }
  if (m.scrubbing) {
    Words words;
    words.to().human_bytes(m.scrub_read_bytes).text(" of ").human_bytes(m.scrub_all_bytes);
    fill(out, fragment("work row"),
         {{"what", "Reading everything again"},
          {"words", words},
          {"max", Number(std::max<uint64_t>(m.scrub_all_bytes, 1))},
          {"value", Number(std::min(m.scrub_read_bytes, m.scrub_all_bytes))}});
  }
  if (m.under_replicated > 0) {
    Words words;
    words.to().decimal(m.under_replicated).text(" pieces lack one");
    fill(out, fragment("work idle"), {{"what", "Making copies:"}, {"words", words}});
  }
  fill(out, fragment("section end"));
}

void write_actions(TextWriter& out, const PageModel& m) {
  fill(out, fragment("actions"));
  if (m.may_write && m.full)
    for (const PageModel::Set& set : m.sets)
      fill(out, fragment("action backup"),
           {{"set", set.name}, {"body", JsonBody("set", set.name)}});
  if (m.may_admin && m.full) fill(out, fragment("action invite"));
  fill(out, fragment("actions end"));
}

void write_files(TextWriter& out, bool may_write) {
  fill(out, fragment("files"));
  if (may_write) fill(out, fragment("upload"));
  fill(out, fragment("files end"));
}

void write_devices(TextWriter& out, const PageModel& m, size_t rows_max) {
  fill(out, fragment("devices"));
  for (size_t i = 0; i < m.devices.size() && i < rows_max; ++i) {
    const PageModel::Device& device = m.devices[i];
    bool known = device.capacity_bytes > 0;
    Words seen;
    if (device.state == "alive") {
      seen.to().text("now");
    } else {
      seen.to().text(device.heard ? std::string_view(Ago(device.seen_s)) : "not yet");
    }
    fill(out, fragment("device"),
         {{"name", device.name},
          {"state", device.state},
          {"leaving", device.leaving ? ", leaving" : ""},
          {"seen", seen},
          {"free", known ? std::string_view(Size(device.free_bytes)) : "?"},
          {"capacity", known ? std::string_view(Size(device.capacity_bytes)) : "?"}});
  }
  fill(out, fragment("table end"));
  if (m.devices.size() > rows_max) {
    Number count(m.devices.size());
    fill(out, "<p>{count} in all: <code>drey peers</code></p>", {{"count", count}});
  }
  if (m.devices.empty()) fill(out, fragment("device alone"));
  Words missing;
  if (m.missing > 0) missing.to().decimal(m.missing).text(" pieces are on no device. ");
  fill(out, fragment("own"),
       {{"records", Number(m.records)},
        {"stored", Size(m.stored_bytes)},
        {"capacity", Size(m.capacity_bytes)},
        {"free", Size(m.free_bytes)},
        {"missing", missing},
        {"written", Size(m.written_bytes)},
        {"user", Size(m.user_bytes)}});
  fill(out, fragment("section end"));
}

void write_sets(TextWriter& out, const PageModel& m) {
  fill(out, fragment("sets"));
  for (const PageModel::Set& set : m.sets) {
    Words next, state;
    bool running = set.state == "running";
    next.to().text(running ? "now" : "in ").text(running ? "" : std::string_view(Span(set.next_s)));
    state.to().text(set.state == "failed" ? "failed: " : set.state);
    if (set.state == "failed") state.to().text(set.message);
    fill(out, fragment("set"),
         {{"set", set.name},
          {"last", set.ran ? std::string_view(Ago(set.last_age_s)) : "never"},
          {"next", next},
          {"state", state}});
  }
  fill(out, fragment("table end"));
  if (m.sets.empty()) fill(out, fragment("set none"));
  fill(out, fragment("section end"));
}

// "2026-11-20": the day of a time (days since 1970; Howard Hinnant's civil_from_days).
struct Day : Words {
  explicit Day(int64_t days) {
    days += 719468;
    int64_t era = days / 146097, of_era = days - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;
    int64_t day = of_year - (153 * month + 2) / 5 + 1;
    month += month < 10 ? 3 : -9;
    year += era * 400 + (month <= 2 ? 1 : 0);
    to().format("%04d-%02d-%02d", static_cast<int>(year), static_cast<int>(month),
                static_cast<int>(day));
  }
};

void write_month(TextWriter& out, const SnapshotHistory& history) {
  constexpr uint64_t kHeight = 58;
  uint64_t most = 1;
  for (const SnapshotHistory::Day& day : history.days()) most = std::max(most, day.added_bytes);
  fill(out, fragment("month"));
  size_t x = 0;
  for (const SnapshotHistory::Day& day : history.days()) {
    // Whole units, at least one where there was a backup: a scale of 2^32 and more must not
    // overflow.
    uint64_t height = day.snapshots == 0
                          ? 0
                          : 1 + static_cast<uint64_t>(static_cast<double>(day.added_bytes) /
                                                      static_cast<double>(most) * (kHeight - 1));
    if (height > 0)
      fill(out, fragment("bar"),
           {{"x", Number(x)}, {"y", Number(60 - height)}, {"height", Number(height)}});
    x += 10;
  }
  fill(out, fragment("month table"));
  int64_t number = history.first_day();
  for (const SnapshotHistory::Day& day : history.days()) {
    if (day.snapshots > 0)
      fill(out, fragment("day"),
           {{"day", Day(number)},
            {"count", Number(day.snapshots)},
            {"added", Size(day.added_bytes)}});
    ++number;
  }
  fill(out, fragment("month end"));
}

void write_snapshots(TextWriter& out, const PageModel& m, size_t rows_max) {
  fill(out, fragment("snapshots"));
  size_t shown = 0;
  for (const SnapshotHistory::Row& row : m.history->rows()) {
    if (shown++ == rows_max) break;
    int64_t age_ns = std::max<int64_t>(m.wall_ns - row.time_ns, 0);
    Words id, full, ratio;
    id.to().hex(Bytes(row.id).first(6));
    full.to().hex(row.id);
    uint64_t percent = row.bytes > 0 ? row.added_bytes * 100 / row.bytes : 0;
    ratio.to().decimal(percent).text(" %");
    Words note;
    if (row.errors > 0) note.to().text(", ").decimal(row.errors).text(" files not read");
    fill(out, fragment("snapshot"),
         {{"when", Ago(static_cast<uint64_t>(age_ns) / 1'000'000'000)},
          {"node", m.member_name != nullptr ? m.member_name(m.context, row.node) : "?"},
          {"set", row.set()},
          {"files", Number(row.files)},
          {"size", Size(row.bytes)},
          {"added", Size(row.added_bytes)},
          {"ratio", ratio},
          {"id", id},
          {"full", full},
          {"note", note}});
    if (m.may_admin && row.own) {
      Words body;
      body.to().text("{\"snapshots\":[\"").hex(row.id).text("\"]}");
      fill(out, fragment("forget"), {{"body", body}, {"id", id}});
    }
    fill(out, fragment("row end"));
  }
  fill(out, fragment("table end"));
  if (m.history->count() > shown)
    fill(out, fragment("snapshots more"), {{"count", Number(m.history->count())}});
  fill(out, fragment("section end"));
}

void write_events(TextWriter& out, const PageModel& m, size_t rows_max) {
  fill(out, fragment("events"));
  size_t skip = m.events.size() - std::min(m.events.size(), rows_max);
  for (size_t i = m.events.size(); i-- > skip;)
    fill(out, fragment("event"),
         {{"level", m.events[i].level},
          {"age", Ago(m.events[i].age_s)},
          {"text", m.events[i].text}});
  fill(out, fragment("events end"));
}

}  // namespace

void write_page(TextWriter& out, const PageModel& model, const PageRows& rows) {
  write_head(out, title_of(model.kind), color_of(model.kind));
  write_verdict(out, model);
  write_work(out, model);
  if (model.signed_in) write_actions(out, model);
  if (model.signed_in && model.full) write_files(out, model.may_write);
  write_devices(out, model, rows.devices);
  if (model.signed_in) {
    if (model.full) write_sets(out, model);
    if (model.history != nullptr) {
      write_month(out, *model.history);
      write_snapshots(out, model, rows.snapshots);
    }
    write_events(out, model, rows.events);
  } else {
    fill(out, fragment("login"));
    if (model.has_users) fill(out, fragment("password"));
    fill(out, fragment("login end"));
  }
  write_end(out, model.version, model.board);
}

void write_sign_in(TextWriter& out, std::string_view code) {
  write_head(out, "Sign in · Drey", "0b57b0");
  fill(out, fragment("sign in page"), {{"code", code}});
  fill(out, fragment("close"));
}

void write_login(TextWriter& out, bool has_users) {
  write_head(out, "Sign in · Drey", "0b57b0");
  out.text("<h1>Drey</h1>");
  fill(out, fragment("login"));
  if (has_users) fill(out, fragment("password"));
  fill(out, fragment("login end"));
  out.text("</main>");
  fill(out, fragment("close"));
}

}  // namespace drey
