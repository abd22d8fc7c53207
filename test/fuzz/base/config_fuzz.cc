// drey.conf, whatever it holds, is taken whole or refused whole with a line number.
#include <algorithm>
#include <string>

#include "base/config.h"
#include "base/config_value.h"
#include "drey/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace drey;
  static Config config;
  config = Config{};
  ConfigError error;
  Status status = config.apply_file(as_text({data, size}), &error);
  if (!ok(status)) {
    DREY_CHECK(error.line > 0);
    DREY_CHECK(error.message[0] != '\0');
    DREY_CHECK(config.set_count() == 0);
  }
  // The same text as what follows a flag and as what an environment variable holds.
  static Config flags;
  std::string_view text = as_text({data, size});
  size_t equals = std::min(text.find('='), text.size());
  flags = Config{};
  if (ok(flags.apply_flag(text.substr(0, equals), text.substr(std::min(equals + 1, text.size())),
                          &error)))
    DREY_CHECK(find_config_row(text.substr(0, equals)) != nullptr);
  static std::string value;
  value = std::string(text.substr(0, text.find('\0')));
  auto lookup = [](void*, const char*) { return value.c_str(); };
  static_cast<void>(flags.apply_env(lookup, nullptr, &error));
  for (const ConfigRow& row : config_rows()) {
    size_t sets = row.in_backup ? config.set_count() : 1;
    for (size_t set = 0; set < sets; ++set) {
      size_t which = row.in_backup ? set : Config::kNode;
      if (!ok(status)) DREY_CHECK(config.source(row.key, which) == Config::Source::kDefault);
      DREY_CHECK(config.count(row.key, which) <= row.count_max);
      for (size_t i = 0; i < config.count(row.key, which); ++i)
        DREY_CHECK(!config.text(row.key, i, which).empty());
    }
  }
  return 0;
}
