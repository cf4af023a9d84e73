#include <map>
#include <memory>

#include "asio_loop.hpp"
#include "keel/asio/tcp_transport.hpp"
#include "transport_conformance.hpp"

namespace keel::test {
namespace {

// Real sockets, one loop for all nodes, ports as the system gives them: a node that comes back has another address.
class TcpHarness {
 public:
  Transport& start(NodeId node) {
    TcpOptions options{.self = {.cluster = conformance_cluster,
                                .cluster_name = "conformance",
                                .node = node,
                                .expects = {},
                                .incarnation = Incarnation(node.value()),
                                .member_data = {}}};
    options.max_queued_messages = bound_messages;
    options.max_queued_bytes = bound_bytes;
    options.min_backoff = std::chrono::milliseconds(1);
    auto& transport = transports_[node];
    transport = std::make_unique<TcpTransport>(executor_, std::move(options));
    EXPECT_TRUE(transport->listen("127.0.0.1:0"));
    return *transport;
  }
  void stop(NodeId node) { transports_.erase(node); }
  Executor& executor(NodeId) { return executor_; }
  std::vector<Member> members() {
    std::vector<Member> members;
    for (const auto& [id, transport] : transports_) {
      members.push_back({.id = id, .address = transport->listening_at()});
    }
    return members;
  }
  bool run_until(const std::function<bool()>& condition) { return test::run_until(context_, condition); }
  std::size_t too_many_messages() { return bound_messages + 1; }
  std::size_t too_many_bytes() { return bound_bytes + 1; }

 private:
  static constexpr std::size_t bound_messages = 1000;
  static constexpr std::size_t bound_bytes = 32u << 20;

  boost::asio::io_context context_;
  AsioExecutor executor_{context_};
  std::map<NodeId, std::unique_ptr<TcpTransport>> transports_;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Tcp, TransportConformance, TcpHarness);

}  // namespace
}  // namespace keel::test
