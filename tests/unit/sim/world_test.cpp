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

}  // namespace
}  // namespace keel::sim
