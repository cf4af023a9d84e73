// Three replicas in one process, on one event loop.
#include <deque>
#include <iostream>
#include <random>

#include <boost/asio/io_context.hpp>

#include "counter.hpp"
#include "keel/asio/executor.hpp"
#include "keel/node/node.hpp"
#include "keel/storage/memory_log_store.hpp"
#include "keel/transport/in_process.hpp"

using namespace keel;

struct Replica {
  Replica(NodeId id, const Genesis& genesis, Exchange& exchange, Executor& executor)
      : log(executor), transport(exchange, id, executor) {
    const NodeOptions options{.raft = {.id = id, .seed = std::random_device()()}};
    const Pilot pilot{.transport = transport, .log = log, .machine = counter};
    node = Node::bootstrap(genesis, options, pilot, executor).value();  // from its second start on: Node::start
  }
  MemoryLogStore log;
  InProcessTransport transport;
  Counter counter;
  std::unique_ptr<Node> node;
};

int main() {
  boost::asio::io_context loop;
  AsioExecutor executor(loop);
  Exchange exchange;
  const Genesis genesis = make_genesis("hello", {{.id = NodeId(1)}, {.id = NodeId(2)}, {.id = NodeId(3)}});
  std::deque<Replica> replicas;
  for (const std::uint64_t id : {1, 2, 3})
    replicas.emplace_back(NodeId(id), genesis, exchange, executor);

  std::string answer;
  while (answer.empty() && loop.run_one() > 0) {  // any replica takes a command once some replica leads
    if (replicas[0].node->raft().leader() == nobody) continue;
    replicas[0].node->submit(std::as_bytes(std::span("42", 2)), {}, [&](Result<Applied> result) {
      answer = result ? "the sum is " + result->reply : "error: " + result.error().message;
    });
    while (answer.empty())
      loop.run_one();
  }
  std::cout << answer << "\n";
  for (Replica& replica : replicas)
    replica.node->stop();
}
