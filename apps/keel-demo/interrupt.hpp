#pragma once

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <chrono>
#include <csignal>

namespace demo {

// Ctrl-C, SIGTERM and a terminal that is closed, as something to wait on. Made before any thread: all inherit that these
// signals are blocked; a Child does not.
class Interrupt {
 public:
  Interrupt() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP})
      sigaddset(&set, signal);
    sigprocmask(SIG_BLOCK, &set, nullptr);
    fd_ = signalfd(-1, &set, SFD_CLOEXEC);
  }
  ~Interrupt() { close(fd_); }
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  // Waits up to `span`; true from the first signal on.
  bool within(std::chrono::milliseconds span) {
    pollfd wait{fd_, POLLIN, 0};
    came_ = came_ || poll(&wait, 1, static_cast<int>(span.count())) > 0;
    return came_;
  }

 private:
  int fd_ = -1;
  bool came_ = false;
};

}  // namespace demo
