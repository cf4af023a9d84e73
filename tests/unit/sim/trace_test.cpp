#include "keel/sim/trace.hpp"

#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "keel/sim/random_run.hpp"
#include "keel/sim/trace_writer.hpp"
#include "keel/sim/world.hpp"
#include "sim/trace_json.hpp"

namespace keel::sim {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class Keep final : public TraceSink {
 public:
  struct Seen {
    TraceKind kind;
    NodeId node;
    NodeId other;
    std::uint64_t id;
    NodeId from{};
    NodeId to{};
    NodeView state{};
    std::string name;
    std::string text;
  };
  void on_trace(const TraceEvent& event) override {
    Seen seen{event.kind, event.node, event.other, event.id, {}, {}, {}, std::string(event.name), text_line(event)};
    if (event.message != nullptr) seen.from = event.message->from, seen.to = event.message->to;
    if (event.state != nullptr) seen.state = *event.state;
    all.push_back(seen);
  }
  [[nodiscard]] bool wants_states() const override { return true; }
  [[nodiscard]] std::vector<Seen> of(TraceKind kind) const {
    std::vector<Seen> found;
    for (const Seen& seen : all) {
      if (seen.kind == kind) found.push_back(seen);
    }
    return found;
  }
  std::vector<Seen> all;
};

// What `write` writes in this format.
std::string written(TraceFormat format, const std::function<void(TraceWriter&)>& write) {
  char* text = nullptr;
  std::size_t size = 0;
  std::FILE* file = open_memstream(&text, &size);
  write(*make_trace_writer(file, format, "a run"));
  std::fclose(file);
  std::string all(text, size);
  std::free(text);  // NOLINT(cppcoreguidelines-no-malloc)
  return all;
}

SimTime after(int milliseconds) { return SimTime(std::chrono::milliseconds(milliseconds)); }

PeerMessage vote_request() {
  const Message vote{GroupId(0), NodeId(3), NodeId(1), Term(7), VoteRequest{.last = {Term(6), Index(41)}}};
  return {GroupId(0), NodeId(3), NodeId(1), vote};
}

NodeView leader_view() {
  NodeView view;
  view.id = NodeId(2);
  view.up = view.ready = true;
  view.role = RoleName::leader;
  view.term = Term(7);
  view.vote = view.leader = NodeId(2);
  view.last = view.stable = Index(9);
  view.commit = view.applied = Index(8);
  return view;
}

TEST(Trace, PairsAMessageWithWhatBecameOfIt) {
  Keep trace;
  World world;
  world.add_sink(trace);
  const NodeId leader = world.elect();
  world.network().set_links({.loss = 0.2, .duplicate = 0.2});
  for (int i = 0; i < 20; ++i)
    world.submit_async(leader, "x=1");
  world.run_for(world.election_timeout());

  std::map<std::uint64_t, Keep::Seen> sent;
  std::map<std::uint64_t, int> ends;
  for (const Keep::Seen& seen : trace.all) {
    if (seen.kind == TraceKind::sent) {
      EXPECT_TRUE(sent.emplace(seen.id, seen).second) << seen.text;
    }
    if (seen.kind != TraceKind::delivered && seen.kind != TraceKind::lost) continue;
    ASSERT_TRUE(sent.contains(seen.id)) << seen.text;
    EXPECT_EQ(sent.at(seen.id).from, seen.from);
    EXPECT_EQ(sent.at(seen.id).to, seen.to);
    ++ends[seen.id];
  }
  EXPECT_GT(trace.of(TraceKind::lost).size(), 0u);
  EXPECT_TRUE(std::ranges::any_of(ends, [](const auto& end) { return end.second > 1; })) << "nothing came twice";
}

TEST(Trace, BeginsWithWhatIs) {
  World world;
  const NodeId leader = world.elect();
  world.network().cut(1, 2);
  world.crash(3);
  Keep trace;
  world.add_sink(trace);
  ASSERT_EQ(trace.all.size(), 4u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(trace.all[i].kind, TraceKind::state);
    EXPECT_EQ(trace.all[i].state.up, i != 2);
    EXPECT_EQ(trace.all[i].state.role == RoleName::leader, trace.all[i].node == leader && leader != NodeId(3));
  }
  EXPECT_THAT(trace.all[3].text, EndsWith("1→2 cut"));
}

// A test's own objects go in whatever order.
TEST(Trace, MayEndBeforeItsWorld) {
  World world;
  std::size_t told = 0;
  {
    Keep trace;
    world.add_sink(trace);
    world.elect();
    told = trace.all.size();
  }
  EXPECT_GT(told, 0u);
}

TEST(Trace, SaysBetweenWhomNothingPasses) {
  World world;
  Keep trace;
  world.add_sink(trace);
  world.network().isolate(2);
  world.network().isolate(2);  // nothing new
  world.network().heal();
  world.network().heal();
  std::vector<std::string> told;
  for (const Keep::Seen& seen : trace.of(TraceKind::fault))
    told.push_back(std::to_string(seen.node.value()) + std::to_string(seen.other.value()) + seen.name);
  EXPECT_THAT(told, ElementsAre("21cut", "12cut", "23cut", "32cut", "12mended", "21mended", "23mended", "32mended"));
}

TEST(Trace, TellsAStateWhenItHasChanged) {
  World world;
  Keep trace;
  world.add_sink(trace);
  const NodeId leader = world.elect();
  world.submit("x=1");
  world.pause(leader);
  world.resume(leader);
  world.crash(leader);
  world.restart(leader);
  world.settle();

  std::map<NodeId, NodeView> last;
  for (const Keep::Seen& seen : trace.of(TraceKind::state)) {
    if (last.contains(seen.node)) {
      EXPECT_FALSE(looks_like(last.at(seen.node), seen.state)) << seen.text;
    }
    last[seen.node] = seen.state;
  }
  for (const NodeId node : world.all()) {
    EXPECT_EQ(last[node].role, world.raft(node).role());
    EXPECT_EQ(last[node].term, world.raft(node).term());
    EXPECT_EQ(last[node].commit, world.raft(node).commit());
  }
  const auto was = [&](auto test) { return std::ranges::any_of(trace.of(TraceKind::state), test); };
  EXPECT_TRUE(was([&](const Keep::Seen& seen) { return seen.node == leader && seen.state.paused; }));
  EXPECT_TRUE(was([&](const Keep::Seen& seen) { return seen.node == leader && !seen.state.up; }));
}

TEST(Trace, ChangesNothingInARun) {
  const Profile& profile = *find_profile("storm");
  const RunReport alone = run_seed(5, profile);
  RunReport traced;
  const std::string text = written(TraceFormat::json, [&](TraceWriter& writer) {
    traced = run_seed(5, profile, {.sink = &writer});
    writer.finish({});
  });
  EXPECT_EQ(alone.digest, traced.digest);
  EXPECT_GT(text.size(), 100'000u);
}

TEST(Trace, JsonLines) {
  const PeerMessage vote = vote_request();
  EXPECT_EQ(json_line({.at = after(2), .kind = TraceKind::sent, .node = NodeId(3), .message = &vote, .id = 12}),
            R"({"at":2000000,"kind":"sent","node":3,"id":12,"type":"VoteRequest","from":3,"to":1,"term":7,)"
            R"("message":"Vote? 3→1 t7 last 41@6","whole":"VoteRequest group=0 from=3 to=1 term=7 pre_vote=false )"
            R"(for_transfer=false last=41@6"})");
  EXPECT_EQ(
      json_line(
          {.at = after(3), .kind = TraceKind::lost, .node = NodeId(1), .message = &vote, .id = 12, .text = "cut"}),
      R"({"at":3000000,"kind":"lost","node":1,"id":12,"type":"VoteRequest","from":3,"to":1,"term":7,)"
      R"("message":"Vote? 3→1 t7 last 41@6","text":"cut"})");
  const NodeView leads = leader_view();
  EXPECT_EQ(json_line({.at = after(4), .kind = TraceKind::state, .node = NodeId(2), .state = &leads}),
            R"({"at":4000000,"kind":"state","node":2,"role":"leader","ready":true,"term":7,"vote":2,"leader":2,)"
            R"("last":9,"stable":9,"commit":8,"applied":8})");
  EXPECT_EQ(json_line({.at = after(5), .kind = TraceKind::fault, .node = NodeId(1), .other = NodeId(2), .name = "cut"}),
            R"({"at":5000000,"kind":"fault","node":1,"to":2,"type":"cut"})");
  EXPECT_EQ(json_line({.at = after(6),
                       .kind = TraceKind::client,
                       .node = NodeId(1),
                       .number = 4,
                       .name = "submits",
                       .text = "k=\"1\""}),
            R"({"at":6000000,"kind":"client","node":1,"type":"submits","number":4,"text":"k=\"1\""})");
}

// Commands and replies are whatever their owners like; a line of JSON is not.
TEST(Trace, JsonStringsAreUtf8WhateverComes) {
  EXPECT_EQ(json_string("a\"b\\c\n\x7f"), R"("a\"b\\c\u000a\u007f")");
  EXPECT_EQ(json_string("3→1 ü 😀"), R"("3→1 ü 😀")");
  EXPECT_EQ(json_string("</script>"), R"("\u003c/script>")");
  EXPECT_EQ(json_string("\xff\xc3"), R"("\ufffd\ufffd")");
  EXPECT_EQ(json_string("\xc0\xaf"), R"("\ufffd\ufffd")") << "overlong";
  EXPECT_EQ(json_string("\xed\xa0\x80x"), R"("\ufffd\ufffd\ufffdx")") << "a surrogate";
  EXPECT_EQ(json_string("\xf4\x90\x80\x80"), R"("\ufffd\ufffd\ufffd\ufffd")") << "behind the last character";
}

// A leader is cut off and the run fails.
void tell_a_story(TraceWriter& writer) {
  const PeerMessage vote = vote_request();
  const auto message = [&](int at, TraceKind kind, std::string_view text = {}) {
    writer.on_trace({.at = after(at), .kind = kind, .node = NodeId(1), .message = &vote, .id = 1, .text = text});
  };
  for (std::uint64_t id = 1; id <= 3; ++id) {
    NodeView view = leader_view();
    view.id = NodeId(id);
    if (id != 2) view.role = RoleName::follower;
    if (id != 2) view.ready = false;
    writer.on_trace({.at = after(0), .kind = TraceKind::state, .node = view.id, .state = &view});
  }
  message(1, TraceKind::sent);
  message(2, TraceKind::delivered);
  writer.on_trace({.at = after(3), .kind = TraceKind::fault, .node = NodeId(2), .other = NodeId(1), .name = "cut"});
  writer.on_trace({.at = after(4), .kind = TraceKind::life, .node = NodeId(3), .name = "crash"});
  NodeView down;
  down.id = NodeId(3);
  writer.on_trace({.at = after(4), .kind = TraceKind::state, .node = NodeId(3), .state = &down});
  message(5, TraceKind::lost, "cut");
  writer.on_trace(
      {.at = after(6), .kind = TraceKind::fault, .node = nobody, .text = "rain; wind #2 %% end: \"x\" {y} <b>--x"});
  writer.finish("commit: lost </script>\nall nodes");
}

TEST(TraceWriter, Table) {
  EXPECT_EQ(
      written(TraceFormat::table, tell_a_story),
      "a run\n"
      "role, term, commit/last; * has changed\n"
      "     seconds  node 1                         node 2                         node 3                        \n"
      "    0.000000 *follower      t7 8/9          *leader        t7 8/9          *follower      t7 8/9\n"
      "    0.003000  -- cut 2→1\n"
      "    0.004000  -- node 3: crash\n"
      "    0.004000  follower      t7 8/9           leader        t7 8/9          *down\n"
      "    0.006000  -- rain; wind #2 %% end: \"x\" {y} <b>--x\n"
      "failed: commit: lost </script>\nall nodes\n");
}

TEST(TraceWriter, Mermaid) {
  EXPECT_EQ(written(TraceFormat::mermaid, tell_a_story),
            "sequenceDiagram\n"
            "title a run\n"
            "participant n1 as node 1\n"
            "participant n2 as node 2\n"
            "participant n3 as node 3\n"
            "Note over n1: follower of term 7, commit 8\n"
            "Note over n2: leader of term 7, commit 8\n"
            "Note over n3: follower of term 7, commit 8\n"
            "n3->>n1: Vote? t7 last 41@6\n"
            "rect rgb(255, 232, 226)\n"
            "Note over n1,n3: cut 2→1\n"
            "Note over n3: crash\n"
            "Note over n3: down\n"
            "n3--xn1: Vote? t7 last 41@6 (cut)\n"
            "Note over n1,n3: rain#59; wind #35;2 #37;#37; end: \"x\" {y} #lt;b>--x\n"
            "end\n"
            "Note over n1,n3: failed: commit: lost #lt;/script>\n");
}

// Each block that is opened is closed, whatever was left out.
TEST(TraceWriter, MermaidKeepsTheLastLines) {
  const std::string text = written(TraceFormat::mermaid, [](TraceWriter& writer) {
    World world;
    world.add_sink(writer);
    world.elect();
    world.network().isolate(1);
    world.run_for(20 * world.election_timeout());
    world.network().heal();
    world.run_now();
    writer.finish({});
  });
  const auto count = [&text](std::string_view wanted) {
    std::size_t found = 0;
    for (std::size_t at = text.find(wanted); at != std::string::npos; at = text.find(wanted, at + 1))
      ++found;
    return found;
  };
  EXPECT_THAT(text, HasSubstr("lines before this are left out"));
  EXPECT_EQ(count("\nrect "), 1u);
  EXPECT_EQ(count("\nend\n"), 1u);
  EXPECT_LT(count("\n"), 420u);
}

TEST(TraceWriter, JsonHasABeginningAndAnEnd) {
  const std::string text = written(TraceFormat::json, tell_a_story);
  EXPECT_THAT(text, StartsWith("{\"kind\":\"begin\",\"schema\":1,\"title\":\"a run\"}\n"));
  EXPECT_THAT(text, EndsWith("{\"kind\":\"end\",\"failure\":\"commit: lost \\u003c/script>\\u000aall nodes\"}\n"));
}

TEST(TraceWriter, ThePageHoldsTheSameLinesAndNeedsNothingElse) {
  const std::string page = written(TraceFormat::html, tell_a_story);
  EXPECT_THAT(page, StartsWith("<!doctype html>"));
  EXPECT_THAT(page, HasSubstr(written(TraceFormat::json, tell_a_story)));
  EXPECT_THAT(page, EndsWith("</html>\n"));
  for (const std::string_view outside : {"{{", "src=", "<link", "@import", "http://", "https://"})
    EXPECT_THAT(page, Not(HasSubstr(outside)));
}

TEST(TraceWriter, FormatsByNameAndByFile) {
  EXPECT_EQ(trace_format("mermaid"), TraceFormat::mermaid);
  EXPECT_EQ(trace_format("HTML"), std::nullopt);
  EXPECT_EQ(trace_format_of_file("a/b.html"), TraceFormat::html);
  EXPECT_EQ(trace_format_of_file("b.jsonl"), TraceFormat::json);
  EXPECT_EQ(trace_format_of_file("b.table"), TraceFormat::table);
  EXPECT_EQ(trace_format_of_file("b.mmd"), TraceFormat::mermaid);
  EXPECT_EQ(trace_format_of_file("trace"), TraceFormat::text);
}

}  // namespace
}  // namespace keel::sim
