// keel-bench with real servers, as briefly as it can: that it measures, says what it left out, and leaves nothing
// behind. No test here looks at how fast anything is.
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "child_process.hpp"
#include "temporary_directory.hpp"

namespace keel::test {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

SteadyTime soon() { return std::chrono::steady_clock::now() + std::chrono::seconds(120); }

std::string all_of(ChildOutput& output) {
  output.wait_for([](std::string_view) { return false; }, soon());
  return output.text();
}

class KeelBench : public testing::Test {
 protected:
  KeelBench() { std::filesystem::create_directory(data()); }
  // With data and output in folders of the test's own.
  std::vector<std::string> command(const std::string& bench, const std::string& runs = "1") const {
    return {KEEL_APP_KEEL_BENCH, bench,           "--runs", runs,          "--seconds", "0.2", "--warm-up", "0.1",
            "--folder",          data().string(), "--out",  out().string()};
  }
  [[nodiscard]] std::filesystem::path data() const { return folder_.path() / "data"; }
  [[nodiscard]] std::filesystem::path out() const { return folder_.path() / "out"; }
  [[nodiscard]] std::string written(const char* file) const {
    std::ifstream in(out() / file);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  void expect_interrupted(ChildProcess& bench) const {
    bench.kill(SIGINT);
    EXPECT_EQ(bench.wait(soon()), std::optional(1));
    EXPECT_THAT(all_of(bench.err()), HasSubstr("interrupted"));
    EXPECT_TRUE(std::filesystem::is_empty(data()));
  }

  TemporaryDirectory folder_;
};

TEST_F(KeelBench, MeasuresKeelkvAndWritesTableJsonAndPicture) {
  auto words = command("kv");
  words.insert(words.end(), {"--clients", "1,8", "--pipeline", "4"});
  ChildProcess bench(words);
  EXPECT_EQ(bench.wait(soon()), std::optional(0)) << bench.err().text();

  const std::string table = all_of(bench.out());
  const std::string json = written("bench.json");
  for (const char* load : {"1 client", "8 clients", "64 clients, -P 4"}) {
    EXPECT_THAT(table, ContainsRegex("keelkv +" + std::string(load) + " +[1-9]"));
    EXPECT_THAT(json,
                HasSubstr("{\"who\":\"keelkv\",\"load\":\"" + std::string(load) + "\",\"median\":{\"per_second\":"));
  }
  EXPECT_THAT(json, HasSubstr("\"failures\":0}"));
  EXPECT_THAT(json, Not(ContainsRegex("\"failures\":[1-9]")));
  EXPECT_THAT(json, Not(HasSubstr("\"cpu_us_each\":0,")));
  EXPECT_THAT(written("bench.svg"), HasSubstr("keelkv, 8 clients</text>"));
  EXPECT_TRUE(std::filesystem::is_empty(data()));
}

TEST_F(KeelBench, APeerThatIsNotInstalledIsLeftOut) {
  for (const auto& [peer, line] :
       {std::pair("redis", "note: redis-server is left out: "), std::pair("etcd", "note: etcd is left out: ")}) {
    auto words = command(peer);
    words.insert(words.begin(), {"/usr/bin/env", "PATH=/nonexistent"});
    ChildProcess bench(words);
    EXPECT_EQ(bench.wait(soon()), std::optional(0)) << bench.err().text();
    EXPECT_THAT(all_of(bench.out()), HasSubstr(line));
  }
}

TEST_F(KeelBench, AFolderThatCannotBeUsedIsNamed) {
  for (const char* bench : {"kv", "failover", "node", "catchup"}) {
    ChildProcess process({KEEL_APP_KEEL_BENCH, bench, "--folder", "/nonexistent"});
    EXPECT_EQ(process.wait(soon()), std::optional(1));
    EXPECT_THAT(all_of(process.err()), ContainsRegex("keel-bench: .*/nonexistent/.*No such file or directory"))
        << bench;
  }
}

TEST_F(KeelBench, AnInterruptEndsItsServersAndRemovesTheirData) {
  ChildProcess bench(command("kv", "1000"));
  const auto measures = [](std::string_view said) { return said.find("round 1 of 1000") != said.npos; };
  ASSERT_TRUE(bench.err().wait_for(measures, soon())) << bench.err().text();
  expect_interrupted(bench);
}

TEST_F(KeelBench, AnInterruptEndsTheBenchesOfNodesAndRemovesTheirData) {
  std::string many = "1";
  for (int i = 1; i < 1000; ++i)
    many += ",1";
  ChildProcess node({KEEL_APP_KEEL_BENCH, "node", "--runs", "1", "--seconds", "0.1", "--in-flight", many, "--folder",
                     data().string()});
  const auto measures = [](std::string_view said) { return said.find("in flight") != said.npos; };
  ASSERT_TRUE(node.out().wait_for(measures, soon())) << node.err().text();
  EXPECT_FALSE(std::filesystem::is_empty(data()));
  expect_interrupted(node);

  ChildProcess catchup({KEEL_APP_KEEL_BENCH, "catchup", "--entries", "1000000000", "--folder", data().string()});
  for (const auto late = soon(); std::filesystem::is_empty(data());)
    ASSERT_LT(std::chrono::steady_clock::now(), late);
  expect_interrupted(catchup);
}

}  // namespace
}  // namespace keel::test
