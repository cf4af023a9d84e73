#include "keel/base/payload.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "keel/base/assert.hpp"

namespace keel::test {
namespace {

ByteView bytes(const std::string& text) { return std::as_bytes(std::span(text)); }
std::string text(ByteView view) { return {reinterpret_cast<const char*>(view.data()), view.size()}; }

TEST(Payload, IsACopyOfItsOwn) {
  std::string command = "x=1";
  const Payload payload = Payload::copy_of(bytes(command));
  command = "y=2";
  EXPECT_EQ(text(payload.bytes()), "x=1");
  EXPECT_EQ(payload.size(), 3u);
  EXPECT_FALSE(payload.empty());
}

// A codec frames it where it lies: zeroed room for the header before it, room for the checksum behind.
TEST(Payload, HasRoomAroundItForItsFrame) {
  Payload payload = Payload::copy_of(bytes("abc"));
  const std::byte* begin = payload.begin();
  EXPECT_TRUE(std::all_of(begin - Payload::head_room, begin, [](std::byte b) { return b == std::byte{0}; }));
  EXPECT_EQ(payload.head(), 0u);
  std::fill_n(payload.begin() - Payload::head_room, Payload::head_room, std::byte{'h'});
  std::fill_n(payload.begin() + payload.size(), Payload::tail_room, std::byte{'t'});
  payload.set_head(4);
  EXPECT_EQ(text(payload.frame()), "hhhhabctttttttt");
  EXPECT_EQ(text(payload.bytes()), "abc");
}

TEST(Payload, CopiesShareAndOutliveOneAnother) {
  Payload copy;
  {
    const Payload first = Payload::copy_of(bytes("shared"));
    copy = first;
    EXPECT_EQ(copy.begin(), first.begin());
  }
  EXPECT_EQ(text(copy.bytes()), "shared");
  const Payload moved = std::move(copy);
  EXPECT_EQ(text(moved.bytes()), "shared");
  Payload again = moved;
  Payload& itself = again;
  again = itself;
  EXPECT_EQ(text(again.bytes()), "shared");
}

TEST(Payload, ASliceSharesTheBlockItLiesIn) {
  Payload slice;
  {
    Block* block = Block::make(64);
    std::fill_n(block->data(), block->size(), std::byte{'.'});
    std::ranges::copy(bytes("HHdata"), block->data() + 10);
    slice = Payload::slice_of(*block, 12, 4, 2);
    block->release();
  }
  EXPECT_EQ(text(slice.bytes()), "data");
  EXPECT_EQ(slice.head(), 2u);
  EXPECT_EQ(text(slice.frame()), "HHdata........");
}

TEST(Payload, ASliceLiesInsideItsBlock) {
  Block* block = Block::make(40);
  EXPECT_NO_THROW((void)Payload::slice_of(*block, 12, 40 - 12 - Payload::tail_room, 12));
  EXPECT_THROW((void)Payload::slice_of(*block, 12, 41 - 12 - Payload::tail_room, 12), InvariantBroken)
      << "no room behind";
  EXPECT_THROW((void)Payload::slice_of(*block, 12, 4, 13), InvariantBroken) << "no room before";
  block->release();
}

TEST(Payload, EqualIsEqualBytesWhereverTheyLie) {
  const Payload one = Payload::copy_of(bytes("same"));
  const Payload framed = [] {
    Payload other = Payload::copy_of(bytes("same"));
    other.set_head(7);
    return other;
  }();
  EXPECT_EQ(one, framed);
  EXPECT_NE(one, Payload::copy_of(bytes("samE")));
  EXPECT_NE(one, Payload::copy_of(bytes("sam")));
  EXPECT_EQ(Payload(), Payload::copy_of({}));
  EXPECT_TRUE(Payload().empty());
}

}  // namespace
}  // namespace keel::test
