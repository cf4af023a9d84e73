#include "keel-demo/registry.hpp"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>

#include <fmt/core.h>

namespace demo {

namespace fs = std::filesystem;

namespace {

fs::path registry() { return fs::temp_directory_path() / ("keel-demo-" + std::to_string(getuid())); }

// Not just any process that has the number now, nor one that has ended and waits for its parent. A program that was
// built anew while it runs is "keel-demo (deleted)".
bool is_demo(pid_t pid) {
  std::error_code gone;
  return fs::read_symlink("/proc/" + std::to_string(pid) + "/exe", gone).filename().string().starts_with("keel-demo");
}

constexpr const char* data_prefix = "keel-demo-data-";

// The data of a demo that was killed. Whatever stands in a note, only a folder of our own that a demo may have made goes.
void remove_data(const fs::path& note) {
  std::string named;
  std::getline(std::ifstream(note) >> std::ws, named);
  const fs::path folder(named);
  struct stat there{};
  if (!folder.filename().string().starts_with(data_prefix)) return;
  if (folder != fs::temp_directory_path() / folder.filename()) return;
  if (lstat(folder.c_str(), &there) != 0 || !S_ISDIR(there.st_mode) || there.st_uid != getuid()) return;
  std::error_code ignored;
  fs::remove_all(folder, ignored);
}

bool stop(pid_t demo) {
  if (::kill(demo, SIGTERM) != 0) return false;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (is_demo(demo)) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    poll(nullptr, 0, 20);
  }
  return true;
}

}  // namespace

std::string data_pattern() { return fs::temp_directory_path() / (std::string(data_prefix) + "XXXXXX"); }

fs::path note_of(pid_t demo) { return registry() / std::to_string(demo); }

int stop_all() {
  std::error_code ignored;
  int stopped = 0;
  int status = 0;
  for (const auto& note : fs::directory_iterator(registry(), ignored)) {
    const auto pid = static_cast<pid_t>(std::strtol(note.path().filename().c_str(), nullptr, 10));
    if (!is_demo(pid)) {
      remove_data(note.path());  // left behind, with the note, by one that was killed
      fs::remove(note.path(), ignored);
    } else if (stop(pid)) {
      ++stopped;
    } else {
      fmt::print(stderr, "demo: process {} does not end\n", pid);
      status = 1;
    }
  }
  fmt::print("{} demo{} stopped\n", stopped, stopped == 1 ? "" : "s");
  return status;
}

}  // namespace demo
