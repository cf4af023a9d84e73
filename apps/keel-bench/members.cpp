// The processes of the benches of whole nodes, and the conversation with them.
#include "keel-bench/members.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <stdexcept>

#include <fmt/core.h>

#include "keel-bench/interrupt.hpp"

namespace {

void end_if_interrupted() {
  if (auto on = bench::go_on(); !on) throw std::runtime_error(on.error().message);
}

}  // namespace

// A process that runs one member, with a line-based conversation over its standard input and output.
class ThreeMembers::Process {
 public:
  explicit Process(const std::vector<std::string>& words) {
    int in[2];
    int out[2];
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    std::vector<char*> argv;
    argv.reserve(words.size() + 1);
    for (const std::string& word : words)
      argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      setpgid(0, 0);  // Ctrl-C is for us to act on
      dup2(in[0], STDIN_FILENO);
      dup2(out[1], STDOUT_FILENO);
      execv("/proc/self/exe", argv.data());
      _exit(127);
    }
    close(in[0]);
    close(out[1]);
    to_ = in[1];
    from_ = out[0];
  }
  ~Process() {
    close(to_);  // the end of its input is its sign to stop
    close(from_);
    waitpid(pid_, nullptr, 0);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  std::string ask(const std::string& line) {
    say(line);
    return hear(line.substr(0, line.find('\n')));
  }
  void say(const std::string& line) const {
    if (write(to_, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
      throw std::runtime_error("it is gone");
  }
  // The next line that begins with `word`; earlier ones are dropped.
  std::string hear(const std::string& word, int milliseconds = 30000) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
    for (;;) {
      end_if_interrupted();
      while (heard_.find('\n') != std::string::npos) {
        const std::string line = heard_.substr(0, heard_.find('\n'));
        heard_.erase(0, line.size() + 1);
        if (line.starts_with(word)) return line;
      }
      // A signal may come just before the wait, which it then does not end.
      if (!more(100) && std::chrono::steady_clock::now() > deadline)
        throw std::runtime_error("a member did not answer");
    }
  }
  [[nodiscard]] bool has_heard(const std::string& word) {
    while (more(0)) {
    }
    return heard_.find(word) != std::string::npos;
  }

 private:
  bool more(int milliseconds) {
    pollfd wait{from_, POLLIN, 0};
    char bytes[4096];
    if (poll(&wait, 1, milliseconds) <= 0) return false;
    const ssize_t n = read(from_, bytes, sizeof(bytes));
    if (n <= 0) throw std::runtime_error("a member ended; its words are above");
    heard_.append(bytes, static_cast<std::size_t>(n));
    return true;
  }
  pid_t pid_ = 0;
  int to_ = -1;
  int from_ = -1;
  std::string heard_;
};

namespace {

std::string free_ports() {
  std::string ports;
  std::vector<int> held;
  for (int i = 0; i < 3; ++i) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    held.push_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (bind(held.back(), raw, size) != 0 || getsockname(held.back(), raw, &size) != 0)
      throw std::runtime_error("no port");
    ports += (i == 0 ? "" : ",") + std::to_string(ntohs(address.sin_port));
  }
  for (const int fd : held)
    close(fd);
  return ports;
}

bench::Folder folder_under(const std::string& parent) {
  auto folder = bench::Folder::make(bench::data_folder(parent));
  if (!folder) throw std::runtime_error(folder.error().message);
  return std::move(*folder);
}

}  // namespace

ThreeMembers::ThreeMembers(const std::string& folder, unsigned spin_us)
    : folder_(folder_under(folder)), ports_(free_ports()), spin_us_(spin_us), members_(3) {
  for (int id = 1; id <= 3; ++id)
    spawn(id, false);
  find_leader();
}

ThreeMembers::~ThreeMembers() = default;

void ThreeMembers::spawn(int id, bool again) {
  std::vector<std::string> words{"keel-bench", "member",
                                 "--id",       std::to_string(id),
                                 "--ports",    ports_,
                                 "--data",     folder_.path() / std::to_string(id),
                                 "--spin",     std::to_string(spin_us_)};
  if (again) words.emplace_back("--again");
  members_[static_cast<std::size_t>(id) - 1] = std::make_unique<Process>(words);
}

void ThreeMembers::find_leader() {
  for (int tries = 0; tries < 3000; ++tries) {
    poll(nullptr, 0, 10);
    end_if_interrupted();
    for (int id = 1; id <= 3; ++id) {
      if (member(id).has_heard("leader\n")) {
        leader_ = id;
        return;
      }
    }
  }
  throw std::runtime_error("no leader within 30 s");
}

void ThreeMembers::stop(int id) { members_[static_cast<std::size_t>(id) - 1].reset(); }
void ThreeMembers::start(int id) { spawn(id, true); }

Figures ThreeMembers::run(std::size_t in_flight, double seconds, std::size_t payload) {
  const double cpu = cpu_of_all();
  member(leader_).say(fmt::format("run {} {} {}\n", in_flight, seconds, payload));
  const std::string line = member(leader_).hear("figures", static_cast<int>(seconds * 1000) + 60000);
  Figures f;
  if (std::sscanf(line.c_str(), "figures %lf %lf %lf %lf %llu", &f.per_second, &f.median_us, &f.p99_us, &f.syncs,
                  &f.failures) != 5) {
    throw std::runtime_error("a strange answer: " + line);
  }
  const double commands = std::max(1.0, f.per_second * seconds);
  f.cpu_us = (cpu_of_all() - cpu) * 1e6 / commands;
  f.syncs /= commands;
  return f;
}

std::uint64_t ThreeMembers::applied(int id) { return std::stoull(member(id).ask("applied\n").substr(7)); }
std::uint64_t ThreeMembers::peak_memory(int id) { return std::stoull(member(id).ask("memory\n").substr(6)); }

double ThreeMembers::cpu_of_all() {
  double total = 0;
  for (int id = 1; id <= 3; ++id) {
    if (members_[static_cast<std::size_t>(id) - 1] != nullptr) total += std::stod(member(id).ask("cpu\n").substr(3));
  }
  return total;
}
