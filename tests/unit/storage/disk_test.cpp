// What every Disk must do, shown of the real one and of the simulated one.
#include "keel/port/disk.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <optional>
#include <thread>

#include <gtest/gtest.h>

#include "keel/sim/sim_disk.hpp"
#include "keel/storage/posix_disk.hpp"
#include "storage/device_file.hpp"
#include "temporary_directory.hpp"
#include "test_executor.hpp"

// Nothing that a process can do shows what a power cut would take, so the calls are looked at: these stand before the C
// library's.
namespace {
std::atomic<int> written{0};     // how often, durably or not
std::atomic<int> unsynced{0};    // how often since the last sync of that file
std::atomic<int> written_to{0};  // the last file
std::mutex calls_mutex;
std::vector<std::string> calls;  // of all kinds, in their order; the same again only once

void note_call(const std::string& call) {
  const std::scoped_lock lock(calls_mutex);
  if (calls.empty() || calls.back() != call) calls.push_back(call);
}
std::string name_of(int file) {
  std::error_code unknown;
  return std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(file), unknown).filename();
}
int note_rename(long result, const char* from, const char* to) {
  if (result == 0) note_call(std::string("rename ") + from + " to " + to);
  return static_cast<int>(result);
}

ssize_t note(int file, ssize_t result, bool durable) {
  if (result < 0) return result;
  note_call("write " + name_of(file));
  if (durable) note_call("sync " + name_of(file));
  ++written;
  written_to = file;
  if (!durable) ++unsynced;
  return result;
}
int note_sync(int file, long result) {
  if (result == 0) note_call("sync " + name_of(file));
  if (result == 0 && file == written_to) unsynced = 0;
  return static_cast<int>(result);
}
}  // namespace

extern "C" ssize_t pwritev2(int file, const iovec* pieces, int count, off_t offset, int flags) {
  return note(file, ::syscall(SYS_pwritev2, file, pieces, count, offset, 0, flags), (flags & RWF_DSYNC) != 0);
}
extern "C" ssize_t pwritev(int file, const iovec* pieces, int count, off_t offset) {
  return note(file, ::syscall(SYS_pwritev, file, pieces, count, offset, 0), false);
}
extern "C" ssize_t pwrite(int file, const void* at, size_t size, off_t offset) {
  return note(file, ::syscall(SYS_pwrite64, file, at, size, offset), false);
}
extern "C" int fdatasync(int file) { return note_sync(file, ::syscall(SYS_fdatasync, file)); }
extern "C" int fsync(int file) { return note_sync(file, ::syscall(SYS_fsync, file)); }
extern "C" int renameat(int in, const char* from, int into, const char* to) noexcept {
  return note_rename(::syscall(SYS_renameat2, in, from, into, to, 0), from, to);
}
extern "C" int renameat2(int in, const char* from, int into, const char* to, unsigned flags) noexcept {
  return note_rename(::syscall(SYS_renameat2, in, from, into, to, flags), from, to);
}
extern "C" int unlinkat(int in, const char* name, int flags) noexcept {
  const long result = ::syscall(SYS_unlinkat, in, name, flags);
  if (result == 0) note_call(std::string("remove ") + name);
  return static_cast<int>(result);
}

namespace keel {
namespace {

using sim::DiskOp;
using sim::SimDisk;
using sim::SimMedia;

ByteView bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }
std::string text_of(ByteView bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
DiskBuffer buffer_of(std::string_view text) {
  Payload payload = Payload::copy_of(bytes_of(text));
  return {payload.bytes(), payload};
}

struct Real {
  std::unique_ptr<Disk> make() { return PosixDisk::open(directory.path() / "deep" / "data", executor).value(); }
  test::TestExecutor executor;
  test::TemporaryDirectory directory;
};
struct Simulated {
  std::unique_ptr<Disk> make() { return std::make_unique<SimDisk>(executor, media); }
  test::TestExecutor executor;
  SimMedia media{1};
};

template <class Kind>
class DiskTest : public testing::Test {
 protected:
  template <class T>
  Result<T> wait(std::function<void(Completion<T>)> call) {
    std::optional<Result<T>> result;
    bool inside = true;
    call([&](Result<T> r) {
      EXPECT_FALSE(inside) << "no completion runs inside the call";
      result = std::move(r);
    });
    inside = false;
    EXPECT_TRUE(kind_.executor.run_until([&] { return result.has_value(); }));
    return std::move(*result);
  }
  Result<std::unique_ptr<File>> create(std::string name, std::uint64_t size) {
    return wait<std::unique_ptr<File>>([&](auto done) { disk_->create(name, size, std::move(done)); });
  }
  Result<void> write(File& file, std::uint64_t offset, std::vector<std::string> texts) {
    std::vector<DiskBuffer> buffers;
    for (const std::string& text : texts) {
      buffers.push_back(buffer_of(text));
    }
    return wait<void>([&](auto done) { disk_->write_sync(file, offset, std::move(buffers), std::move(done)); });
  }
  std::string read(File& file, std::uint64_t offset, std::size_t size) {
    auto block = wait<BlockPtr>([&](auto done) { disk_->read(file, offset, size, std::move(done)); });
    return block ? text_of({(*block)->data(), (*block)->size()}) : "error: " + block.error().message;
  }

  Kind kind_;
  std::unique_ptr<Disk> disk_ = kind_.make();
};
using Kinds = testing::Types<Real, Simulated>;
TYPED_TEST_SUITE(DiskTest, Kinds);

TYPED_TEST(DiskTest, MakesFilesOfZerosWritesAndReadsThem) {
  auto file = this->create("a", 12'288).value();
  EXPECT_EQ(file->name(), "a");
  EXPECT_EQ(this->disk_->size(*file).value(), 12'288u);
  EXPECT_EQ(this->read(*file, 0, 12'288), std::string(12'288, '\0'));
  ASSERT_TRUE(this->write(*file, 5'000, {"one", "", "two"}));
  EXPECT_EQ(this->read(*file, 4'999, 8), std::string("\0onetwo\0", 8));
  EXPECT_EQ(this->read(*file, 12'286, 100), std::string(2, '\0')) << "up to the end of the file";
  EXPECT_EQ(this->read(*file, 20'000, 100), "");
  EXPECT_EQ(text_of(this->disk_->read_now(*file, 5'000, 6).value()), "onetwo");
  EXPECT_EQ(this->disk_->read_now(*file, 12'286, 100).value().size(), 2u);
  EXPECT_TRUE(this->disk_->sync_now(*file));
  ASSERT_TRUE(this->disk_->write_now(*file, 5'001, bytes_of("here")));
  EXPECT_EQ(this->read(*file, 4'999, 8), std::string("\0ohere\0\0", 8));
}

// Whatever the size of the blocks that the device takes, a write changes nothing before it, and behind it no more than
// the rest of 4,096 bytes.
TYPED_TEST(DiskTest, WritesAtAnyPlaceChangeNothingElse) {
  constexpr std::size_t size = 3u << 20;
  std::string expected(size, '\0');
  auto file = this->create("a", size).value();
  auto other = this->create("b", 8'192).value();
  const auto write = [&](std::uint64_t offset, std::string text) {
    expected.replace(offset, text.size(), text);
    const std::uint64_t end = offset + text.size();
    expected.replace(end, (4'096 - end % 4'096) % 4'096, (4'096 - end % 4'096) % 4'096, '\0');
    ASSERT_TRUE(this->write(*file, offset, {text.substr(0, 1), text.substr(1)}));
  };
  auto text = [n = 'a'](std::size_t length) mutable { return std::string(length, n++); };
  write(5, text(10));
  write(15, text(4'081));   // on from there, up to the end of a block
  write(4'096, text(100));  // the next block
  write(4'200, text(100));  // a gap
  ASSERT_TRUE(this->write(*other, 4'100, {"elsewhere"}));
  write(4'400, text(10));  // the block is no longer the one written last
  write(100'000, text(8'000));
  write(4'300, text(50));         // back
  write(8'192, text(2'500'000));  // longer than what goes to a device at once
  write(2'508'192, text(77));
  write(0, text(1));
  EXPECT_TRUE(this->read(*file, 0, size) == expected);
  EXPECT_TRUE(text_of(this->disk_->read_now(*file, 0, size).value()) == expected);
  EXPECT_EQ(this->read(*file, 2'000'001, 7), expected.substr(2'000'001, 7));
  EXPECT_EQ(this->read(*other, 4'099, 11), std::string("\0elsewhere\0", 11));
}

TYPED_TEST(DiskTest, MakesNoFileTwice) {
  ASSERT_TRUE(this->create("a", 4096));
  EXPECT_EQ(this->create("a", 4096).error().code, ErrorCode::exists);
}

TYPED_TEST(DiskTest, RenamesOpenFilesAndReplacesNone) {
  auto a = this->create("a", 4096).value();
  auto b = this->create("b", 4096).value();
  ASSERT_TRUE(this->write(*a, 0, {"of a"}));
  const auto rename = [&](std::string to) {
    return this->template wait<void>([&](auto done) { this->disk_->rename(*a, to, std::move(done)); });
  };
  EXPECT_EQ(rename("b").error().code, ErrorCode::exists);
  EXPECT_EQ(a->name(), "a");
  EXPECT_TRUE(rename("c"));
  EXPECT_EQ(a->name(), "c");
  EXPECT_EQ(this->read(*a, 0, 4), "of a");
  EXPECT_EQ(this->disk_->list().value(), (std::vector<std::string>{"b", "c"}));
}

TYPED_TEST(DiskTest, RemovesFilesThatMayStillBeRead) {
  auto a = this->create("a", 4096).value();
  const auto remove = [&] {
    return this->template wait<void>([&](auto done) { this->disk_->remove("a", std::move(done)); });
  };
  EXPECT_TRUE(remove());
  EXPECT_EQ(remove().error().code, ErrorCode::not_found);
  EXPECT_TRUE(this->disk_->list().value().empty());
  EXPECT_EQ(this->read(*a, 0, 2), std::string(2, '\0'));
  EXPECT_EQ(this->disk_->open("a").error().code, ErrorCode::not_found);
}

TYPED_TEST(DiskTest, ReplacesSmallFilesWhole) {
  ASSERT_TRUE(this->disk_->replace_now("x", bytes_of("the first")));
  ASSERT_TRUE(this->disk_->replace_now("x", bytes_of("second")));
  auto file = this->disk_->open("x").value();
  EXPECT_EQ(this->disk_->size(*file).value(), 6u);
  EXPECT_EQ(text_of(this->disk_->read_now(*file, 0, 100).value()), "second");
  EXPECT_EQ(this->disk_->list().value(), std::vector<std::string>{"x"});
}

TYPED_TEST(DiskTest, KeepsTheOrderOfEachLane) {
  auto file = this->create("a", 4096).value();
  std::string written;
  std::string read;
  int reads = 0;
  for (int i = 0; i < 20; ++i) {
    const std::string digit = std::to_string(i % 10);
    this->disk_->write_sync(*file, 0, {buffer_of(digit)}, [&, digit](Result<void> result) {
      EXPECT_TRUE(result);
      written += digit;
    });
    this->disk_->read(*file, 0, 1, [&, i](Result<BlockPtr> block) {
      EXPECT_EQ(reads++, i);
      read += text_of({(*block)->data(), 1});
    });
  }
  file.reset();  // what is in flight goes on
  ASSERT_TRUE(this->kind_.executor.run_until([&] { return written.size() == 20 && reads == 20; }));
  EXPECT_EQ(written, "01234567890123456789");
  // Whatever of the writes a read finds, a later one finds that or what came after it.
  std::string order = std::string(1, '\0') + written;
  std::size_t at = 0;
  for (const char found : read) {
    at = order.find(found, at);
    ASSERT_NE(at, std::string::npos) << read;
  }
}

TYPED_TEST(DiskTest, AReadSeesWhatWasDoneBeforeIt) {
  auto file = this->create("a", 4096).value();
  for (const std::string digit : {"1", "2", "3"}) {
    ASSERT_TRUE(this->write(*file, 0, {digit}));
    EXPECT_EQ(this->read(*file, 0, 1), digit);
  }
}

// scenario: D-06
TYPED_TEST(DiskTest, IsLockedByOneAtATime) {
  ASSERT_TRUE(this->disk_->lock());
  EXPECT_TRUE(this->disk_->lock()) << "once more by the same is nothing";
  auto other = this->kind_.make();
  const auto refused = other->lock();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::locked);
  this->disk_.reset();
  EXPECT_TRUE(other->lock());
}

TYPED_TEST(DiskTest, SaysNothingOnceStopped) {
  auto file = this->create("a", 1u << 20).value();
  bool told = false;
  for (int i = 0; i < 50; ++i) {
    this->disk_->write_sync(*file, 0, {buffer_of("x")}, [&](Result<void>) { told = true; });
  }
  this->disk_->create("b", 1u << 20, [&](auto) { told = true; });
  this->disk_->stop();
  this->kind_.executor.run_until_idle();
  EXPECT_FALSE(told);
  this->disk_->write_sync(*file, 0, {buffer_of("x")}, [&](Result<void>) { told = true; });
  this->kind_.executor.run_until_idle();
  EXPECT_FALSE(told);
}

TYPED_TEST(DiskTest, TellsWhatIsFree) {
  EXPECT_GT(this->disk_->free_bytes_now().value(), 0u);
  EXPECT_GT(this->template wait<std::uint64_t>([&](auto done) { this->disk_->free_bytes(std::move(done)); }).value(),
            0u);
}

class PosixDiskTest : public DiskTest<Real> {};

// scenario: D-04 — a file that the system will not let grow: the error names operation, file and reason, and nothing
// half made stays.
TEST_F(PosixDiskTest, NamesWhatTheSystemRefuses) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1u << 20, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto refused = create("big", 8u << 20);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::io);
  EXPECT_EQ(refused.error().message, "create big: " + std::string(std::strerror(EFBIG)));
  EXPECT_TRUE(disk_->list().value().empty());
}

// What the log writes is not kept in the page cache a second time, where the file system lets us choose; where it does
// not, the same is written and read.
TEST_F(PosixDiskTest, GoesThroughTheCacheWhereItMust) {
  const auto path = kind_.directory.path() / "deep" / "data" / "a";
  auto file = create("a", 8'192).value();
  const DeviceFile device(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  Staging staging;
  std::fill_n(staging.data(), Staging::size, std::byte{'x'});
  EXPECT_EQ(device.write_durably(staging.data() + 1, 4'096, 0), 4'096) << "of memory that no device takes";
  EXPECT_EQ(::fcntl(device.number(), F_GETFL) & O_DIRECT, 0);
  EXPECT_EQ(device.write_durably(staging.data(), 4'096, 4'096), 4'096);
  EXPECT_EQ(device.write(staging.data(), 0, 0), 0);
  EXPECT_EQ(read(*file, 0, 8'192), std::string(8'192, 'x'));

  const DeviceFile cached(::open("/proc/self/stat", O_RDONLY | O_CLOEXEC));  // no file system of its knows O_DIRECT
  std::array<std::byte, 3> first{};
  std::size_t got = 0;
  EXPECT_EQ(read_bytes(cached, staging, first, 0, got), 0);
  EXPECT_EQ(got, 3u);
  EXPECT_EQ(text_of(first).substr(0, 1), std::to_string(::getpid()).substr(0, 1));
}

TEST_F(PosixDiskTest, AnErrorOfTheDeviceIsNotTriedAgain) {
  ASSERT_TRUE(create("a", 4'096));
  const DeviceFile read_only(::open((kind_.directory.path() / "deep" / "data" / "a").c_str(), O_RDONLY | O_CLOEXEC));
  Staging staging;
  EXPECT_EQ(read_only.write_durably(staging.data(), 4'096, 0), -1);
  EXPECT_EQ(errno, EBADF);
}

// scenario: D-02 — what is called durable was synced; no kill of a process could show it.
TEST_F(PosixDiskTest, CallsNothingDurableThatWasNotSynced) {
  auto file = create("a", 3u << 20).value();
  EXPECT_GT(written, 0);
  EXPECT_EQ(unsynced, 0) << "a new file";
  for (const std::size_t size : {1u, 4'096u, 2'000'000u}) {
    const int before = written;
    ASSERT_TRUE(write(*file, 100, {std::string(size, 'x')}));
    EXPECT_GT(written, before);
    EXPECT_EQ(unsynced, 0) << size << " bytes";
  }
  int before = written;
  ASSERT_TRUE(disk_->write_now(*file, 100, bytes_of("contents")));
  EXPECT_GT(written, before);
  EXPECT_EQ(unsynced, 0) << "written at once";
  before = written;
  ASSERT_TRUE(disk_->replace_now("b", bytes_of("contents")));
  EXPECT_GT(written, before);
  EXPECT_EQ(unsynced, 0) << "a file put in the place of another";
}

// scenario: D-02 — nor what only its directory does not know yet; and a file takes another's place only when it is whole.
TEST_F(PosixDiskTest, SyncsInTheOrderThatAPowerCutDemands) {
  using Calls = std::vector<std::string>;
  const auto taken = [] {
    const std::scoped_lock lock(calls_mutex);
    return std::exchange(calls, {});
  };
  taken();
  auto file = create("a", 4'096).value();
  EXPECT_EQ(taken(), (Calls{"write a", "sync a", "sync data"}));
  ASSERT_TRUE(wait<void>([&](auto done) { disk_->rename(*file, "b", std::move(done)); }));
  EXPECT_EQ(taken(), (Calls{"rename a to b", "sync data"}));
  ASSERT_TRUE(disk_->sync_now(*file));
  EXPECT_EQ(taken(), (Calls{"sync b"}));
  ASSERT_TRUE(wait<void>([&](auto done) { disk_->remove("b", std::move(done)); }));
  EXPECT_EQ(taken(), (Calls{"remove b", "sync data"}));
  ASSERT_TRUE(disk_->replace_now("c", bytes_of("contents")));
  EXPECT_EQ(taken(), (Calls{"write c.tmp", "sync c.tmp", "rename c.tmp to c", "sync data"}));
}

TEST_F(PosixDiskTest, LeavesItsLockAndUnfinishedFilesOutOfTheList) {
  ASSERT_TRUE(disk_->lock());
  std::ofstream(kind_.directory.path() / "deep" / "data" / "half.tmp") << "x";
  EXPECT_TRUE(disk_->list().value().empty());
}

// Making files of zeros is the longest thing a disk does; to stop does not wait for all of it.
TEST_F(PosixDiskTest, GivesUpAFileOfZerosWhenItStops) {
  const auto path = kind_.directory.path() / "deep" / "data" / "big";
  disk_->create("big", 256u << 20, [](auto) {});
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!std::filesystem::exists(path)) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    std::this_thread::yield();
  }
  disk_->stop();
  EXPECT_FALSE(std::filesystem::exists(path)) << "it was given up, and what was half made removed";
}

TEST_F(PosixDiskTest, RefusesADirectoryThatCannotBe) {
  std::ofstream(kind_.directory.path() / "file") << "x";
  const auto refused = PosixDisk::open(kind_.directory.path() / "file" / "below", kind_.executor);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::io);
}

}  // namespace
}  // namespace keel
