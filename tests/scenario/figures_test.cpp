// The two figures of the Raft paper that tell what a new leader may find.
#include "support.hpp"

namespace keel::sim::test {
namespace {

class Figures : public Scenario {};
INSTANTIATE_TEST_SUITE_P(With, Figures, in_every_combination_on_every_log, name_of_combination);

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
  world.run_for(milliseconds(250));
}

// Everybody who is up forgets the last leader, and `leader` wins. Nobody gets anything from it yet.
void win(World& world, Who leader) {
  world.network().clear_rules();
  for (const NodeId id : world.running())
    power_cut(world, {id});
  reach_only(world, leader, {});
  for (int tries = 0; tries < 5 && !world.holds(node(leader.id).is_leader()); ++tries) {
    world.fire_timer(leader, Timer::election);
    world.run_for(milliseconds(10));
  }
  world.run_until(node(leader.id).is_leader(), milliseconds(1));
}

// `leader` wins; its term has so many entries, which only these get.
void reign(World& world, Who leader, int entries, std::initializer_list<Who> holders) {
  win(world, leader);
  append(world, leader, entries - 1, holders);
}

std::vector<std::uint64_t> log_ends(const World& world) {
  std::vector<std::uint64_t> ends;
  for (const NodeId id : world.running())
    ends.push_back(world.raft(id).log().last().index.value());
  return ends;
}

// Figure 7: what the logs of a group may look like when a leader of term 8 comes to power. Nodes 2 to 7 are its
// followers (a) to (f): two lack entries, two have some more, two have others. All are repaired, each after one question
// or two.
// scenario: X-06
// hazard: H6
TEST_P(Figures, Seven) {
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
  win(world, 1);
  world.restart(4);
  world.restart(5);
  ASSERT_EQ(log_ends(world), (std::vector<std::uint64_t>{10 + 1, 9, 4, 11, 12, 7, 11}));

  world.network().clear_rules();
  world.run_until(all_alike());
  EXPECT_EQ(world.leader(), NodeId(1));
  EXPECT_LE(refusals.sent(), 12u);
  all_is_well(world);
}

// Figure 8: node 1 has put an entry on a majority by the time it leads again, but nothing of its new term: that does not
// commit it. So node 5, which never saw it, may win and overwrite it. Once an entry of the new term is on a majority
// too, both are committed, and node 5 cannot win.
// hazard: H1
// mission: 21
TEST_P(Figures, Eight) {
  for (const bool new_term_reaches_a_majority : {false, true}) {
    SCOPED_TRACE(new_term_reaches_a_majority);
    WorldOptions options = nodes(5);
    options.node.raft.max_append_entries = 1;
    World world(options);
    world.elect(1);
    world.settle();
    append(world, 1, 1, {2});
    world.crash(1);
    reign(world, 5, 1, {});
    world.crash(5);
    world.restart(1);
    win(world, 1);
    const Term term = world.raft(1).term();
    reach_only(world, 1, {2, 3});
    if (!new_term_reaches_a_majority) {  // they get the old entry alone
      world.network().alter(appends().from(1).with(Index(4)), [](PeerMessage& message) {
        std::get<AppendRequest>(std::get<Message>(message.body).body).entries.clear();
      });
    }
    world.run_for(milliseconds(300));
    ASSERT_EQ(log_ends(world), (std::vector<std::uint64_t>{4, new_term_reaches_a_majority ? 4u : 3u,
                                                           new_term_reaches_a_majority ? 4u : 3u, 2}));
    EXPECT_EQ(world.raft(1).commit(), new_term_reaches_a_majority ? Index(4) : Index(0));  // it has restarted

    world.crash(1);
    world.restart(5);
    if (new_term_reaches_a_majority) {
      world.network().clear_rules();
      world.fire_timer(5, Timer::election);
      world.settle();
      EXPECT_NE(world.leader(), NodeId(5));
      EXPECT_EQ(world.raft(5).log().term_at(Index(3)), Term(2));
      EXPECT_EQ(world.raft(5).log().term_at(Index(4)), term);
    } else {
      win(world, 5);
      world.network().clear_rules();
      world.settle();
      EXPECT_EQ(world.raft(3).log().term_at(Index(3)), Term(3));
    }
    world.restart(1);
    all_is_well(world);
  }
}

}  // namespace
}  // namespace keel::sim::test
