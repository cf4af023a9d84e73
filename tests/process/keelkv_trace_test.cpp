// What real servers trace, as one page.
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "keelkv_cluster.hpp"

namespace keel::test {
namespace {

using testing::HasSubstr;

std::string text_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// The node whose line has all of these, or 0; looked for from `at` on, which is then behind it.
bool find_line(const std::string& text, std::size_t& at, const std::vector<std::string>& parts) {
  while (at < text.size()) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    at = end + 1;
    if (std::ranges::all_of(parts, [&](const std::string& part) { return line.find(part) != line.npos; })) return true;
  }
  return false;
}

class KeelkvTrace : public testing::Test {
 protected:
  [[nodiscard]] std::string file(std::size_t node) const {
    return (folder_.path() / ("node-" + std::to_string(node + 1) + ".jsonl")).string();
  }
  bool start(std::size_t node) {
    return cluster_.start(node, [] {}, {"--trace", file(node)});
  }
  // All that was traced, as keel-sim makes one of it.
  std::string merged(const std::string& name) {
    const std::string out = (folder_.path() / name).string();
    const Ended ended = run({KEEL_APP_KEEL_SIM, "--read", file(0), file(1), file(2), "--trace", out});
    EXPECT_EQ(ended.status, std::optional(0)) << ended.err;
    return text_of(out);
  }

  TemporaryDirectory folder_;
  KeelkvCluster cluster_{3};
};

// A leader is killed and comes back; then all are stopped.
TEST_F(KeelkvTrace, ThreeServersAreOnePage) {
  for (std::size_t node = 0; node < 3; ++node)
    ASSERT_TRUE(start(node));
  const auto first = cluster_.await_leader();
  ASSERT_TRUE(first);
  ASSERT_EQ(cluster_.client(*first)->call({"SET", "k", "v"})->text, "OK");
  const std::uint64_t term = cluster_.led_term(*first);
  cluster_.kill(*first);
  const auto second = cluster_.await_leader(term);
  ASSERT_TRUE(second);
  ASSERT_TRUE(start(*first));
  ASSERT_TRUE(cluster_.await_same_state());
  for (std::size_t node = 0; node < 3; ++node)
    EXPECT_EQ(cluster_.stop(node), std::optional(0));

  const std::string trace = merged("all.jsonl");
  const std::string leader = "\"node\":" + std::to_string(*first + 1) + ",";
  const std::string next = "\"node\":" + std::to_string(*second + 1) + ",";
  std::size_t at = 0;
  EXPECT_TRUE(find_line(trace, at, {"\"state\"", leader, "\"role\":\"candidate\""}));
  EXPECT_TRUE(find_line(trace, at, {"\"sent\"", leader, "\"VoteRequest\""}));
  const std::size_t request = trace.rfind("\"id\":", at);
  const std::string id = trace.substr(request, trace.find(',', request) + 1 - request);
  EXPECT_TRUE(find_line(trace, at, {"\"delivered\"", "\"VoteRequest\"", id})) << "the same message";
  EXPECT_TRUE(find_line(trace, at, {"\"state\"", leader, "\"role\":\"leader\""}));
  EXPECT_TRUE(find_line(trace, at, {"\"event\"", "CommitAdvanced"}));
  EXPECT_TRUE(find_line(trace, at, {"\"life\"", leader, "\"crash\""}));
  EXPECT_TRUE(find_line(trace, at, {"\"state\"", leader, "\"role\":\"down\""}));
  EXPECT_TRUE(find_line(trace, at, {"\"state\"", next, "\"role\":\"leader\""}));
  EXPECT_TRUE(find_line(trace, at, {"\"life\"", leader, "\"start\""}));
  EXPECT_TRUE(find_line(trace, at, {"\"state\"", leader, "\"role\":\"follower\""}));
  EXPECT_TRUE(find_line(trace, at, {"\"life\"", "\"stop\""}));
  EXPECT_TRUE(trace.ends_with("{\"kind\":\"end\"}\n"));

  const std::string page = merged("all.html");
  EXPECT_THAT(page, HasSubstr("<!doctype html>"));
  EXPECT_THAT(page, HasSubstr(trace.substr(trace.find('\n') + 1)));
}

// It is nobody's business but the operator's: the server serves.
TEST_F(KeelkvTrace, AFullDiskIsSaidOnceAndServingGoesOn) {
  KeelkvCluster one(1, {"--trace", "/dev/full", "--log-level", "error,election=info"});
  ASSERT_TRUE(one.start(0));
  ASSERT_TRUE(one.await_leader());
  const auto said = [](std::string_view log) { return log.find("/dev/full: the trace cannot be written") != log.npos; };
  for (int i = 0; i < 100; ++i)
    ASSERT_EQ(one.client(0)->call({"SET", "k", "v"})->text, "OK");
  EXPECT_TRUE(one.process(0).err().wait_for(said, in(patience)));
  const std::string log = one.process(0).err().text();
  EXPECT_EQ(log.find("/dev/full"), log.rfind("/dev/full"));
  EXPECT_EQ(one.stop(0), std::optional(0));
}

TEST_F(KeelkvTrace, AFolderThatIsNotThereEndsTheStart) {
  KeelkvCluster one(1);
  auto command = one.command(0);
  command.insert(command.end(), {"--trace", "/nowhere/trace.jsonl"});
  const Ended ended = run(command);
  EXPECT_EQ(ended.status, std::optional(1));
  EXPECT_THAT(ended.err, HasSubstr("/nowhere/trace.jsonl: the trace cannot be written"));
}

}  // namespace
}  // namespace keel::test
