#include "keel/sim/sim_disk.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include <gtest/gtest.h>

#include "test_executor.hpp"

namespace keel::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t sector = 512;
constexpr std::size_t block = 4096;

DiskBuffer filled(std::size_t size, char with) {
  Payload payload = Payload::with_size(size);
  std::ranges::fill(payload.mutable_bytes(), static_cast<std::byte>(with));
  return {payload.bytes(), payload};
}

// One life after another on the same media.
class SimDiskTest : public testing::Test {
 protected:
  std::unique_ptr<File> create(std::string name, std::uint64_t size) {
    Result<std::unique_ptr<File>> made = fail(ErrorCode::failed, "not told");
    disk_->create(std::move(name), size, [&](auto result) { made = std::move(result); });
    executor_.run_until_idle();
    EXPECT_TRUE(made) << made.error().message;
    return std::move(*made);
  }
  Result<void> write(File& file, std::uint64_t offset, std::size_t size, char with) {
    std::optional<Result<void>> ended;
    disk_->write_sync(file, offset, {filled(size, with)}, [&](auto result) { ended = std::move(result); });
    executor_.run_until_idle();
    return *ended;
  }
  void begin(File& file, std::uint64_t offset, std::size_t size, char with) {
    disk_->write_sync(file, offset, {filled(size, with)}, [this](auto) { ++told_; });
  }
  void crash() {
    disk_->crash();
    executor_.run_until_idle();
    disk_ = std::make_unique<SimDisk>(executor_, media_);
  }
  // Each sector's first byte, as text: '.' for zero.
  std::string sectors(std::string_view name) {
    std::string found;
    const auto bytes = media_.contents(name);
    for (std::size_t at = 0; at < bytes.size(); at += sector) {
      const auto first = static_cast<char>(bytes[at]);
      EXPECT_TRUE(std::all_of(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                              bytes.begin() + static_cast<std::ptrdiff_t>(at + sector),
                              [first](std::byte b) { return static_cast<char>(b) == first; }))
          << "sectors are torn nowhere";
      found += first == 0 ? '.' : first;
    }
    return found;
  }

  test::TestExecutor executor_;
  SimMedia media_{7};
  std::unique_ptr<SimDisk> disk_ = std::make_unique<SimDisk>(executor_, media_);
  int told_ = 0;
};

// scenario: D-02 — what a power cut makes of writes that were not done: anything, sector by sector, in any order.
TEST_F(SimDiskTest, ACrashKeepsWhatWasSyncedAndAnyPartOfTheRest) {
  std::set<std::string> seen;
  for (int i = 0; i < 300; ++i) {
    const std::string name = "f" + std::to_string(i);
    auto file = create(name, 2 * block);
    ASSERT_TRUE(write(*file, 0, 2 * sector, 'd'));
    begin(*file, block - 3 * sector, 3 * sector, 'a');
    begin(*file, block, block, 'b');
    crash();
    const std::string found = sectors(name);
    EXPECT_EQ(found.substr(0, 5), "dd...");
    seen.insert(found.substr(5));
  }
  EXPECT_EQ(told_, 0);
  for (const char* possible :
       {"...........", "aaabbbbbbbb", "aaa........", "...bbbbbbbb", "a..........", ".a.........", "aaabbbbbbb."}) {
    EXPECT_TRUE(seen.contains(possible)) << possible << " never happened";
  }
}

TEST_F(SimDiskTest, ACrashMayLoseDirectoryOperationsThatWereNotDone) {
  std::set<std::vector<std::string>> seen;
  for (int i = 0; i < 100; ++i) {
    auto a = create("a", 4096);
    auto b = create("b", 4096);
    disk_->rename(*a, "c", [this](auto) { ++told_; });
    disk_->remove("b", [this](auto) { ++told_; });
    disk_->create("d", 4096, [this](auto) { ++told_; });
    crash();
    seen.insert(media_.files());
    for (const std::string& name : media_.files()) {
      media_.erase(name);
    }
  }
  EXPECT_EQ(told_, 0);
  EXPECT_EQ(seen.size(), 8u) << "each of the three happened or did not";
}

TEST_F(SimDiskTest, SurvivesInNoOtherWayWithTheSameSeed) {
  const auto run = [](std::uint64_t seed) {
    test::TestExecutor executor;
    SimMedia media(seed);
    SimDisk disk(executor, media);
    std::unique_ptr<File> file;
    disk.create("a", 64 * sector, [&](auto made) { file = std::move(*made); });
    executor.run_until_idle();
    for (std::uint64_t i = 0; i < 8; ++i) {
      disk.write_sync(*file, i * 8 * sector, {filled(8 * sector, 'x')}, [](auto) {});
    }
    executor.advance(400us);
    disk.crash();
    return media.contents("a");
  };
  EXPECT_EQ(run(3), run(3));
  EXPECT_NE(run(3), run(4));
}

// hazard: H50 — after a failed sync the bytes read back, and a later sync that succeeds does not bring them to the
// device.
TEST_F(SimDiskTest, AFailedSyncLosesWhatReadsBackAsClean) {
  bool lost = false;
  for (int i = 0; i < 20; ++i) {
    const std::string name = "f" + std::to_string(i);
    auto file = create(name, block);
    media_.fail(DiskOp::sync);
    const auto failed = write(*file, 0, sector, 'x');
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, ErrorCode::io);
    EXPECT_EQ(failed.error().message, "sync " + name + ": Input/output error");
    EXPECT_EQ(sectors(name)[0], 'x');
    ASSERT_TRUE(write(*file, 4 * sector, sector, 'y')) << "once, not for ever";
    ASSERT_TRUE(disk_->sync_now(*file));
    crash();
    EXPECT_EQ(sectors(name)[4], 'y');
    lost = lost || sectors(name)[0] == '.';
  }
  EXPECT_TRUE(lost);
}

// scenario: D-04
TEST_F(SimDiskTest, AFailedWriteIsAShortOne) {
  std::set<std::ptrdiff_t> stored;
  for (int i = 0; i < 20; ++i) {
    auto file = create("f" + std::to_string(i), block);
    media_.fail(DiskOp::write, 2);
    ASSERT_TRUE(write(*file, 0, sector, 'a'));
    ASSERT_FALSE(write(*file, sector, block - sector, 'b'));
    const auto bytes = media_.contents(file->name());
    stored.insert(std::ranges::count(bytes, std::byte{'b'}));
  }
  EXPECT_GT(stored.size(), 5u);
  EXPECT_LE(*stored.rbegin(), static_cast<std::ptrdiff_t>(block - sector));
}

// scenario: D-05
TEST_F(SimDiskTest, HangsUntilItIsLetGo) {
  auto file = create("a", 4096);
  media_.hang(true);
  begin(*file, 0, 10, 'x');
  begin(*file, 0, 10, 'y');
  executor_.advance(10s);
  EXPECT_EQ(told_, 0);
  media_.hang(false);
  executor_.run_until_idle();
  EXPECT_EQ(told_, 2);
}

// A slow follower's old entries are read while the leader's own writes go on.
TEST_F(SimDiskTest, WritesDoNotWaitForReads) {
  disk_.reset();
  media_ = SimMedia(7, {.read_min = 10s, .read_max = 10s});
  disk_ = std::make_unique<SimDisk>(executor_, media_);
  auto file = create("a", 4096);
  bool read = false;
  disk_->read(*file, 0, 10, [&](auto) { read = true; });
  begin(*file, 0, 10, 'x');
  executor_.advance(1s);
  EXPECT_EQ(told_, 1);
  EXPECT_FALSE(read);
  executor_.advance(10s);
  EXPECT_TRUE(read);
}

TEST_F(SimDiskTest, TakesItsTime) {
  auto file = create("a", 4096);
  begin(*file, 0, 10, 'x');
  executor_.advance(79us);
  EXPECT_EQ(told_, 0);
  executor_.advance(172us);
  EXPECT_EQ(told_, 1);
  media_.slow_down(10s);
  begin(*file, 0, 10, 'x');
  executor_.advance(9s);
  EXPECT_EQ(told_, 1);
  executor_.advance(2s);
  EXPECT_EQ(told_, 2);
}

// scenario: D-04
TEST_F(SimDiskTest, IsFullAndThenHasRoomAgain) {
  media_.set_capacity(3 * 4096);
  create("a", 4096);
  EXPECT_EQ(disk_->free_bytes_now().value(), 2u * 4096);
  std::optional<Result<std::unique_ptr<File>>> made;
  disk_->create("b", 3 * 4096, [&](auto result) { made = std::move(result); });
  executor_.run_until_idle();
  ASSERT_FALSE(*made);
  EXPECT_EQ(made->error().message, "create b: No space left on device");
  EXPECT_EQ(media_.files(), std::vector<std::string>{"a"});
  media_.erase("a");
  create("b", 3 * 4096);
}

TEST_F(SimDiskTest, LosesPowerAtTheOperationItIsTold) {
  for (std::uint64_t at = 1; at <= 4; ++at) {
    auto file = create("f" + std::to_string(at), 4096);
    media_.crash_at(at);
    for (int i = 0; i < 3; ++i) {
      if (disk_->alive()) begin(*file, 0, 10, 'x');
      executor_.run_until_idle();
    }
    EXPECT_EQ(disk_->alive(), at == 4);
    EXPECT_EQ(std::exchange(told_, 0), static_cast<int>(at) - 1);
    crash();
  }
}

TEST_F(SimDiskTest, APreallocatedFileCostsNothing) {
  auto file = create("a", 1ull << 40);
  ASSERT_TRUE(write(*file, 1ull << 39, 4096, 'x'));
  EXPECT_EQ(media_.size("a"), 1ull << 40);
}

TEST_F(SimDiskTest, BitsFlip) {
  auto file = create("a", 4096);
  media_.flip("a", 17, 3);
  EXPECT_EQ(disk_->read_now(*file, 17, 1).value()[0], std::byte{8});
  media_.flip("a", 17, 3);
  EXPECT_EQ(disk_->read_now(*file, 17, 1).value()[0], std::byte{0});
}

TEST_F(SimDiskTest, AKilledProcessLosesOnlyWhatItHadNotSent) {
  std::set<std::string> seen;
  for (int i = 0; i < 60; ++i) {
    const std::string name = "f" + std::to_string(i);
    auto file = create(name, 2 * block);
    begin(*file, 0, block, 'a');
    begin(*file, block, block, 'b');
    disk_->stop();
    disk_ = std::make_unique<SimDisk>(executor_, media_);
    seen.insert(sectors(name));
    auto again = disk_->open(name).value();
    ASSERT_TRUE(disk_->sync_now(*again));
    const std::string synced = sectors(name);
    crash();
    EXPECT_EQ(sectors(name), synced);
  }
  EXPECT_EQ(seen, (std::set<std::string>{"................", "aaaaaaaa........", "aaaaaaaabbbbbbbb"}));
}

}  // namespace
}  // namespace keel::sim
