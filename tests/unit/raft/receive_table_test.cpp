#include <array>

#include <gtest/gtest.h>

#include "lone.hpp"

namespace keel::test {
namespace {

// Every message, at a lower, the same and a higher term, put to node 1 at term 5 in every role. An outcome reads
// "role term/vote reply reply-term ...": F follower, P rehearsing candidate, C candidate, L leader; `!` is a violation.
// The roles: a follower that knows no leader; a follower of node 2; a rehearsing candidate; a candidate; a leader.
enum Start : std::uint8_t { alone, follows, rehearses, campaigns, leads };

Lone begin(Start start) {
  const bool voted = start == campaigns || start == leads;
  Lone node({4}, {Term(voted ? 4 : 5), nobody}, [&](RaftOptions& o) { o.pre_vote = start == rehearses; });
  if (start == follows) node.receive(2, 5, Heartbeat{.commit = {}});
  if (start == rehearses || start == campaigns) node.fire(Timer::election);
  if (start == leads) node.lead();
  node.events.clear();
  return node;
}

std::string outcome(Lone& node, const std::vector<Message>& left) {
  const RaftStatus is = node.raft->status();
  std::string out = is.pre_vote ? "P" : std::string(1, "FCL"[static_cast<std::size_t>(is.role)]);
  out += std::to_string(is.term.value()) + "/" + std::to_string(is.vote.value());
  for (const Message& message : left) {
    const std::string line = short_form(message);
    out += " " + line.substr(0, line.find(' ')) + std::to_string(message.term.value());
  }
  if (node.count<ProtocolViolation>() != 0) out += " !";
  return out;
}

struct Row {
  const char* name;
  MessageBody body;
  std::uint64_t from;
  std::uint64_t term;
  std::array<const char*, 5> outcomes;  // alone, follows, rehearses, campaigns, leads
};

AppendRequest append(std::uint64_t term) {
  return {.previous = Lone::at(2, 4), .commit = {}, .entries = {Lone::entry(3, term)}};
}

// A candidate's log is up to date; node 3 asks, node 2 is the leader.
std::vector<Row> table() {
  const LogPosition newest = Lone::at(9, 5);
  const VoteRequest vote{.last = newest};
  const VoteRequest wanted{.for_transfer = true, .last = newest};
  const VoteRequest rehearsal{.pre_vote = true, .last = newest};
  const VoteReply yes{.granted = true};
  const VoteReply no{.refusal = Refusal::log_behind};
  const VoteReply would{.pre_vote = true, .granted = true};
  const VoteReply would_not{.pre_vote = true, .refusal = Refusal::leader_alive};
  const AppendReply holds{.accepted = true, .index = Index(2), .hint = {}};
  const AppendReply lacks{.accepted = false, .index = Index(2), .hint = Lone::at(1, 1)};
  const Heartbeat beat{.commit = {}, .round = 7};
  const HeartbeatReply heard{};
  const TimeoutNow now{Lone::at(2, 4)};
  const ReadIndexRequest read{1};
  const ReadIndexReply index{.context = 1, .confirmed = true, .index = Index(1)};
  return {
      {"vote?", vote, 3, 4, {"F5/0 Vote-5", "F5/0 Vote-5", "P5/0 Vote-5", "C5/1 Vote-5", "L5/1 Vote-5"}},
      {"vote?", vote, 3, 5, {"F5/3 Vote+5", "F5/0 Vote-5", "F5/3 Vote+5", "C5/1 Vote-5", "L5/1 Vote-5"}},
      {"vote?", vote, 3, 6, {"F6/3 Vote+6", "F5/0 Vote-5", "F6/3 Vote+6", "F6/3 Vote+6", "L5/1 Vote-5"}},
      {"wanted?", wanted, 3, 4, {"F5/0 Vote-5", "F5/0 Vote-5", "P5/0 Vote-5", "C5/1 Vote-5", "L5/1 Vote-5"}},
      {"wanted?", wanted, 3, 5, {"F5/3 Vote+5", "F5/3 Vote+5", "F5/3 Vote+5", "C5/1 Vote-5", "L5/1 Vote-5"}},
      {"wanted?", wanted, 3, 6, {"F6/3 Vote+6", "F6/3 Vote+6", "F6/3 Vote+6", "F6/3 Vote+6", "F6/3 Vote+6"}},
      {"would?",
       rehearsal,
       3,
       4,
       {"F5/0 PreVote-5", "F5/0 PreVote-5", "P5/0 PreVote-5", "C5/1 PreVote-5", "L5/1 PreVote-5"}},
      {"would?",
       rehearsal,
       3,
       5,
       {"F5/0 PreVote-5", "F5/0 PreVote-5", "P5/0 PreVote-5", "C5/1 PreVote-5", "L5/1 PreVote-5"}},
      {"would?",
       rehearsal,
       3,
       6,
       {"F5/0 PreVote+6", "F5/0 PreVote-5", "P5/0 PreVote+6", "C5/1 PreVote+6", "L5/1 PreVote-5"}},
      {"yes", yes, 2, 4, {"F5/0", "F5/0", "P5/0", "C5/1", "L5/1"}},
      {"yes", yes, 2, 5, {"F5/0", "F5/0", "P5/0", "L5/1 Append?5 Append?5", "L5/1"}},
      {"yes", yes, 2, 6, {"F6/0", "F6/0", "F6/0", "F6/0", "F6/0"}},
      {"no", no, 2, 4, {"F5/0", "F5/0", "P5/0", "C5/1", "L5/1"}},
      {"no", no, 2, 5, {"F5/0", "F5/0", "P5/0", "C5/1", "L5/1"}},
      {"no", no, 2, 6, {"F6/0", "F6/0", "F6/0", "F6/0", "F6/0"}},
      {"would", would, 2, 5, {"F5/0", "F5/0", "P5/0", "C5/1", "L5/1"}},
      {"would", would, 2, 6, {"F5/0", "F5/0", "C6/1 Vote?6 Vote?6", "C5/1", "L5/1"}},
      {"would", would, 2, 7, {"F5/0", "F5/0", "P5/0", "C5/1", "L5/1"}},
      {"would not", would_not, 2, 4, {"F5/0", "F5/0", "P5/0", "C5/1", "L5/1"}},
      {"would not", would_not, 2, 5, {"F5/0", "F5/0", "P5/0", "C5/1", "L5/1"}},
      {"would not", would_not, 2, 6, {"F6/0", "F6/0", "F6/0", "F6/0", "F6/0"}},
      {"append?",
       append(4),
       2,
       4,
       {"F5/0 Append-5", "F5/0 Append-5", "P5/0 Append-5", "C5/1 Append-5", "L5/1 Append-5"}},
      {"append?", append(5), 2, 5, {"F5/0 Append+5", "F5/0 Append+5", "F5/0 Append+5", "F5/1 Append+5", "L5/1 !"}},
      {"append?",
       append(6),
       2,
       6,
       {"F6/0 Append+6", "F6/0 Append+6", "F6/0 Append+6", "F6/0 Append+6", "F6/0 Append+6"}},
      {"holds", holds, 2, 4, {"F5/0", "F5/0", "P5/0", "C5/1", "L5/1"}},
      {"holds", holds, 2, 5, {"F5/0", "F5/0", "P5/0", "C5/1", "L5/1 Append?5"}},
      {"holds", holds, 2, 6, {"F6/0", "F6/0", "F6/0", "F6/0", "F6/0"}},
      {"lacks", lacks, 2, 4, {"F5/0", "F5/0", "P5/0", "C5/1", "L5/1"}},
      {"lacks", lacks, 2, 5, {"F5/0", "F5/0", "P5/0", "C5/1", "L5/1 Append?5"}},
      {"lacks", lacks, 2, 6, {"F6/0", "F6/0", "F6/0", "F6/0", "F6/0"}},
      {"beat", beat, 2, 4, {"F5/0 Beat+5", "F5/0 Beat+5", "P5/0 Beat+5", "C5/1 Beat+5", "L5/1 Beat+5"}},
      {"beat", beat, 2, 5, {"F5/0 Beat+5", "F5/0 Beat+5", "F5/0 Beat+5", "F5/1 Beat+5", "L5/1 !"}},
      {"beat", beat, 2, 6, {"F6/0 Beat+6", "F6/0 Beat+6", "F6/0 Beat+6", "F6/0 Beat+6", "F6/0 Beat+6"}},
      {"heard", heard, 2, 4, {"F5/0", "F5/0", "P5/0", "C5/1", "L5/1"}},
      {"heard", heard, 2, 5, {"F5/0", "F5/0", "P5/0", "C5/1", "L5/1"}},
      {"heard", heard, 2, 6, {"F6/0", "F6/0", "F6/0", "F6/0", "F6/0"}},
      {"now!", now, 2, 4, {"F5/0", "F5/0", "P5/0", "C5/1", "L5/1"}},
      {"now!", now, 2, 5, {"F5/0", "C6/1 Vote?6 Vote?6", "P5/0", "C5/1", "L5/1"}},
      {"now!", now, 2, 6, {"F6/0", "F6/0", "F6/0", "F6/0", "F6/0"}},
      {"read?", read, 2, 4, {"F5/0", "F5/0", "P5/0", "C5/1", "L5/1"}},
      {"read?", read, 2, 5, {"F5/0 Read-5", "F5/0 Read-5", "P5/0 Read-5", "C5/1 Read-5", "L5/1"}},
      {"read?", read, 2, 6, {"F6/0 Read-6", "F6/0 Read-6", "F6/0 Read-6", "F6/0 Read-6", "F6/0 Read-6"}},
      {"index", index, 2, 4, {"F5/0", "F5/0", "P5/0", "C5/1", "L5/1"}},
      {"index", index, 2, 5, {"F5/0", "F5/0", "P5/0", "C5/1", "L5/1"}},
      {"index", index, 2, 6, {"F6/0", "F6/0", "F6/0", "F6/0", "F6/0"}},
  };
}

// mission: R6
TEST(Receive, EveryMessageAtEveryTermInEveryRole) {
  for (const Row& row : table()) {
    for (const Start start : {alone, follows, rehearses, campaigns, leads}) {
      Lone node = begin(start);
      const auto left = node.receive(row.from, row.term, row.body);
      EXPECT_EQ(outcome(node, left), row.outcomes[start])
          << row.name << " at term " << row.term << ", start " << int(start);
    }
  }
}

// mission: R6  A reply tells a term and perhaps a vote: it waits until both are durable, together.
TEST(Receive, NoReplyLeavesBeforeTheTermItTellsIsDurable) {
  for (const Row& row : table()) {
    for (const Start start : {alone, follows, rehearses, campaigns, leads}) {
      Lone node = begin(start);
      const Term before = node.raft->term();
      node.raft->receive({{}, NodeId(row.from), NodeId(1), Term(row.term), row.body});
      Output out;
      node.raft->take_output(out);
      if (node.raft->term() == before) continue;
      EXPECT_TRUE(out.send.empty()) << row.name << " at term " << row.term << ", start " << int(start);
      ASSERT_TRUE(out.write && out.write->batch.hard_state) << row.name;
      EXPECT_EQ(*out.write->batch.hard_state, node.raft->hard_state()) << row.name;
    }
  }
}

// mission: 1.7 4y.3  Answers come from members: a node that was never admitted moves nobody's term with them.
TEST(Receive, AStrangersAnswerChangesNothing) {
  for (const Row& row : table()) {
    const bool answers = std::holds_alternative<VoteReply>(row.body) || std::holds_alternative<AppendReply>(row.body) ||
                         std::holds_alternative<HeartbeatReply>(row.body);
    if (!answers) continue;
    for (const Start start : {alone, follows, rehearses, campaigns, leads}) {
      Lone node = begin(start);
      const Raft before = *node.raft;
      EXPECT_TRUE(node.receive(9, row.term, row.body).empty());
      EXPECT_EQ(*node.raft, before) << row.name << " at term " << row.term << ", start " << int(start);
    }
  }
}

// mission: 1.7  Nor does its campaign, while a leader is heard; and PreVote asks it for a better log first.
TEST(Receive, AStrangersCampaignDisturbsNobody) {
  for (const Start start : {follows, leads}) {
    Lone node = begin(start);
    for (std::uint64_t term = 6; term < 90; ++term) {
      node.receive(9, term, VoteRequest{.pre_vote = term % 2 == 0, .last = Lone::at(99, 5)});
    }
    EXPECT_EQ(node.raft->term(), Term(5));
  }
}

// A message for another node or group, or from nobody, is not looked at: its term, however high, changes nothing.
TEST(Receive, WhatIsNotForUsChangesNothing) {
  const Message good{GroupId(0), NodeId(2), NodeId(1), Term(9), Heartbeat{.commit = {}, .round = 1}};
  const auto with = [&](auto change) {
    Message message = good;
    change(message);
    return message;
  };
  for (const Message& message :
       {with([](Message& m) { m.group = GroupId(1); }), with([](Message& m) { m.to = NodeId(2); }),
        with([](Message& m) { m.from = nobody; }), with([](Message& m) { m.from = NodeId(1); })}) {
    Lone node = begin(alone);
    node.raft->receive(Message(message));
    EXPECT_TRUE(node.turn().empty()) << long_form(message);
    EXPECT_EQ(node.raft->term(), Term(5)) << long_form(message);
    EXPECT_EQ(node.count<MessageRejected>(), 1u) << long_form(message);
  }
}

}  // namespace
}  // namespace keel::test
