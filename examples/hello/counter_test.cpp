// The counter under faults, in the simulator: virtual time, a network that loses messages, nodes that lose power. A run
// that breaks a promise of Raft's, or leaves the replicas different, throws, and replays from its seed.
#include "counter.hpp"

#include <cstdlib>
#include <iostream>

#include "keel/sim/world.hpp"

using namespace keel;

namespace {

void run(std::uint64_t seed) {
  sim::WorldOptions options{.nodes = 3, .seed = seed, .link = {.loss = 0.05}};
  options.machine = [](NodeId) { return std::make_unique<Counter>(); };
  sim::World world(options);
  world.elect();
  for (int round = 0; round < 5; ++round) {
    world.submit("10");
    const NodeId leader = world.leader();
    world.crash(leader);  // loses what was not synced
    world.elect();
    world.restart(leader);
  }
  world.submit("1");
  world.settle();
  for (const NodeId id : world.all()) {
    const auto& counter = dynamic_cast<Counter&>(world.machine(id));
    if (counter.sum() != 51) throw std::runtime_error("a replica counted " + std::to_string(counter.sum()));
  }
}

}  // namespace

int main() {
  std::uint64_t seed = 1;
  try {
    for (; seed <= 20; ++seed)
      run(seed);
  } catch (const std::exception& broken) {
    std::cerr << "seed " << seed << ": " << broken.what() << "\n";
    return 1;
  }
  std::cout << "20 seeds, no failure\n";
}
