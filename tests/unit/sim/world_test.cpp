#include "keel/sim/world.hpp"

#include <gtest/gtest.h>

namespace keel::sim {
namespace {

// What a dead process owed is never answered, and who asked is told so.
TEST(World, TellsWhoWaitedWhenAProcessDies) {
  World world;
  const NodeId leader = world.elect();
  int told = 0;
  const Submitted command = world.post_command(leader, "x=1", {}, [&] { ++told; });
  const Asked read = world.post_read(
      leader, ReadLevel::linearizable, [](StateMachine&) { return std::string(); }, std::nullopt, [&] { ++told; });
  world.crash(leader);
  EXPECT_EQ(told, 2);
  EXPECT_TRUE(command.is_lost());
  EXPECT_TRUE(read.is_lost());
}

// Who asked may be gone by then.
TEST(World, TellsNobodyWhenItEnds) {
  int told = 0;
  {
    World world;
    const NodeId leader = world.elect();
    world.post_command(leader, "x=1", {}, [&] { ++told; });
    world.post_read(
        leader, ReadLevel::linearizable, [](StateMachine&) { return std::string(); }, std::nullopt, [&] { ++told; });
  }
  EXPECT_EQ(told, 0);
}

// What comes, in one world, to one node at one moment.
struct Arrivals final : TraceSink {
  void on_trace(const TraceEvent& event) override {
    if (event.kind != TraceKind::delivered && event.kind != TraceKind::durable) return;
    off_grain += event.at.time_since_epoch() % grain == Duration(0) ? 0 : 1;
    ++inputs;
  }
  Duration grain = std::chrono::milliseconds(2);
  std::size_t inputs = 0;
  std::size_t off_grain = 0;
};

// hazard: H42
TEST(World, AGrainGathersWhatComesIntoTurns) {
  for (const LogKind log : {LogKind::write_ahead, LogKind::memory}) {
    Arrivals arrivals;
    WorldOptions options{.log = log, .grain = arrivals.grain};
    options.link.max_latency = std::chrono::milliseconds(3);
    const auto turns = [&options](TraceSink* sink) {
      World world(options);
      if (sink != nullptr) world.add_sink(*sink);
      const NodeId leader = world.elect();
      for (int i = 0; i < 50; ++i) {
        world.submit_async(leader, "x=1");
        world.run_for(std::chrono::microseconds(700));
      }
      world.settle();
      return world.counters().of("turns: with a message and a write's end");
    };
    EXPECT_GE(turns(&arrivals), 10u);
    EXPECT_GE(arrivals.inputs, 100u);
    EXPECT_EQ(arrivals.off_grain, 0u);
    options.grain = {};
    EXPECT_EQ(turns(nullptr), 0u);
  }
}

}  // namespace
}  // namespace keel::sim
