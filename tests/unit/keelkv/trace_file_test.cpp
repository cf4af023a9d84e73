#include "keelkv/server/trace_file.hpp"

#include <fstream>
#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "temporary_directory.hpp"

namespace keel {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr sim::SimTime now{};

class TraceFileTest : public testing::Test {
 protected:
  [[nodiscard]] std::unique_ptr<TraceFile> open(TraceFileOptions options = {}) {
    auto file = TraceFile::open(
        path_, "first", [this](const std::string& why) { complaints_.push_back(why); }, std::move(options));
    EXPECT_TRUE(file) << file.error().message;
    return std::move(*file);
  }
  [[nodiscard]] std::vector<std::string> lines() const {
    std::ifstream file(path_);
    std::vector<std::string> all;
    for (std::string line; std::getline(file, line);)
      all.push_back(line);
    return all;
  }
  // Writes until it is said that nothing more is written.
  void write_until_it_ends(TraceFile& file) {
    const auto late = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (complaints_.empty() && std::chrono::steady_clock::now() < late)
      file.write(now, NodeId(1), "line");
    for (int i = 0; i < 100; ++i)
      file.write(now, NodeId(1), "line");
    file.end("last");
  }

  test::TemporaryDirectory folder_;
  std::string path_ = (folder_.path() / "trace.jsonl").string();
  std::vector<std::string> complaints_;
};

TEST_F(TraceFileTest, HasItsLinesInOrder) {
  auto file = open();
  for (const char* line : {"a", "b", "c"})
    file->write(now, NodeId(1), line);
  file->end("last");
  file.reset();
  EXPECT_THAT(lines(), ElementsAre("first", "a", "b", "c", "last"));
  EXPECT_TRUE(complaints_.empty());
}

TEST_F(TraceFileTest, GoesOnBehindAnEarlierRunAndItsHalfLine) {
  std::ofstream(path_) << "first\nhalf a li";
  open()->end("last");
  EXPECT_THAT(lines(), ElementsAre("first", "half a li", "first", "last"));
}

// The disk stands still. Whoever writes does not; what finds no room is counted, and the count is in the file where the
// lines would be.
TEST_F(TraceFileTest, NeverWaitsForTheDisk) {
  std::promise<void> gate;
  const std::shared_future<void> open_gate = gate.get_future().share();
  TraceFileOptions options;
  options.max_waiting = 4096;
  options.before_write = [open_gate] { open_gate.wait(); };
  auto file = open(std::move(options));
  const std::string line(100, '.');
  for (int i = 0; i < 1000; ++i)
    file->write(now, NodeId(7), line);
  const std::uint64_t dropped = file->dropped();
  EXPECT_GT(dropped, 900u);
  EXPECT_LT(dropped, 1000u);
  gate.set_value();
  const auto late = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  for (std::uint64_t before = dropped; std::chrono::steady_clock::now() < late; before = file->dropped()) {
    file->write(now, NodeId(7), "after");
    if (file->dropped() == before) break;
  }
  const std::uint64_t in_all = file->dropped();
  file->end("last");
  file.reset();

  const auto found = lines();
  ASSERT_GT(found.size(), 4u);
  EXPECT_EQ(found[found.size() - 2], "after");
  EXPECT_THAT(found[found.size() - 3], StartsWith(R"({"at":0,"kind":"fault","node":7,"type":"dropped","number":)" +
                                                  std::to_string(in_all) + ","));
  EXPECT_TRUE(complaints_.empty());
}

TEST_F(TraceFileTest, SaysOnceThatTheDiskIsFull) {
  path_ = "/dev/full";
  auto file = open();
  write_until_it_ends(*file);
  ASSERT_EQ(complaints_.size(), 1u);
  EXPECT_EQ(complaints_.front(), "/dev/full: the trace cannot be written: No space left on device");
}

TEST_F(TraceFileTest, EndsWhenItIsTooLarge) {
  TraceFileOptions options;
  options.max_written = 10'000;
  auto file = open(std::move(options));
  write_until_it_ends(*file);
  file.reset();
  ASSERT_EQ(complaints_.size(), 1u);
  EXPECT_THAT(complaints_.front(), HasSubstr("bytes, and ends here"));
  EXPECT_GT(lines().size(), 1000u);
}

TEST_F(TraceFileTest, CannotBeWhereNoFileCanBe) {
  const auto file = TraceFile::open("/nowhere/trace.jsonl", "first", [](const std::string&) {});
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, ErrorCode::io);
  EXPECT_EQ(file.error().message, "/nowhere/trace.jsonl: the trace cannot be written: No such file or directory");
}

}  // namespace
}  // namespace keel
