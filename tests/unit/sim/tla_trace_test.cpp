// mission: 4y.4
#include "keel/sim/tla_trace.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tla_checker.hpp"

namespace keel::sim {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using Lines = std::vector<std::string>;

// What is wrong with the first wrong line.
std::string judge(const Lines& lines) {
  TlaChecker checker;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (const auto wrong = checker.check(lines[i])) return "line " + std::to_string(i + 1) + ": " + *wrong;
  }
  return {};
}

bool has(const std::string& line, std::string_view what) { return line.find(what) != std::string::npos; }
bool is(const std::string& line, std::string_view name) { return has(line, R"("name":")" + std::string(name) + '"'); }
bool of(const std::string& line, NodeId node) { return has(line, R"("nid":")" + std::to_string(node.value()) + '"'); }

std::string changed(std::string line, std::string_view what, std::string_view to) {
  const std::size_t at = line.find(what);
  EXPECT_NE(at, std::string::npos) << line;
  return line.replace(at, what.size(), to);
}

// How often a node started that had started before.
std::size_t restarts_in(const std::vector<std::string>& lines) {
  std::set<std::string> nodes;
  std::size_t starts = 0;
  for (const std::string& line : lines) {
    if (!is(line, "InitState")) continue;
    ++starts;
    const std::size_t at = line.find(R"("nid":")");
    nodes.insert(line.substr(at, line.find(',', at) - at));
  }
  return starts - nodes.size();
}

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* const text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST(TlaTrace, EachLineOfManyRandomRunsFollowsFromThoseBefore) {
  const std::uint64_t first = number_from("KEEL_SEED_BASE", 1);
  const std::uint64_t last = first + number_from("KEEL_TLA_SEEDS", 300) - 1;
  std::map<std::string, std::size_t> seen;
  std::size_t restarts = 0;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    const TlaReport report = run_tla(seed);
    ASSERT_FALSE(report.failed) << "seed " << seed << ": " << report.text;
    ASSERT_EQ(report.lines.size(), default_tla_lines) << "seed " << seed;
    TlaChecker checker;
    for (std::size_t i = 0; i < report.lines.size(); ++i) {
      const auto wrong = checker.check(report.lines[i]);
      ASSERT_FALSE(wrong) << "seed " << seed << ", line " << i + 1 << ": " << *wrong;
    }
    for (const auto& [what, count] : checker.seen())
      seen[what] += count;
    restarts += restarts_in(report.lines);
  }
  for (const char* what : {"InitState",
                           "BecomeCandidate",
                           "BecomeFollower",
                           "BecomeLeader",
                           "Commit",
                           "Ready",
                           "Replicate",
                           "SendRequestVoteRequest MsgVote",
                           "SendRequestVoteResponse MsgVoteResp",
                           "SendAppendEntriesRequest MsgApp",
                           "SendAppendEntriesRequest MsgHeartbeat",
                           "SendAppendEntriesResponse MsgAppResp",
                           "ReceiveRequestVoteRequest MsgVote",
                           "ReceiveRequestVoteResponse MsgVoteResp",
                           "ReceiveRequestVoteResponse MsgVoteResp no",
                           "ReceiveAppendEntriesRequest MsgApp",
                           "ReceiveAppendEntriesRequest MsgHeartbeat",
                           "ReceiveAppendEntriesResponse MsgAppResp",
                           "ReceiveAppendEntriesResponse MsgAppResp no",
                           "ReceiveAppendEntriesResponse MsgHeartbeatResp"}) {
    EXPECT_GT(seen[what], 0u) << what;
  }
  EXPECT_GT(restarts, 0u);
}

TEST(TlaTrace, ASeedGivesTheSameTraceAgain) {
  EXPECT_EQ(run_tla(7).lines, run_tla(7).lines);
  EXPECT_NE(run_tla(7).lines, run_tla(8).lines);
}

// Three nodes, the first of which is elected and commits a command.
class TlaScript : public testing::Test {
 protected:
  TlaScript() {
    world().network().set_links({});
    tla.tell(1, [](Node& node) { node.expire(Timer::election); });
    world().run_until(node(1).is_ready() && one_leader());
    tla.submit(1, "k=v");
    world().run_until(all_applied(Index(3)));
  }
  World& world() { return tla.world(); }
  Lines events_of(NodeId id) const {
    Lines found;
    for (const std::string& line : tla.lines()) {
      if (of(line, id)) found.push_back(line);
    }
    return found;
  }
  Lines names_of(NodeId id) const {
    Lines names;
    for (const std::string& line : events_of(id)) {
      const std::size_t at = line.find(R"("name":")") + 8;
      names.push_back(line.substr(at, line.find('"', at) - at));
    }
    return names;
  }

  TlaWorld tla{WorldOptions{}};
};

TEST_F(TlaScript, AnElectionReadsAsTheSpecificationTellsIt) {
  EXPECT_EQ(judge(tla.lines()), "");
  EXPECT_EQ(tla.lines().front(),
            R"({"tag":"trace","event":{"name":"InitState","nid":"1","state":{"term":1,"vote":"0","commit":1},)"
            R"("role":"StateFollower","log":1,"conf":[["1","2","3"],[]]}})");
  const Lines names = names_of(NodeId(1));
  ASSERT_GT(names.size(), 16u);
  EXPECT_THAT(Lines(names.begin(), names.begin() + 10),
              testing::ElementsAre("InitState", "BecomeCandidate", "SendRequestVoteResponse", "SendRequestVoteRequest",
                                   "SendRequestVoteRequest", "Ready", "ReceiveRequestVoteResponse",
                                   "ReceiveRequestVoteResponse", "BecomeLeader", "Replicate"));
  EXPECT_EQ(names[10], "SendAppendEntriesResponse");
}

TEST_F(TlaScript, AVoterPromisesNothingBeforeItIsReady) {
  const Lines lines = tla.lines();
  const auto asked = std::ranges::find_if(
      lines, [](const std::string& line) { return is(line, "ReceiveRequestVoteRequest") && of(line, NodeId(2)); });
  const auto ready = std::find_if(asked, lines.end(),
                                  [](const std::string& line) { return is(line, "Ready") && of(line, NodeId(2)); });
  const auto answered = std::ranges::find_if(lines, [](const std::string& line) {
    return is(line, "ReceiveRequestVoteResponse") && has(line, R"("from":"2")");
  });
  EXPECT_LT(asked, ready);
  EXPECT_LT(ready, answered);
  EXPECT_THAT(*ready, HasSubstr(R"("vote":"1")"));
}

TEST_F(TlaScript, ANodeThatDiesWhileItWritesBeginsWithWhatWasDurable) {
  tla.submit(1, "lost=1");
  world().run_until(Condition("node 1 has it in memory",
                              [](const World& world) { return world.raft(1).log().last().index == Index(4); }));
  ASSERT_EQ(world().raft(1).log().stable(), Index(3));
  world().crash(1);
  world().restart(1);
  world().run_for(1ms);
  const Lines mine = events_of(NodeId(1));
  const auto again =
      std::ranges::find_if(mine.rbegin(), mine.rend(), [](const std::string& line) { return is(line, "InitState"); });
  EXPECT_THAT(*again, HasSubstr(R"("state":{"term":2,"vote":"1","commit":3},"role":"StateFollower","log":3)"));
  EXPECT_EQ(judge(tla.lines()), "");
}

TEST_F(TlaScript, AnEntryOfADeposedLeaderIsReplaced) {
  world().network().isolate(1);
  tla.submit(1, "lost=1");
  world().run_for(20ms);
  tla.tell(2, [](Node& node) { node.expire(Timer::election); });
  world().run_until(node(2).is_ready());
  world().network().heal();
  world().run_until(all_alike());
  EXPECT_EQ(judge(tla.lines()), "");
}

// That specification has no message that would tell it the term.
TEST(TlaTrace, ATransferThatNobodyElseHasSpokenOfYetIsLost) {
  TlaWorld tla{WorldOptions{}};
  World& world = tla.world();
  world.network().set_links({});
  world.drop(Messages::any().to(1) && !Messages::of<TimeoutNow>());
  tla.tell(2, [](Node& node) { node.expire(Timer::election); });
  world.run_until(node(2).is_leader());
  tla.tell(2, [](Node& node) { node.step_down(); });  // and asks node 1 to campaign
  world.run_until(Messages::of<TimeoutNow>().to(1), Moment::delivered);
  world.run_for(1us);
  EXPECT_EQ(world.raft(1).term(), Term(1));
  world.release();
  world.run_until(all_alike());
  EXPECT_EQ(judge(tla.lines()), "");
}

// A checker that accepts everything would accept our traces too.
class Doctored : public testing::Test {
 protected:
  using Matches = std::function<bool(const std::string&)>;
  static Matches named(std::string_view name, std::string_view and_has = "") {
    return [=](const std::string& line) { return is(line, name) && has(line, and_has); };
  }
  // The n-th that matches, from 0.
  Lines::iterator find(const Matches& which, std::size_t n = 0) {
    auto at = std::ranges::find_if(lines, which);
    for (; n > 0 && at != lines.end(); --n)
      at = std::find_if(at + 1, lines.end(), which);
    EXPECT_NE(at, lines.end());
    return at;
  }
  void expect_wrong(const std::string& why) { EXPECT_THAT(judge(lines), HasSubstr(why)); }

  Lines lines = run_tla(3, 1000).lines;
};

TEST_F(Doctored, TheTraceItselfIsRight) { EXPECT_EQ(judge(lines), ""); }

TEST_F(Doctored, NothingArrivesBeforeTheReadyThatLetItGo) {
  const auto received = find(named("ReceiveRequestVoteRequest"));
  const auto sent = find(named("BecomeCandidate"));
  const auto ready = std::find_if(sent, received, named("Ready"));
  ASSERT_NE(ready, received);
  std::rotate(ready, received, received + 1);  // the request first
  expect_wrong("no such message was let go");
}

TEST_F(Doctored, AVoteThatWasNotWrittenDoesNotCount) {
  const auto asked = find(named("ReceiveRequestVoteRequest"));
  const std::string voter = asked->substr(asked->find(R"("nid":)"), 9);
  const auto ready = std::find_if(asked, lines.end(), named("Ready", voter));
  lines.erase(ready);
  expect_wrong("no such message was let go");
}

TEST_F(Doctored, ACommitFollowsEachAcknowledgement) {
  lines.erase(find(named("Commit")));
  expect_wrong("it must be Commit");
}

TEST_F(Doctored, ACommitCountsMajorities) {
  const auto commit = find(named("Commit"), 2);
  *commit = changed(*commit, R"("commit":)", R"("commit":9)");
  expect_wrong("its commit index must be");
}

TEST_F(Doctored, ARestartFindsWhatWasDurable) {
  const auto again = find(named("InitState", R"("log":)"), 5);  // the first restart of a cluster of up to five
  *again = changed(*again, R"("log":)", R"("log":1)");
  expect_wrong("its log must end at");
  lines = run_tla(3, 1000).lines;
  const auto vote = find(named("InitState"), 5);
  *vote = changed(*vote, R"("vote":")", R"("vote":"9)");
  expect_wrong("its vote must be for");
}

TEST_F(Doctored, EachEntryIsReplicatedOnce) {
  const auto entry = find(named("Replicate"), 1);
  lines.insert(entry, *entry);
  expect_wrong("its log must end at");  // what the second says is from before the first
  lines = run_tla(3, 1000).lines;
  lines.erase(find(named("Replicate"), 1));
  expect_wrong("it must acknowledge its last entry");
}

TEST_F(Doctored, ALeaderAcknowledgesWhatItAppends) {
  lines.erase(find(named("SendAppendEntriesResponse")));
  expect_wrong("a leader acknowledges first what it appends");
}

TEST_F(Doctored, ALeaderIsElected) {
  const auto vote = find(named("BecomeLeader"));
  const std::string self = vote->substr(vote->find(R"("nid":)"), 9);
  for (auto at = vote; at != lines.begin(); --at) {
    if (!named("ReceiveRequestVoteResponse", self)(*at)) continue;
    lines.erase(at);
    break;
  }
  expect_wrong("no majority has voted for it");
}

TEST_F(Doctored, AHigherTermMakesAFollower) {
  lines.erase(find(named("BecomeFollower")));
  expect_wrong("it must be BecomeFollower");
}

TEST_F(Doctored, AMessageArrivesOnce) {
  // The first acknowledgement that did not move the commit index, so that it might come again.
  const auto commit_of = [](const std::string& line) { return line.substr(line.find(R"("commit":)"), 12); };
  auto at = find(named("ReceiveAppendEntriesResponse", "MsgAppResp"));
  while (!is(*(at + 1), "Commit") || commit_of(*at) != commit_of(*(at + 1)) || has(*at, R"("reject":true)"))
    at = std::find_if(at + 1, lines.end(), named("ReceiveAppendEntriesResponse", "MsgAppResp"));
  const Lines again(at, at + 2);
  lines.insert(at, again.begin(), again.end());
  expect_wrong("no such message was let go");
}

TEST_F(Doctored, ACandidateAsksEveryPeer) {
  lines.erase(find(named("SendRequestVoteRequest")));
  expect_wrong("it must be SendRequestVoteRe");
}

TEST_F(Doctored, AnAppendSaysWhereItBegins) {
  const auto sent = find(named("SendAppendEntriesRequest", "MsgApp"));
  *sent = changed(*sent, R"("logTerm":)", R"("logTerm":7)");
  expect_wrong("that is another term");
}

}  // namespace
}  // namespace keel::sim
