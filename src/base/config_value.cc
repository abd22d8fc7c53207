// What a value of each kind must look like.
#include "base/config_value.h"

#include <cstdarg>
#include <cstdio>

#include "base/text.h"

namespace drey {

namespace {

// What a key must look like, for people.
const char* kind_wants(ConfigKind kind) {
  switch (kind) {
    case ConfigKind::kText:
      return "a text";
    case ConfigKind::kBytes:
      return "a size such as 500M or 20G";
    case ConfigKind::kSeconds:
      return "a time such as 90s, 6h or 2d";
    case ConfigKind::kCount:
      return "a number";
    case ConfigKind::kBool:
      return "yes or no";
    case ConfigKind::kAddress:
      return "an address such as 192.168.1.5:4747 or [fe80::1%2]:4747";
  }
  return "something else";
}

int shown(std::string_view v) { return static_cast<int>(v.size() < 60 ? v.size() : 60); }

bool is_word(const char* words, std::string_view value) {
  std::string_view rest = words != nullptr ? words : "";
  while (!rest.empty()) {
    size_t end = rest.find(' ');
    if (end == std::string_view::npos) end = rest.size();
    if (rest.substr(0, end) == value) return true;
    rest.remove_prefix(end < rest.size() ? end + 1 : end);
  }
  return false;
}

bool is_time_of_day(std::string_view value) {
  if (value.size() != 5 || value[2] != ':') return false;
  Result<uint64_t> hour = parse_u64(value.substr(0, 2));
  Result<uint64_t> minute = parse_u64(value.substr(3, 2));
  return hour.ok() && minute.ok() && hour.value() < 24 && minute.value() < 60;
}

bool is_span_of_day(std::string_view value) {
  return value.size() == 11 && value[5] == '-' && is_time_of_day(value.substr(0, 5)) &&
         is_time_of_day(value.substr(6));
}

Status check_text(const ConfigRow& row, std::string_view value, ConfigError* error) {
  if (value.size() < row.min || value.size() > row.max)
    return refuse_config(error, "%s wants %llu to %llu bytes, not %zu", row.name,
                         static_cast<unsigned long long>(row.min),
                         static_cast<unsigned long long>(row.max), value.size());
  if (value.find('\0') != std::string_view::npos)
    return refuse_config(error, "%s must not hold a NUL byte", row.name);
  if (row.words != nullptr && !is_word(row.words, value))
    return refuse_config(error, "%s = %.*s: it is one of: %s", row.name, shown(value), value.data(),
                         row.words);
  if (row.key == ConfigKey::kName && !is_name(value))
    return refuse_config(error, "%s must be plain text without '/'", row.name);
  if (row.key == ConfigKey::kExclude && !is_pattern(value))
    return refuse_config(error, "exclude = %.*s: a '[' is not closed, or '\\' stands last",
                         shown(value), value.data());
  if (row.key == ConfigKey::kAt && !is_time_of_day(value))
    return refuse_config(error, "at wants a time of day from 00:00 to 23:59");
  if (row.key == ConfigKey::kQuiet && !is_span_of_day(value))
    return refuse_config(error, "quiet wants two times of day such as 17:00-23:00");
  bool path = row.key == ConfigKey::kPath || row.key == ConfigKey::kStore;
  if (path && value.front() != '/')
    return refuse_config(error, "%s wants a path that begins with '/'", row.name);
  return Status::kOk;
}

// Letters to change, drop or add to make one of the other, both short; Levenshtein's table, one
// row.
constexpr size_t kKeyBytesMax = 24;
size_t edit_distance(std::string_view a, std::string_view b) {
  uint8_t row[kKeyBytesMax + 1];
  for (size_t j = 0; j <= b.size(); ++j) row[j] = static_cast<uint8_t>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    uint8_t diagonal = row[0];
    row[0] = static_cast<uint8_t>(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      uint8_t above = row[j];
      bool same = a[i - 1] == b[j - 1] || (a[i - 1] == '-' && b[j - 1] == '_');
      int least = row[j] + 1;
      if (row[j - 1] + 1 < least) least = row[j - 1] + 1;
      if (diagonal + (same ? 0 : 1) < least) least = diagonal + (same ? 0 : 1);
      row[j] = static_cast<uint8_t>(least);
      diagonal = above;
    }
  }
  return row[b.size()];
}

bool same_name(std::string_view name, std::string_view row_name) {
  if (name.size() != row_name.size()) return false;
  for (size_t i = 0; i < name.size(); ++i)
    if ((name[i] == '-' ? '_' : name[i]) != row_name[i]) return false;
  return true;
}

}  // namespace

Status refuse_config(ConfigError* error, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(error->message.data(), error->message.size(), format, arguments);
  va_end(arguments);
  for (char& c : error->message)
    if (c != '\0' && (static_cast<uint8_t>(c) < 0x20 || c == 0x7f)) c = '?';
  return Status::kInvalid;
}

const ConfigRow* find_config_row(std::string_view name) {
  for (const ConfigRow& row : config_rows())
    if (same_name(name, row.name)) return &row;
  return nullptr;
}

const char* nearest_config_key(std::string_view name) {
  if (name.size() > kKeyBytesMax) return nullptr;
  size_t nearest = name.size() < 6 ? 3 : 4;  // not as far as that
  const char* found = nullptr;
  for (const ConfigRow& row : config_rows()) {
    size_t distance = edit_distance(name, row.name);
    if (distance >= nearest || distance >= name.size()) continue;
    nearest = distance;
    found = row.name;
  }
  return found;
}

Result<uint64_t> parse_config_number(ConfigKind kind, std::string_view value) {
  if (kind == ConfigKind::kBytes) return parse_size(value);
  if (kind == ConfigKind::kSeconds) return parse_seconds(value);
  return parse_u64(value);
}

Status check_config_value(const ConfigRow& row, std::string_view value, ConfigError* error) {
  switch (row.kind) {
    case ConfigKind::kText:
      return check_text(row, value, error);
    case ConfigKind::kBool:
      if (parse_bool(value).ok()) return Status::kOk;
      break;
    case ConfigKind::kAddress:
      if (is_word(row.words, value) || parse_address(value).ok()) return Status::kOk;
      if (row.words == nullptr) break;
      return refuse_config(error, "%s = %.*s: wants %s, or one of: %s", row.name, shown(value),
                           value.data(), kind_wants(row.kind), row.words);
    default: {
      Result<uint64_t> number = parse_config_number(row.kind, value);
      if (!number.ok()) break;
      if (number.value() >= row.min && number.value() <= row.max) return Status::kOk;
      return refuse_config(error, "%s = %.*s: it must be from %llu to %llu", row.name, shown(value),
                           value.data(), static_cast<unsigned long long>(row.min),
                           static_cast<unsigned long long>(row.max));
    }
  }
  return refuse_config(error, "%s = %.*s: wants %s", row.name, shown(value), value.data(),
                       kind_wants(row.kind));
}

}  // namespace drey
