#include "keel-bench/member.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <istream>
#include <random>
#include <sstream>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <fmt/core.h>

#include "keel/asio/executor.hpp"
#include "keel/asio/run.hpp"
#include "keel/asio/tcp_transport.hpp"
#include "keel/node/node.hpp"
#include "keel/storage/posix_disk.hpp"
#include "keel/storage/write_ahead_log.hpp"

namespace {

using namespace keel;
namespace asio = boost::asio;

// Counts commands: the least a state machine can do.
class Nothing final : public StateMachine {
 public:
  Index applied() override { return Index(0); }
  void apply(std::span<Command> commands, Index, Completion<Replies> done) override { done(Replies(commands.size())); }
};

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

long peak_memory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

// Keeps a number of commands in flight for a while, then says how that went.
class Run {
 public:
  Run(Node& node, Executor& executor, std::size_t in_flight, double seconds, std::size_t payload)
      : node_(node),
        executor_(executor),
        bytes_(payload, std::byte{'x'}),
        began_(executor.now()),
        until_(began_ + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds))),
        syncs_(node.status().log.syncs) {
    latencies_.reserve(1 << 20);
    for (std::size_t i = 0; i < in_flight; ++i)
      submit();
  }

  [[nodiscard]] bool over() const { return waiting_ == 0; }

  void report() {
    const double seconds = std::chrono::duration<double>(ended_ - began_).count();
    std::ranges::sort(latencies_);
    const auto at = [&](double share) {
      if (latencies_.empty()) return 0.0;
      return static_cast<double>(
                 latencies_[static_cast<std::size_t>(share * static_cast<double>(latencies_.size() - 1))]) /
             1000;
    };
    fmt::print("figures {:.0f} {:.1f} {:.1f} {} {}\n", static_cast<double>(latencies_.size()) / seconds, at(0.5),
               at(0.99), node_.status().log.syncs - syncs_, failures_);
    std::fflush(stdout);
  }

 private:
  static std::int64_t clock_ns() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }
  void submit() {
    ++waiting_;
    node_.submit(bytes_, {}, [this, sent = clock_ns()](const Result<Applied>& result) {
      --waiting_;
      ended_ = executor_.now();
      if (!result) {
        ++failures_;
        return;
      }
      latencies_.push_back(clock_ns() - sent);
      if (ended_ < until_) submit();
    });
  }

  Node& node_;
  Executor& executor_;
  std::vector<std::byte> bytes_;
  Instant began_;
  Instant until_;
  Instant ended_{};
  std::uint64_t syncs_;
  std::size_t waiting_ = 0;
  std::uint64_t failures_ = 0;
  std::vector<std::int64_t> latencies_;
};

class Announcer final : public Observer {
 public:
  [[nodiscard]] EventMask wants() const override { return bit_of<LeaderReady>(); }
  void on_event(const Event& event) override {
    const auto* raft = std::get_if<RaftEvent>(&event.what);
    if (raft == nullptr || !std::holds_alternative<LeaderReady>(*raft)) return;
    fmt::print("leader\n");
    std::fflush(stdout);
  }
};

class BenchMember {
 public:
  explicit BenchMember(const MemberOptions& options) : options_(options) {}

  Result<void> start() {
    std::vector<keel::Member> members;
    members.reserve(options_.ports.size());
    for (std::size_t i = 0; i < options_.ports.size(); ++i) {
      members.push_back({.id = NodeId(i + 1), .address = "127.0.0.1:" + std::to_string(options_.ports[i])});
    }
    const Genesis genesis = make_genesis("bench", members);
    auto disk = PosixDisk::open(options_.data, executor_);
    if (!disk) return std::unexpected(disk.error());
    disk_ = std::move(*disk);
    if (auto locked = disk_->lock(); !locked) return locked;
    const LogIdentity identity{genesis.cluster_id(), GroupId(), NodeId(options_.id)};
    log_ = std::make_unique<WriteAheadLog>(
        *disk_, executor_, WriteAheadLogOptions{.segment_bytes = 64u << 20, .salt_seed = std::random_device()()},
        identity);

    TcpOptions tcp;
    tcp.self = {.cluster = genesis.cluster_id(),
                .cluster_name = "bench",
                .node = NodeId(options_.id),
                .expects = {},
                .incarnation = Incarnation(1),
                .member_data = {}};
    transport_ = std::make_unique<TcpTransport>(executor_, tcp);
    if (auto listening = transport_->listen(members[options_.id - 1].address); !listening) return listening;
    NodeOptions node;
    node.raft.id = NodeId(options_.id);
    node.raft.seed = std::random_device()();
    const Pilot pilot{.transport = *transport_, .log = *log_, .machine = machine_, .observer = &announcer_};
    auto started =
        options_.again ? Node::start(node, pilot, executor_) : Node::bootstrap(genesis, node, pilot, executor_);
    if (!started) return std::unexpected(started.error());
    node_ = std::move(*started);
    return {};
  }

  void serve() {
    listen();
    keel::run(loop_, std::chrono::microseconds(options_.spin_us));
    node_->stop();
  }

 private:
  void listen() {
    asio::async_read_until(input_, buffer_, '\n', [this](boost::system::error_code failed, std::size_t) {
      if (failed) return loop_.stop();
      std::istream words(&buffer_);
      std::string line;
      std::getline(words, line);
      answer(line);
      listen();
    });
  }
  void answer(const std::string& line) {
    std::istringstream words(line);
    std::string verb;
    std::size_t in_flight = 0;
    double seconds = 0;
    std::size_t payload = 0;
    words >> verb >> in_flight >> seconds >> payload;
    if (verb == "run") {
      run_ = std::make_unique<Run>(*node_, executor_, in_flight, seconds, payload);
      return finish();
    }
    if (verb == "cpu") fmt::print("cpu {:.6f}\n", cpu_seconds());
    if (verb == "applied") fmt::print("applied {}\n", node_->status().raft.applied.value());
    if (verb == "memory") fmt::print("memory {}\n", peak_memory());
    std::fflush(stdout);
  }
  void finish() {
    executor_.at(executor_.now() + std::chrono::milliseconds(50), [this] {
      if (!run_->over()) return finish();
      run_->report();
    });
  }

  MemberOptions options_;
  asio::io_context loop_{1};
  asio::executor_work_guard<asio::io_context::executor_type> busy_{
      loop_.get_executor()};  // the disk posts from outside
  AsioExecutor executor_{loop_};
  Nothing machine_;
  Announcer announcer_;
  std::unique_ptr<PosixDisk> disk_;
  std::unique_ptr<WriteAheadLog> log_;
  std::unique_ptr<TcpTransport> transport_;
  std::unique_ptr<Node> node_;
  std::unique_ptr<Run> run_;
  asio::posix::stream_descriptor input_{loop_, dup(STDIN_FILENO)};
  asio::streambuf buffer_;
};

}  // namespace

int run_member(const MemberOptions& options) {
  BenchMember member(options);
  if (auto started = member.start(); !started) {
    fmt::print(stderr, "keel-bench: {}\n", started.error().message);
    return 1;
  }
  member.serve();
  return 0;
}
