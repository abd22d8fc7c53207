// Where DIR and the control socket are (CLI.md's order of precedence).
#pragma once

#include <string>

namespace drey::cli {

// --dir > DREY_DIR > the service's DIR where the service is installed > $XDG_STATE_HOME/drey.
// Always absolute.
std::string resolve_dir(const std::string& flag);
// /run/drey/control.sock for the service's DIR, else DIR/control.sock, else (a path longer than
// kSocketPathBytesMax) a name under $XDG_RUNTIME_DIR that is derived from DIR.
inline constexpr size_t kSocketPathBytesMax = 107;  // sun_path without its NUL
std::string resolve_socket(const std::string& dir);
// A path as the user typed it, absolute, without "." and empty components; symlinks stay.
std::string absolute_path(const std::string& path);
// Makes a directory and its parents (0700). False: errno tells.
bool make_dirs(const std::string& path);
// The drey.conf that counts for DIR; "" when there is none.
std::string config_file_of(const std::string& dir);
// The whole of a settings file, or its first kSettingsBytesMax + 1 bytes: longer than the daemon
// reads. False: errno tells.
inline constexpr size_t kSettingsBytesMax = 64 * 1024;
bool read_settings(const std::string& file, std::string* to);
std::string host_name();

}  // namespace drey::cli
