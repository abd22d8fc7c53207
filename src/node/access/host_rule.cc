#include "node/access/host_rule.h"

#include <algorithm>

#include "base/text.h"

namespace drey {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Names of hosts know no case.
bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

// Cuts ":PORT" off; false when what follows the colon is no port.
bool cut_port(std::string_view* host) {
  size_t colon = host->rfind(':');
  if (colon == std::string_view::npos || host->find(']', colon) != std::string_view::npos)
    return true;
  Result<uint64_t> port = parse_u64(host->substr(colon + 1));
  *host = host->substr(0, colon);
  return port.ok() && port.value() > 0 && port.value() <= UINT16_MAX;
}

}  // namespace

bool HostRule::allows(std::string_view host) const {
  if (!cut_port(&host) || host.empty()) return false;
  if (same_name(host, "localhost")) return true;
  // A literal address cannot be rebound, and only our own may be told.
  bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  Result<Address> literal = parse_ip(bracketed ? host.substr(1, host.size() - 2) : host);
  if (literal.ok() && bracketed != is_ipv4(literal.value())) {
    if (literal.value().ip == local.ip) return true;
    if (is_loopback(literal.value()) && is_loopback(local)) return true;
  }
  for (size_t i = 0; i < config.count(ConfigKey::kPageNames); ++i)
    if (same_name(host, config.text(ConfigKey::kPageNames, i))) return true;
  if (literal.ok() || host_name.empty()) return false;
  if (same_name(host, host_name)) return true;
  return host.size() == host_name.size() + 6 &&
         same_name(host.substr(0, host_name.size()), host_name) &&
         same_name(host.substr(host_name.size()), ".local");
}

}  // namespace drey
