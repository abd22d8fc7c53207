// Words of the command line that are parsed: SNAP:PATH, codecs, mistyped commands, paths, and what
// may go to a terminal. (Options themselves are getopt_long's.)
#include <memory>
#include <string>
#include <vector>

#include "cli/beneath.h"
#include "cli/client.h"
#include "cli/command.h"
#include "cli/format.h"
#include "cli/paths.h"
#include "cli/stream_reader.h"
#include "codec/compress.h"
#include "drey/check.h"
#include "http/json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace drey;
  std::string text(as_text({data, size}));
  cli::StreamQuery query = cli::parse_snapshot_argument(text);
  DREY_CHECK(query.snapshot.size() + query.path.size() <= text.size());
  DREY_CHECK(query.path.empty() || (query.path.front() != '/' && query.path.back() != '/'));
  cli::StreamQuery again = cli::parse_snapshot_argument(query.snapshot + ":" + query.path);
  if (query.snapshot.find(':') == std::string::npos && query.path.rfind("latest", 0) != 0)
    DREY_CHECK(again.snapshot == query.snapshot && again.path == query.path);

  Compression compression;
  if (ok(parse_compression(text, &compression)))
    DREY_CHECK(compression.level >= 0 && compression.level <= 19);

  std::string shown = cli::printable(text);
  for (char c : shown) DREY_CHECK(static_cast<uint8_t>(c) >= 0x20 && c != 0x7f);
  DREY_CHECK(cli::printable(shown) == shown);

  // Any bytes travel in JSON and come back.
  static std::unique_ptr<http::Json> json = std::make_unique<http::Json>();
  std::string quoted = cli::json_string(text);
  std::vector<uint8_t> back(text.size() + 1);
  DREY_CHECK(ok(json->parse(quoted)));
  Result<size_t> back_size = json->text(json->root(), back);
  DREY_CHECK(back_size.ok() && equal(Bytes(back).first(back_size.value()), {data, size}));

  if (size <= 64) {
    std::string near = cli::nearest_command(text);
    DREY_CHECK(near.empty() || cli::nearest_command(near) == near);
  }
  if (text.find('\0') == std::string::npos) {
    std::string path = cli::absolute_path(text);
    DREY_CHECK(!path.empty() && path.front() == '/');
    DREY_CHECK(cli::absolute_path(path) == path);
    DREY_CHECK(path.find("//") == std::string::npos && path.find("/./") == std::string::npos);
  }
  std::string_view parent = cli::parent_of(text), name = cli::name_of(text);
  DREY_CHECK(name.find('/') == std::string_view::npos);
  DREY_CHECK(parent.size() + name.size() <= text.size());
  return 0;
}
