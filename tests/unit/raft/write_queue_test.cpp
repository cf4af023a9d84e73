#include "keel/raft/write_queue.hpp"

#include <deque>

#include <gtest/gtest.h>

#include "keel/base/assert.hpp"
#include "keel/raft/log.hpp"
#include "keel/raft/random.hpp"
#include "model_disk.hpp"

namespace keel::test {
namespace {

Entry entry(std::uint64_t index, std::uint64_t term) {
  return {Index(index), Term(term), EntryKind::command, Payload::copy_of({})};
}
void append(WriteQueue& queue, std::uint64_t first, std::uint64_t last, std::uint64_t term) {
  for (; first <= last; ++first)
    queue.append(entry(first, term));
}
WriteId issue(WriteQueue& queue) { return queue.issue({})->id; }

// hazard: H42
TEST(WriteQueue, ALateNoticeNeverVouchesForEntriesOverwrittenSince) {
  WriteQueue queue;
  append(queue, 1, 10, 1);
  const WriteId first = issue(queue);
  queue.truncate_from(Index(5));
  append(queue, 5, 12, 2);
  const WriteId second = issue(queue);
  EXPECT_EQ(queue.written(first), Index(4)) << "5..10 are of term 1, and gone";
  EXPECT_EQ(queue.written(second), Index(12));
}

// hazard: H42  The same while the truncation is still being gathered.
TEST(WriteQueue, ATruncationCountsBeforeItIsIssued) {
  WriteQueue queue;
  append(queue, 1, 10, 1);
  const WriteId first = issue(queue);
  queue.truncate_from(Index(7));
  append(queue, 7, 7, 2);
  EXPECT_EQ(queue.written(first), Index(6));
}

// hazard: H42
TEST(WriteQueue, OfSeveralTruncationsOnTheirWayTheLowestCounts) {
  WriteQueue queue;
  append(queue, 1, 10, 1);
  const WriteId first = issue(queue);
  queue.truncate_from(Index(3));
  append(queue, 3, 8, 2);
  const WriteId second = issue(queue);
  queue.truncate_from(Index(6));
  append(queue, 6, 6, 3);
  const WriteId third = issue(queue);
  EXPECT_EQ(queue.written(first), Index(2));
  EXPECT_EQ(queue.written(second), Index(5));
  EXPECT_EQ(queue.written(third), Index(6));
}

// hazard: H44  Notices may come out of order, and twice: the later one says it all.
TEST(WriteQueue, ANoticeThatComesLateOrTwiceSaysNothingNew) {
  WriteQueue queue;
  append(queue, 1, 3, 1);
  const WriteId first = issue(queue);
  append(queue, 4, 6, 1);
  const WriteId second = issue(queue);
  EXPECT_EQ(queue.written(second), Index(6));
  EXPECT_EQ(queue.written(first), Index(0));
  EXPECT_EQ(queue.gate(), WriteId()) << "all that was asked for is durable still";
  EXPECT_EQ(queue.written(second), Index(0));
  EXPECT_EQ(queue.gate(), WriteId());
  EXPECT_THROW(queue.written(WriteId(3)), InvariantBroken) << "never issued";
}

TEST(WriteQueue, WhatIsTruncatedBeforeItIsIssuedNeverReachesTheStore) {
  WriteQueue queue;
  append(queue, 1, 4, 1);
  issue(queue);
  append(queue, 5, 9, 1);
  queue.truncate_from(Index(6));
  append(queue, 6, 6, 2);
  const auto write = queue.issue({});
  EXPECT_FALSE(write->batch.truncate_from) << "the store never saw 6";
  EXPECT_EQ(write->batch.entries, (std::vector{entry(5, 1), entry(6, 2)}));
}

// hazard: H12 H43
TEST(WriteQueue, TheGateIsTheWriteThatHoldsAllThatWasAskedFor) {
  WriteQueue queue;
  EXPECT_EQ(queue.gate(), WriteId()) << "nothing to wait for";
  queue.save({Term(2), NodeId(1)});
  EXPECT_EQ(queue.gate(), WriteId(1));
  EXPECT_EQ(queue.hard_state_gate(), WriteId(1));
  issue(queue);
  append(queue, 1, 1, 2);
  EXPECT_EQ(queue.gate(), WriteId(2));
  EXPECT_EQ(queue.hard_state_gate(), WriteId(1)) << "a term and vote do not wait for entries behind them";
  issue(queue);
  queue.written(WriteId(1));
  EXPECT_EQ(queue.hard_state_gate(), WriteId());
  EXPECT_EQ(queue.gate(), WriteId(2));
}

// Somebody waits for a write whose entries are all truncated before it is issued: it is issued, empty.
TEST(WriteQueue, AWriteThatIsWaitedForIsIssuedThoughEmpty) {
  WriteQueue queue;
  append(queue, 1, 2, 1);
  const WriteId gate = queue.gate();
  queue.truncate_from(Index(1));
  const auto write = queue.issue({});
  ASSERT_TRUE(write);
  EXPECT_EQ(write->id, gate);
  EXPECT_TRUE(write->batch.empty());
  EXPECT_FALSE(queue.issue({}));
}

TEST(WriteQueue, KnowsSinceWhenTheDiskIsOwed) {
  WriteQueue queue;
  append(queue, 1, 1, 1);
  EXPECT_FALSE(queue.oldest_issued());
  (void)queue.issue(Instant(Duration(5)));
  append(queue, 2, 2, 1);
  (void)queue.issue(Instant(Duration(9)));
  EXPECT_EQ(queue.oldest_issued(), Instant(Duration(5)));
  queue.written(WriteId(1));
  EXPECT_EQ(queue.oldest_issued(), Instant(Duration(9)));
}

// hazard: H42 H43 H44  What is called durable is on the disk, whatever the order of things; and in the end all is.
TEST(WriteQueue, WhatItCallsDurableIsOnTheDisk) {
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    Random random(seed);
    WriteQueue queue;
    ModelDisk memory;  // as Raft believes
    ModelDisk issued;  // once everything issued is written
    ModelDisk disk;
    std::deque<Write> on_their_way;
    Index stable;
    Term term(1);
    const auto finish = [&](std::size_t count) {
      WriteId last;
      for (; count > 0; --count, on_their_way.pop_front()) {
        disk.write(on_their_way.front().batch);
        last = on_their_way.front().id;
      }
      if (last != WriteId()) stable = std::max(stable, std::min(queue.written(last), memory.last()));
    };
    for (int step = 0; step < 80; ++step) {
      const auto dice = random.below(20);
      if (dice < 9) {
        const Entry next{memory.last().next(), term, EntryKind::command, Payload::copy_of({})};
        memory.append(next);
        queue.append(next);
      } else if (dice < 12 && memory.last() > Index()) {
        const Index from(1 + random.below(memory.last().value()));
        memory.cut(from);
        queue.truncate_from(from);
        stable = std::min(stable, from.previous());
        ++term;
      } else if (dice < 13) {
        memory.hard_state = {term, NodeId(random.below(3))};
        queue.save(memory.hard_state);
      } else if (dice < 17) {
        const WriteId gate = queue.gate();
        if (auto write = queue.issue({})) {
          ASSERT_EQ(write->id, gate);
          issued.write(write->batch);
          on_their_way.push_back(std::move(*write));
        }
        ASSERT_EQ(issued.entries, memory.entries) << "seed " << seed;
        ASSERT_EQ(issued.hard_state, memory.hard_state) << "seed " << seed;
      } else if (!on_their_way.empty()) {
        finish(1 + random.below(on_their_way.size()));
      }
      ASSERT_EQ(disk.term_at(stable), memory.term_at(stable)) << "seed " << seed << ", step " << step;
    }
    if (auto write = queue.issue({})) on_their_way.push_back(std::move(*write));
    finish(on_their_way.size());
    ASSERT_EQ(stable, memory.last()) << "seed " << seed;
    ASSERT_EQ(queue.gate(), WriteId());
  }
}

}  // namespace
}  // namespace keel::test
