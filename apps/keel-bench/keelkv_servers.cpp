// Three keelkv processes with their default times.
#include <thread>

#include "keel-bench/allocation_file.hpp"
#include "keel-bench/interrupt.hpp"
#include "keel-bench/servers.hpp"
#include "keel-demo/nodes.hpp"

namespace bench {

using namespace std::chrono_literals;
using keel::ErrorCode;
using keel::Result;

namespace {

constexpr auto election_timeout = 1000ms;  // keelkv's default, and etcd's

class KeelkvWriter final : public Writer {
 public:
  explicit KeelkvWriter(int port) : port_(port) {}
  bool put(const std::string& key, const std::string& value, std::chrono::milliseconds patience) override {
    if (!client_.connected() && !client_.connect(port_, patience)) return false;
    const auto answer = client_.call({"SET", key, value}, patience);
    return answer && answer->kind == demo::Answer::Kind::text;
  }

 private:
  int port_;
  demo::Client client_;
};

class KeelkvServers final : public Replicas {
 public:
  KeelkvServers(std::filesystem::path folder, bool counted) : folder_(std::move(folder)), counted_(counted) {}

  [[nodiscard]] std::string name() const override { return "keelkv"; }

  Result<void> start() override {
    auto ports = demo::free_ports(2 * count);
    if (!ports) return std::unexpected(ports.error());
    std::vector<std::string> program;
    if (counted_) {
      // Where the library was not built they just stay uncounted.
      if (auto allocations = AllocationFile::make(folder_ / "allocations")) {
        program = allocations->prefix();
        allocations_.emplace(std::move(*allocations));
      }
    }
    program.push_back(built_program("keelkv"));
    nodes_.emplace(program, folder_.string(), *ports, election_timeout);
    for (std::size_t node = 0; node < count; ++node) {
      if (auto started = nodes_->start(node); !started) return started;
    }
    const auto leader = find_leader();
    if (!leader) return std::unexpected(leader.error());
    leader_ = *leader;
    return {};
  }

  [[nodiscard]] std::vector<pid_t> processes() const override {
    std::vector<pid_t> all;
    all.reserve(count);
    for (std::size_t node = 0; node < count; ++node)
      all.push_back(nodes_->pid(node));
    return all;
  }

  Result<LoadResult> load(const Load& load, const Edge& begin, const Edge& end) override {
    return run_resp_load(nodes_->client_ports()[leader_], load, begin, end);
  }
  [[nodiscard]] std::optional<std::uint64_t> allocations() const override {
    return allocations_ ? std::optional(allocations_->count()) : std::nullopt;
  }

  Result<std::size_t> find_leader() override {
    for (const auto deadline = std::chrono::steady_clock::now() + 30s; std::chrono::steady_clock::now() < deadline;) {
      if (auto on = go_on(); !on) return std::unexpected(on.error());
      if (const auto leader = demo::Nodes::leader_of(nodes_->look())) return *leader;
      std::this_thread::sleep_for(20ms);
    }
    return keel::fail(ErrorCode::timed_out, "no leader within 30 s");
  }
  void kill(std::size_t node) override { nodes_->kill(node); }
  Result<void> start_again(std::size_t node) override { return nodes_->start(node); }
  std::unique_ptr<Writer> writer_to(std::size_t node) override {
    return std::make_unique<KeelkvWriter>(nodes_->client_ports()[node]);
  }

 private:
  std::filesystem::path folder_;
  bool counted_;
  std::optional<AllocationFile> allocations_;
  std::optional<demo::Nodes> nodes_;
  std::size_t leader_ = 0;
};

}  // namespace

Contender keelkv_contender() {
  return {"keelkv", [](const std::filesystem::path& folder, bool counted) {
            return std::make_unique<KeelkvServers>(folder, counted);
          }};
}

std::unique_ptr<Replicas> keelkv_replicas(const std::filesystem::path& folder) {
  return std::make_unique<KeelkvServers>(folder, false);
}

}  // namespace bench
