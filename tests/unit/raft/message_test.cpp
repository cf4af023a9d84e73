#include "keel/raft/message.hpp"

#include <gtest/gtest.h>

namespace keel::test {
namespace {

Entry entry(std::uint64_t index, std::uint64_t term, std::size_t size) {
  return {Index(index), Term(term), EntryKind::command, Payload::with_size(size)};
}
LogPosition at(std::uint64_t index, std::uint64_t term) { return {Term(term), Index(index)}; }

Message message(MessageBody body) { return {GroupId(5), NodeId(3), NodeId(1), Term(7), std::move(body)}; }

struct Form {
  MessageBody body;
  const char* name;
  const char* short_form;
  const char* long_form;
};
std::vector<Form> forms() {
  return {
      {VoteRequest{.last = at(41, 6)}, "VoteRequest", "Vote? 3→1 t7 last 41@6",
       "VoteRequest group=5 from=3 to=1 term=7 pre_vote=false for_transfer=false last=41@6"},
      {VoteRequest{.for_transfer = true, .last = at(41, 6)}, "VoteRequest", "Vote? 3→1 t7 last 41@6 transfer",
       "VoteRequest group=5 from=3 to=1 term=7 pre_vote=false for_transfer=true last=41@6"},
      {VoteRequest{.pre_vote = true, .last = at(41, 6)}, "PreVoteRequest", "PreVote? 3→1 t7 last 41@6",
       "PreVoteRequest group=5 from=3 to=1 term=7 pre_vote=true for_transfer=false last=41@6"},
      {VoteReply{.granted = true, .voted_for = NodeId(1)}, "VoteReply", "Vote+ 3→1 t7",
       "VoteReply group=5 from=3 to=1 term=7 pre_vote=false granted=true refusal=none voted_for=1"},
      {VoteReply{.refusal = Refusal::voted_for_another, .voted_for = NodeId(2)}, "VoteReply",
       "Vote- 3→1 t7 voted_for_another chose 2",
       "VoteReply group=5 from=3 to=1 term=7 pre_vote=false granted=false refusal=voted_for_another voted_for=2"},
      {VoteReply{.pre_vote = true, .refusal = Refusal::leader_alive}, "PreVoteReply", "PreVote- 3→1 t7 leader_alive",
       "PreVoteReply group=5 from=3 to=1 term=7 pre_vote=true granted=false refusal=leader_alive voted_for=0"},
      {AppendRequest{.previous = at(8, 6), .commit = Index(7), .entries = {entry(9, 6, 0), entry(10, 7, 12)}},
       "AppendRequest", "Append? 3→1 t7 prev 8@6 +2 commit 7",
       "AppendRequest group=5 from=3 to=1 term=7 previous=8@6 commit=7 entries=[9@6:kind4:0B 10@7:kind4:12B]"},
      {AppendReply{.accepted = true, .index = Index(10), .hint = {}}, "AppendReply", "Append+ 3→1 t7 10",
       "AppendReply group=5 from=3 to=1 term=7 accepted=true index=10 hint=0@0"},
      {AppendReply{.accepted = false, .index = Index(8), .hint = at(4, 2)}, "AppendReply", "Append- 3→1 t7 8 hint 4@2",
       "AppendReply group=5 from=3 to=1 term=7 accepted=false index=8 hint=4@2"},
      {Heartbeat{.commit = Index(7), .round = 12, .promise = Duration(1000)}, "Heartbeat",
       "Beat? 3→1 t7 commit 7 round 12", "Heartbeat group=5 from=3 to=1 term=7 commit=7 round=12 promise=1000ns"},
      {HeartbeatReply{.round = 12, .promise = Duration(1000)}, "HeartbeatReply", "Beat+ 3→1 t7 round 12",
       "HeartbeatReply group=5 from=3 to=1 term=7 round=12 promise=1000ns"},
      {TimeoutNow{at(41, 6)}, "TimeoutNow", "TimeoutNow 3→1 t7 last 41@6",
       "TimeoutNow group=5 from=3 to=1 term=7 last=41@6"},
      {ReadIndexRequest{77}, "ReadIndexRequest", "Read? 3→1 t7 #77",
       "ReadIndexRequest group=5 from=3 to=1 term=7 context=77"},
      {ReadIndexReply{.context = 77, .confirmed = true, .index = Index(40)}, "ReadIndexReply",
       "Read+ 3→1 t7 #77 index 40", "ReadIndexReply group=5 from=3 to=1 term=7 context=77 confirmed=true index=40"},
      {ReadIndexReply{.context = 77, .index = {}}, "ReadIndexReply", "Read- 3→1 t7 #77",
       "ReadIndexReply group=5 from=3 to=1 term=7 context=77 confirmed=false index=0"},
  };
}

// mission: 1a 1b 1c
TEST(Message, HasAShortAndALongForm) {
  std::vector<bool> seen(std::variant_size_v<MessageBody>);
  for (const Form& form : forms()) {
    EXPECT_EQ(name_of(form.body), form.name);
    EXPECT_EQ(short_form(message(form.body)), form.short_form);
    EXPECT_EQ(long_form(message(form.body)), form.long_form);
    seen[form.body.index()] = true;
  }
  EXPECT_EQ(std::ranges::count(seen, false), 0) << "a type is missing above";
}

// mission: 1a 1b 1c  Messages that differ in any field are different, and their long forms show it.
TEST(Message, TheLongFormShowsEveryField) {
  std::vector<Message> all;
  for (const Form& form : forms())
    all.push_back(message(form.body));
  const auto changed = [&](auto change) {
    Message one = message(VoteReply{});
    change(one);
    all.push_back(one);
  };
  changed([](Message&) {});
  changed([](Message& m) { m.group = GroupId(6); });
  changed([](Message& m) { m.from = NodeId(4); });
  changed([](Message& m) { m.to = NodeId(2); });
  changed([](Message& m) { m.term = Term(8); });
  for (const Refusal why : {Refusal::log_behind, Refusal::old_term, Refusal::not_ready}) {
    changed([&](Message& m) { std::get<VoteReply>(m.body).refusal = why; });
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      EXPECT_NE(all[i], all[j]) << long_form(all[i]);
      EXPECT_NE(long_form(all[i]), long_form(all[j]));
    }
  }
}

// mission: 70  A reply carries no entries and has one size.
TEST(Message, AnAppendReplyIsFixedInSize) {
  static_assert(std::is_trivially_copyable_v<AppendReply>);
  static_assert(sizeof(AppendReply) <= 32);
}

}  // namespace
}  // namespace keel::test
