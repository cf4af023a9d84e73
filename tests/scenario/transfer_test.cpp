#include "support.hpp"

namespace keel::sim::test {
namespace {

class Transfer : public Scenario {};
INSTANTIATE_TEST_SUITE_P(With, Transfer, in_every_combination, name_of_combination);

std::vector<TransferEnd> ends_of(const World& world, Who node) {
  std::vector<TransferEnd> ends;
  for (const TransferEnded& ended : world.events_of<TransferEnded>(node))
    ends.push_back(ended.end);
  return ends;
}

// To a node that is up to date: neither PreVote nor stickiness stands in the way, and it takes no timeout.
// scenario: E-13
// hazard: H18
TEST_P(Transfer, ToAnUpToDateNode) {
  World world(nodes(3));
  world.elect(1);
  world.settle();
  EXPECT_TRUE(world.transfer(1, 3));
  world.run_until(node(3).is_ready() && one_leader(), milliseconds(10));
  EXPECT_EQ(world.count_of<CampaignStarted>(), pre_vote() ? 3u : 2u) << "no rehearsal for the second";
  EXPECT_EQ(world.events_of<CampaignStarted>(3).front().for_transfer, true);
  all_is_well(world);
}

// To a node that lags: it is brought up to date first, and only then asked.
// scenario: E-13
// hazard: H18
TEST_P(Transfer, ToANodeThatLags) {
  World world(nodes(3));
  world.elect(1);
  world.settle();
  world.hold(appends().to(3));
  world.hold(Messages::of<TimeoutNow>());
  for (int i = 0; i < 20; ++i)
    world.submit(1, "x+=.");
  begin_transfer(world, 1, 3);
  world.run_for(milliseconds(300));
  EXPECT_EQ(world.network().count_held(Messages::of<TimeoutNow>()), 0u);
  EXPECT_EQ(world.submit_async(1, "x=1").error(), ErrorCode::no_leader) << "nothing is appended meanwhile";

  world.deliver_all(appends().to(3));
  world.run_until(is_held(Messages::of<TimeoutNow>().to(3)));
  EXPECT_EQ(world.raft(3).log().last(), world.raft(1).log().last());
  world.release();
  world.run_until(node(3).is_ready(), world.election_timeout());
  EXPECT_EQ(ends_of(world, 1), (std::vector{TransferEnd::done}));
  all_is_well(world);
}

// To oneself, to a stranger, from a node that does not lead: errors, and nothing happens.
// scenario: E-13
TEST_P(Transfer, WhatCannotBe) {
  World world(nodes(3));
  world.elect(1);
  world.settle();
  EXPECT_EQ(world.transfer(1, 1).error().code, ErrorCode::invalid);
  EXPECT_EQ(world.transfer(1, 9).error().code, ErrorCode::invalid);
  const auto asked_at_a_follower = world.transfer(2, 3);
  EXPECT_EQ(asked_at_a_follower.error().code, ErrorCode::not_leader);
  EXPECT_EQ(asked_at_a_follower.error().leader, 1u);
  EXPECT_EQ(world.count_of<TransferStarted>(), 0u);
  EXPECT_TRUE(world.submit(1, "x=1").ok());
  EXPECT_EQ(world.leaderships(), 1u);
  all_is_well(world);
}

// Back again as soon as the other leads, before it is ready.
// scenario: E-13
TEST_P(Transfer, BackAgain) {
  World world(nodes(3));
  world.elect(1);
  world.settle();
  begin_transfer(world, 1, 2);
  world.run_until(node(2).is_leader(), milliseconds(10));
  EXPECT_FALSE(world.holds(node(2).is_ready()));
  EXPECT_TRUE(world.transfer(2, 1));
  world.run_until(node(1).is_ready() && one_leader(), milliseconds(20));
  EXPECT_EQ(world.leaderships(), 3u);
  all_is_well(world);
}

// A second transfer to the same node joins the first. One to another node takes its place.
// scenario: E-13
TEST_P(Transfer, ASecondOne) {
  World world(nodes(3));
  world.elect(1);
  world.settle();
  world.hold(Messages::of<TimeoutNow>().to(2));
  begin_transfer(world, 1, 2);
  begin_transfer(world, 1, 2);
  EXPECT_EQ(world.events_of<TransferStarted>(1).size(), 1u);
  EXPECT_TRUE(world.transfer(1, 3));
  EXPECT_EQ(ends_of(world, 1), (std::vector{TransferEnd::replaced, TransferEnd::done}));
  world.run_until(node(3).is_ready() && one_leader(), milliseconds(20));
  world.release();
  world.settle();
  EXPECT_EQ(world.leader(), NodeId(3)) << "node 2 was asked by a leader that is none any more";
  all_is_well(world);
}

// The target cannot be reached: given up after an election timeout, and commands are taken again.
// scenario: E-15
TEST_P(Transfer, ToAnUnreachableNode) {
  World world(nodes(3));
  world.elect(1);
  world.settle();
  world.network().isolate(3);
  begin_transfer(world, 1, 3);
  world.run_for(world.election_timeout() - milliseconds(1));
  EXPECT_EQ(world.submit_async(1, "x=1").error(), ErrorCode::no_leader);
  world.run_for(milliseconds(2));
  EXPECT_EQ(ends_of(world, 1), (std::vector{TransferEnd::timed_out}));
  EXPECT_TRUE(world.submit(1, "x=2").ok());
  EXPECT_EQ(world.leaderships(), 1u);
  all_is_well(world);
}

// The target dies when it has been asked: the leader goes on in its own term.
// scenario: E-15
TEST_P(Transfer, TheTargetDies) {
  World world(nodes(3));
  world.elect(1);
  world.settle();
  world.hold(Messages::of<TimeoutNow>());
  begin_transfer(world, 1, 3);
  world.run_until(is_held(Messages::of<TimeoutNow>().to(3)));
  world.crash(3);
  world.release();
  world.run_for(world.election_timeout());
  EXPECT_EQ(ends_of(world, 1), (std::vector{TransferEnd::timed_out}));
  EXPECT_TRUE(world.submit(1, "x=1").ok());
  EXPECT_EQ(world.raft(1).term(), Term(2));
  world.restart(3);
  all_is_well(world);
}

// The target holds an entry whose acknowledgement the leader has not seen: it is asked as soon as that is known, and the
// entry, which nobody knew to be committed, is kept.
// scenario: E-15
TEST_P(Transfer, AnAcknowledgementIsMissing) {
  World world(nodes(3));
  world.elect(1);
  world.settle();
  world.hold(append_replies());
  world.hold(Messages::of<TimeoutNow>());
  const Submitted command = world.submit_async(1, "x=1");
  begin_transfer(world, 1, 3);
  world.run_for(milliseconds(300));
  ASSERT_TRUE(world.holds(node(3).has_entry(command.index())));
  EXPECT_EQ(world.network().count_held(Messages::of<TimeoutNow>()), 0u);
  world.release();
  world.run_until(node(3).is_ready(), world.election_timeout());
  EXPECT_TRUE(command.applied_everywhere());
  EXPECT_TRUE(command.ok());
  all_is_well(world);
}

// "Campaign now" arrives long after, from a leader of an old term: nothing happens.
// hazard: H18
TEST_P(Transfer, AnOldRequestToCampaign) {
  World world(nodes(3));
  world.elect(1);
  world.settle();
  world.hold(Messages::of<TimeoutNow>().to(2));
  begin_transfer(world, 1, 2);
  world.run_until(is_held(Messages::of<TimeoutNow>()));
  EXPECT_TRUE(world.transfer(1, 3));
  world.settle();
  world.deliver_one(Messages::of<TimeoutNow>().to(2).term(Term(2)));
  EXPECT_EQ(leader_changes_in(world, 3 * world.election_timeout()), 0u);
  EXPECT_EQ(world.raft(2).term(), Term(3));
  all_is_well(world);
}

// Under load nothing is lost: commands that come during the transfer are refused or passed on, each is applied at most
// once, and whoever was told "done" was told the truth.
// scenario: E-13
TEST_P(Transfer, UnderLoad) {
  World world(nodes(3));
  world.elect(1);
  world.settle();
  for (const std::uint64_t target : {2, 3, 1, 3, 2}) {
    for (const NodeId id : world.all())
      world.submit_async(id, "x+=.");
    begin_transfer(world, world.leader(), target);
    for (const NodeId id : world.all())
      world.submit_async(id, "y+=.");
    world.run_until(node(target).is_ready(), world.election_timeout());
  }
  all_is_well(world);
}

}  // namespace
}  // namespace keel::sim::test
