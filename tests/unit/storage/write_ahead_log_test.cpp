#include "keel/storage/write_ahead_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "keel/sim/sim_disk.hpp"
#include "keel/storage/posix_disk.hpp"
#include "log_store_conformance.hpp"
#include "storage/wal_format.hpp"
#include "temporary_directory.hpp"
#include "test_executor.hpp"
#include "wal_life.hpp"

namespace keel {
namespace {

template <std::uint64_t segment_bytes>
struct OnSimDisk {
  std::unique_ptr<LogStore> make() {
    if (disk != nullptr) disk->stop();
    disk = std::make_unique<sim::SimDisk>(*executor, media);
    WriteAheadLogOptions options{.salt_seed = 1};
    options.segment_bytes = segment_bytes;
    return std::make_unique<WriteAheadLog>(*disk, *executor, options, test::wal_identity);
  }
  void crash(std::unique_ptr<LogStore> old) {
    disk->crash();
    old.reset();
  }
  bool run_until(const std::function<bool()>& done) { return executor->run_until(done); }
  bool fail_writes() {
    media.fail_all(sim::DiskOp::sync, true);
    return true;
  }

  std::unique_ptr<test::TestExecutor> executor = std::make_unique<test::TestExecutor>();
  sim::SimMedia media{11};
  std::unique_ptr<sim::SimDisk> disk;
};

template <std::uint64_t segment_bytes>
struct OnPosixDisk {
  std::unique_ptr<LogStore> make() {
    disk.reset();
    disk = PosixDisk::open(directory->path(), *executor).value();
    WriteAheadLogOptions options{.salt_seed = 1};
    options.segment_bytes = segment_bytes;
    return std::make_unique<WriteAheadLog>(*disk, *executor, options, test::wal_identity);
  }
  void crash(std::unique_ptr<LogStore> old) {  // only of the process: what it wrote is there
    disk.reset();
    old.reset();
  }
  bool run_until(const std::function<bool()>& done) { return executor->run_until(done); }
  bool fail_writes() { return false; }

  std::unique_ptr<test::TestExecutor> executor = std::make_unique<test::TestExecutor>();
  std::unique_ptr<test::TemporaryDirectory> directory = std::make_unique<test::TemporaryDirectory>();
  std::unique_ptr<PosixDisk> disk;
};

}  // namespace
}  // namespace keel

INSTANTIATE_TYPED_TEST_SUITE_P(SimDiskSmall, LogStoreConformance, keel::OnSimDisk<4096>);
INSTANTIATE_TYPED_TEST_SUITE_P(SimDiskMiddle, LogStoreConformance, keel::OnSimDisk<65536>);
INSTANTIATE_TYPED_TEST_SUITE_P(SimDiskLarge, LogStoreConformance, keel::OnSimDisk<(64u << 20)>);
INSTANTIATE_TYPED_TEST_SUITE_P(PosixDiskSmall, LogStoreConformance, keel::OnPosixDisk<8192>);
INSTANTIATE_TYPED_TEST_SUITE_P(PosixDiskLarge, LogStoreConformance, keel::OnPosixDisk<(1u << 20)>);

namespace keel {
namespace {

using namespace std::chrono_literals;
using conformance::append;
using sim::DiskOp;
using sim::SimMedia;
using test::WalLife;
using testing::HasSubstr;

// hazard: H41 — durable first, then told; also with one voter, whose own log is the majority.
TEST(WriteAheadLog, TellsNothingBeforeItIsDurable) {
  SimMedia media(1);
  WalLife life(media);
  ASSERT_TRUE(life.open());
  ASSERT_TRUE(life.write(append(Index(1), Index(1), Term(1))));
  media.hang(true);
  life.begin(append(Index(2), Index(2), Term(1)));
  WriteBatch vote;
  vote.hard_state = HardState{Term(2), NodeId(7)};
  life.begin(vote);
  life.executor.advance(20s);
  EXPECT_EQ(life.acknowledged, 1u);
}

// scenario: D-05
TEST(WriteAheadLog, ServesReadsFromMemoryWhileASyncTakesTenSeconds) {
  SimMedia media(1);
  WalLife life(media);
  ASSERT_TRUE(life.open());
  ASSERT_TRUE(life.write(append(Index(1), Index(3), Term(1))));
  media.slow_down(10s);
  life.begin(append(Index(4), Index(5), Term(1)));
  std::size_t read = 0;
  life.log->read({Index(4), Index(5)}, 10'000, [&](auto entries) { read = entries->size(); });
  life.executor.advance(9s);
  EXPECT_EQ(read, 2u);
  EXPECT_EQ(life.acknowledged, 1u);
  life.executor.advance(3s);
  EXPECT_EQ(life.acknowledged, 2u);
}

// Group commit: whatever comes while a write is under way makes up the next one.
TEST(WriteAheadLog, GathersWhatArrivesMeanwhile) {
  SimMedia media(1);
  WalLife life(media, 1u << 20);
  ASSERT_TRUE(life.open());
  ASSERT_TRUE(life.write(append(Index(1), Index(1), Term(1))));
  const std::uint64_t before = life.log->stats().syncs;
  for (std::uint64_t i = 2; i <= 501; ++i) {
    life.begin(append(Index(i), Index(i), Term(1), 256));
  }
  life.wait();
  EXPECT_EQ(life.acknowledged, 501u);
  EXPECT_EQ(life.log->stats().syncs - before, 2u);
}

// hazard: H42 — entries overwritten while their write was under way: what is read, and what is there afterwards, is
// what was written last.
TEST(WriteAheadLog, OverwritesWhatIsStillBeingWritten) {
  SimMedia media(1);
  WalLife life(media);
  ASSERT_TRUE(life.open());
  ASSERT_TRUE(life.write(append(Index(1), Index(5), Term(1))));
  life.begin(append(Index(6), Index(9), Term(1)));  // under way
  WriteBatch over = append(Index(7), Index(8), Term(2));
  over.truncate_from = Index(7);
  life.begin(over);
  WriteBatch deeper = append(Index(4), Index(4), Term(3));
  deeper.truncate_from = Index(4);
  life.begin(deeper);
  for (int i = 0; i < 2; ++i) {
    const auto read = life.read(Index(1), Index(9));
    ASSERT_TRUE(read) << read.error().message;
    ASSERT_EQ(read->size(), 4u);
    EXPECT_EQ(read->back(), conformance::entry(Index(4), Term(3)));
    EXPECT_EQ(life.log->stats().last, Index(4));
    life.wait();
  }
  EXPECT_EQ(life.acknowledged, 4u);
}

// A write is under way when the next segment cannot be made: it is told the failure, and its own end is nobody's concern.
// hazard: H50
TEST(WriteAheadLog, FailsWhileAWriteIsUnderWay) {
  for (const bool with_vote : {false, true}) {
    SimMedia media(1);
    WalLife life(media);
    ASSERT_TRUE(life.open());
    media.fail(DiskOp::create, 1);  // the second segment's, which is begun together with the first write
    ASSERT_TRUE(life.write(append(Index(1), Index(1), Term(1))));
    media.hang(true);
    WriteBatch batch = append(Index(2), Index(2), Term(1));
    if (with_vote) batch.hard_state = HardState{Term(2), NodeId(2)};
    life.begin(batch);
    life.executor.advance(1s);
    ASSERT_TRUE(life.failure);
    EXPECT_EQ(life.ended, 2u);
    media.hang(false);
    life.executor.advance(1s);
    EXPECT_EQ(life.acknowledged, 1u);
    EXPECT_EQ(life.ended, 2u);
  }
}

// A crash has left a file half made that has the next segment's name, and cannot be removed.
TEST(WriteAheadLog, FailsWhenTheNextSegmentsNameCannotBeHad) {
  SimMedia media(1);
  {
    WalLife life(media);
    ASSERT_TRUE(life.open());
    ASSERT_TRUE(life.write(append(Index(1), Index(1), Term(1))));
    life.disk.stop();
  }
  media.put(segment_name(2), std::vector<std::byte>(4096));
  media.fail_all(DiskOp::remove, true);
  WalLife life(media);
  ASSERT_TRUE(life.open());
  life.begin(append(Index(2), Index(31), Term(1), 300));
  life.executor.advance(1s);
  ASSERT_TRUE(life.failure);
  EXPECT_EQ(life.failure->code, ErrorCode::io);
  EXPECT_THAT(life.failure->message, HasSubstr("remove " + segment_name(2)));
  EXPECT_LT(media.ops(DiskOp::remove), 3u);
}

// Segments that compaction frees are written over: the directory does not grow, and no file is made any more.
TEST(WriteAheadLog, RecyclesItsSegments) {
  SimMedia media(1);
  WalLife life(media);
  ASSERT_TRUE(life.open());
  Index last{0};
  std::uint64_t created = 0;
  for (int round = 0; round < 200; ++round) {
    WriteBatch batch = append(last.next(), last + 4, Term(1), 200);
    last += 4;
    if (round % 2 == 1) batch.compact_to = last - 8;
    ASSERT_TRUE(life.write(batch));
    if (round == 50) created = media.ops(DiskOp::create);
  }
  EXPECT_EQ(media.ops(DiskOp::create), created);
  EXPECT_LE(media.used_bytes(), 8u * 4096 + 8192);
  EXPECT_GT(media.ops(DiskOp::rename), 50u);
}

// Sealed segments are not read through at open: two reads for each, whatever is in it.
TEST(WriteAheadLog, OpensFromFooters) {
  SimMedia media(1);
  {
    WalLife life(media, 64u << 10);
    ASSERT_TRUE(life.open());
    for (std::uint64_t i = 1; i <= 4000; i += 50) {
      ASSERT_TRUE(life.write(append(Index(i), Index(i + 49), Term(i), 200)));
    }
    life.log->close();
  }
  std::uint64_t segments = 0;
  for (const std::string& file : media.files()) {
    segments += file.starts_with("log-") ? 1 : 0;
  }
  ASSERT_GT(segments, 15u);
  const std::uint64_t before = media.ops(DiskOp::read);
  WalLife life(media, 64u << 10);
  ASSERT_TRUE(life.open());
  EXPECT_LE(media.ops(DiskOp::read) - before, 2 * segments + 10);
  EXPECT_EQ(life.found.recovered.last, Index(4000));
  EXPECT_EQ(life.found.recovered.terms.size(), 80u);
  EXPECT_TRUE(life.read_all());
}

// scenario: D-04 — a full disk is room 0, never a failed write; and then there is room again.
TEST(WriteAheadLog, AFullDiskIsNoRoomAndThenRoomAgain) {
  SimMedia media(1);
  media.set_capacity(20 * 65536);
  WalLife life(media, 65536);
  ASSERT_TRUE(life.open());
  const std::size_t payload = 500;
  Index last{0};
  const auto fill = [&] {
    int written = 0;
    while (life.log->stats().room > payload + 64) {
      EXPECT_TRUE(life.write(append(last.next(), last.next(), Term(1), payload))) << life.failure->message;
      ++last;
      if (++written > 10'000 || life.failure) break;
    }
    return written;
  };
  EXPECT_GT(fill(), 500);
  EXPECT_LT(media.used_bytes(), 20u * 65536);
  life.executor.advance(5s);
  EXPECT_LT(life.log->stats().room, payload + 64);

  for (std::uint64_t term = 2; term < 40; ++term) {  // elections go on
    WriteBatch vote;
    vote.hard_state = HardState{Term(term), nobody};
    ASSERT_TRUE(life.write(vote));
  }
  media.set_capacity(30 * 65536);
  life.executor.advance(5s);
  EXPECT_GT(fill(), 200) << "there is room again, without a restart";

  WriteBatch compact;
  compact.compact_to = last - 2;
  ASSERT_TRUE(life.write(compact));
  life.executor.advance(1s);
  EXPECT_GT(fill(), 500) << "and after a compaction";
  EXPECT_FALSE(life.failure);
}

WriteBatch vote_in(Term term) {
  WriteBatch batch;
  batch.hard_state = HardState{term, NodeId(7)};
  return batch;
}

// scenario: D-04 — what a start brings up to date needs no new space: here a vote that only the log has, then a longer
// log, then nothing.
TEST(WriteAheadLog, StartsAgainOnAFullDisk) {
  SimMedia media(1);
  {
    WalLife life(media, 65536);
    ASSERT_TRUE(life.open());
    ASSERT_TRUE(life.write(vote_in(Term(1))));
    media.crash_at(2);  // the first is the log's
    life.begin(vote_in(Term(2)));
    life.wait();
    ASSERT_FALSE(life.disk.alive());
  }
  media.set_capacity(media.used_bytes());
  {
    WalLife life(media, 65536);
    const auto opened = life.open();
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(life.found.recovered.hard_state, vote_in(Term(2)).hard_state);
    ASSERT_TRUE(life.write(append(Index(1), Index(3), Term(2))));
    life.disk.crash();
  }
  for (const std::uint64_t writes : {1, 0}) {
    const std::uint64_t before = media.ops(DiskOp::write);
    WalLife life(media, 65536);
    ASSERT_TRUE(life.open());
    EXPECT_EQ(life.found.recovered.last, Index(3));
    EXPECT_EQ(media.ops(DiskOp::write) - before, writes);
  }
}

// Whoever finds too little room writes nothing; so the log sees for itself when there is more.
TEST(WriteAheadLog, SeesRoomComeBackWithoutBeingWrittenTo) {
  SimMedia media(1);
  WalLife life(media);
  ASSERT_TRUE(life.open());
  ASSERT_TRUE(life.write(append(Index(1), Index(1), Term(1))));
  media.set_capacity(media.used_bytes() + 2 * 4096);  // enough for the next segment, and little more
  ASSERT_TRUE(life.write(append(Index(2), Index(11), Term(1), 300)));
  life.executor.advance(1s);
  ASSERT_LT(life.log->stats().room, 1u << 20);
  media.set_capacity(SimMedia::ample);
  life.executor.advance(2s);
  EXPECT_GT(life.log->stats().room, 1u << 20);
}

TEST(WriteAheadLog, TheLogIsBounded) {
  SimMedia media(1);
  WalLife life(media);
  life.options.max_log_bytes = 16 * 4096;
  ASSERT_TRUE(life.open());
  Index last{0};
  while (life.log->stats().room > 200) {
    ASSERT_TRUE(life.write(append(last.next(), last.next(), Term(1), 100)));
    ++last;
    ASSERT_LT(last, Index(1000));
  }
  EXPECT_LE(media.used_bytes(), 16u * 4096 + 8192);
  EXPECT_GT(last, Index(100));
  // A batch beyond the bound is still written: it is for the node to keep it.
  EXPECT_TRUE(life.write(append(last.next(), last + 20, Term(1), 100)));
}

// scenario: D-06
TEST(WriteAheadLog, RefusesAnothersFilesAndASecondProcess) {
  SimMedia media(1);
  WalLife life(media);
  ASSERT_TRUE(life.open());
  ASSERT_TRUE(life.write(append(Index(1), Index(1), Term(1))));
  WalLife second(media);
  EXPECT_EQ(second.open().error().code, ErrorCode::locked);
  life.disk.stop();

  const auto open_as = [&](LogIdentity identity) {
    test::TestExecutor executor;
    sim::SimDisk disk(executor, media);
    WriteAheadLog log(disk, executor, {.salt_seed = 1}, identity);
    return log.open().error();
  };
  EXPECT_EQ(open_as({ClusterId(9), conformance::group, conformance::node}).code, ErrorCode::wrong_cluster);
  EXPECT_EQ(open_as({conformance::cluster, GroupId(9), conformance::node}).code, ErrorCode::wrong_node);
  const Error wrong = open_as({conformance::cluster, conformance::group, NodeId(9)});
  EXPECT_EQ(wrong.code, ErrorCode::wrong_node);
  EXPECT_THAT(wrong.message, HasSubstr("belongs to node 2"));
}

TEST(WriteAheadLog, RefusesOptionsThatCannotBe) {
  const auto open_with = [](WriteAheadLogOptions options) {
    SimMedia media(1);
    test::TestExecutor executor;
    sim::SimDisk disk(executor, media);
    return WriteAheadLog(disk, executor, options, test::wal_identity).open();
  };
  for (const std::uint64_t bytes : {0u, 4095u, 4097u, (1u << 30) + 4096}) {
    WriteAheadLogOptions options{.salt_seed = 1};
    options.segment_bytes = bytes;
    const auto refused = open_with(options);
    EXPECT_EQ(refused.error().code, ErrorCode::invalid);
    EXPECT_THAT(refused.error().message, HasSubstr("segment_bytes is " + std::to_string(bytes) + "; allowed is 4096"));
  }
  WriteAheadLogOptions options{.salt_seed = 1};
  options.max_log_bytes = 2 * options.segment_bytes;
  EXPECT_THAT(open_with(options).error().message, HasSubstr("max_log_bytes"));
  EXPECT_TRUE(open_with({.salt_seed = 1}));
}

// The segment size may be another at each start.
TEST(WriteAheadLog, TakesSegmentsOfAnySize) {
  SimMedia media(1);
  Index last{0};
  for (const std::uint64_t bytes : {4096u, 65536u, 8192u, 1u << 20, 4096u}) {
    WalLife life(media, bytes);
    ASSERT_TRUE(life.open());
    EXPECT_EQ(life.found.recovered.last, last);
    ASSERT_TRUE(life.read_all());
    for (int i = 0; i < 20; ++i, last += 3) {
      ASSERT_TRUE(life.write(append(last.next(), last + 3, Term(1), 400)));
    }
    life.disk.crash();
  }
}

// Closed and opened anew on the same disk, while the old one's next segment is still being made.
TEST(WriteAheadLog, IsOpenedAgainAtOnce) {
  SimMedia media(1);
  test::TestExecutor executor;
  sim::SimDisk disk(executor, media);
  Index last{0};
  for (int life = 0; life < 30; ++life) {
    WriteAheadLogOptions options{.salt_seed = 1};
    options.segment_bytes = 4096;
    WriteAheadLog log(disk, executor, options, test::wal_identity);
    const auto opened = log.open();
    ASSERT_TRUE(opened) << opened.error().message;
    ASSERT_EQ(opened->last, last);
    std::optional<Result<void>> ended;
    log.write(append(last.next(), last + 2, Term(1), 700), [&](auto result) { ended = std::move(result); });
    executor.run_until([&] { return ended.has_value(); });
    ASSERT_TRUE(*ended) << ended->error().message;
    last += 2;
  }
}

TEST(WriteAheadLog, MayBeDestroyedByACompletion) {
  SimMedia media(1);
  test::TestExecutor executor;
  sim::SimDisk disk(executor, media);
  auto log = std::make_unique<WriteAheadLog>(disk, executor, WriteAheadLogOptions{.salt_seed = 1}, test::wal_identity);
  ASSERT_TRUE(log->open());
  bool second = false;
  log->write(append(Index(1), Index(1), Term(1)), [&](auto) { log.reset(); });
  log->write(append(Index(2), Index(2), Term(1)), [&](auto) { second = true; });
  executor.run_until_idle();
  EXPECT_EQ(log, nullptr);
  EXPECT_FALSE(second);
}

}  // namespace
}  // namespace keel
