#include "backup/retention.h"

#include <algorithm>
#include <array>

#include "crypto/hash.h"

namespace drey {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kDaySeconds = 86'400;

int64_t floor_div(int64_t value, int64_t by) { return value / by - (value % by < 0 ? 1 : 0); }

int64_t day_of(int64_t time_ns) { return floor_div(time_ns, kSecondNs * kDaySeconds); }

// 1970-01-01 was a Thursday; ISO weeks begin on Mondays.
int64_t week_of(int64_t day) { return floor_div(day + 3, 7); }

// Months since 0000-03-01 of the proleptic Gregorian calendar: Howard Hinnant, "chrono-Compatible
// Low-Level Date Algorithms", civil_from_days.
int64_t month_of(int64_t day) {
  int64_t shifted = day + 719'468;
  int64_t era = floor_div(shifted, 146'097);
  int64_t day_of_era = shifted - era * 146'097;
  int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  return (era * 400 + year_of_era) * 12 + (5 * day_of_year + 2) / 153;
}

// One calendar rule on its way back through one set.
struct Periods {
  uint32_t left = 0;
  bool any = false;
  int64_t last = 0;
  bool keeps(int64_t period) {
    if (left == 0 || (any && period == last)) return false;
    any = true;
    last = period;
    --left;
    return true;
  }
};

struct Set {
  uint64_t tag = 0;
  bool doubted = false;  // its newest snapshot lies ahead of the clock
  int64_t earliest_ns = 0;
  uint32_t last_left = 0;
  Periods days, weeks, months;
};

class Judge {
 public:
  Judge(const RetentionPolicy& policy, int64_t wall_ns) : policy_(policy), wall_ns_(wall_ns) {}

  bool keeps(const RetentionRow& row) {
    Set* set = find(row.set);
    if (set == nullptr) {
      if (set_count_ == sets_.size()) return true;
      begin(sets_[set_count_++], row);
      return true;
    }
    bool kept = set->last_left > 0;
    if (kept) --set->last_left;
    if (!policy_.by_calendar()) return kept;
    if (set->doubted || row.time_ns > set->earliest_ns) return true;
    set->earliest_ns = row.time_ns;
    return keeps_by_calendar(*set, row.time_ns) || kept;
  }

 private:
  Set* find(uint64_t tag) {
    auto end = sets_.begin() + static_cast<ptrdiff_t>(set_count_);
    auto at = std::find_if(sets_.begin(), end, [tag](const Set& set) { return set.tag == tag; });
    return at == end ? nullptr : &*at;
  }
  void begin(Set& set, const RetentionRow& newest) {
    set = {};
    set.tag = newest.set;
    set.doubted = newest.time_ns > wall_ns_;
    set.earliest_ns = newest.time_ns;
    set.last_left = policy_.keep_last > 0 ? policy_.keep_last - 1 : 0;
    set.days.left = policy_.keep_daily;
    set.weeks.left = policy_.keep_weekly;
    set.months.left = policy_.keep_monthly;
    (void)keeps_by_calendar(set, newest.time_ns);
  }
  // Every rule sees every snapshot, so that its periods are counted from the newest on.
  static bool keeps_by_calendar(Set& set, int64_t time_ns) {
    int64_t day = day_of(time_ns);
    bool daily = set.days.keeps(day);
    bool weekly = set.weeks.keeps(week_of(day));
    bool monthly = set.months.keeps(month_of(day));
    return daily || weekly || monthly;
  }

  const RetentionPolicy& policy_;
  int64_t wall_ns_;
  size_t set_count_ = 0;
  std::array<Set, kRetentionSetsMax> sets_;
};

}  // namespace

bool RetentionPolicy::valid() const {
  return std::max({keep_last, keep_daily, keep_weekly, keep_monthly}) <= kCountMax;
}

uint64_t set_tag(std::string_view set) { return load_le<uint64_t>(sha256(as_bytes(set)).data()); }

void apply_retention(const RetentionPolicy& policy, int64_t wall_ns, std::span<RetentionRow> rows,
                     uint64_t only_set) {
  if (policy.empty() || !policy.valid()) return;
  Judge judge(policy, wall_ns);
  for (size_t i = rows.size(); i-- > 0;)
    if (only_set == 0 || rows[i].set == only_set)
      rows[i].removed = rows[i].removed || !judge.keeps(rows[i]);
}

}  // namespace drey
