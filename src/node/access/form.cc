#include "node/access/form.h"

namespace drey {

Result<size_t> form_value(std::string_view form, std::string_view name, std::span<char> to) {
  while (!form.empty()) {
    std::string_view pair = form.substr(0, form.find('&'));
    form.remove_prefix(pair.size() < form.size() ? pair.size() + 1 : form.size());
    size_t equals = pair.find('=');
    if (equals == std::string_view::npos || pair.substr(0, equals) != name) continue;
    return percent_decode(pair.substr(equals + 1), PercentIn::kForm, to);
  }
  return Status::kNotFound;
}

}  // namespace drey
