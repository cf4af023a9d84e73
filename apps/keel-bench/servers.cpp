#include "keel-bench/servers.hpp"

#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sstream>

namespace bench {

namespace fs = std::filesystem;
using keel::ErrorCode;
using keel::Result;

Result<Folder> Folder::make(const fs::path& parent) {
  std::string pattern = (parent / "keel-bench-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) return keel::fail(ErrorCode::io, pattern + ": " + std::strerror(errno));
  return Folder(pattern);
}

Folder::~Folder() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

bool in_memory(const fs::path& folder) {
  struct statfs system{};
  return statfs(folder.c_str(), &system) == 0 && (system.f_type == TMPFS_MAGIC || system.f_type == RAMFS_MAGIC);
}

fs::path data_folder(const std::string& asked) {
  if (!asked.empty()) return asked;
  const fs::path usual = fs::temp_directory_path();
  return in_memory(usual) ? fs::path("/var/tmp") : usual;
}

Result<std::string> find_program(const std::string& name, const std::string& package) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "/usr/bin" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    std::string file = folder + "/" + name;
    if (access(file.c_str(), X_OK) == 0) return file;
  }
  return keel::fail(ErrorCode::not_found, "no " + name + " in PATH (Debian: " + package + ")");
}

std::string built_program(const std::string& name) {
  std::error_code failed;
  return (fs::read_symlink("/proc/self/exe", failed).parent_path() / name).string();
}

}  // namespace bench
