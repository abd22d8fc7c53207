#include "mesh/removal/unpin_book.h"

#include <algorithm>

#include "mesh/heads/head.h"

namespace drey {
namespace {

constexpr std::string_view kUptimeKey = "uptime";
constexpr uint64_t kSecondNs = 1'000'000'000;
// Between two looks; awake, there is one every ten minutes. The clock goes on while a device is
// suspended, but nobody can notice there what happens to their files.
constexpr uint64_t kGapMaxNs = 1200 * kSecondNs;
constexpr std::array<uint8_t, 1> kNumberBody = {1};  // its version; the key says everything

}  // namespace

void UnpinBook::start(const Options& options) {
  options_ = options;
  seen_ns_ = options.clock->up_ns();
  awake_ns_ = 0;
  before_s_ = saved_s_ = 0;
  marked_ = false;
}

uint64_t UnpinBook::uptime_s() {
  uint64_t now = options_.clock->up_ns();
  awake_ns_ += std::min(now - seen_ns_, kGapMaxNs);
  seen_ns_ = now;
  return before_s_ + awake_ns_ / kSecondNs;
}

Status UnpinBook::load(std::span<Announced, kNodeSlotsMax> rows, size_t* count) {
  *count = 0;
  StatementRow row;
  size_t found = 0;
  for (row.key = {};;) {
    DREY_TRY(options_.store->scan_statements(StatementKind::kNumber, row.key, {&row, 1}, &found));
    if (found == 0) break;
    NodeId owner;
    uint64_t number = 0;
    split_head_key(row.key, &owner, &number);
    // Sorted by owner, then by number: the last row of an owner counts.
    if (*count > 0 && rows[*count - 1].owner == owner) {
      rows[*count - 1].number = number;
    } else if (*count < rows.size()) {
      rows[(*count)++] = {owner, number};
    }
  }
  std::array<uint8_t, 8> bytes;
  size_t size = 0;
  if (options_.state != nullptr && ok(options_.state->get(kUptimeKey, bytes, &size)) &&
      size == bytes.size())
    before_s_ = load_le<uint64_t>(bytes.data());
  // A lost state log must not make what waits wait for years.
  for (row.key = {};;) {
    DREY_TRY(options_.store->scan_statements(StatementKind::kUnpin, row.key, {&row, 1}, &found));
    if (found == 0) break;
    NodeId owner;
    uint64_t arrival = 0;
    split_head_key(row.key, &owner, &arrival);
    before_s_ = std::max(before_s_, arrival >> kArrivalShift);
  }
  saved_s_ = before_s_;
  return Status::kOk;
}

Status UnpinBook::save_uptime() {
  uint64_t now_s = uptime_s();
  if (options_.state == nullptr || now_s == saved_s_) return Status::kOk;
  std::array<uint8_t, 8> bytes;
  store_le(bytes.data(), now_s);
  DREY_TRY(options_.state->put(kUptimeKey, bytes));
  saved_s_ = now_s;
  return Status::kOk;
}

Status UnpinBook::announce(const NodeId& owner, uint64_t number, Ticket* ticket) {
  *ticket = 0;
  Status status = options_.store->append_statement(StatementKind::kNumber, head_key(owner, number),
                                                   kNumberBody, ticket);
  if (!ok(status) && status != Status::kExists) return status;
  StatementRow row;
  for (row.key = head_key(owner, 0);;) {
    size_t found = 0;
    DREY_TRY(options_.store->scan_statements(StatementKind::kNumber, row.key, {&row, 1}, &found));
    NodeId of;
    uint64_t older = 0;
    if (found > 0) split_head_key(row.key, &of, &older);
    if (found == 0 || of != owner || older >= number) return Status::kOk;
    Ticket dropped = 0;
    status = options_.store->remove_statement(StatementKind::kNumber, row.key, &dropped);
    // Left for the next announcement: two of one owner do no harm.
    if (!ok(status)) return Status::kOk;
    *ticket = std::max(*ticket, dropped);
  }
}

// Whoever signed it as well: its owner gives up its own pins, here, below what it announced here.
Status UnpinBook::judge(Bytes statement, const NodeId& from, uint64_t announced,
                        Unpin* unpin) const {
  DREY_TRY(decode_unpin(statement, unpin));
  if (unpin->owner != from) return Status::kDenied;
  if (unpin->holder != options_.self) return Status::kDenied;
  if (unpin->number > announced) return Status::kDenied;
  return Status::kOk;
}

Status UnpinBook::take(Bytes statement, const NodeId& from, uint64_t announced, Ticket* ticket) {
  *ticket = 0;
  Unpin unpin;
  DREY_TRY(judge(statement, from, announced, &unpin));
  return options_.store->append_unpin(unpin.owner, unpin.number, unpin.chunks, ticket);
}

Status UnpinBook::accept(Bytes statement, const NodeId& from, uint64_t announced, Ticket* ticket) {
  *ticket = 0;
  Unpin unpin;
  DREY_TRY(judge(statement, from, announced, &unpin));
  DREY_TRY(refresh());
  size_t fresh = 0;
  DREY_TRY(options_.store->count_leaving(unpin.owner, unpin.number, unpin.chunks, &fresh));
  if (fresh == 0) return Status::kOk;
  uint64_t arrival = uptime_s() << kArrivalShift;
  for (uint64_t count = 1; count < uint64_t{1} << kArrivalShift; ++count) {
    Status status = options_.store->append_statement(
        StatementKind::kUnpin, head_key(unpin.owner, arrival | count), statement, ticket);
    if (status != Status::kExists) return status;
  }
  return Status::kBusy;
}

Status UnpinBook::mark(Bytes statement) {
  Unpin unpin;
  DREY_TRY(decode_unpin(statement, &unpin));
  size_t fresh = 0;
  return options_.store->mark_leaving(unpin.owner, unpin.number, unpin.chunks, &fresh);
}

Status UnpinBook::refresh() {
  if (marked_ && replays_ == options_.store->replays()) return Status::kOk;
  uint64_t replays = options_.store->replays();
  DREY_TRY(mark_all());
  // What replayed meanwhile is marked the next time.
  replays_ = replays;
  marked_ = true;
  return Status::kOk;
}

Status UnpinBook::mark_all() {
  StatementRow row;
  for (row.key = {};;) {
    size_t found = 0;
    DREY_TRY(options_.store->scan_statements(StatementKind::kUnpin, row.key, {&row, 1}, &found));
    if (found == 0) return Status::kOk;
    Unpin unpin;
    Status status = read(row, &unpin);
    if (status == Status::kIo) return status;
    if (!ok(status)) continue;  // damaged: it takes nothing any more
    size_t fresh = 0;
    DREY_TRY(options_.store->mark_leaving(unpin.owner, unpin.number, unpin.chunks, &fresh));
  }
}

// kInvalid: not what accept() wrote.
Status UnpinBook::read(const StatementRow& row, Unpin* unpin) {
  size_t size = 0;
  DREY_TRY(options_.store->read_statement(StatementKind::kUnpin, row.key, bytes_, &size));
  DREY_TRY(decode_unpin(Bytes(bytes_).first(size), unpin));
  NodeId owner;
  uint64_t arrival = 0;
  split_head_key(row.key, &owner, &arrival);
  return unpin->owner == owner && unpin->holder == options_.self ? Status::kOk : Status::kInvalid;
}

Status UnpinBook::run_due(std::span<const NodeId> owners, Due* due, Ticket* ticket) {
  *due = {};
  *ticket = 0;
  DREY_TRY(refresh());
  uint64_t now_s = uptime_s();
  std::array<StatementRow, kRowsPerScan> rows;
  StatementKey after{};
  for (size_t count = rows.size(); count == rows.size();) {
    DREY_TRY(options_.store->scan_statements(StatementKind::kUnpin, after, rows, &count));
    for (size_t i = 0; i < count; ++i) {
      after = rows[i].key;
      NodeId owner;
      uint64_t arrival = 0;
      split_head_key(after, &owner, &arrival);
      ++due->waiting;
      if (std::find(owners.begin(), owners.end(), owner) == owners.end()) continue;
      uint64_t at_s = (arrival >> kArrivalShift) + options_.minimum_age_s;
      if (now_s < at_s) {
        due->next_s = due->next_s == 0 ? at_s - now_s : std::min(due->next_s, at_s - now_s);
        continue;
      }
      bool gone = false;
      if (due->done < kPerRun) DREY_TRY(run_row(rows[i], &gone, ticket));
      due->done += gone ? 1 : 0;
      due->waiting -= gone ? 1 : 0;
      if (!gone) due->next_s = 1;
    }
  }
  return Status::kOk;
}

// First the pins, then the statement: a crash between the two only does it once more.
Status UnpinBook::run_row(const StatementRow& row, bool* gone, Ticket* ticket) {
  Unpin unpin;
  Status status = read(row, &unpin);
  if (status == Status::kIo) return status;
  Ticket appended = 0;
  if (ok(status))
    status = options_.store->append_unpin(unpin.owner, unpin.number, unpin.chunks, &appended);
  else
    status = Status::kOk;  // damaged: it takes nothing any more
  if (status == Status::kBusy) return Status::kOk;
  DREY_TRY(status);
  *ticket = std::max(*ticket, appended);
  status = options_.store->remove_statement(StatementKind::kUnpin, row.key, &appended);
  if (status == Status::kBusy) return Status::kOk;
  if (!ok(status) && status != Status::kNotFound) return status;
  *ticket = std::max(*ticket, appended);
  *gone = true;
  return Status::kOk;
}

}  // namespace drey
