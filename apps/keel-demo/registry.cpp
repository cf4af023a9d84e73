#include "keel-demo/registry.hpp"

#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>

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

fs::path note_of(pid_t demo) { return registry() / std::to_string(demo); }

int stop_all() {
  std::error_code ignored;
  int stopped = 0;
  int status = 0;
  for (const auto& note : fs::directory_iterator(registry(), ignored)) {
    const auto pid = static_cast<pid_t>(std::strtol(note.path().filename().c_str(), nullptr, 10));
    if (!is_demo(pid)) {
      fs::remove(note.path(), ignored);  // left behind by one that was killed
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
