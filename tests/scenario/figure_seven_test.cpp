#include "support.hpp"

namespace keel::sim::test {
namespace {

class FigureSeven : public Scenario {};
INSTANTIATE_TEST_SUITE_P(With, FigureSeven, in_every_combination_on_every_log, name_of_combination);

// Of what `leader` appends from now on only these get anything.
void reach_only(World& world, Who leader, std::initializer_list<Who> holders) {
  world.network().clear_rules();
  world.drop(appends().from(leader));
  for (const Who holder : holders)
    world.network().pass(appends().from(leader).to(holder));
}

void append(World& world, Who leader, int commands, std::initializer_list<Who> holders) {
  reach_only(world, leader, holders);
  for (int i = 0; i < commands; ++i)
    world.submit_async(leader, "x+=.");
  world.run_for(milliseconds(5));
}

// Everybody who is up forgets the last leader, and `leader` wins; its term has so many entries, which only these get.
void reign(World& world, Who leader, int entries, std::initializer_list<Who> holders) {
  world.network().clear_rules();
  for (const NodeId id : world.running())
    power_cut(world, {id});
  reach_only(world, leader, holders);
  while (!world.holds(node(leader.id).is_leader())) {
    world.fire_timer(leader, Timer::election);
    world.run_for(milliseconds(10));
  }
  append(world, leader, entries - 1, holders);
}

// Figure 7 of the Raft paper: what the logs of a group may look like when a leader of term 8 comes to power. Nodes 2 to
// 7 are its followers (a) to (f): two lack entries, two have some more, two have others. All are repaired, each after
// one question or two.
// scenario: X-06
// hazard: H6
TEST_P(FigureSeven, AllSixFollowersAreRepaired) {
  Count refusals(append_replies().refused());
  WorldOptions options = nodes(7);
  options.keep_events = false;
  World world(options);
  world.add_sink(refusals);
  world.elect(1);
  world.submit("x=0");
  world.settle();

  reign(world, 7, 3, {});
  reign(world, 7, 5, {});
  world.crash(7);
  reign(world, 6, 1, {1, 2, 3, 4, 5});
  append(world, 6, 1, {1, 2, 4, 5});
  append(world, 6, 2, {});
  world.crash(6);
  reign(world, 1, 2, {2, 4, 5});
  reign(world, 4, 2, {1, 2, 5});
  append(world, 4, 1, {1, 5});
  append(world, 4, 1, {});
  reign(world, 5, 2, {});
  world.crash(4);
  world.crash(5);
  world.restart(6);
  world.restart(7);
  refusals.restart();
  reign(world, 1, 1, {});
  world.restart(4);
  world.restart(5);
  std::vector<std::uint64_t> ends;
  for (const NodeId id : world.all())
    ends.push_back(world.raft(id).log().last().index.value());
  ASSERT_EQ(ends, (std::vector<std::uint64_t>{10 + 1, 9, 4, 11, 12, 7, 11}));

  world.network().clear_rules();
  world.run_until(all_alike());
  EXPECT_EQ(world.leader(), NodeId(1));
  EXPECT_LE(refusals.sent(), 12u);
  all_is_well(world);
}

}  // namespace
}  // namespace keel::sim::test
