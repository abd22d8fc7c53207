// One field of an application/x-www-form-urlencoded body or of a query. Pure, any thread.
#pragma once

#include "base/text.h"

namespace drey {

// Decodes the value of `name` into `to` and gives its size. kNotFound; kInvalid: a broken escape;
// kTooLarge.
Result<size_t> form_value(std::string_view form, std::string_view name, std::span<char> to);

}  // namespace drey
