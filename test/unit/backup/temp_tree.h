// A directory that vanishes with the object, and shorthands to fill it.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace drey::test {

class TempTree {
 public:
  TempTree() {
    // In memory where possible: some tests make thousands of files.
    std::filesystem::path base = std::filesystem::temp_directory_path();
    if (access("/dev/shm", W_OK) == 0) base = "/dev/shm";
    std::string pattern = (base / "drey-XXXXXX").string();
    root_ = mkdtemp(pattern.data());
    root_ = std::filesystem::canonical(root_).string();
  }
  ~TempTree() {
    // Deeper than PATH_MAX: only the shell's rm does it.
    (void)!std::system(
        ("chmod -R u+rwx '" + root_ + "' 2>/dev/null; rm -rf '" + root_ + "'").c_str());
  }
  const std::string& root() const { return root_; }
  std::string source() const { return root_.substr(1); }  // as in rows
  std::string path(const std::string& name) const { return root_ + "/" + name; }
  void dir(const std::string& name) { std::filesystem::create_directories(path(name)); }
  void file(const std::string& name, const std::string& text) {
    std::ofstream(path(name), std::ios::binary) << text;
  }
  static std::string read(const std::string& absolute) {
    std::ifstream in(absolute, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

 private:
  std::string root_;
};

}  // namespace drey::test
