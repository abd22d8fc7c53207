// The checks of single values, used by Config alone.
#pragma once

#include <string_view>

#include "base/config.h"

namespace drey {

// The row of a key as a person writes it ('-' and '_' alike); null when there is none.
const ConfigRow* find_config_row(std::string_view name);
// The name of the key that was probably meant, or null when none is near.
const char* nearest_config_key(std::string_view name);
// kInvalid with *error filled when `value` cannot stand for the row's key.
Status check_config_value(const ConfigRow& row, std::string_view value, ConfigError* error);
// The number of a kBytes, kSeconds or kCount value.
Result<uint64_t> parse_config_number(ConfigKind kind, std::string_view value);
// Fills the message and returns kInvalid. Control bytes that came from outside become '?'.
Status refuse_config(ConfigError* error, const char* format, ...)
    __attribute__((format(printf, 2, 3)));

}  // namespace drey
