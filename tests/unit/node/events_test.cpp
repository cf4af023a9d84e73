#include <gmock/gmock.h>

#include "cluster.hpp"

namespace keel::test {
namespace {

using ::testing::ElementsAre;

TEST(Events, AnElectionInFull) {  // scenario: EV-01, mission: 10
  TestCluster cluster(1);
  cluster.elect(1);
  EXPECT_THAT(cluster.observer(1).told(),
              ElementsAre(testing::StartsWith("NodeStarted"), testing::StartsWith("RoleChanged"),
                          testing::StartsWith("CampaignStarted"), testing::StartsWith("TermChanged"),
                          testing::StartsWith("RoleChanged"), testing::StartsWith("CampaignStarted"),
                          testing::StartsWith("RoleChanged"), testing::StartsWith("LeaderChanged"),
                          testing::StartsWith("EntriesAppended"), testing::StartsWith("CommitAdvanced"),
                          testing::StartsWith("LeaderReady")));
}

TEST(Events, AreNumberedWithoutGapsAndInOrder) {
  TestCluster cluster(3);
  cluster.elect(1);
  for (int i = 0; i < 20; ++i)
    cluster.submit(2, "x");
  cluster.executor.advance(3s);
  const auto& events = cluster.observer(1).events;
  ASSERT_GT(events.size(), 20u);
  for (std::size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i].number, i + 1);
    if (i > 0) {
      EXPECT_GE(events[i].at, events[i - 1].at);
    }
  }
  EXPECT_EQ(cluster.node(1).status().events, events.size());
}

TEST(Events, LeaderReadyComesAfterTheTermStartIsApplied) {  // mission: 10
  TestCluster cluster(3);
  cluster.log(1).mode = FakeLog::Mode::manual;
  cluster.node(1).expire(Timer::election);
  cluster.run();
  cluster.log(1).finish_one();  // its vote
  cluster.run();
  ASSERT_EQ(cluster.node(1).raft().role(), RoleName::leader);
  EXPECT_EQ(cluster.observer(1).count("LeaderReady"), 0u);
  cluster.log(1).finish_one();  // its term-start entry
  cluster.run();
  EXPECT_EQ(cluster.observer(1).count("LeaderReady"), 1u);
}

TEST(Events, ARemovedObserverHearsNothingMore) {  // scenario: EV-01
  Recorder second;
  TestCluster cluster(1);
  cluster.node(1).add_observer(second);
  cluster.elect(1);
  const std::size_t heard = second.events.size();
  EXPECT_GT(heard, 5u);
  cluster.node(1).remove_observer(second);
  cluster.submit(1, "x");
  cluster.run();
  EXPECT_EQ(second.events.size(), heard);
  EXPECT_GT(cluster.observer(1).events.size(), heard);
}

TEST(Events, ObserversMayComeAndGoFromInsideOnEvent) {
  Recorder once;
  Recorder late;
  TestCluster cluster(1);
  once.on = [&](const Event&) {
    cluster.node(1).remove_observer(once);
    cluster.node(1).add_observer(late);
  };
  cluster.node(1).add_observer(once);
  cluster.elect(1);
  ASSERT_EQ(once.events.size(), 1u);
  ASSERT_FALSE(late.events.empty());
  EXPECT_GT(late.events.front().number, once.events.front().number);
}

// What an observer causes is told in a later turn: it cannot hold up the loop.
TEST(Events, AnObserverThatAlwaysCausesAnotherEventDoesNotHoldUpTheLoop) {
  Recorder chatty;
  TestCluster cluster(1);
  chatty.on = [&](const Event&) { cluster.node(1).receive({GroupId(9), NodeId(2), NodeId(1), ForwardReply{}}); };
  cluster.node(1).add_observer(chatty);
  cluster.node(1).expire(Timer::election);
  for (int i = 0; i < 100; ++i) {
    cluster.executor.run_one();
  }
  EXPECT_TRUE(cluster.node(1).status().raft.ready);
  cluster.node(1).remove_observer(chatty);
  cluster.run();
}

TEST(Events, AThrowingObserverIsCaughtCountedAndHarmless) {  // scenario: EV-02
  Recorder throws;
  TestCluster cluster(3);
  throws.on = [](const Event&) { throw std::runtime_error("no"); };
  cluster.node(1).add_observer(throws);
  cluster.elect(1);
  const auto command = cluster.submit(1, "x");
  cluster.run();
  EXPECT_TRUE(command->ok()) << command->text();
  EXPECT_EQ(cluster.node(1).status().caught_exceptions, throws.events.size());
  EXPECT_EQ(cluster.node(1).status().state, NodeState::running);
}

TEST(Events, AThrowingCompletionIsCaughtCountedAndHarmless) {
  TestCluster cluster(1);
  cluster.elect(1);
  cluster.node(1).submit(bytes_of("x"), {}, [](Result<Applied>) { throw 42; });
  const auto command = cluster.submit(1, "y");
  cluster.run();
  EXPECT_TRUE(command->ok()) << command->text();
  EXPECT_EQ(cluster.node(1).status().caught_exceptions, 1u);
}

TEST(Events, OnlyWhatIsWantedIsBuilt) {
  Recorder few;
  TestCluster cluster(1);
  few.mask = bit_of<LeaderReady>();
  cluster.node(1).remove_observer(cluster.observer(1));
  cluster.node(1).add_observer(few);
  cluster.elect(1);
  const std::uint64_t before = cluster.node(1).status().events;
  for (int i = 0; i < 10; ++i) {
    cluster.submit(1, "x");
    cluster.run();
  }
  EXPECT_EQ(cluster.node(1).status().events, before) << "no EntriesAppended, no CommitAdvanced";
  EXPECT_EQ(few.count("LeaderReady"), 1u);
  EXPECT_EQ(few.events.size(), 1u);
}

TEST(Events, AnObserverAddedAgainIsAskedAnewAndMissesNothing) {
  Recorder again;
  TestCluster cluster(1);
  again.mask = bit_of<RoleChanged>();
  again.on = [&](const Event&) {
    again.mask = all_events;
    cluster.node(1).add_observer(again);
  };
  cluster.node(1).remove_observer(cluster.observer(1));
  cluster.node(1).add_observer(again);
  cluster.elect(1);
  ASSERT_GT(again.events.size(), 5u);
  EXPECT_EQ(again.count("LeaderReady"), 1u) << "wanted only since it was added again";
  for (std::size_t i = 1; i < again.events.size(); ++i)
    EXPECT_EQ(again.events[i].number, again.events[i - 1].number + 1);
  EXPECT_EQ(again.events.back().number, cluster.node(1).status().events);
}

TEST(Events, TheErrorHistoryIsBounded) {
  TestCluster cluster(1);
  for (int i = 0; i < 1000; ++i)
    cluster.node(1).receive({GroupId(9), NodeId(2), NodeId(1), ForwardReply{}});
  cluster.run();
  const auto errors = cluster.node(1).recent_errors();
  EXPECT_EQ(errors.size(), 64u);
  EXPECT_EQ(errors.back().number, cluster.node(1).status().events);
  EXPECT_EQ(cluster.node(1).status().rejected_messages, 1000u);
}

}  // namespace
}  // namespace keel::test
