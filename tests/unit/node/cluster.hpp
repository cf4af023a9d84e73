#pragma once

#include <gtest/gtest.h>

#include "fakes.hpp"

namespace keel::test {

using namespace std::chrono_literals;

// How one call ended; it must end exactly once.
template <class T>
struct Ended {
  int times = 0;
  std::optional<Result<T>> result;

  [[nodiscard]] bool ok() const { return times == 1 && result->has_value(); }
  [[nodiscard]] std::optional<ErrorCode> code() const {
    return times == 1 && !result->has_value() ? std::optional(result->error().code) : std::nullopt;
  }
  // For a failed expectation's text.
  [[nodiscard]] std::string text() const {
    if (times != 1) return "called " + std::to_string(times) + " times";
    if (result->has_value()) return "succeeded";
    return std::string(to_string(result->error().code)) + ": " + result->error().message;
  }
};
using Command1 = std::shared_ptr<Ended<Applied>>;

template <class T>
Completion<T> record(std::shared_ptr<Ended<T>> ended) {
  return [ended](Result<T> result) {
    ++ended->times;
    ended->result.emplace(std::move(result));
  };
}

// Nodes 1 to n on one executor, with fakes for all else. Nothing happens but what the test runs.
class TestCluster {
 public:
  struct Server {
    NodeOptions options;
    std::unique_ptr<FakeLog> log;
    std::unique_ptr<FakeMachine> machine;
    std::unique_ptr<FakeTransport> transport;
    std::unique_ptr<Recorder> observer;
    std::unique_ptr<Node> node;
  };

  explicit TestCluster(std::size_t size, const std::function<void(NodeOptions&)>& adjust = {})
      : genesis(make_genesis("test", members(size))), network(executor, genesis.cluster_id()) {
    for (std::uint64_t id = 1; id <= size; ++id) {
      Server& server = servers[id];
      server.options.raft.id = NodeId(id);
      server.options.raft.seed = 77 * id;
      if (adjust) adjust(server.options);
      server.log = std::make_unique<FakeLog>(executor);
      server.log->bootstrap(genesis);
      server.machine = std::make_unique<FakeMachine>();
      server.transport = std::make_unique<FakeTransport>(network, NodeId(id));
      server.observer = std::make_unique<Recorder>();
      start(id);
    }
    executor.run_ready();
  }

  static std::vector<Member> members(std::size_t size) {
    std::vector<Member> all;
    for (std::uint64_t id = 1; id <= size; ++id) {
      all.push_back({.id = NodeId(id),
                     .address = "10.0.0." + std::to_string(id) + ":7100",
                     .data = "client:" + std::to_string(id)});
    }
    return all;
  }

  Result<void> try_start(std::uint64_t id) {
    Server& server = servers.at(id);
    ++server.options.raft.seed;
    auto node = Node::start(server.options,
                            {.transport = *server.transport,
                             .log = *server.log,
                             .machine = *server.machine,
                             .observer = server.observer.get()},
                            clock);
    if (!node) return std::unexpected(node.error());
    server.node = std::move(*node);
    return {};
  }
  void start(std::uint64_t id) {
    if (const auto started = try_start(id); !started) throw std::runtime_error(started.error().message);
  }
  // The process dies; its machine keeps nothing.
  void crash(std::uint64_t id) {
    servers.at(id).node.reset();
    servers.at(id).machine = std::make_unique<FakeMachine>();
  }

  Node& node(std::uint64_t id) { return *servers.at(id).node; }
  FakeLog& log(std::uint64_t id) { return *servers.at(id).log; }
  FakeMachine& machine(std::uint64_t id) { return *servers.at(id).machine; }
  Recorder& observer(std::uint64_t id) { return *servers.at(id).observer; }
  FakeTransport& transport(std::uint64_t id) { return *servers.at(id).transport; }
  void run() { executor.run_ready(); }

  // Makes `id` the leader, ready to serve.
  void elect(std::uint64_t id) {
    for (int tries = 0; tries < 50 && !node(id).status().raft.ready; ++tries) {
      node(id).expire(Timer::election);
      run();
      if (!node(id).status().raft.ready) executor.advance(100ms);
    }
    ASSERT_TRUE(node(id).status().raft.ready) << "node " << id << " does not lead";
  }

  Command1 submit(std::uint64_t id, std::string_view bytes, SubmitOptions options = {}) {
    auto ended = std::make_shared<Ended<Applied>>();
    node(id).submit(bytes_of(bytes), std::move(options), record(ended));
    return ended;
  }
  std::shared_ptr<Ended<Index>> read(std::uint64_t id, ReadLevel level = ReadLevel::linearizable,
                                     std::optional<Instant> deadline = {}) {
    auto ended = std::make_shared<Ended<Index>>();
    node(id).read(level, deadline, record(ended));
    return ended;
  }
  std::shared_ptr<Ended<void>> transfer(std::uint64_t id, std::uint64_t target) {
    auto ended = std::make_shared<Ended<void>>();
    node(id).transfer_leadership(NodeId(target), record(ended));
    return ended;
  }

  TestExecutor executor;
  WallExecutor clock{executor};  // what the nodes see
  Genesis genesis;
  FakeNetwork network;
  std::map<std::uint64_t, Server> servers;
};

template <class Body>
bool is(const PeerMessage& message) {
  const auto* protocol = std::get_if<Message>(&message.body);
  return protocol != nullptr && std::holds_alternative<Body>(protocol->body);
}
inline bool is_forward(const PeerMessage& message) { return std::holds_alternative<ForwardRequest>(message.body); }
inline bool is_forward_reply(const PeerMessage& message) { return std::holds_alternative<ForwardReply>(message.body); }

}  // namespace keel::test
