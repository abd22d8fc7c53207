// The backup of a set that drey.conf declares. Loop thread; the views are the configuration's own.
#pragma once

#include <algorithm>
#include <array>

#include "backup/types.h"
#include "base/config.h"

namespace drey {

struct SetRoom {
  std::array<std::string_view, limits::kSourcesMax> paths;
  std::array<std::string_view, limits::kExcludesMax> excludes;
};

// Fills what set number `set` says of the request; its lists lie in `room`.
inline void fill_set_request(const Config& config, size_t set, SetRoom& room,
                             BackupRequest* request) {
  size_t path_count = std::min(config.count(ConfigKey::kPath, set), room.paths.size());
  size_t exclude_count = std::min(config.count(ConfigKey::kExclude, set), room.excludes.size());
  for (size_t i = 0; i < path_count; ++i) room.paths[i] = config.text(ConfigKey::kPath, i, set);
  for (size_t i = 0; i < exclude_count; ++i)
    room.excludes[i] = config.text(ConfigKey::kExclude, i, set);
  request->set = config.set_name(set);
  request->paths = std::span(room.paths).first(path_count);
  request->excludes = std::span(room.excludes).first(exclude_count);
  request->one_file_system = config.flag(ConfigKey::kOneFileSystem, set);
  request->exclude_caches = config.flag(ConfigKey::kExcludeCaches, set);
}

}  // namespace drey
