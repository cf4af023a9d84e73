#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "keel/sim/world.hpp"

namespace keel::sim {

// Runs written down in the words of the TLA+ specification that etcd/raft publishes, so that it can judge them:
// docs/simulator.md says how. One line of JSON an event, of all nodes, in causal order.
//
// That specification persists and sends in one step, takes one input at a time, has no PreVote and no stickiness, and
// keeps the commit index over a crash. A TlaWorld is a World whose surroundings are so: a node's log stores its commit
// index too, and what the node sends waits, outside the node, until everything it has done is durable. What promises
// something that is not durable is not held back: it goes its way, and shows. The engine is the same as ever.
class TlaWorld final : private TraceSink {
 public:
  // Sets what must be so in `options` and leaves the rest. A node's writes take `write_time`.
  explicit TlaWorld(WorldOptions options, Duration write_time = std::chrono::milliseconds(1));
  ~TlaWorld() override;

  [[nodiscard]] World& world() { return *world_; }
  // A node's next input but messages and timers (a command, a transfer): given to it when it has nothing else to do;
  // lost if it is down, or dies first.
  void tell(Who node, std::function<void(Node&)> input);
  void submit(Who node, std::string command);

  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] std::vector<std::string> lines() const;

 private:
  struct Parts;
  void on_trace(const TraceEvent& event) override;

  std::unique_ptr<Parts> parts_;
  std::unique_ptr<World> world_;
};

inline constexpr std::size_t default_tla_lines = 600;

struct TlaReport {
  bool failed = false;
  std::string check;  // which rule was broken
  std::string text;   // how, with the state of all nodes
  std::vector<std::string> lines;
  Counters counters;
};

// A random run: a cluster, commands, crashes, partitions, bad links, elections and transfers drawn from the seed, until
// the trace has so many lines. The same seed gives the same trace.
[[nodiscard]] TlaReport run_tla(std::uint64_t seed, std::size_t lines = default_tla_lines);

}  // namespace keel::sim
