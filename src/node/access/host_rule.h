// Which Host headers reach this node: the very address the client connected to, localhost, the
// host's name, its .local name, and page_names. Anything else is a foreign name that somebody
// pointed at us (DNS rebinding). Pure, loop thread.
#pragma once

#include <string_view>

#include "base/config.h"

namespace drey {

struct HostRule {
  const Address& local;        // of the connection
  std::string_view host_name;  // of this machine
  const Config& config;

  // `host`: name or address, with or without a port.
  bool allows(std::string_view host) const;
};

}  // namespace drey
