#include "base/config.h"

#include <cstring>

#include "base/config_value.h"
#include "base/text.h"
#include "drey/check.h"

namespace drey {

namespace {

using Source = Config::Source;

int as_int(std::string_view v) { return static_cast<int>(v.size() < 60 ? v.size() : 60); }

std::string_view trim(std::string_view v) {
  auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!v.empty() && blank(v.front())) v.remove_prefix(1);
  while (!v.empty() && blank(v.back())) v.remove_suffix(1);
  return v;
}

// Takes the text up to `separator` off *rest, and the separator too.
std::string_view take_until(std::string_view* rest, char separator) {
  size_t end = rest->find(separator);
  std::string_view taken = rest->substr(0, end);
  rest->remove_prefix(end == std::string_view::npos ? rest->size() : end + 1);
  return taken;
}

}  // namespace

// Everything is appended, so forgetting a refused change means to cut what it appended.
class Config::Undo {
 public:
  explicit Undo(Config* config)
      : config_(config),
        text_size_(config->text_size_),
        item_count_(config->item_count_),
        set_count_(config->set_count_) {}
  Status refused() {
    config_->text_size_ = text_size_;
    config_->item_count_ = item_count_;
    config_->set_count_ = set_count_;
    return Status::kInvalid;
  }

 private:
  Config* config_;
  size_t text_size_, item_count_, set_count_;
};

Status Config::apply_file(std::string_view text, ConfigError* error) {
  Undo undo(this);
  size_t set = kNode;
  error->line = 0;
  while (!text.empty()) {
    ++error->line;
    std::string_view line = take_until(&text, '\n');
    if (!ok(file_line(line, &set, error))) return undo.refused();
  }
  if (!ok(check_sets(error))) return undo.refused();
  return Status::kOk;
}

Status Config::file_line(std::string_view line, size_t* set, ConfigError* error) {
  if (line.size() > kLineBytesMax)
    return refuse_config(error, "the line is longer than %zu bytes", kLineBytesMax);
  line = trim(line);
  if (line.empty() || line.front() == '#' || line.front() == ';') return Status::kOk;
  if (line.front() == '[') return open_section(line, set, error);
  size_t equals = line.find('=');
  if (equals == std::string_view::npos)
    return refuse_config(error, "expected `key = value` or `[backup NAME]`, found: %.*s",
                         as_int(line), line.data());
  std::string_view name = trim(line.substr(0, equals));
  std::string_view value = trim(line.substr(equals + 1));
  if (name == "paths") return paths_line(value, *set, error);
  const ConfigRow* row = find_config_row(name);
  if (row == nullptr) {
    const char* near = nearest_config_key(name);
    return refuse_config(error, "there is no key %.*s%s%s%s", as_int(name), name.data(),
                         near != nullptr ? "; did you mean " : "", near != nullptr ? near : "",
                         near != nullptr ? "?" : "");
  }
  if (row->in_backup != (*set != kNode))
    return refuse_config(error,
                         row->in_backup ? "%s belongs into a [backup NAME] section"
                                        : "%s belongs above the first [backup NAME] section",
                         row->name);
  return add(*row, value, Source::kFile, *set, error);
}

// `paths = /A /B`: several of `path`. A path begins behind a blank with '/', so that names with
// blanks inside need no quotes.
Status Config::paths_line(std::string_view value, size_t set, ConfigError* error) {
  const ConfigRow& row = config_row(ConfigKey::kPath);
  if (set == kNode) return refuse_config(error, "paths belongs into a [backup NAME] section");
  do {
    size_t end = value.find(" /");
    DREY_TRY(add(row, trim(value.substr(0, end)), Source::kFile, set, error));
    value.remove_prefix(end == std::string_view::npos ? value.size() : end + 1);
  } while (!value.empty());
  return Status::kOk;
}

Status Config::open_section(std::string_view line, size_t* set, ConfigError* error) {
  if (line.back() != ']') return refuse_config(error, "the section's ']' is missing");
  std::string_view inside = trim(line.substr(1, line.size() - 2));
  std::string_view kind = take_until(&inside, ' ');
  std::string_view name = trim(inside);
  if (kind != "backup" || name.empty())
    return refuse_config(error, "sections are written [backup NAME]");
  if (!is_name(name)) return refuse_config(error, "a set's name is plain text without '/'");
  if (name == "files")
    return refuse_config(error,
                         "the set 'files' holds single files; give this backup another name");
  for (size_t i = 0; i < set_count_; ++i)
    if (set_name(i) == name)
      return refuse_config(error, "[backup %.*s] stands here twice", as_int(name), name.data());
  if (set_count_ == kSetsMax)
    return refuse_config(error, "more than %zu [backup] sections", kSetsMax);
  SetName& to = sets_[set_count_];
  if (!keep_text(name, &to.offset)) return refuse_config(error, "the configuration is too long");
  to.size = static_cast<uint16_t>(name.size());
  to.line = static_cast<uint32_t>(error->line);
  *set = set_count_++;
  return Status::kOk;
}

Status Config::check_sets(ConfigError* error) const {
  for (size_t i = 0; i < set_count_; ++i) {
    error->line = sets_[i].line;
    if (count(ConfigKey::kPath, i) == 0)
      return refuse_config(error, "this [backup] section names no path");
    if (source(ConfigKey::kAt, i) != Source::kDefault && is_set(ConfigKey::kEvery, i))
      return refuse_config(error, "this [backup] section has both at and every: choose one");
  }
  return Status::kOk;
}

Status Config::apply_env(const char* (*lookup)(void*, const char*), void* context,
                         ConfigError* error) {
  Undo undo(this);
  error->line = 0;
  for (const ConfigRow& row : config_rows()) {
    const char* found = row.env != nullptr ? lookup(context, row.env) : nullptr;
    if (found == nullptr || *found == '\0') continue;
    std::string_view rest = found;
    if (row.count_max == 1) {
      if (!ok(add(row, rest, Source::kEnv, kNode, error))) return undo.refused();
      continue;
    }
    while (!rest.empty()) {
      std::string_view value = take_until(&rest, ' ');
      if (value.empty()) continue;
      if (!ok(add(row, value, Source::kEnv, kNode, error))) return undo.refused();
    }
  }
  return Status::kOk;
}

Status Config::apply_flag(std::string_view name, std::string_view value, ConfigError* error) {
  error->line = 0;
  const ConfigRow* row = find_config_row(name);
  if (row == nullptr || row->in_backup)
    return refuse_config(error, "there is no flag --%.*s", as_int(name), name.data());
  Undo undo(this);
  if (!ok(add(*row, value, Source::kFlag, kNode, error))) return undo.refused();
  if (row->count_max == 1) keep_last_flag(row->key);
  return Status::kOk;
}

Status Config::add(const ConfigRow& row, std::string_view value, Source source, size_t set,
                   ConfigError* error) {
  DREY_TRY(check_config_value(row, value, error));
  size_t given = count_of(row.key, source, set);
  if (given >= row.count_max && (row.count_max > 1 || source == Source::kFile))
    return refuse_config(error,
                         row.count_max > 1 ? "%s may be given %u times at most"
                                           : "%s stands here more than once (allowed: %u)",
                         row.name, static_cast<unsigned>(row.count_max));
  Item item;
  if (item_count_ == kItemsMax || !keep_text(value, &item.offset))
    return refuse_config(error, "the configuration is too long");
  item.size = static_cast<uint16_t>(value.size());
  item.key = row.key;
  item.source = source;
  item.set = static_cast<uint8_t>(set);
  items_[item_count_++] = item;
  return Status::kOk;
}

void Config::keep_last_flag(ConfigKey key) {
  for (size_t i = 0; i + 1 < item_count_; ++i) {
    if (items_[i].key != key || items_[i].source != Source::kFlag) continue;
    items_[i] = items_[--item_count_];
    return;
  }
}

bool Config::keep_text(std::string_view value, uint16_t* offset) {
  if (value.size() > kTextBytesMax - text_size_) return false;
  *offset = static_cast<uint16_t>(text_size_);
  if (!value.empty()) std::memcpy(text_.data() + text_size_, value.data(), value.size());
  text_size_ += value.size();
  return true;
}

size_t Config::count_of(ConfigKey key, Source source, size_t set) const {
  size_t found = 0;
  for (size_t i = 0; i < item_count_; ++i)
    found += items_[i].key == key && items_[i].source == source && items_[i].set == set;
  return found;
}

const Config::Item* Config::find(ConfigKey key, size_t index, size_t set) const {
  Source best = source(key, set);
  if (best == Source::kDefault) return nullptr;
  for (size_t i = 0; i < item_count_; ++i) {
    const Item& item = items_[i];
    if (item.key != key || item.set != set || item.source != best) continue;
    if (index-- == 0) return &item;
  }
  return nullptr;
}

Source Config::source(ConfigKey key, size_t set) const {
  Source best = Source::kDefault;
  for (size_t i = 0; i < item_count_; ++i)
    if (items_[i].key == key && items_[i].set == set && items_[i].source > best)
      best = items_[i].source;
  return best;
}

bool Config::is_set(ConfigKey key, size_t set) const { return count(key, set) != 0; }

size_t Config::count(ConfigKey key, size_t set) const {
  Source from = source(key, set);
  if (from == Source::kDefault) return config_row(key).fallback != nullptr ? 1 : 0;
  return count_of(key, from, set);
}

std::string_view Config::text(ConfigKey key, size_t index, size_t set) const {
  if (const Item* item = find(key, index, set)) return view(item->offset, item->size);
  const char* fallback = config_row(key).fallback;
  bool use = fallback != nullptr && index == 0 && source(key, set) == Source::kDefault;
  return use ? fallback : std::string_view();
}

uint64_t Config::number(ConfigKey key, size_t set) const {
  ConfigKind kind = config_row(key).kind;
  DREY_CHECK(kind == ConfigKind::kBytes || kind == ConfigKind::kSeconds ||
             kind == ConfigKind::kCount);
  return parse_config_number(kind, text(key, 0, set)).value();
}

bool Config::flag(ConfigKey key, size_t set) const {
  DREY_CHECK(config_row(key).kind == ConfigKind::kBool);
  return parse_bool(text(key, 0, set)).value();
}

Result<Address> Config::address(ConfigKey key, size_t index) const {
  DREY_CHECK(config_row(key).kind == ConfigKind::kAddress);
  std::string_view value = text(key, index);
  if (value == "loopback") value = config_row(key).fallback;
  if (value == "lan") value = "[::]:4748";
  Result<Address> parsed = parse_address(value);
  return parsed.ok() ? parsed : Result<Address>(Status::kNotFound);
}

std::string_view Config::set_name(size_t set) const {
  return set < set_count_ ? view(sets_[set].offset, sets_[set].size) : std::string_view();
}

}  // namespace drey
