#include "support.hpp"

namespace keel::sim::test {
namespace {

class MessageOrder : public Scenario {};
INSTANTIATE_TEST_SUITE_P(With, MessageOrder, in_every_combination, name_of_combination);

class MessageOrderOnLogs : public Scenario {};
INSTANTIATE_TEST_SUITE_P(With, MessageOrderOnLogs, in_every_combination_on_every_log, name_of_combination);

// Some life: every node leads once, everybody submits.
void live(World& world) {
  for (const NodeId leader : world.all()) {
    world.elect(leader);
    for (const NodeId id : world.all())
      world.submit_async(id, "x+=.");
    world.settle();
  }
}

// The network repeats all that is said, twice. Each node leads for a while, and each command is applied once.
// scenario: X-01
TEST_P(MessageOrderOnLogs, EveryMessageArrivesThreeTimes) {
  World world(nodes(3));
  world.network().duplicate(Messages::any(), 2);
  live(world);
  EXPECT_EQ(world.read(1, "x"), ".........");
  all_is_well(world);
}

// On every way each second message arrives before the first. Gaps are refused and filled, old answers count for nothing.
// scenario: X-01
TEST_P(MessageOrderOnLogs, EachSecondMessageOvertakesTheOneBefore) {
  World world(nodes(3));
  for (const NodeId from : world.all()) {
    for (const NodeId to : world.all())
      world.network().reorder(Messages::any().from(from).to(to));
  }
  live(world);
  EXPECT_GT(world.network().counters().reordered, 20u);
  all_is_well(world);
}

// One message of each kind from three terms ago, also from and to a node that leads again by now: all are turned away.
// scenario: X-01
// scenario: X-04
// hazard: H7
TEST_P(MessageOrder, MessagesFromThreeTermsAgo) {
  World world(nodes(3));
  for (const Messages& kind : {vote_replies().from(3), appends().to(3), append_replies().from(3), heartbeats().to(3),
                               heartbeat_replies().from(3)})
    world.hold(kind.first(1));
  world.elect(1);
  world.submit("x=1");
  world.settle();
  ASSERT_EQ(world.network().count_held(Messages::any().term(Term(2))), 5u);
  world.elect(2);
  world.elect(3);
  world.elect(1);
  world.submit("x=2");
  world.settle();
  ASSERT_EQ(world.raft(1).term(), Term(5));
  const RaftStatus leader = world.raft(1).status();
  const RaftStatus follower = world.raft(3).status();
  world.forget_events();

  world.deliver_all(Messages::any().term(Term(2)));
  world.run_for(milliseconds(5));
  EXPECT_EQ(world.count_of<MessageRejected>(), 5u + 1u) << "and the answer to the append, which refused it";
  EXPECT_EQ(world.raft(1).status().peers[1].match, leader.peers[1].match);
  EXPECT_EQ(world.raft(1).status().peers[1].state, ReplicationState::pipeline);
  EXPECT_EQ(world.raft(3).status().last, follower.last);
  EXPECT_EQ(world.raft(3).status().commit, follower.commit);
  EXPECT_EQ(world.leader(), NodeId(1));
  all_is_well(world);
}

// Appends that overlap: one behind a gap, then one that is a part of the next, one that holds all, one that repeats its
// end. Nothing that one of them verified is removed by another.
// scenario: X-02
// hazard: H5
TEST_P(MessageOrderOnLogs, OverlappingAppends) {
  World world(nodes(3));
  world.elect(1);
  world.settle();
  world.hold(appends().to(3));
  for (const char* command : {"x+=a", "x+=b", "x+=c"})
    world.submit(1, command);
  const auto last = [&] { return world.raft(3).log().last().index.value(); };

  world.deliver_one(appends().to(3).with(Index(4)));
  EXPECT_EQ(last(), 2u);
  world.run_until(is_held(appends().to(3).with(Index(3)).with(Index(5))));  // so the leader has seen the gap
  world.deliver_one(appends().to(3).with(Index(3)));
  EXPECT_EQ(last(), 3u);
  world.deliver_one(appends().to(3).with(Index(3)).with(Index(5)));
  EXPECT_EQ(last(), 5u);
  world.deliver_one(appends().to(3).with(Index(5)));
  EXPECT_EQ(last(), 5u);
  EXPECT_EQ(world.count_of<EntriesTruncated>(), 0u);
  EXPECT_EQ(world.read(3, "x"), "abc");
  all_is_well(world);
}

// The first append of all arrives when many others have: it says nothing about what is behind it.
// scenario: X-02
// hazard: H5
TEST_P(MessageOrderOnLogs, TheFirstAppendArrivesLast) {
  World world(nodes(3));
  world.hold(appends().to(3).first(1));
  world.elect(1);
  for (const char* command : {"x=1", "x=2", "x=3"})
    world.submit(1, command);
  world.settle();
  world.deliver_one(appends().to(3).with(Index(2)));
  EXPECT_EQ(world.raft(3).log().last(), (LogPosition{Term(2), Index(5)}));
  EXPECT_EQ(world.raft(3).commit(), Index(5));
  EXPECT_EQ(world.count_of<EntriesTruncated>(), 0u);
  all_is_well(world);
}

// An ex-leader has a tail that nobody else has. The new leader has committed further than that; what the ex-leader takes
// for committed never passes what a message has verified in its own log.
// scenario: X-03
// hazard: H3
// hazard: H4
TEST_P(MessageOrderOnLogs, CommitNeverPassesWhatIsVerified) {
  WorldOptions options = nodes(3);
  options.node.raft.max_append_entries = 1;
  World world(options);
  world.elect(1);
  world.settle();
  world.network().isolate(1);
  for (const char* stale : {"x=a", "x=b", "x=c", "x=d"})
    world.submit_async(1, stale);
  world.run_until(node(2).is_ready() || node(3).is_ready());
  const NodeId leader = world.leader();
  for (const char* command : {"x=1", "x=2", "x=3"})
    world.submit(leader, command);
  ASSERT_EQ(world.raft(leader).commit(), Index(6));

  world.hold(appends().to(1));
  world.network().heal();
  world.run_until(node(1).follows(leader));
  world.run_for(milliseconds(300));
  EXPECT_EQ(world.raft(1).log().last().index, Index(6));
  EXPECT_EQ(world.raft(1).commit(), Index(2)) << "heartbeats alone verify nothing";
  for (const std::uint64_t entry : {3, 4, 5, 6}) {
    world.deliver_one(appends().to(1).with(Index(entry)).term(world.raft(leader).term()));
    EXPECT_EQ(world.raft(1).commit(), Index(entry));
  }
  EXPECT_EQ(world.read(1, "x"), "3");
  all_is_well(world);
}

// The window to a peer fills, and all that is in flight is lost, or all that it answers. It recovers without any new
// traffic.
// scenario: X-05
// hazard: H10
TEST_P(MessageOrder, AFullWindowIsLost) {
  for (const Messages& lost : {appends().to(3), append_replies().from(3)}) {
    SCOPED_TRACE(lost.text());
    WorldOptions options = nodes(3);
    options.node.raft.max_inflight_messages = 4;
    options.node.raft.max_append_entries = 1;
    World world(options);
    world.elect(1);
    world.settle();
    const RuleId rule = world.drop(lost);
    for (int i = 0; i < 20; ++i)
      world.submit(1, "x+=.");
    EXPECT_GE(world.network().counters().lost_by(Loss::script), 4u);
    world.network().remove(rule);
    world.run_until(all_applied(world.raft(1).log().last().index), world.election_timeout());
    world.run_for(milliseconds(5));
    EXPECT_EQ(world.raft(1).status().peers[1].match, world.raft(1).log().last().index);
    all_is_well(world);
  }
}

// A peer hangs, its window full: the others do not wait for it, nor does the order of what they commit change.
// hazard: H56
TEST_P(MessageOrder, AHungPeerHoldsNobodyUp) {
  WorldOptions options = nodes(3);
  options.node.raft.max_inflight_messages = 4;
  World world(options);
  world.elect(1);
  world.settle();
  world.pause(3);
  std::string expected;
  for (char letter = 'a'; letter <= 'z'; ++letter) {
    const Submitted command = world.submit_async(1, std::string("x+=") + letter);
    world.run_until(command.is_answered(), milliseconds(3));
    expected += letter;
  }
  world.resume(3);
  world.settle();
  EXPECT_EQ(world.read(3, "x"), expected);
  all_is_well(world);
}

// An ex-leader returns with a thousand entries that must all go: found out in one question, not in a thousand.
// hazard: H6
TEST_P(MessageOrderOnLogs, ALongWrongTailIsFoundOutAtOnce) {
  Count refusals(append_replies().from(1).refused());
  World world(nodes(3));
  world.add_sink(refusals);
  world.elect(1);
  world.settle();
  world.network().isolate(1);
  for (int i = 0; i < 1000; ++i)
    world.submit_async(1, "x+=.");
  world.run_until(node(2).is_ready() || node(3).is_ready());
  world.network().heal();
  world.settle();
  EXPECT_LE(refusals.sent(), 2u);
  EXPECT_EQ(world.events_of<EntriesTruncated>(1).size(), 1u);
  all_is_well(world);
}

}  // namespace
}  // namespace keel::sim::test
