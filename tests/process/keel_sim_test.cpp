// keel-sim as a program: what it prints, what it writes, and how it ends.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "child_process.hpp"
#include "temporary_directory.hpp"

namespace keel::test {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

using Words = std::vector<std::string>;

std::string text_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::size_t lines_of(const std::string& text) { return static_cast<std::size_t>(std::ranges::count(text, '\n')); }

// What is in the first group, wherever in the text it matches.
std::string found(const std::string& text, const char* pattern) {
  std::smatch match;
  return std::regex_search(text, match, std::regex(pattern)) ? match[1].str() : std::string();
}

// Three nodes that nobody asks anything: a short run.
constexpr const char* quiet = "keel-sim schedule 1\nseed 1\nprofile none\nstorm 0.000000s\n";

// In a folder of the test's own.
class KeelSim : public testing::Test {
 protected:
  Ended run(const Words& flags) {
    Words command{"/bin/sh", "-c", "cd \"$0\" && exec \"$@\"", folder_.path(), KEEL_APP_KEEL_SIM};
    command.insert(command.end(), flags.begin(), flags.end());
    return end_of(command);
  }
  // A line that was printed to be typed, by someone who has the program in his PATH.
  Ended type(const std::string& line) {
    const std::string bin = std::filesystem::path(KEEL_APP_KEEL_SIM).parent_path();
    return end_of({"/bin/sh", "-c", "cd \"$0\" && PATH=\"$1:$PATH\" && eval \"$2\"", folder_.path(), bin, line});
  }
  void refuses(const Words& flags, const std::string& complaint) {
    const Ended ended = run(flags);
    EXPECT_EQ(ended.status, std::optional(2)) << complaint;
    EXPECT_THAT(ended.err, StartsWith("keel-sim: " + complaint));
    EXPECT_THAT(ended.out, IsEmpty());
  }

  [[nodiscard]] std::filesystem::path file(const std::string& name) const { return folder_.path() / name; }
  [[nodiscard]] std::string written(const std::string& name) const { return text_of(file(name)); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(file(name), std::ios::binary) << text;
  }
  // A seed's schedule with another value for one of its settings.
  void write_schedule(const std::string& name, const std::string& setting, const std::string& value) {
    ASSERT_EQ(run({"--seed", "3", "--profile", "calm", "--save", name}).status, std::optional(0));
    write(name,
          std::regex_replace(written(name), std::regex("\n" + setting + " [^\n]*"), "\n" + setting + " " + value));
    ASSERT_THAT(written(name), HasSubstr("\n" + setting + " " + value + "\n"));
  }

 private:
  static Ended end_of(const Words& command) {
    return run_to_end(command, std::chrono::steady_clock::now() + std::chrono::seconds(120));
  }

  TemporaryDirectory folder_;
};

TEST_F(KeelSim, ACampaignEndsWithWhatItReached) {
  const Ended ended = run({"--seeds", "5", "--from", "7", "--jobs", "2"});
  EXPECT_EQ(ended.status, std::optional(0)) << ended.err;
  EXPECT_THAT(ended.out, StartsWith("commands\n  acknowledged "));
  EXPECT_THAT(ended.out, ContainsRegex("\nfaults\n.*\n  crashes +[1-9]"));
  EXPECT_THAT(ended.out, ContainsRegex("\nrole\n.*\n  leader +[1-9]"));
  EXPECT_THAT(ended.out, ContainsRegex("\n  never: "));
  EXPECT_THAT(ended.out, ContainsRegex("\n300 simulated seconds in [0-9.]+ s\n5 seeds, 0 failed\n$"));
}

// hazard: H60
TEST_F(KeelSim, RunsEachSeedTwiceAndComparesTheTraces) {
  const Ended many = run({"--seeds", "3", "--twice"});
  EXPECT_EQ(many.status, std::optional(0)) << many.out;
  EXPECT_THAT(many.out, ContainsRegex("\n[1-9][0-9]{4,} lines of trace compared with a second run's\n"));
  const Ended one = run({"--seed", "3", "--twice"});
  EXPECT_EQ(one.status, std::optional(0)) << one.out;
  EXPECT_THAT(one.out, ContainsRegex("^two runs, the same trace: [1-9][0-9]{3,} lines\n"));
  EXPECT_THAT(one.out, EndsWith("\n1 seeds, 0 failed\n"));
}

TEST_F(KeelSim, NamesAWrongFlagAndWhatIsAllowed) {
  refuses({"--sedes"}, "The following argument was not expected: --sedes\n");
  refuses({"--seeds", "0"}, "--seeds: '0' is no whole number from 1 to 1000000000\n");
  refuses({"--seeds", "many"}, "--seeds: 'many' is no whole number from 1 to 1000000000\n");
  refuses({"--seed", "-1"}, "--seed: '-1' is no whole number from 0 to 18446744073709551615\n");
  refuses({"--seed", "18446744073709551616"}, "--seed: '18446744073709551616' is no whole number from 0 to ");
  refuses({"--from", "1.5"}, "--from: '1.5' is no whole number from 0 to 18446744073709551615\n");
  refuses({"--jobs", "0"}, "--jobs: '0' is no whole number from 1 to 256\n");
  refuses({"--seed", "1", "--shrink", "--shrink-runs", "0"}, "--shrink-runs: '0' is no whole number from 1 to ");
  refuses({"--seed", "1", "--tla-trace", "f", "--tla-lines", "9"},
          "--tla-lines: '9' is no whole number from 10 to 1000000\n");
  refuses({"--schedule", ""}, "--schedule: '' is no file\n");
  refuses({"--profile", "sunny"}, "--profile: there is no 'sunny'; --list-profiles says which there are\n");
  refuses({"--planted", "tree"}, "--planted: there is no 'tree'; there is 'stale-reads'\n");
  refuses({"--seed", "1", "--trace", "f", "--trace-format", "pdf"},
          "--trace-format: there is no 'pdf'; there is text, json, table, mermaid, html\n");
}

TEST_F(KeelSim, RefusesFlagsThatContradictEachOther) {
  refuses({"--seed", "1", "--seeds", "5"}, "--seeds excludes --seed\n");
  refuses({"--seed", "1", "--from", "5"}, "--from excludes --seed\n");
  refuses({"--seed", "1", "--schedule", "f"}, "--seed excludes --schedule\n");
  refuses({"--schedule", "f", "--profile", "calm"}, "--schedule excludes --profile\n");
  refuses({"--seed", "1", "--shrink", "--twice"}, "--twice excludes --shrink\n");
  refuses({"--seed", "1", "--trace", "f", "--twice"}, "--twice excludes --trace\n");
  refuses({"--seed", "1", "--tla-trace", "f", "--trace", "g"}, "--trace excludes --tla-trace\n");
  refuses({"--seed", "1", "--read", "f", "--trace", "g.html"}, "--seed excludes --read\n");
  refuses({"--trace", "f"}, "--trace is for one run: it needs --seed or --schedule\n");
  refuses({"--save", "f"}, "--save is for one run: it needs --seed or --schedule\n");
  refuses({"--shrink"}, "--shrink is for one run: it needs --seed or --schedule\n");
  refuses({"--seed", "1", "--shrink-runs", "5"}, "--shrink-runs requires --shrink\n");
  refuses({"--seed", "1", "--trace-format", "html"}, "--trace-format requires --trace\n");
  refuses({"--tla-trace", "f"}, "--tla-trace requires --seed\n");
  refuses({"--seed", "1", "--tla-lines", "20"}, "--tla-lines requires --tla-trace\n");
  refuses({"--read", "f"}, "--read requires --trace\n");
  EXPECT_TRUE(std::filesystem::is_empty(file("")));
}

TEST_F(KeelSim, SaysWhatIsWrongInASchedule) {
  refuses({"--schedule", "nowhere"}, "cannot read nowhere: No such file or directory\n");
  refuses({"--schedule", "."}, "cannot read .: Is a directory\n");
  refuses({"--schedule", "/dev/zero"}, "/dev/zero: a schedule has 67108864 bytes at most\n");
  write("bad", "");
  refuses({"--schedule", "bad"}, "bad: schedule, line 0: a schedule begins with the line 'keel-sim schedule 1'\n");
  write("bad", "keel-sim schedule 1\nseed 7\n\nnodes 3\nnods 3\n");
  refuses({"--schedule", "bad"}, "bad: schedule, line 5: there is no setting 'nods'\n");
  write("bad", "keel-sim schedule 1\nseed 7\nfault 1.000000s flood all for 1.000000s\n");
  refuses({"--schedule", "bad"}, "bad: schedule, line 3: there is no fault 'flood'\n");
  write("bad", "keel-sim schedule 1\nnodes 3\nfault 1.000000s crash node4 for 1.000000s\nseed 7\n");
  refuses({"--schedule", "bad"}, "bad: schedule: no such node: 1.000000s crash node4 for 1.000000s\n");
}

// It can only be seen when a node is to begin with it.
TEST_F(KeelSim, ASettingThatNoNodeTakesIsAFailureWithItsName) {
  write_schedule("odd.schedule", "segment_bytes", "0");
  const Ended ended = run({"--schedule", "odd.schedule", "--trace", "odd.jsonl"});
  EXPECT_EQ(ended.status, std::optional(1)) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("\nseed 3 failed: restart: node 1: segment_bytes is 0; allowed is 4096 to "));
  EXPECT_THAT(written("odd.jsonl"), HasSubstr("segment_bytes is 0"));
}

TEST_F(KeelSim, SaysWhichFileCannotBeWritten) {
  write("quiet", quiet);
  const auto with = [](const Words& more) {
    Words flags{"--schedule", "quiet"};
    flags.insert(flags.end(), more.begin(), more.end());
    return flags;
  };
  const std::string full = "cannot write /dev/full: No space left on device\n";
  const std::string nowhere = "cannot write /nowhere/f: No such file or directory\n";
  for (const char* format : {"text", "json", "table", "mermaid", "html"})
    refuses(with({"--trace", "/dev/full", "--trace-format", format}), full);
  refuses(with({"--trace", "/nowhere/f"}), nowhere);
  refuses(with({"--save", "/dev/full"}), full);
  refuses(with({"--save", "/nowhere/f"}), nowhere);
  refuses({"--seed", "1", "--tla-trace", "/dev/full"}, full);
  refuses({"--seed", "1", "--tla-trace", "/nowhere/f"}, nowhere);
  ASSERT_EQ(run(with({"--trace", "run.jsonl"})).status, std::optional(0));
  refuses({"--read", "run.jsonl", "--trace", "/dev/full", "--trace-format", "html"}, full);

  const Ended ended = type("keel-sim --list-profiles >/dev/full");
  EXPECT_EQ(ended.status, std::optional(2));
  EXPECT_EQ(ended.err, "keel-sim: cannot write to standard output\n");
}

// Each line that is printed to be typed is typed.
// mission: 4
TEST_F(KeelSim, AFailingSeedSaysHowToRepeatAndToShrinkIt) {
  const Ended ended = run({"--seeds", "10", "--jobs", "2", "--profile", "network", "--planted", "stale-reads"});
  EXPECT_EQ(ended.status, std::optional(1)) << ended.err;
  EXPECT_THAT(ended.out, ContainsRegex("\n10 seeds, [1-9][0-9]* failed\n$"));
  const std::string seed = found(ended.out, "(?:^|\n)seed ([0-9]+) failed: ");
  const std::string reason = "seed " + seed + " failed: linearizability: the history of key ";
  const std::size_t at = ended.out.find(reason);
  ASSERT_NE(at, std::string::npos) << ended.out;
  const std::string failure = ended.out.substr(at, ended.out.find("--shrink\n", at) + 9 - at);
  EXPECT_THAT(failure, ContainsRegex("\nlast events:\n( +[0-9.]+ +[0-9]+ [a-z]+ [^\n]+\n){20}"));
  EXPECT_THAT(failure, HasSubstr("\ndrawn: seed " + seed + ", profile network: "));

  const std::string name = "network-" + seed;
  const std::string command = "keel-sim --profile network --seed " + seed + " --planted stale-reads";
  const std::string look = found(failure, "\nlook at it: ([^\n]+)\n");
  EXPECT_EQ(look, command + " --trace " + name + ".html");
  const Ended again = type(look);
  EXPECT_EQ(again.status, std::optional(1)) << again.err;
  EXPECT_THAT(again.out, HasSubstr(failure)) << "the same, word for word";
  EXPECT_THAT(written(name + ".html"), AllOf(StartsWith("<!doctype html>"), HasSubstr("is not linearizable")));

  const std::string less = found(failure, "\nmake it smaller: ([^\n]+)\n");
  EXPECT_EQ(less, command + " --shrink");
  const Ended smaller = type(less);
  EXPECT_EQ(smaller.status, std::optional(1)) << smaller.err;
  EXPECT_THAT(smaller.out, ContainsRegex("^[0-9]+ faults and [0-9]+ operations on [0-9] nodes are left of "));
  EXPECT_LT(lines_of(written(name + ".schedule")), 60u) << "of some thousand";

  const std::string left = found(smaller.out, "\nthe schedule is in [^\n]+; run it: ([^\n]+)\n");
  EXPECT_EQ(left, "keel-sim --schedule " + name + ".schedule --planted stale-reads");
  const Ended last = type(left);
  EXPECT_EQ(last.status, std::optional(1)) << last.err;
  EXPECT_THAT(last.out, HasSubstr(reason));
  EXPECT_EQ(run({"--schedule", name + ".schedule"}).status, std::optional(0)) << "it is the planted bug";
}

// A disk that takes an hour to sync: nobody ever leads. What is left has no faults and no clients.
TEST_F(KeelSim, AFailingScheduleSaysHowToRepeatAndToShrinkIt) {
  const std::string name = "slow disk.schedule";
  write_schedule(name, "sync_latency", "3600.000000s");
  const std::string whole = written(name);
  const Ended ended = run({"--schedule", name});
  EXPECT_EQ(ended.status, std::optional(1)) << ended.err;
  EXPECT_THAT(ended.out,
              HasSubstr("\nseed 3 failed: waited in vain: not within 10000 ms: all nodes that are up follow"));
  EXPECT_THAT(ended.out, EndsWith("\n1 seeds, 1 failed\n"));

  const Ended again = type(found(ended.out, "\nlook at it: ([^\n]+)\n"));
  EXPECT_EQ(again.status, std::optional(1)) << again.err;
  EXPECT_THAT(again.out, EndsWith(ended.out)) << "the same, word for word";
  EXPECT_THAT(written("slow disk.html"), HasSubstr("waited in vain"));

  const Ended smaller = type(found(ended.out, "\nmake it smaller: ([^\n]+)\n"));
  EXPECT_EQ(smaller.status, std::optional(1)) << smaller.err;
  EXPECT_EQ(written(name), whole) << "what was read stays";
  const std::string left = written("slow disk-shrunk.schedule");
  EXPECT_THAT(left, AllOf(StartsWith("keel-sim schedule 1\nseed 3\n"), Not(HasSubstr("\nclient"))));
  EXPECT_THAT(smaller.out, HasSubstr(left)) << "it is printed, too";
  const Ended last = type(found(smaller.out, "; run it: ([^\n]+)\n"));
  EXPECT_EQ(last.status, std::optional(1)) << last.err;
  EXPECT_THAT(last.out, HasSubstr("\nseed 3 failed: waited in vain"));
}

TEST_F(KeelSim, ASearchForLessEndsAtItsBounds) {
  write_schedule("slow.schedule", "sync_latency", "3600.000000s");
  const Ended ended = run({"--schedule", "slow.schedule", "--shrink", "--shrink-runs", "2", "--save", "less"});
  EXPECT_EQ(ended.status, std::optional(1)) << ended.err;
  EXPECT_THAT(ended.out,
              HasSubstr(" after 2 runs, at which the search was ended (--shrink-runs, --shrink-seconds):\n"));
  EXPECT_THAT(written("less"), StartsWith("keel-sim schedule 1\n"));
}

TEST_F(KeelSim, WhatDoesNotFailIsNotShrunk) {
  const Ended ended = run({"--seed", "1", "--profile", "calm", "--shrink"});
  EXPECT_EQ(ended.status, std::optional(0)) << ended.err;
  EXPECT_EQ(ended.out, "seed 1, profile calm does not fail: there is nothing to shrink\n");
  EXPECT_TRUE(std::filesystem::is_empty(file("")));
}

// hazard: H60
TEST_F(KeelSim, ASavedScheduleRunsAsItsSeedDoes) {
  const Ended of_seed = run({"--seed", "5", "--save", "five.schedule", "--trace", "seed.txt"});
  EXPECT_EQ(of_seed.status, std::optional(0)) << of_seed.out;
  const Ended of_file = run({"--schedule", "five.schedule", "--save", "again.schedule", "--trace", "file.txt"});
  EXPECT_EQ(of_file.status, std::optional(0)) << of_file.out;
  EXPECT_GT(lines_of(written("seed.txt")), 1000u);
  EXPECT_TRUE(written("seed.txt") == written("file.txt"));
  EXPECT_TRUE(written("five.schedule") == written("again.schedule"));
}

TEST_F(KeelSim, WritesATraceAsItsNameOrAFlagSays) {
  write("quiet", quiet);
  const auto trace = [&](const Words& how) {
    Words flags{"--schedule", "quiet", "--trace", how[0]};
    flags.insert(flags.end(), how.begin() + 1, how.end());
    const Ended ended = run(flags);
    EXPECT_EQ(ended.status, std::optional(0)) << ended.err;
    EXPECT_THAT(ended.out, StartsWith("the trace is in " + how[0] + "\n"));
    return written(how[0]);
  };
  EXPECT_THAT(trace({"run.html"}), StartsWith("<!doctype html>"));
  EXPECT_THAT(trace({"run.mmd"}), StartsWith("sequenceDiagram"));
  EXPECT_THAT(trace({"run.txt"}), ContainsRegex("^ +0\\.0+ +- fault +seed 1, profile none: "));
  const std::string json = trace({"run.jsonl"});
  EXPECT_THAT(json, AllOf(StartsWith("{\"kind\":\"begin\""), EndsWith("{\"kind\":\"end\"}\n")));
  EXPECT_TRUE(trace({"run", "--trace-format", "json"}) == json);
  EXPECT_TRUE(trace({"other", "--trace-format", "table"}) == trace({"run.table"}));
}

TEST_F(KeelSim, MakesOneTraceOfSeveral) {
  std::size_t events = 0;
  write("quiet", quiet);
  for (const char* name : {"1.jsonl", "2.jsonl"}) {
    ASSERT_EQ(run({"--schedule", "quiet", "--trace", name}).status, std::optional(0));
    events += lines_of(written(name)) - 2;  // without begin and end
  }
  const Ended page = run({"--read", "1.jsonl", "2.jsonl", "--trace", "both.html"});
  EXPECT_EQ(page.status, std::optional(0)) << page.err;
  EXPECT_EQ(page.out, "the trace is in both.html: " + std::to_string(events) + " events\n");
  EXPECT_THAT(page.err, IsEmpty());
  EXPECT_THAT(written("both.html"), StartsWith("<!doctype html>"));

  write("1.jsonl", written("1.jsonl") + "{\"kind\":\"sta");
  const Ended torn = run({"--read", "1.jsonl", "--trace", "one.jsonl"});
  EXPECT_EQ(torn.status, std::optional(0)) << torn.err;
  EXPECT_EQ(torn.err, "keel-sim: 1 lines could not be read and are left out\n");
}

TEST_F(KeelSim, SaysWhatItCannotMakeATraceOf) {
  write("poem", "not a trace\n");
  write("good.html", "what was here before");
  refuses({"--read", "poem", "--trace", "good.mmd"}, "--read makes html or json; good.mmd would be neither");
  refuses({"--read", "good.html", "--trace", "good.html"}, "good.html is to be read and to be written; ");
  refuses({"--read", "nowhere", "--trace", "good.html"}, "nowhere: cannot be read: No such file or directory\n");
  EXPECT_EQ(written("good.html"), "what was here before");
  refuses({"--read", "poem", "--trace", "page.html"}, "poem: no trace as JSON lines\n");
}

TEST_F(KeelSim, WritesATraceForASpecification) {
  const Ended ended = run({"--seed", "3", "--tla-trace", "a.ndjson", "--tla-lines", "200"});
  EXPECT_EQ(ended.status, std::optional(0)) << ended.err;
  EXPECT_THAT(ended.out, StartsWith("200 lines are in a.ndjson\n"));
  EXPECT_EQ(lines_of(written("a.ndjson")), 200u);
  EXPECT_THAT(found(written("a.ndjson"), "^([^\n]*)\n"), HasSubstr("InitState"));
  EXPECT_EQ(run({"--seed", "3", "--tla-trace", "b.ndjson", "--tla-lines", "200"}).status, std::optional(0));
  EXPECT_EQ(written("a.ndjson"), written("b.ndjson"));
}

// All flags that a text has where one begins a line, or a line of a table, with their values and defaults.
std::set<std::string> flags_in(const std::string& text, const std::string& before) {
  std::set<std::string> flags;
  const std::regex flag("\n" + before + "(--[a-z-]+( [A-Z]+)?(\\.\\.\\.)?( \\([a-z0-9]+\\))?)");
  for (std::sregex_iterator at(text.begin(), text.end(), flag), end; at != end; ++at)
    flags.insert((*at)[1]);
  return flags;
}

TEST_F(KeelSim, HasTheFlagsAndProfilesThatAreDocumented) {
  const std::string documented = text_of(std::string(KEEL_SOURCE_DIR) + "/docs/simulator.md");
  const Ended help = run({"--help"});
  EXPECT_EQ(help.status, std::optional(0)) << help.err;
  const auto flags = flags_in(help.out, "  ");
  EXPECT_GT(flags.size(), 15u);
  EXPECT_EQ(flags, flags_in(documented, "\\| `"));

  const Ended list = run({"--list-profiles"});
  EXPECT_EQ(list.status, std::optional(0)) << list.err;
  EXPECT_GE(lines_of(list.out), 7u);
  for (std::size_t at = 0; at < list.out.size(); at = list.out.find('\n', at) + 1)
    EXPECT_THAT(documented, HasSubstr("\n| `" + list.out.substr(at, list.out.find(' ', at) - at) + "` | "));
}

}  // namespace
}  // namespace keel::test
