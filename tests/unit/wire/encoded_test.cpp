#include <algorithm>

#include <gtest/gtest.h>

#include "allocations.hpp"
#include "keel/wire/codec.hpp"
#include "keel/wire/frame.hpp"
#include "samples.hpp"

namespace keel::wire::test {
namespace {

PeerMessage append_of(std::size_t count, std::size_t payload_size) {
  AppendRequest request{{Term(1), Index(1)}, {}, {}};
  for (std::size_t i = 0; i < count; ++i) {
    request.entries.push_back(framed_entry(2 + i, 1, std::string(payload_size, 'x')));
  }
  return message_of(request);
}

bool refers_to(const Encoded& out, const Payload& payload) {
  return std::ranges::any_of(out.pieces(), [&](ByteView piece) { return piece.data() == payload.frame().data(); });
}

TEST(Encoded, SmallFramesAreOnePieceWithTheirMessages) {
  Encoded out;
  EXPECT_TRUE(out.empty());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(encode(append_of(10, 256), out));
  }
  EXPECT_EQ(out.pieces().size(), 1u);
  EXPECT_FALSE(out.empty());
}

TEST(Encoded, LargeFramesAreReferredToAndKeptAlive) {
  Encoded out;
  Bytes expected;
  {
    const PeerMessage message = append_of(2, 4096);
    ASSERT_TRUE(encode(message, out));
    ASSERT_TRUE(encode(message_of(TimeoutNow{}), out));
    for (const Entry& entry : std::get<AppendRequest>(std::get<Message>(message.body).body).entries) {
      EXPECT_TRUE(refers_to(out, entry.payload));
    }
    expected = out.flatten();
  }
  EXPECT_EQ(out.flatten(), expected);
  EXPECT_EQ(out.pieces().size(), 4u);  // head, frame, frame, the next message
}

TEST(Encoded, PiecesStayWhereTheyAre) {
  Encoded out;
  ASSERT_TRUE(encode(append_of(3, 256), out));
  const std::byte* const start = out.pieces().front().data();
  const Bytes first = out.flatten();
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(encode(append_of(20, 256), out));  // through many slabs
  }
  Encoded moved = std::move(out);
  EXPECT_EQ(moved.pieces().front().data(), start);
  EXPECT_TRUE(std::ranges::equal(first, ByteView(start, first.size())));
  EXPECT_GT(moved.pieces().size(), 1u);
  EXPECT_EQ(moved.flatten().size(), moved.size());
}

TEST(Encoded, IsEmptyOnceMovedFromAndCanBeUsedAgain) {
  Encoded out;
  for (int i = 0; i < 16; ++i) {
    ASSERT_TRUE(encode(append_of(60, 256), out));  // some slabs, the last mostly full
  }
  Encoded other;
  ASSERT_TRUE(encode(message_of(TimeoutNow{}), other));
  const Bytes before = out.flatten();
  other = std::move(out);
  EXPECT_EQ(other.flatten(), before);

  EXPECT_TRUE(out.empty());  // NOLINT(bugprone-use-after-move): that is what is tested
  ASSERT_TRUE(encode(append_of(150, 256), out));
  EXPECT_EQ(out.pieces().size(), 1u) << "from the start of a new slab";
  EXPECT_EQ(out.flatten(), encoded(append_of(150, 256)));
}

TEST(Encoded, ClearLetsGoOfWhatWasReferredTo) {
  Encoded out;
  ASSERT_TRUE(encode(append_of(2, 4096), out));
  out.clear();
  EXPECT_TRUE(out.empty());
  EXPECT_TRUE(out.pieces().empty());
  EXPECT_TRUE(out.flatten().empty());
  ASSERT_TRUE(encode(message_of(TimeoutNow{}), out));
  EXPECT_EQ(out.flatten(), encoded(message_of(TimeoutNow{})));
}

TEST(Encoded, AllocatesNothingInTheLongRun) {
  const PeerMessage small = append_of(64, 256);
  const PeerMessage large = append_of(8, 4096);
  Encoded out;
  const auto turn = [&] {
    for (int i = 0; i < 5; ++i) {
      ASSERT_TRUE(encode(small, out));
    }
    ASSERT_TRUE(encode(large, out));
    out.clear();
  };
  turn();
  Allocations::start();
  for (int i = 0; i < 10; ++i) {
    turn();
  }
  EXPECT_EQ(Allocations::count(), 0u);
}

// A burst does not stay in memory: what it took beyond a usual turn is asked for again by the next one.
TEST(Encoded, KeepsFewSlabs) {
  const PeerMessage message = append_of(64, 256);
  Encoded out;
  const auto burst = [&] {
    for (int i = 0; i < 100; ++i) {
      ASSERT_TRUE(encode(message, out));
    }
  };
  burst();
  const std::size_t slabs = out.pieces().size();
  EXPECT_GT(slabs, 20u);
  out.clear();
  Allocations::start();
  burst();
  EXPECT_EQ(Allocations::count(), slabs - 4);
}

}  // namespace
}  // namespace keel::wire::test
