// The configuration table: one row per key, and the values that flags, environment, drey.conf and
// defaults resolve to (in this order of precedence).
//
// One Config per process, owned by the composition, filled before the loop runs, then read only:
// any thread. A reload fills a fresh Config and swaps. About 40 KiB, all of it inside the object.
//
// drey.conf: `key = value` lines, `[backup NAME]` starts a set, `#` and `;` begin a comment line,
// lines of at most 1,024 bytes. A set's `paths = /A /B` stands for a line `path` each. An unknown
// key or a bad value refuses the whole file: nothing of it is applied, the error names the line.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "drey/ports.h"
#include "drey/status.h"

namespace drey {

enum class ConfigKind : uint8_t { kText, kBytes, kSeconds, kCount, kBool, kAddress };

enum class ConfigKey : uint8_t {
  // of the node
  kName,
  kListen,
  kPage,
  kGroup,
  kGroup6,
  kPeer,
  kStore,
  kCapacity,
  kQuota,
  kCopies,
  kCompression,
  kPageNames,
  kQuiet,
  kNotify,
  // of a [backup NAME] section
  kPath,
  kExclude,
  kAt,
  kEvery,
  kKeepLast,
  kKeepDaily,
  kKeepWeekly,
  kKeepMonthly,
  kOneFileSystem,
  kExcludeCaches,
};
inline constexpr size_t kConfigKeyCount = 24;

struct ConfigRow {
  ConfigKey key;
  const char* name;      // in drey.conf; the flag is --name with '-' for '_'
  const char* env;       // null: not settable by the environment
  const char* fallback;  // null: unset
  ConfigKind kind;
  uint64_t min;  // of the number, or of the text's bytes
  uint64_t max;
  const char*
      words;  // space-separated words allowed besides (kAddress) or instead of (kText), or null
  uint16_t count_max;  // > 1: repeatable
  bool in_backup;      // stands in a [backup NAME] section, else before the first section
  const char* help;
};

std::span<const ConfigRow> config_rows();
const ConfigRow& config_row(ConfigKey key);

struct ConfigError {
  size_t line = 0;                  // 1-based; 0 when it was not a file
  std::array<char, 200> message{};  // NUL-terminated; what is wrong and what would be right
};

class Config {
 public:
  enum class Source : uint8_t { kDefault, kFile, kEnv, kFlag };
  static constexpr size_t kSetsMax = 8;
  static constexpr size_t kItemsMax = 640;
  static constexpr size_t kTextBytesMax = 32 * 1024;
  static constexpr size_t kLineBytesMax = 1024;
  static constexpr size_t kNode = 0xff;  // the `set` of keys that belong to the node

  // All return kInvalid with *error filled, and then have changed nothing. At most one file.
  Status apply_file(std::string_view text, ConfigError* error);
  // `lookup(context, "DREY_NAME")` returns the value or null. Repeatable keys: spaces between
  // values.
  Status apply_env(const char* (*lookup)(void*, const char*), void* context, ConfigError* error);
  // `name` without dashes in front, '-' and '_' alike. A later flag replaces an earlier one, or
  // adds a value to a repeatable key.
  Status apply_flag(std::string_view name, std::string_view value, ConfigError* error);

  // Getters. `index` counts the values of a repeatable key; `set` is kNode or below set_count().
  // Unset: text is empty, numbers are 0, is_set() tells.
  bool is_set(ConfigKey key, size_t set = kNode) const;
  Source source(ConfigKey key, size_t set = kNode) const;
  size_t count(ConfigKey key, size_t set = kNode) const;  // values, 0 when unset
  std::string_view text(ConfigKey key, size_t index = 0, size_t set = kNode) const;
  uint64_t number(ConfigKey key, size_t set = kNode) const;  // kBytes, kSeconds, kCount
  bool flag(ConfigKey key, size_t set = kNode) const;
  // kNotFound when unset or the word `off`.
  Result<Address> address(ConfigKey key, size_t index = 0) const;

  size_t set_count() const { return set_count_; }
  std::string_view set_name(size_t set) const;

 private:
  struct Item {
    uint16_t offset = 0;
    uint16_t size = 0;
    ConfigKey key = ConfigKey::kName;
    Source source = Source::kDefault;
    uint8_t set = kNode;
  };
  struct SetName {
    uint16_t offset = 0;
    uint16_t size = 0;
    uint32_t line = 0;
  };
  class Undo;

  Status file_line(std::string_view line, size_t* set, ConfigError* error);
  Status paths_line(std::string_view value, size_t set, ConfigError* error);
  Status open_section(std::string_view line, size_t* set, ConfigError* error);
  Status check_sets(ConfigError* error) const;
  Status add(const ConfigRow& row, std::string_view value, Source source, size_t set,
             ConfigError* error);
  void keep_last_flag(ConfigKey key);
  bool keep_text(std::string_view value, uint16_t* offset);
  size_t count_of(ConfigKey key, Source source, size_t set) const;
  const Item* find(ConfigKey key, size_t index, size_t set) const;
  std::string_view view(uint16_t offset, uint16_t size) const {
    return {text_.data() + offset, size};
  }

  std::array<char, kTextBytesMax> text_{};
  size_t text_size_ = 0;
  std::array<Item, kItemsMax> items_{};
  size_t item_count_ = 0;
  std::array<SetName, kSetsMax> sets_{};
  size_t set_count_ = 0;
};

}  // namespace drey
