#include "keel/wire/frame.hpp"

#include <algorithm>
#include <cstring>
#include <tuple>

#include <gtest/gtest.h>

#include "keel/base/assert.hpp"
#include "samples.hpp"
#include "wire/checksum.hpp"

// mission: R7 (what the log keeps), 1a (golden bytes are in golden_test.cpp). hazard: H51 (damage is told from absence)
namespace keel::wire::test {
namespace {

Result<Entry> decode_alone(ByteView bytes) {
  Block* const block = block_of(bytes);
  auto entry = decode_frame(*block, 0, bytes.size());
  block->release();
  return entry;
}

bool lies_in(const Payload& payload, Block& block) {
  const std::less_equal<const std::byte*> not_behind;
  return not_behind(block.data(), payload.begin()) && not_behind(payload.begin(), block.data() + block.size());
}

// The header with one field changed and its checksum made right again.
Bytes with_byte_sealed(Bytes frame, std::size_t at, std::uint8_t value, std::size_t header_size = frame_header_min) {
  frame[at] = static_cast<std::byte>(value);
  const std::uint64_t checksum = checksum_of(ByteView(frame).first(header_size - 8));
  std::memcpy(frame.data() + header_size - 8, &checksum, 8);
  return frame;
}

ErrorCode frame_refusal(ByteView bytes) {
  const auto header = decode_header(bytes);
  EXPECT_FALSE(header);
  return header ? ErrorCode::failed : header.error().code;
}

TEST(Envelope, IsTheSameBeforeAndAfterFraming) {
  for (const Envelope& envelope : {Envelope{}, short_envelope(), long_envelope()}) {
    Entry entry = plain_entry(1, 1, "x", envelope);
    EXPECT_EQ(envelope_of(entry.payload), envelope);
    frame(entry, cluster, group);
    EXPECT_EQ(envelope_of(entry.payload), envelope);
  }
}

TEST(Envelope, OfAPayloadThatWasNeverGivenOneIsEmpty) {
  EXPECT_EQ(envelope_of(Payload{}), Envelope{});
  EXPECT_EQ(envelope_of(payload_of("bytes")), Envelope{});
}

TEST(Envelope, IsWrittenIntoAPayloadWithoutABlock) {
  Payload payload;
  set_envelope(payload, long_envelope());
  EXPECT_EQ(envelope_of(payload), long_envelope());
  EXPECT_EQ(payload.size(), 0u);
}

TEST(Envelope, MayBeWrittenAgainUntilFramed) {
  Entry entry = plain_entry(1, 1, "x", long_envelope());
  set_envelope(entry.payload, short_envelope());
  frame(entry, cluster, group);
  EXPECT_EQ(envelope_of(entry.payload), short_envelope());
  EXPECT_THROW(set_envelope(entry.payload, long_envelope()), InvariantBroken);
}

TEST(Envelope, EachFieldTravels) {
  const auto travels = [](const Envelope& envelope) {
    const auto entry = decode_alone(framed_entry(1, 1, "x", envelope).payload.frame());
    return entry && envelope_of(entry->payload) == envelope;
  };
  EXPECT_TRUE(travels({.wall_time = WallTime(std::chrono::milliseconds(-5))}));
  EXPECT_TRUE(travels({.session = 1}));
  EXPECT_TRUE(travels({.sequence = 1}));
  EXPECT_TRUE(travels({.origin = NodeId(1)}));
  EXPECT_TRUE(travels({.origin_tag = 1}));
}

TEST(Frame, HeaderSaysEverything) {
  for (const auto& [name, entry] : sample_entries()) {
    const auto header = decode_header(entry.payload.frame());
    ASSERT_TRUE(header) << name;
    EXPECT_EQ(header->cluster, cluster);
    EXPECT_EQ(header->group, group);
    EXPECT_EQ(header->index, entry.index);
    EXPECT_EQ(header->term, entry.term);
    EXPECT_EQ(header->kind, entry.kind);
    EXPECT_EQ(header->payload_size, entry.payload.size());
    EXPECT_EQ(header->envelope, envelope_of(entry.payload));
    EXPECT_EQ(header->header_size, entry.payload.head());
    EXPECT_EQ(header->frame_size(), entry.payload.frame().size());
    EXPECT_TRUE(payload_intact(*header, entry.payload.frame()));
  }
}

TEST(Frame, IsMadeWhereThePayloadLies) {
  Entry entry = plain_entry(1, 1, "bytes");
  const std::byte* const before = entry.payload.begin();
  frame(entry, cluster, group);
  EXPECT_EQ(entry.payload.begin(), before);
  EXPECT_EQ(entry.payload.bytes().size(), 5u);
}

TEST(Frame, SizeIsKnownBeforeAndAfter) {
  for (const Envelope& envelope : {short_envelope(), long_envelope()}) {
    Entry entry = plain_entry(1, 1, "bytes", envelope);
    const std::size_t before = frame_size(entry);
    frame(entry, cluster, group);
    EXPECT_EQ(frame_size(entry), before);
    EXPECT_EQ(entry.payload.frame().size(), before);
  }
  EXPECT_EQ(frame_size(Entry{Index(1), Term(1), EntryKind::term_start, {}}), frame_header_min + frame_checksum_size);
}

TEST(Frame, IsMadeForAnEntryWithoutPayload) {
  Entry entry{Index(1), Term(1), EntryKind::term_start, {}};
  frame(entry, cluster, group);
  const auto back = decode_alone(entry.payload.frame());
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, entry);
}

// The same entry at the same place always has the same bytes, so that simulated runs repeat byte for byte.
// hazard: H60
TEST(Frame, HasNoBytesOfItsOwn) {
  Entry first{Index(7), Term(2), EntryKind::command, payload_of("bytes")};
  frame(first, cluster, group);
  std::vector<Payload> dirt;
  for (int i = 0; i < 8; ++i) {
    dirt.push_back(framed_entry(9, 9, "zzzzz", long_envelope()).payload);
  }
  dirt.clear();  // what the next block may be made of
  Entry second{Index(7), Term(2), EntryKind::command, payload_of("bytes")};
  frame(second, cluster, group);
  EXPECT_TRUE(std::ranges::equal(first.payload.frame(), second.payload.frame()));
}

// A store or a socket may be reading the frame by then, on another thread.
TEST(Frame, OfAFramedEntryIsOnlyRead) {
  Entry entry = plain_entry(1, 1, "bytes");
  Entry unframed_copy = entry;
  frame(entry, cluster, group);
  std::byte* const checksum = entry.payload.begin() + entry.payload.size();
  *checksum ^= std::byte{1};  // would be made right again by any writing
  const std::byte marked = *checksum;

  frame(entry, cluster, group);
  EXPECT_EQ(*checksum, marked);
  frame(unframed_copy, cluster, group);
  EXPECT_EQ(*checksum, marked);
  EXPECT_EQ(unframed_copy.payload.begin(), entry.payload.begin());
  EXPECT_EQ(unframed_copy.payload.head(), entry.payload.head());
}

TEST(Frame, CopiesTakenBeforeSeeTheEnvelopeStill) {
  for (const Envelope& envelope : {short_envelope(), long_envelope()}) {
    Entry entry = plain_entry(1, 1, "bytes", envelope);
    const Entry copy = entry;
    frame(entry, cluster, group);
    EXPECT_EQ(envelope_of(copy.payload), envelope);
    EXPECT_EQ(frame_size(copy), frame_size(entry));
  }
}

TEST(Frame, ForAnotherPlaceIsMadeOfACopy) {
  const Entry original = framed_entry(5, 2, "bytes", long_envelope());
  const Bytes before = bytes_of(original.payload.frame());
  const auto elsewhere = [&](Entry entry, ClusterId in, GroupId of) {
    frame(entry, in, of);
    const auto header = decode_header(entry.payload.frame());
    return header && entry.payload.begin() != original.payload.begin() && header->index == entry.index &&
           header->term == entry.term && header->kind == entry.kind && header->cluster == in && header->group == of &&
           header->envelope == long_envelope() && payload_intact(*header, entry.payload.frame()) &&
           entry.payload == original.payload;
  };
  const Payload& payload = original.payload;
  EXPECT_TRUE(elsewhere({Index(6), Term(2), EntryKind::command, payload}, cluster, group));
  EXPECT_TRUE(elsewhere({Index(5), Term(3), EntryKind::command, payload}, cluster, group));
  EXPECT_TRUE(elsewhere({Index(5), Term(2), EntryKind::session, payload}, cluster, group));
  EXPECT_TRUE(elsewhere({Index(5), Term(2), EntryKind::command, payload}, ClusterId(1), group));
  EXPECT_TRUE(elsewhere({Index(5), Term(2), EntryKind::command, payload}, cluster, GroupId(1)));
  EXPECT_EQ(bytes_of(payload.frame()), before);
}

TEST(Frame, WantsAnIndexAndAPayloadThatFits) {
  Entry nowhere{Index(0), Term(1), EntryKind::command, payload_of("x")};
  EXPECT_THROW(frame(nowhere, cluster, group), InvariantBroken);
  Entry huge{Index(1), Term(1), EntryKind::command, Payload::with_size(max_payload_bytes + 1)};
  EXPECT_THROW(frame(huge, cluster, group), InvariantBroken);
}

TEST(DecodeFrame, RefusesEveryTruncation) {
  for (const auto& [name, entry] : sample_entries()) {
    const ByteView whole = entry.payload.frame();
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const auto back = decode_alone(whole.first(size));
      ASSERT_FALSE(back) << name << ", " << size << " bytes";
      EXPECT_EQ(back.error().code, ErrorCode::corrupt);
    }
  }
}

TEST(DecodeFrame, RefusesEveryFlippedBit) {
  for (const auto& [name, entry] : sample_entries()) {
    Bytes bytes = bytes_of(entry.payload.frame());
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      bytes[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
      const auto back = decode_alone(bytes);
      ASSERT_FALSE(back) << name << ", bit " << bit;
      EXPECT_EQ(back.error().code, ErrorCode::corrupt) << "a damaged version is damage, not a version";
      bytes[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
    }
  }
}

// hazard: H51. A damaged payload is still a known entry, which can be fetched again.
TEST(DecodeFrame, HeaderStandsWithoutItsPayload) {
  Bytes bytes = bytes_of(framed_entry(42, 5, "set a 1").payload.frame());
  bytes[frame_header_min] ^= std::byte{1};
  const auto header = decode_header(bytes);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->index, Index(42));
  EXPECT_FALSE(payload_intact(*header, bytes));
  EXPECT_EQ(decode_alone(bytes).error().code, ErrorCode::corrupt);

  bytes[frame_header_min] ^= std::byte{1};
  EXPECT_TRUE(payload_intact(*header, bytes));
  EXPECT_FALSE(payload_intact(*header, ByteView(bytes).first(bytes.size() - 1)));
}

// Each frame's payload fits its own header only: no mixture of two good frames is good.
TEST(DecodeFrame, PayloadOfAnotherFrameDoesNotFit) {
  const Bytes first = bytes_of(framed_entry(1, 1, "same").payload.frame());
  Bytes mixed = bytes_of(framed_entry(2, 1, "same").payload.frame());
  std::copy(first.begin() + frame_header_min, first.end(), mixed.begin() + frame_header_min);
  EXPECT_EQ(decode_alone(mixed).error().code, ErrorCode::corrupt);
}

TEST(DecodeFrame, ContradictoryHeadersAreRefusedThoughTheyCheckOut) {
  const Bytes good = bytes_of(framed_entry(1, 1, "x", {}).payload.frame());
  ASSERT_TRUE(decode_header(good));
  EXPECT_EQ(frame_refusal(with_byte_sealed(good, 4, 2)), ErrorCode::wrong_version);
  EXPECT_EQ(frame_refusal(with_byte_sealed(good, 5, 0)), ErrorCode::corrupt);     // no kind
  EXPECT_EQ(frame_refusal(with_byte_sealed(good, 6, 2)), ErrorCode::corrupt);     // an unknown flag
  EXPECT_EQ(frame_refusal(with_byte_sealed(good, 7, 0x80)), ErrorCode::corrupt);  // another
  EXPECT_EQ(frame_refusal(with_byte_sealed(good, 24, 0)), ErrorCode::corrupt);    // index 0
  EXPECT_EQ(frame_refusal(with_byte_sealed(good, 3, 1)), ErrorCode::corrupt);     // 16 MiB of payload and one byte

  Bytes with_session = bytes_of(framed_entry(1, 1, "x", {.session = 1}).payload.frame());
  ASSERT_TRUE(decode_header(with_session));
  EXPECT_EQ(frame_refusal(with_byte_sealed(with_session, 48, 0, frame_header_max)),
            ErrorCode::corrupt);  // has none after all
}

TEST(DecodeFrame, UnknownKindsAreKept) {
  const Bytes good = bytes_of(framed_entry(1, 1, "", {}).payload.frame());
  const auto header = decode_header(with_byte_sealed(good, 5, 99));
  ASSERT_TRUE(header);
  EXPECT_EQ(header->kind, static_cast<EntryKind>(99));
}

TEST(DecodeFrame, StopsAtItsLimit) {
  const Bytes bytes = bytes_of(framed_entry(1, 1, "bytes").payload.frame());
  Block* const block = block_of(bytes);
  EXPECT_TRUE(decode_frame(*block, 0, bytes.size()));
  EXPECT_FALSE(decode_frame(*block, 0, bytes.size() - 1));
  EXPECT_THROW(std::ignore = decode_frame(*block, 0, bytes.size() + 1), InvariantBroken);
  EXPECT_THROW(std::ignore = decode_frame(*block, bytes.size() + 1, bytes.size()), InvariantBroken);
  block->release();
}

// A slice never keeps alive a buffer many times its size.
TEST(DecodeFrame, SharesABlockThatIsMostlyItsOwn) {
  const Entry entry = framed_entry(1, 1, std::string(1000, 'x'), long_envelope());
  const ByteView whole = entry.payload.frame();
  for (const bool mostly : {true, false}) {
    Block* const block = Block::make(whole.size() * (mostly ? 4 : 5));
    const std::size_t offset = whole.size();
    std::ranges::copy(whole, block->data() + offset);
    EXPECT_EQ(shares_block(whole.size(), block->size()), mostly);

    const auto back = decode_frame(*block, offset, block->size());
    ASSERT_TRUE(back);
    EXPECT_EQ(lies_in(back->payload, *block), mostly);
    block->release();  // the entry outlives it either way
    EXPECT_EQ(*back, entry);
    EXPECT_TRUE(std::ranges::equal(back->payload.frame(), whole));
    EXPECT_EQ(envelope_of(back->payload), long_envelope());
  }
}

TEST(DecodeFrame, WhatComesBackIsFramed) {
  const Entry entry = framed_entry(1, 1, "bytes");
  for (const std::size_t spare : {0, 10000}) {
    Bytes bytes = bytes_of(entry.payload.frame());
    bytes.resize(bytes.size() + spare);
    auto back = decode_alone(bytes);
    ASSERT_TRUE(back);
    const std::byte* const where = back->payload.begin();
    frame(*back, cluster, group);
    EXPECT_EQ(back->payload.begin(), where);
    EXPECT_TRUE(std::ranges::equal(back->payload.frame(), entry.payload.frame()));
  }
}

}  // namespace
}  // namespace keel::wire::test
