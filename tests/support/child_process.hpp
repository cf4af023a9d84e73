#pragma once

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace keel::test {

using SteadyTime = std::chrono::steady_clock::time_point;

// What one pipe of a child has said so far, kept by a thread that reads it, so that the child never blocks on it.
class ChildOutput {
 public:
  void add(std::string_view bytes) {
    const std::lock_guard lock(mutex_);
    text_ += bytes;
    changed_.notify_all();
  }
  void end() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }
  [[nodiscard]] std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }
  // Waits until `wanted`, given everything said so far, is true; false when the pipe ends or time is up before.
  bool wait_for(const std::function<bool(std::string_view)>& wanted, SteadyTime deadline) {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, deadline, [&] { return ended_ || wanted(text_); });
    return wanted(text_);
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string text_;
  bool ended_ = false;
};

// A program that runs until it ends or its object does. It does not outlive the test, however that ends.
class ChildProcess {
 public:
  // `before_exec` runs in the child, which is then a copy of this process with one thread: system calls only.
  explicit ChildProcess(std::vector<std::string> command, void (*before_exec)() = [] {}) {
    std::array<int, 2> out{};
    std::array<int, 2> err{};
    if (::pipe2(out.data(), O_CLOEXEC) != 0 || ::pipe2(err.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    std::vector<char*> arguments;
    for (std::string& argument : command)
      arguments.push_back(argument.data());
    arguments.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ < 0) throw std::runtime_error("fork");
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::dup2(out[1], STDOUT_FILENO);
      ::dup2(err[1], STDERR_FILENO);
      before_exec();
      ::execvp(arguments[0], arguments.data());
      ::_exit(127);
    }
    ::close(out[1]);
    ::close(err[1]);
    reader_ = std::thread([this, out = out[0], err = err[0]] { read(out, err); });
  }
  ~ChildProcess() {
    if (!status_) kill(SIGKILL);
    if (!status_) ::waitpid(pid_, nullptr, 0);
    reader_.join();
  }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] ChildOutput& out() { return out_; }
  [[nodiscard]] ChildOutput& err() { return err_; }
  void kill(int signal) const {
    if (!status_) ::kill(pid_, signal);
  }

  // The exit status, or minus the signal that ended it; nothing when it runs on past the deadline.
  std::optional<int> wait(SteadyTime deadline) {
    if (status_) return status_;
    const int handle = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
    if (handle < 0) throw std::runtime_error("pidfd_open");
    pollfd ended{.fd = handle, .events = POLLIN, .revents = 0};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    const int ready = ::poll(&ended, 1, left < 0 ? 0 : static_cast<int>(left));
    ::close(handle);
    int status = 0;
    if (ready != 1 || ::waitpid(pid_, &status, 0) != pid_) return std::nullopt;
    status_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    return status_;
  }

 private:
  void read(int out, int err) {
    std::array<pollfd, 2> pipes{pollfd{.fd = out, .events = POLLIN, .revents = 0},
                                pollfd{.fd = err, .events = POLLIN, .revents = 0}};
    const std::array<ChildOutput*, 2> kept{&out_, &err_};
    for (int open = 2; open > 0;) {
      if (::poll(pipes.data(), pipes.size(), -1) < 0) continue;
      for (std::size_t i = 0; i < pipes.size(); ++i) {
        if (pipes[i].fd < 0 || pipes[i].revents == 0) continue;
        std::array<char, 4096> bytes{};
        const ssize_t size = ::read(pipes[i].fd, bytes.data(), bytes.size());
        if (size > 0) {
          kept[i]->add({bytes.data(), static_cast<std::size_t>(size)});
        } else {
          kept[i]->end();
          ::close(pipes[i].fd);
          pipes[i].fd = -1;
          --open;
        }
      }
    }
  }

  pid_t pid_ = -1;
  std::optional<int> status_;
  ChildOutput out_;
  ChildOutput err_;
  std::thread reader_;
};

// How a program ended, and all that it said.
struct Ended {
  std::optional<int> status;
  std::string out;
  std::string err;
};
inline Ended run_to_end(std::vector<std::string> command, SteadyTime deadline) {
  ChildProcess process(std::move(command));
  Ended ended{.status = process.wait(deadline), .out = {}, .err = {}};
  for (ChildOutput* const output : {&process.out(), &process.err()})
    output->wait_for([](std::string_view) { return false; }, deadline);
  ended.out = process.out().text();
  ended.err = process.err().text();
  return ended;
}

}  // namespace keel::test
