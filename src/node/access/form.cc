#include "node/access/form.h"

namespace drey {

Result<size_t> form_value(std::string_view form, std::string_view name, std::span<char> to) {
  while (!form.empty()) {
    std::string_view pair = form.substr(0, form.find('&'));
    form.remove_prefix(pair.size() < form.size() ? pair.size() + 1 : form.size());
    size_t equals = pair.find('=');
    if (equals == std::string_view::npos || pair.substr(0, equals) != name) continue;
    size_t size = 0;
    for (size_t i = equals + 1; i < pair.size(); ++i) {
      auto c = static_cast<uint8_t>(pair[i] == '+' ? ' ' : pair[i]);
      if (c == '%') {
        if (pair.size() - i < 3) return Status::kInvalid;
        DREY_TRY(hex_decode(pair.substr(i + 1, 2), {&c, 1}));
        i += 2;
      }
      if (size == to.size()) return Status::kTooLarge;
      to[size++] = static_cast<char>(c);
    }
    return size;
  }
  return Status::kNotFound;
}

}  // namespace drey
