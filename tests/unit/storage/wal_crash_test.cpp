// Crashes and failures at every single operation on the disk, enumerated.
#include <gtest/gtest.h>

#include "storage/wal_format.hpp"
#include "wal_life.hpp"

namespace keel {
namespace {

using sim::DiskOp;
using sim::SimMedia;
using test::run_script;
using test::wal_script;
using test::WalLife;

std::uint64_t operations_of(const std::vector<WriteBatch>& script) {
  SimMedia media(1);
  WalLife life(media);
  EXPECT_TRUE(life.open());
  run_script(life, script);
  EXPECT_EQ(life.acknowledged, script.size());
  return media.ops();
}

// What is found after a crash, and after that, is what was acknowledged and a little more. Then the log goes on: what
// is written now and was not cut comes back exactly.
void expect_prefix(SimMedia& media, const std::vector<WriteBatch>& script, std::size_t acknowledged) {
  WalLife life(media);
  const auto opened = life.open();
  ASSERT_TRUE(opened) << opened.error().message;
  ASSERT_TRUE(life.read_all());
  ASSERT_TRUE(conformance::is_prefix(life.found, script, acknowledged)) << acknowledged << " were acknowledged";

  const Index last = life.found.recovered.last;
  const Term term = life.found.recovered.hard_state.term.next();
  WriteBatch more = conformance::append(last.next(), last + 20, term, 200);
  more.hard_state = HardState{term, nobody};
  ASSERT_TRUE(life.write(more)) << life.failure->message;
  life.disk.crash();

  WalLife next(media);
  const auto again = next.open();
  ASSERT_TRUE(again) << again.error().message;
  ASSERT_TRUE(next.read_all());
  EXPECT_EQ(next.found.recovered.hard_state, *more.hard_state);
  EXPECT_EQ(next.found.recovered.base.position, life.found.recovered.base.position);
  ASSERT_EQ(next.found.entries.size(), life.found.entries.size() + 20);
  std::ranges::copy(more.entries, std::back_inserter(life.found.entries));
  EXPECT_EQ(next.found.entries, life.found.entries);
}

// scenario: D-02 — hazard: H43
TEST(WalCrash, AtEveryOperationAPrefixSurvives) {
  const auto script = wal_script();
  const std::uint64_t operations = operations_of(script);
  std::uint64_t cases = 0;
  for (std::uint64_t at = 1; at <= operations + 1; ++at) {
    for (std::uint64_t seed = 1; seed <= 8; ++seed, ++cases) {
      SCOPED_TRACE("crash at operation " + std::to_string(at) + ", seed " + std::to_string(seed));
      SimMedia media(seed);
      WalLife life(media);
      media.crash_at(at);
      if (life.open()) run_script(life, script);
      life.disk.crash();
      media.crash_at(0);
      expect_prefix(media, script, life.acknowledged);
      if (testing::Test::HasFailure()) return;
    }
  }
  RecordProperty("cases", std::to_string(cases));
  EXPECT_GT(operations, 60u) << "the script does what it should";
}

// A crash while it recovers from a crash, at every operation of the second life.
TEST(WalCrash, AgainWhileItRecovers) {
  const auto script = wal_script();
  const std::uint64_t operations = operations_of(script);
  for (std::uint64_t at = 3; at <= operations; at += 5) {
    for (std::uint64_t second = 1; second <= 8; ++second) {
      SCOPED_TRACE("crash at operation " + std::to_string(at) + ", then at " + std::to_string(second));
      SimMedia media(at * 100 + second);
      std::size_t acknowledged = 0;
      {
        WalLife life(media);
        media.crash_at(at);
        if (life.open()) run_script(life, script);
        life.disk.crash();
        acknowledged = life.acknowledged;
      }
      {
        WalLife life(media);
        media.crash_at(second);
        if (life.open()) life.executor.advance(std::chrono::milliseconds(100));  // a segment is made ready
        life.disk.crash();
      }
      media.crash_at(0);
      expect_prefix(media, script, acknowledged);
      if (testing::Test::HasFailure()) return;
    }
  }
}

// What a start writes to the vote file may be torn: the newer slot is left alone.
TEST(WalCrash, AStartWritesTheOlderVoteSlot) {
  WriteBatch vote;
  vote.hard_state = HardState{Term(2), NodeId(7)};
  SimMedia media(1);
  const auto slots = [&] {
    const auto bytes = media.contents(vote_file_name);
    const auto slot_at = [&](std::size_t at) { return decode_vote_slot(ByteView(bytes).subspan(at, sector_bytes)); };
    return std::pair(slot_at(0), slot_at(vote_slot_distance));
  };
  {
    WalLife life(media);
    ASSERT_TRUE(life.open());
    ASSERT_TRUE(life.write(vote));
    ASSERT_TRUE(life.write(conformance::append(Index(1), Index(1), Term(2))));
  }
  const auto before = slots();
  ASSERT_TRUE(before.first && before.second);
  WalLife life(media);
  ASSERT_TRUE(life.open());
  const auto after = slots();
  ASSERT_TRUE(after.first && after.second);
  EXPECT_EQ(*after.second, *before.second);
  EXPECT_EQ(after.first->hard_state, *vote.hard_state);
  EXPECT_GT(after.first->offset, before.second->offset);
}

// A killed process: what it wrote lies in the page cache, and is lost if the power goes afterwards, unless the next
// process made it durable before it believed it.
TEST(WalCrash, KilledThenWithoutPower) {
  const auto script = wal_script();
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SimMedia media(seed);
    WalLife life(media);
    ASSERT_TRUE(life.open());
    for (std::size_t i = 0; i < seed % script.size(); ++i) {
      life.begin(script[i]);
      if (i % 7 == 0) life.wait();
    }
    life.executor.advance(std::chrono::microseconds(100));
    life.disk.stop();

    WalLife second(media);
    ASSERT_TRUE(second.open());
    ASSERT_TRUE(second.read_all());
    ASSERT_TRUE(conformance::is_prefix(second.found, script, life.acknowledged));
    second.disk.crash();
    WalLife third(media);
    const auto opened = third.open();
    ASSERT_TRUE(opened) << opened.error().message;
    ASSERT_TRUE(third.read_all());
    EXPECT_EQ(third.found.recovered.hard_state, second.found.recovered.hard_state);
    EXPECT_EQ(third.found.entries, second.found.entries);
  }
}

class WalFailure : public testing::TestWithParam<DiskOp> {};

// hazard: H50 — scenario: D-04. Each operation of a kind fails once: nothing is acknowledged afterwards, every write
// ends, and after a restart all that was acknowledged is there.
TEST_P(WalFailure, OfEveryOperationIsFinalOrHarmless) {
  const auto script = wal_script();
  std::uint64_t failed = 0;
  for (std::uint64_t nth = 1;; ++nth) {
    SCOPED_TRACE("the " + std::to_string(nth) + "th fails");
    SimMedia media(nth);
    WalLife life(media);
    media.fail(GetParam(), nth);
    const auto opened = life.open();
    if (opened) {
      run_script(life, script);
      ASSERT_EQ(life.ended, life.begun) << "every write ends";
      ASSERT_FALSE(life.acknowledged_after_failure);
      if (life.failure) {
        ++failed;
        EXPECT_EQ(life.failure->code, ErrorCode::io);
        EXPECT_GT(life.log->stats().room, 0u) << "or no write would come that can be told";
        EXPECT_FALSE(life.write(conformance::append(Index(9), Index(8), Term(9)))) << "for good";
      } else {
        EXPECT_EQ(life.acknowledged, script.size());
      }
    } else {
      EXPECT_EQ(opened.error().code, ErrorCode::io);
    }
    const bool was_reached = media.ops(GetParam()) >= nth;
    life.disk.crash();
    media.heal();
    expect_prefix(media, script, life.acknowledged);
    if (testing::Test::HasFailure() || !was_reached) break;
  }
  const bool on_the_way = GetParam() == DiskOp::write || GetParam() == DiskOp::sync;
  EXPECT_GE(failed, on_the_way ? 20u : 0u);
}

INSTANTIATE_TEST_SUITE_P(Each, WalFailure,
                         testing::Values(DiskOp::write, DiskOp::sync, DiskOp::create, DiskOp::rename, DiskOp::remove,
                                         DiskOp::replace, DiskOp::open, DiskOp::read));

}  // namespace
}  // namespace keel
