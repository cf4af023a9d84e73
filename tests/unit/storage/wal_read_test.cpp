// Reads that are under way when what they read is changed, cut or given away.
#include <gtest/gtest.h>

#include "wal_life.hpp"

namespace keel {
namespace {

using namespace std::chrono_literals;
using conformance::append;
using sim::DiskOp;
using sim::SimMedia;
using test::WalLife;

// A read that is under way when what it asked for goes gets what was there, or a refusal; never a mixture.
TEST(WalRead, MeetsATruncation) {
  for (int ready = 0; ready < 40; ++ready) {
    SimMedia media(1);
    WalLife life(media);
    ASSERT_TRUE(life.open());
    ASSERT_TRUE(life.write(append(Index(1), Index(60), Term(1), 300)));
    std::optional<Result<std::vector<Entry>>> result;
    life.log->read({Index(2), Index(60)}, 1u << 20, [&](auto entries) { result = std::move(entries); });
    for (int i = 0; i < ready; ++i) {
      life.executor.advance(20us);
    }
    WriteBatch over = append(Index(10), Index(70), Term(2), 300);
    over.truncate_from = Index(10);
    life.begin(over);
    life.executor.run_until([&] { return result.has_value(); });
    if (!*result) continue;
    for (const Entry& entry : **result) {
      EXPECT_EQ(entry, conformance::entry(entry.index, Term(1), 300));
    }
    life.wait();
    EXPECT_EQ(life.read(Index(9), Index(10)).value().back(), conformance::entry(Index(10), Term(2), 300));
  }
}

TEST(WalRead, MeetsACompaction) {
  for (int ready = 0; ready < 40; ++ready) {
    SimMedia media(1);
    WalLife life(media);
    ASSERT_TRUE(life.open());
    for (std::uint64_t i = 1; i <= 100; i += 5) {
      ASSERT_TRUE(life.write(append(Index(i), Index(i + 4), Term(1), 300)));
    }
    std::optional<Result<std::vector<Entry>>> result;
    life.log->read({Index(2), Index(100)}, 1u << 20, [&](auto entries) { result = std::move(entries); });
    WriteBatch batch = append(Index(101), Index(160), Term(1), 300);
    batch.compact_to = Index(99);
    life.begin(batch);
    for (std::uint64_t i = 161; i <= 200; i += 5) {  // over what was freed
      life.begin(append(Index(i), Index(i + 4), Term(1), 300));
    }
    for (int i = 0; i < ready; ++i) {
      life.executor.advance(100us);
    }
    life.executor.run_until([&] { return result.has_value(); });
    if (!*result) {
      EXPECT_EQ(result->error().code, ErrorCode::compacted) << result->error().message;
    } else {
      for (const Entry& entry : **result) {
        EXPECT_EQ(entry, conformance::entry(entry.index, Term(1), 300));
      }
    }
  }
}

// A read finds out only at the next place it looks up that the entries before it are gone.
TEST(WalRead, MeetsACompactionWithinASegment) {
  for (const Index compacted : {Index(60), Index(90), Index(100)}) {
    SimMedia media(1);
    WalLife life(media, 65536);
    ASSERT_TRUE(life.open());
    for (std::uint64_t i = 1; i <= 100; i += 5) {
      ASSERT_TRUE(life.write(append(Index(i), Index(i + 4), Term(1), 300)));
    }
    std::optional<Result<std::vector<Entry>>> result;
    life.log->read({Index(2), Index(100)}, 1u << 20, [&](auto entries) { result = std::move(entries); });
    WriteBatch batch;
    batch.compact_to = compacted;
    life.begin(batch);
    ASSERT_FALSE(result);
    life.executor.run_until([&] { return result.has_value(); });
    ASSERT_TRUE(*result) << result->error().message;
    EXPECT_LT((*result)->back().index, compacted);
    for (const Entry& entry : **result) {
      EXPECT_EQ(entry, conformance::entry(entry.index, Term(1), 300));
    }
  }
}

// Reads take as long as they like: by the time that the bytes come, the segment has been given away and written over.
TEST(WalRead, MeetsARecycledSegment) {
  SimMedia media(1, {.read_min = 5s, .read_max = 5s});
  WalLife life(media);
  ASSERT_TRUE(life.open());
  ASSERT_TRUE(life.write(append(Index(1), Index(5), Term(1), 300)));
  std::optional<Result<std::vector<Entry>>> result;
  life.log->read({Index(1), Index(5)}, 1u << 20, [&](auto entries) { result = std::move(entries); });
  const std::uint64_t renamed = media.ops(DiskOp::rename);
  for (std::uint64_t i = 6; i <= 50; i += 5) {
    WriteBatch batch = append(Index(i), Index(i + 4), Term(1), 300);
    batch.compact_to = Index(i - 1);
    ASSERT_TRUE(life.write(batch));
  }
  ASSERT_GT(media.ops(DiskOp::rename), renamed) << "a segment was used again";
  ASSERT_FALSE(result) << "writes do not wait for reads";
  life.executor.run_until([&] { return result.has_value(); });
  ASSERT_FALSE(*result);
  EXPECT_EQ(result->error().code, ErrorCode::compacted) << result->error().message;
}

}  // namespace
}  // namespace keel
