// What this program calls itself.
#pragma once

#include "board.h"

namespace drey {

inline constexpr const char* kVersion = "0.1.0";
inline constexpr const char* board_name() { return board::kName; }

}  // namespace drey
