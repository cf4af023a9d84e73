#include "keel/sim/messages.hpp"

#include <gtest/gtest.h>

namespace keel::sim {
namespace {

PeerMessage message(std::uint64_t from, std::uint64_t to, std::uint64_t term, MessageBody body) {
  const NodeId a(from);
  const NodeId b(to);
  return {GroupId(0), a, b, Message{GroupId(0), a, b, Term(term), std::move(body)}};
}

const PeerMessage beat = message(1, 2, 3, Heartbeat{.commit = Index(7)});
const PeerMessage yes = message(2, 1, 3, AppendReply{.accepted = true, .index = Index(5), .hint = {}});
const PeerMessage no = message(3, 1, 4, AppendReply{});
const PeerMessage asks = message(3, 1, 4, VoteRequest{.pre_vote = true, .last = {}});

// mission: 4t.a
TEST(Messages, ArePickedByTypeDirectionTermAndContent) {
  EXPECT_TRUE(Messages::any().matches(beat));
  EXPECT_TRUE(Messages::of<Heartbeat>().from(1).to(2).term(Term(3)).matches(beat));
  EXPECT_FALSE(Messages::of<Heartbeat>().from(2).matches(beat));
  EXPECT_FALSE(Messages::of<AppendRequest>().matches(beat));
  EXPECT_TRUE(Messages::any().commit(Index(7)).matches(beat));
  EXPECT_FALSE(Messages::any().commit(Index(8)).matches(beat));
  EXPECT_TRUE(Messages::any().between(2, 1).matches(beat));
  EXPECT_TRUE(Messages::any().accepted().matches(yes));
  EXPECT_FALSE(Messages::any().accepted().matches(no));
  EXPECT_TRUE(Messages::any().refused().matches(no));
  EXPECT_TRUE(Messages::any().with(Index(5)).matches(yes));
  EXPECT_FALSE(Messages::any().with(Index(6)).matches(yes));
  EXPECT_TRUE(Messages::any().pre_vote().matches(asks));
  EXPECT_FALSE(Messages::any().pre_vote(false).matches(asks));
  EXPECT_TRUE(Messages::any().where([](const Heartbeat& b) { return b.commit == Index(7); }).matches(beat));
  EXPECT_FALSE(Messages::any().where([](const Heartbeat& b) { return b.commit == Index(7); }).matches(no));
}

TEST(Messages, AreCombinedWithAndOrNot) {
  EXPECT_TRUE((Messages::of<Heartbeat>() && Messages::any().to(2)).matches(beat));
  EXPECT_FALSE((Messages::of<Heartbeat>() && Messages::any().to(3)).matches(beat));
  EXPECT_TRUE((Messages::of<Heartbeat>() || Messages::of<AppendReply>()).matches(yes));
  EXPECT_TRUE((!Messages::of<Heartbeat>()).matches(yes));
  EXPECT_FALSE((!Messages::of<Heartbeat>()).matches(beat));
}

TEST(Messages, CountAndFollowOneAnother) {
  Messages first = Messages::of<Heartbeat>().first(2);
  EXPECT_TRUE(first.matches(beat));
  EXPECT_FALSE(first.matches(yes));
  Messages copy = first;
  EXPECT_TRUE(first.matches(beat));
  EXPECT_FALSE(first.matches(beat));
  EXPECT_TRUE(copy.matches(beat)) << "a copy counts for itself";

  Messages after = Messages::of<Heartbeat>().after(1);
  EXPECT_FALSE(after.matches(beat));
  EXPECT_TRUE(after.matches(beat));

  Messages then = Messages::any().refused().then(Messages::of<Heartbeat>());
  EXPECT_FALSE(then.matches(beat));
  EXPECT_FALSE(then.matches(no));
  EXPECT_TRUE(then.matches(beat));
}

TEST(Messages, SayWhatTheyAre) {
  EXPECT_EQ((Messages::of<AppendReply>().from(2).to(3) || !Messages::any().term(Term(4))).text(),
            "(AppendReply from 2 to 3 or not (any message of term 4))");
}

}  // namespace
}  // namespace keel::sim
