// keel-demo as a newcomer runs it, and how it ends.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "child_process.hpp"
#include "temporary_directory.hpp"

namespace keel::test {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;

SteadyTime in_a_minute() { return std::chrono::steady_clock::now() + std::chrono::seconds(60); }

// A process that is not ours to wait for.
class Watched {
 public:
  explicit Watched(pid_t pid) : pid_(pid), handle_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}
  Watched(Watched&& other) noexcept : pid_(other.pid_), handle_(std::exchange(other.handle_, -1)) {}
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;
  Watched& operator=(Watched&&) = delete;
  ~Watched() {
    if (handle_ >= 0) ::close(handle_);
  }
  [[nodiscard]] bool runs() const { return handle_ >= 0 && !ends_within(std::chrono::milliseconds(0)); }
  [[nodiscard]] bool ends_within(std::chrono::milliseconds time) const {
    pollfd ended{.fd = handle_, .events = POLLIN, .revents = 0};
    return ::poll(&ended, 1, static_cast<int>(time.count())) == 1;
  }
  // Whether SIGTERM would reach it.
  [[nodiscard]] bool hears_sigterm() const {
    std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("SigBlk:")) return (std::stoull(line.substr(7), nullptr, 16) >> (SIGTERM - 1) & 1) == 0;
    }
    return false;
  }

 private:
  pid_t pid_;
  int handle_;
};

// Demos of this test's own: `stop` finds no others, and what they leave behind is seen.
class DemoTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(::setenv("TMPDIR", folder_.path().c_str(), 1), 0); }
  void TearDown() override { ::unsetenv("TMPDIR"); }

  static std::unique_ptr<ChildProcess> start(const std::vector<std::string>& flags) {
    std::vector<std::string> command = {KEEL_APP_KEEL_DEMO};
    command.insert(command.end(), flags.begin(), flags.end());
    return std::make_unique<ChildProcess>(std::move(command));
  }
  // The nodes of a demo that has a leader.
  static std::vector<Watched> nodes_of(ChildProcess& demo) {
    const auto leads = [](std::string_view said) { return said.find("leader: node") != said.npos; };
    EXPECT_TRUE(demo.out().wait_for(leads, in_a_minute())) << demo.out().text();
    std::vector<Watched> nodes;
    const std::string said = demo.out().text();
    const std::regex line("node [123]: process ([0-9]+)");
    for (std::sregex_iterator at(said.begin(), said.end(), line); at != std::sregex_iterator(); ++at)
      nodes.emplace_back(std::stoi((*at)[1].str()));
    EXPECT_EQ(nodes.size(), 3u) << said;
    return nodes;
  }
  static void expect_gone(const std::vector<Watched>& nodes) {
    for (const Watched& node : nodes)
      EXPECT_TRUE(node.ends_within(std::chrono::seconds(10)));
  }
  // Data and notes.
  [[nodiscard]] std::size_t files_left() const {
    return static_cast<std::size_t>(std::ranges::count_if(std::filesystem::recursive_directory_iterator(folder_.path()),
                                                          [](const auto& entry) { return entry.is_regular_file(); }));
  }
  static bool all_run(const std::vector<Watched>& nodes) {
    return std::ranges::all_of(nodes, [](const Watched& node) { return node.runs() && node.hears_sigterm(); });
  }

  TemporaryDirectory folder_;
};

TEST_F(DemoTest, LosesNothingAndEndsByItselfTwice) {
  for (int run = 0; run < 2; ++run) {
    const auto demo = start({"--no-wait", "--seconds", "0.5"});
    const auto nodes = nodes_of(*demo);
    EXPECT_EQ(demo->wait(in_a_minute()), std::optional(0));
    demo->out().wait_for([](std::string_view) { return false; }, in_a_minute());  // to its end
    const std::string said = demo->out().text();
    EXPECT_THAT(said, HasSubstr("(the leader) with SIGKILL"));
    EXPECT_THAT(said, HasSubstr("it has caught up to index"));
    EXPECT_THAT(said, ContainsRegex("acknowledged +[1-9]"));
    EXPECT_THAT(said, ContainsRegex("lost +0\n"));
    EXPECT_THAT(said, ContainsRegex("failover +[1-9][0-9]* ms\n"));
    expect_gone(nodes);
    EXPECT_EQ(files_left(), 0u);
  }
}

TEST_F(DemoTest, StopEndsOneThatRuns) {
  const auto demo = start({"--seconds", "60"});
  const auto nodes = nodes_of(*demo);
  EXPECT_TRUE(all_run(nodes));
  const auto stop = start({"stop"});
  EXPECT_EQ(demo->wait(in_a_minute()), std::optional(1));  // before it had looked for every write
  EXPECT_EQ(stop->wait(in_a_minute()), std::optional(0));
  stop->out().wait_for([](std::string_view) { return false; }, in_a_minute());
  EXPECT_EQ(stop->out().text(), "1 demo stopped\n");
  expect_gone(nodes);
  EXPECT_EQ(files_left(), 0u);
}

TEST_F(DemoTest, AnInterruptOrAClosedTerminalEndsIt) {
  for (const int signal : {SIGINT, SIGHUP}) {
    const auto demo = start({"--seconds", "60"});
    const auto nodes = nodes_of(*demo);
    EXPECT_TRUE(all_run(nodes));
    demo->kill(signal);
    EXPECT_EQ(demo->wait(in_a_minute()), std::optional(1));
    expect_gone(nodes);
    EXPECT_EQ(files_left(), 0u);
  }
}

TEST_F(DemoTest, OneThatIsKilledLeavesNoNodesAndStopRemovesItsData) {
  const auto demo = start({"--seconds", "60"});
  const auto nodes = nodes_of(*demo);
  demo->kill(SIGKILL);
  EXPECT_EQ(demo->wait(in_a_minute()), std::optional(-SIGKILL));
  expect_gone(nodes);
  EXPECT_GT(files_left(), 1u);
  EXPECT_EQ(start({"stop"})->wait(in_a_minute()), std::optional(0));
  EXPECT_EQ(files_left(), 0u);
}

// A note is a file in a folder where others may write.
TEST_F(DemoTest, StopRemovesNoFolderThatADemoDidNotMake) {
  const auto notes = folder_.path() / ("keel-demo-" + std::to_string(::getuid()));
  const auto target = folder_.path() / "target";
  std::filesystem::create_directory(notes);
  int number = 999'999'999;  // of no process
  for (const auto& folder : {folder_.path() / "mine", folder_.path() / "deeper" / "keel-demo-data-1", target}) {
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "file") << "kept";
    std::ofstream(notes / std::to_string(number--)) << folder.string() << "\n";
  }
  std::filesystem::create_directory_symlink(target, folder_.path() / "keel-demo-data-2");
  std::ofstream(notes / std::to_string(number)) << (folder_.path() / "keel-demo-data-2").string() << "\n";
  EXPECT_EQ(start({"stop"})->wait(in_a_minute()), std::optional(0));
  EXPECT_EQ(files_left(), 3u);
}

}  // namespace
}  // namespace keel::test
