// Opening things beneath a directory and nowhere else, whatever a path says and whoever swaps
// directories for symlinks meanwhile.
//
// openat2 with RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS; where the kernel
// answers ENOSYS (old kernels, qemu-user) a walk component by component with O_NOFOLLOW gives the
// same guarantee: no component is a symlink or "..", so no step leaves the directory it is in.
#pragma once

#include <string>
#include <string_view>

namespace drey::cli {

class Beneath {
 public:
  Beneath() = default;
  ~Beneath();
  Beneath(const Beneath&) = delete;
  Beneath& operator=(const Beneath&) = delete;

  // Opens (and makes, with its parents) the directory `path`. False: errno tells.
  bool open_root(const std::string& path);
  int root() const { return root_; }
  // For tests: pretend that the kernel has no openat2.
  void use_component_walk() { has_openat2_ = false; }

  // An O_PATH descriptor of the directory `path` ("" = the root itself), owned by this object and
  // valid until the next call; -1 with errno. `make`: missing directories are made (0700).
  int directory(std::string_view path, bool make);
  // Forgets the directory kept open (it may have been replaced).
  void forget();

 private:
  int walk(std::string_view path, bool make) const;
  int open_whole(std::string_view path);
  int root_ = -1;
  int current_ = -1;
  std::string current_path_;
  bool has_openat2_ = true;
};

// Parent ("" for none) and last component of a checked entry path.
std::string_view parent_of(std::string_view path);
std::string_view name_of(std::string_view path);

}  // namespace drey::cli
