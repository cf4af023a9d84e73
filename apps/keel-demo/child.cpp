#include "keel-demo/child.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace demo {

using keel::ErrorCode;
using Clock = std::chrono::steady_clock;

namespace {

// In the child, between fork and exec: only what is safe there.
[[noreturn]] void become(char* const* words, int out, int log, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);
  sigset_t none;  // our own mask would outlive exec, and SIGTERM never reach it
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  setpgid(0, 0);  // Ctrl-C is for us to pass on, in our order
  dup2(out, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  execv(words[0], words);
  _exit(127);
}

keel::Result<int> open_log(const std::string& log) {
  const int file = open(log.c_str(), O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0644);
  if (file < 0) return keel::fail(ErrorCode::io, log + ": " + std::strerror(errno));
  return file;
}

// The first line that comes out of `fd`, or nothing in time.
keel::Result<std::string> first_line(int fd, std::chrono::milliseconds patience) {
  const auto deadline = Clock::now() + patience;
  std::string text;
  while (text.find('\n') == std::string::npos) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    pollfd wait{fd, POLLIN, 0};
    if (left.count() <= 0 || poll(&wait, 1, static_cast<int>(left.count())) <= 0) {
      return keel::fail(ErrorCode::timed_out, "it said nothing");
    }
    char bytes[512];
    const ssize_t n = read(fd, bytes, sizeof(bytes));
    if (n <= 0) return keel::fail(ErrorCode::io, "it ended at once");
    text.append(bytes, static_cast<std::size_t>(n));
  }
  return text.substr(0, text.find('\n'));
}

}  // namespace

keel::Result<void> Child::spawn(const std::vector<std::string>& command, int out, int log) {
  std::vector<char*> words;
  words.reserve(command.size() + 1);
  for (const std::string& word : command)
    words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);

  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ == 0) become(words.data(), out, log, parent);
  if (pid_ < 0) return keel::fail(ErrorCode::io, command[0] + ": " + std::strerror(errno));
  return {};
}

keel::Result<std::string> Child::start(const std::vector<std::string>& command, const std::string& log,
                                       std::chrono::milliseconds patience) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return keel::fail(ErrorCode::io, std::strerror(errno));
  const auto file = open_log(log);
  auto spawned = file ? spawn(command, ends[1], *file) : std::unexpected(file.error());
  close(ends[1]);
  if (file) close(*file);
  auto line = spawned ? first_line(ends[0], patience) : std::unexpected(spawned.error());
  close(ends[0]);
  if (!line) return keel::fail(line.error().code, command[0] + ": " + line.error().message + "; see " + log);
  return line;
}

keel::Result<void> Child::launch(const std::vector<std::string>& command, const std::string& log) {
  const auto file = open_log(log);
  if (!file) return std::unexpected(file.error());
  auto spawned = spawn(command, *file, *file);
  close(*file);
  return spawned;
}

bool Child::running() {
  if (pid_ <= 0) return false;
  if (waitpid(pid_, nullptr, WNOHANG) == 0) return true;
  pid_ = 0;
  return false;
}

void Child::reap(int signal, std::chrono::milliseconds patience) {
  if (!running()) return;
  ::kill(pid_, signal);
  const auto deadline = Clock::now() + patience;
  while (running() && Clock::now() < deadline)
    poll(nullptr, 0, 5);
}

void Child::kill() { reap(SIGKILL, std::chrono::seconds(10)); }

void Child::end() {
  reap(SIGTERM, std::chrono::seconds(5));
  kill();
}

keel::Result<std::vector<int>> free_ports(std::size_t count) {
  std::vector<int> sockets;
  std::vector<int> ports;
  for (std::size_t i = 0; i < count; ++i) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    sockets.push_back(fd);
    if (fd < 0 || bind(fd, raw, size) != 0 || getsockname(fd, raw, &size) != 0) break;
    ports.push_back(ntohs(address.sin_port));
  }
  for (const int fd : sockets)
    close(fd);
  if (ports.size() < count) return keel::fail(ErrorCode::io, "no free port on the loopback");
  return ports;
}

}  // namespace demo
