// Three etcd processes with their default times.
#include <deque>

#include "keel-bench/etcd/client.hpp"
#include "keel-bench/servers.hpp"
#include "keel-demo/child.hpp"

namespace bench {

using keel::Result;

namespace {

std::string url(int port) { return "http://127.0.0.1:" + std::to_string(port); }
std::string name_of(std::size_t node) { return "node-" + std::to_string(node + 1); }

class EtcdServers final : public Replicas {
 public:
  EtcdServers(std::string program, std::filesystem::path folder)
      : program_(std::move(program)), folder_(std::move(folder)) {}

  [[nodiscard]] std::string name() const override { return "etcd"; }

  Result<void> start() override {
    auto ports = demo::free_ports(2 * count);
    if (!ports) return std::unexpected(ports.error());
    ports_ = *ports;
    for (std::size_t node = 0; node < count; ++node) {
      if (auto started = start_again(node); !started) return started;
    }
    const auto leader = find_leader();
    if (!leader) return std::unexpected(leader.error());
    leader_ = *leader;
    return {};
  }

  // The same words as at first: etcd does not heed the initial cluster when it finds its data.
  Result<void> start_again(std::size_t node) override {
    std::string cluster;
    for (std::size_t i = 0; i < count; ++i) {
      cluster += (i == 0 ? "" : ",") + name_of(i) + "=" + url(ports_[count + i]);
    }
    const std::string clients = url(ports_[node]);
    const std::string peers = url(ports_[count + node]);
    const std::vector<std::string> command{program_,
                                           "--name",
                                           name_of(node),
                                           "--data-dir",
                                           folder_ / name_of(node),
                                           "--listen-client-urls",
                                           clients,
                                           "--advertise-client-urls",
                                           clients,
                                           "--listen-peer-urls",
                                           peers,
                                           "--initial-advertise-peer-urls",
                                           peers,
                                           "--initial-cluster",
                                           cluster,
                                           "--initial-cluster-state",
                                           "new",
                                           "--logger",
                                           "zap",
                                           "--log-level",
                                           "error"};
    return children_[node].launch(command, (folder_ / (name_of(node) + ".log")).string());
  }

  [[nodiscard]] std::vector<pid_t> processes() const override {
    std::vector<pid_t> all;
    all.reserve(count);
    for (const demo::Child& child : children_)
      all.push_back(child.pid());
    return all;
  }

  Result<LoadResult> load(const Load& load, const Edge& begin, const Edge& end) override {
    return run_etcd_load(ports_[leader_], load, begin, end);
  }

  Result<std::size_t> find_leader() override {
    return find_etcd_leader({ports_.begin(), ports_.begin() + count}, std::chrono::seconds(30));
  }
  void kill(std::size_t node) override { children_[node].kill(); }
  std::unique_ptr<Writer> writer_to(std::size_t node) override { return etcd_writer(ports_[node]); }

 private:
  std::string program_;
  std::filesystem::path folder_;
  std::vector<int> ports_;  // for clients, then for peers
  std::deque<demo::Child> children_{count};
  std::size_t leader_ = 0;
};

Result<std::string> etcd_program() {
  if (!built_with_grpc()) {
    return keel::fail(keel::ErrorCode::unsupported,
                      "this build found no gRPC (Debian: libgrpc++-dev, libprotobuf-dev, protobuf-compiler-grpc)");
  }
  return find_program("etcd", "etcd-server");
}

}  // namespace

Result<Contender> etcd_contender() {
  auto program = etcd_program();
  if (!program) return std::unexpected(program.error());
  return Contender{"etcd", [program = *program](const std::filesystem::path& folder, bool) {
                     return std::make_unique<EtcdServers>(program, folder);
                   }};
}

Result<std::unique_ptr<Replicas>> etcd_replicas(const std::filesystem::path& folder) {
  auto program = etcd_program();
  if (!program) return std::unexpected(program.error());
  return std::make_unique<EtcdServers>(*program, folder);
}

}  // namespace bench
