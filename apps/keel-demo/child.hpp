#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "keel/base/error.hpp"

namespace demo {

// One process that this one started, and ends with it. Not movable while it runs is simpler than it needs to be: it is
// kept in a deque.
class Child {
 public:
  Child() = default;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() { end(); }

  // Starts it, its output going to `log`, and waits for its first line. Errors: `io`, `timed_out`.
  keel::Result<std::string> start(const std::vector<std::string>& command, const std::string& log,
                                  std::chrono::milliseconds patience);
  // Starts it and waits for nothing; all it says goes to `log`. Error: `io`.
  keel::Result<void> launch(const std::vector<std::string>& command, const std::string& log);
  [[nodiscard]] bool running();
  [[nodiscard]] pid_t pid() const { return pid_; }
  // Without warning, as a power cut would look to its peers.
  void kill();
  // SIGTERM, and after a while SIGKILL; returns when it is gone.
  void end();

 private:
  keel::Result<void> spawn(const std::vector<std::string>& command, int out, int log);
  void reap(int signal, std::chrono::milliseconds patience);
  pid_t pid_ = 0;
};

// A port on the loopback that nobody listened on a moment ago.
keel::Result<std::vector<int>> free_ports(std::size_t count);

}  // namespace demo
