#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "diagram.hpp"
#include "keel/sim/register_machine.hpp"
#include "keel/sim/world.hpp"

// Scenarios: what a Raft must survive, one paragraph each, told with chosen messages at chosen moments.
//
// A test reads like the paragraph it checks, and names it: `// scenario: E-01`; likewise the hazard it guards against
// (`// hazard: H12`) and the part of the mission it shows (`// mission: 1.5`). Time is virtual: nothing sleeps, equal
// runs are equal. A World checks all of Raft's invariants after every step by itself, so that a test says only what is
// special about its story.
//
// By theme: election_test, prevote_test, partition_test, command_test, outcome_test, read_test, transfer_test, time_test,
// message_test, event_test, disk_test; term_inflation_test tells one story with each extension on and off.
//
// Each runs with every combination of PreVote and CheckQuorum (stickiness goes with CheckQuorum), and where a log
// matters on every kind of log. Where a combination rightly behaves otherwise, the test says what happens then, and why.
//
// docs/scenarios/ is made of these files (./dev scenarios): the comment over a test, and what happens in it with PreVote
// and CheckQuorum. So the comment is for who does not read the test.
namespace keel::sim::test {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

struct Combination {
  bool pre_vote;
  bool check_quorum;
  LogKind log;
};

// The logs that a scenario runs on if it matters to it which.
inline const std::vector<LogKind> every_log = {LogKind::memory, LogKind::write_ahead};

inline std::vector<Combination> combinations(const std::vector<LogKind>& logs = {LogKind::memory}) {
  std::vector<Combination> all;
  for (const LogKind log : logs) {
    for (const bool pre_vote : {true, false}) {
      for (const bool check_quorum : {true, false})
        all.push_back({pre_vote, check_quorum, log});
    }
  }
  return all;
}

inline std::string name_of_combination(const ::testing::TestParamInfo<Combination>& info) {
  const Combination& with = info.param;
  std::string name = with.pre_vote ? "PreVote" : "";
  if (with.check_quorum) name += "CheckQuorum";
  if (name.empty()) name = "Neither";
  return name + (with.log == LogKind::write_ahead ? "OnDisk" : "");
}

// INSTANTIATE_TEST_SUITE_P(With, Election, in_every_combination, name_of_combination);
inline const auto in_every_combination = ::testing::ValuesIn(combinations());
inline const auto with_pre_vote =
    ::testing::Values(Combination{true, true, LogKind::memory}, Combination{true, false, LogKind::memory});
inline const auto in_every_combination_on_every_log = ::testing::ValuesIn(combinations(every_log));

class Scenario : public ::testing::TestWithParam<Combination> {
 protected:
  [[nodiscard]] static bool pre_vote() { return GetParam().pre_vote; }
  [[nodiscard]] static bool check_quorum() { return GetParam().check_quorum; }

  // A cluster of so many, in the combination that is tested.
  [[nodiscard]] static WorldOptions nodes(std::size_t count) {
    WorldOptions options;
    options.nodes = count;
    options.pre_vote = pre_vote();
    options.check_quorum = check_quorum();
    options.log = GetParam().log;
    return options;
  }
};

// Messages, by their names in the protocol.
inline Messages pre_vote_requests() { return Messages::of<VoteRequest>().pre_vote(); }
inline Messages pre_vote_replies() { return Messages::of<VoteReply>().pre_vote(); }
inline Messages vote_requests() { return Messages::of<VoteRequest>().pre_vote(false); }
inline Messages vote_replies() { return Messages::of<VoteReply>().pre_vote(false); }
inline Messages appends() { return Messages::of<AppendRequest>(); }
inline Messages append_replies() { return Messages::of<AppendReply>(); }
inline Messages heartbeats() { return Messages::of<Heartbeat>(); }
inline Messages heartbeat_replies() { return Messages::of<HeartbeatReply>(); }

// For long runs: nobody reads along.
inline WorldOptions quiet(WorldOptions options) {
  options.keep_events = false;
  options.tail = 0;
  return options;
}

// How often leadership changes in this time.
inline std::size_t leader_changes_in(World& world, Duration time) {
  const std::size_t before = world.leaderships();
  world.run_for(time);
  return world.leaderships() - before;
}

// Counts what is sent. It must be there before the World that it is added to.
class Count final : public TraceSink {
 public:
  explicit Count(Messages which) : which_(std::move(which)) {}
  void on_trace(const TraceEvent& event) override {
    if (event.kind == TraceKind::sent && which_.matches(*event.message)) ++sent_;
  }
  void restart() { sent_ = 0; }
  [[nodiscard]] std::size_t sent() const { return sent_; }

 private:
  Messages which_;
  std::size_t sent_ = 0;
};

// What a read of `key` finds in a RegisterMachine.
inline World::Query value_of(std::string key) {
  return [key = std::move(key)](StateMachine& machine) { return dynamic_cast<RegisterMachine&>(machine).get(key); };
}

// Asks for a transfer and does not wait for its end, which is an event.
inline void begin_transfer(World& world, Who from, Who to) {
  world.node(from).transfer_leadership(to.id, [](const Result<void>&) {});
  world.run_now();
}

// Somebody who is not in the cluster says this to `to`, in its own name.
inline void say(World& world, NodeId stranger, Who to, Term term, MessageBody body) {
  const GroupId group = world.raft(to).options().group;
  world.node(to).receive({group, stranger, to.id, Message{group, stranger, to.id, term, std::move(body)}},
                         [](const PeerMessage&) {});
  world.run_now();
}

// A register machine that can be told to break at the next command, or to take its time over what it is given.
enum class Breaks : std::uint8_t { never, throws, fails };
class FragileMachine final : public StateMachine {
 public:
  Breaks breaks = Breaks::never;
  void hold() { held_ = true; }
  void release() {
    held_ = false;
    if (waiting_) std::exchange(waiting_, nullptr)();
  }

  Index applied() override { return Index(0); }
  void apply(std::span<Command> commands, Index up_to, Completion<Replies> done) override {
    if (breaks == Breaks::throws) throw std::runtime_error("broken");
    if (breaks == Breaks::fails) return done(fail(ErrorCode::io, "broken"));
    if (!held_) return inner_.apply(commands, up_to, std::move(done));
    waiting_ = [this, commands, up_to, done = std::move(done)]() mutable {
      inner_.apply(commands, up_to, std::move(done));
    };
  }

 private:
  RegisterMachine inner_;
  bool held_ = false;
  Task waiting_;
};

inline WorldOptions with_fragile_machines(WorldOptions options) {
  options.machine = [](NodeId) { return std::make_unique<FragileMachine>(); };
  return options;
}
inline FragileMachine& fragile(World& world, Who node) { return dynamic_cast<FragileMachine&>(world.machine(node)); }

// By hand, while everything is held: `candidate` campaigns in earnest. With PreVote `voter` has to say yes first.
inline void campaign(World& world, Who candidate, Who voter) {
  world.fire_timer(candidate, Timer::election);
  if (!world.raft(candidate).options().pre_vote) return;
  world.deliver_one(pre_vote_requests().from(candidate).to(voter));
  world.deliver_one(pre_vote_replies().from(voter).to(candidate));
}

// By hand: `voter` is asked by `candidate`, who gets the answer.
inline void vote(World& world, Who voter, Who candidate) {
  world.deliver_one(vote_requests().from(candidate).to(voter));
  world.deliver_one(vote_replies().from(voter).to(candidate));
}

inline void elect_by_hand(World& world, Who candidate, Who voter) {
  campaign(world, candidate, voter);
  vote(world, voter, candidate);
}

// These lose power for a moment. What they knew of a leader is gone, and what was on its way to them; their logs and
// votes are not.
inline void power_cut(World& world, std::initializer_list<Who> nodes) {
  for (const Who node : nodes)
    world.crash(node);
  world.run_for(milliseconds(2));
  for (const Who node : nodes)
    world.restart(node);
}

// The end of every story: with all faults gone the cluster serves, nothing was lost, nobody was told a lie.
inline void all_is_well(World& world) {
  world.story_ends();
  world.release();
  world.network().heal();
  world.settle();
  EXPECT_TRUE(world.submit("all=well").applied_everywhere());
  world.check_commands();
  EXPECT_FALSE(world.checks().violation()) << world.checks().violation()->text;
}

}  // namespace keel::sim::test
