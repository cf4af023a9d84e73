#include "support.hpp"

namespace keel::sim::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Events : public Scenario {};
INSTANTIATE_TEST_SUITE_P(With, Events, in_every_combination, name_of_combination);

// What the protocol said on a node, in words.
std::vector<std::string> told(const World& world, Who node) {
  std::vector<std::string> lines;
  for (const Event& event : world.events(node)) {
    if (const auto* protocol = std::get_if<RaftEvent>(&event.what)) lines.push_back(describe(*protocol));
  }
  return lines;
}

class Listener : public Observer {
 public:
  void on_event(const Event& event) override {
    numbers.push_back(event.number);
    if (throws) throw std::runtime_error("deaf ears");
    if (world != nullptr) world->jump_clock(where, takes);
  }
  std::vector<std::uint64_t> numbers;
  bool throws = false;
  World* world = nullptr;  // where time passes while it listens
  NodeId where{};
  Duration takes{};
};

// An election, as the winner and a voter see it.
// scenario: EV-01
TEST_P(Events, OfAnElection) {
  World world(nodes(3));
  world.drop(Messages::of<VoteReply>().from(3));  // it would come too late to count, and that would be an event too
  world.elect(1);
  world.settle();
  std::vector<std::string> winner = told(world, 1);
  if (pre_vote()) {
    ASSERT_GE(winner.size(), 2u);
    EXPECT_EQ(winner[0], "RoleChanged candidate term 1");
    EXPECT_EQ(winner[1], "CampaignStarted rehearsal for term 2");
    winner.erase(winner.begin(), winner.begin() + 2);
  }
  EXPECT_THAT(winner, ElementsAre("TermChanged 2", "RoleChanged candidate term 2", "CampaignStarted for term 2",
                                  "RoleChanged leader term 2", "LeaderChanged node 1 term 2",
                                  "EntriesAppended 2..2 term 2", "PeerStateChanged node 2 pipeline", "CommitAdvanced 2",
                                  "PeerStateChanged node 3 pipeline", "LeaderReady term 2"));
  EXPECT_THAT(told(world, 2), ElementsAre("TermChanged 2", "VoteCast for node 1 term 2", "LeaderChanged node 1 term 2",
                                          "EntriesAppended 2..2 term 2", "CommitAdvanced 2"));
  all_is_well(world);
}

// An ex-leader whose tail is replaced, as it sees that itself.
// scenario: EV-01
TEST_P(Events, OfAResync) {
  World world(nodes(3));
  world.elect(1);
  world.settle();
  world.network().isolate(1);
  world.submit_async(1, "x=1");
  world.submit_async(1, "x=2");
  world.run_for(milliseconds(10));
  world.crash(1);
  world.run_until(node(2).is_ready() || node(3).is_ready());
  world.network().heal();
  world.forget_events();
  world.restart(1);
  world.settle();
  const std::string leader = std::to_string(world.leader().value());
  const std::string term = std::to_string(world.raft(1).term().value());
  EXPECT_THAT(told(world, 1),
              ElementsAre("TermChanged " + term, "LeaderChanged node " + leader + " term " + term,
                          "EntriesTruncated 3..4", "EntriesAppended 3..3 term " + term, "CommitAdvanced 3"));
  all_is_well(world);
}

// Events are numbered without gaps from the first on, whoever listens; one who was removed hears nothing more.
// scenario: EV-01
TEST_P(Events, AreNumberedAndARemovedListenerHearsNothing) {
  World world(nodes(3));
  Listener listener;
  world.node(1).add_observer(listener);
  world.elect(1);
  world.submit("x=1");
  world.settle();
  world.node(1).remove_observer(listener);
  std::uint64_t number = 0;
  for (const Event& event : world.events(1))
    EXPECT_EQ(event.number, ++number);
  EXPECT_EQ(world.node(1).status().events, number);
  EXPECT_GT(listener.numbers.size(), 5u);
  EXPECT_EQ(listener.numbers.back(), number);
  EXPECT_TRUE(std::ranges::is_sorted(listener.numbers));

  listener.numbers.clear();
  world.submit("x=2");
  EXPECT_THAT(listener.numbers, IsEmpty());
  all_is_well(world);
}

// An observer that throws at everything: counted, and nobody is disturbed.
// scenario: EV-02
TEST_P(Events, AThrowingObserverIsHarmless) {
  World world(nodes(3));
  Listener listener;
  listener.throws = true;
  world.node(1).add_observer(listener);
  world.elect(1);
  EXPECT_TRUE(world.submit("x=1").applied_everywhere());
  EXPECT_EQ(world.node(1).status().caught_exceptions, listener.numbers.size());
  EXPECT_GT(listener.numbers.size(), 5u);
  world.node(1).remove_observer(listener);
  all_is_well(world);
}

// An observer on the leader that takes twenty milliseconds over each event: the leader is slower for it, and stays.
// scenario: EV-02
TEST_P(Events, ASlowObserverCostsNoLeader) {
  World world(nodes(3));
  world.elect(1);
  world.settle();
  Listener listener;
  listener.world = &world;
  listener.where = NodeId(1);
  listener.takes = milliseconds(20);
  world.node(1).add_observer(listener);
  for (int i = 0; i < 10; ++i)
    EXPECT_TRUE(world.submit(1, "x+=.").ok());
  EXPECT_GT(listener.numbers.size(), 10u);
  EXPECT_EQ(world.leaderships(), 1u);
  world.node(1).remove_observer(listener);
  all_is_well(world);
}

}  // namespace
}  // namespace keel::sim::test
