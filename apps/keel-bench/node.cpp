// Three durable nodes in three processes over loopback TCP; the clients are in the leader's process.
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <stdexcept>

#include <fmt/core.h>

#include "keel-bench/bench.hpp"
#include "keel-bench/member.hpp"

namespace {

namespace fs = std::filesystem;

struct NodeBenchOptions {
  std::vector<std::size_t> in_flight = {1, 64, 256};
  double seconds = 2;
  std::size_t payload = 256;
  int runs = 5;
  std::string folder;
  bool json = false;
};

// A process that runs one member, with a line-based conversation over its standard input and output.
class Process {
 public:
  Process(const std::vector<std::string>& words) {
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

  void say(const std::string& line) const {
    if (write(to_, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
      throw std::runtime_error("it is gone");
  }
  // The next line that begins with `word`; earlier ones are dropped.
  std::string hear(const std::string& word, int milliseconds) {
    for (;;) {
      while (heard_.find('\n') != std::string::npos) {
        const std::string line = heard_.substr(0, heard_.find('\n'));
        heard_.erase(0, line.size() + 1);
        if (line.starts_with(word)) return line;
      }
      if (!more(milliseconds)) throw std::runtime_error("a member did not answer");
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

struct Figures {
  double per_second = 0;
  double median_us = 0;
  double p99_us = 0;
  double syncs = 0;   // of the leader, for each command
  double cpu_us = 0;  // of all three processes, for each command
  unsigned long long failures = 0;
};

class ThreeMembers {
 public:
  explicit ThreeMembers(const fs::path& folder) {
    const std::string ports = free_ports();
    for (int id = 1; id <= 3; ++id) {
      const fs::path data = folder / std::to_string(id);
      members_.push_back(std::make_unique<Process>(std::vector<std::string>{
          "keel-bench", "member", "--id", std::to_string(id), "--ports", ports, "--data", data.string()}));
    }
    for (int tries = 0; leader_ == nullptr && tries < 3000; ++tries) {
      poll(nullptr, 0, 10);
      for (auto& member : members_) {
        if (member->has_heard("leader\n")) leader_ = member.get();
      }
    }
    if (leader_ == nullptr) throw std::runtime_error("no leader within 30 s");
  }

  Figures run(std::size_t in_flight, double seconds, std::size_t payload) {
    const double cpu = cpu_of_all();
    leader_->say(fmt::format("run {} {} {}\n", in_flight, seconds, payload));
    const std::string line = leader_->hear("figures", static_cast<int>(seconds * 1000) + 60000);
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

 private:
  double cpu_of_all() {
    double total = 0;
    for (auto& member : members_) {
      member->say("cpu 0 0 0\n");
      total += std::stod(member->hear("cpu", 30000).substr(4));
    }
    return total;
  }
  std::vector<std::unique_ptr<Process>> members_;
  Process* leader_ = nullptr;
};

void measure(const NodeBenchOptions& options) {
  std::string pattern =
      (fs::path(options.folder.empty() ? fs::temp_directory_path() : fs::path(options.folder)) / "keel-bench-XXXXXX")
          .string();
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make a folder " + pattern);
  {
    ThreeMembers members(pattern);
    members.run(64, 0.5, options.payload);  // warm up
    for (const std::size_t in_flight : options.in_flight) {
      std::vector<Figures> all;
      all.reserve(static_cast<std::size_t>(options.runs));
      for (int run = 0; run < options.runs; ++run)
        all.push_back(members.run(in_flight, options.seconds, options.payload));
      std::ranges::sort(all, {}, &Figures::per_second);
      const Figures& median = all[all.size() / 2];
      fmt::print(fmt::runtime(options.json ? "{{\"bench\":\"node\",\"in_flight\":{},\"per_second\":{:.0f},\"min\":{:."
                                             "0f},\"max\":{:.0f},\"median_us\":{:.1f},\"p99_us\":{:.1f},\"syncs_each\":"
                                             "{:.4f},\"cpu_us_each\":{:.2f},\"failures\":{}}}\n"
                                           : "node, {:>4} in flight: {:>8.0f} commands/s (min {:.0f}, max {:.0f}); "
                                             "median {:.0f} µs, p99 {:.0f} µs; {:.4f} syncs on the leader and {:.2f} "
                                             "µs of processor time over all three, each; {} failures\n"),
                 in_flight, median.per_second, all.front().per_second, all.back().per_second, median.median_us,
                 median.p99_us, median.syncs, median.cpu_us, median.failures);
      std::fflush(stdout);
    }
  }
  fs::remove_all(pattern);
}

}  // namespace

void add_node_bench(CLI::App& app) {
  auto options = std::make_shared<NodeBenchOptions>();
  CLI::App* node = app.add_subcommand("node", "three durable nodes over loopback TCP, clients in the leader's process");
  node->add_option("--in-flight", options->in_flight, "commands in flight")->delimiter(',')->capture_default_str();
  node->add_option("--seconds", options->seconds, "of each run")->check(CLI::PositiveNumber)->capture_default_str();
  node->add_option("--payload", options->payload, "bytes of each command")->capture_default_str();
  node->add_option("--runs", options->runs, "the median is shown")->check(CLI::Range(1, 1000))->capture_default_str();
  node->add_option("--folder", options->folder, "where the data goes; a temporary folder unless told");
  node->add_flag("--json", options->json, "a JSON object a line");
  node->callback([options] { measure(*options); });

  auto member = std::make_shared<MemberOptions>();
  CLI::App* one = app.add_subcommand("member", "one of those three; started by `node`")->group("");
  one->add_option("--id", member->id)->required();
  one->add_option("--ports", member->ports)->delimiter(',')->required();
  one->add_option("--data", member->data)->required();
  one->callback([member] { std::exit(run_member(*member)); });
}
