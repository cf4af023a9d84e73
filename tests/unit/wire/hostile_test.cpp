#include <algorithm>
#include <cstring>
#include <tuple>

#include <gtest/gtest.h>

#include "allocations.hpp"
#include "keel/base/assert.hpp"
#include "keel/wire/codec.hpp"
#include "keel/wire/frame.hpp"
#include "samples.hpp"
#include "wire/checksum.hpp"

// Bytes from a network that is broken or hates us. scenario
namespace keel::wire::test {
namespace {

constexpr std::size_t head_size = 36;          // up to the type's own fields
constexpr std::size_t append_head_size = 64;   // head, previous, commit, count
constexpr std::size_t forward_head_size = 72;  // head, tag, session, sequence, term, size

Bytes body_of(const PeerMessage& message) {
  Bytes bytes = encoded(message);
  bytes.erase(bytes.begin(), bytes.begin() + length_prefix_bytes);
  return bytes;
}

// Makes the head's checksum right again.
Bytes resealed(Bytes bytes, std::size_t size_of_head) {
  const std::uint64_t checksum = checksum_of(ByteView(bytes).first(size_of_head), bytes.size());
  std::memcpy(bytes.data() + size_of_head, &checksum, 8);
  return bytes;
}

template <class T>
Bytes with(Bytes bytes, std::size_t at, T value, std::size_t size_of_head) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
  return resealed(std::move(bytes), size_of_head);
}

ErrorCode refusal_of(ByteView bytes, ClusterId of = cluster) {
  const auto message = decoded(bytes, of);
  EXPECT_FALSE(message);
  return message ? ErrorCode::failed : message.error().code;
}

Bytes append_of(std::vector<Entry> entries, LogPosition previous = {Term(5), Index(41)}) {
  return body_of(message_of(AppendRequest{previous, Index(40), std::move(entries)}));
}

TEST(HostileBytes, EveryTruncationIsRefused) {
  for (const auto& [name, message] : sample_messages()) {
    const Bytes bytes = body_of(message);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      ASSERT_EQ(refusal_of(ByteView(bytes).first(size)), ErrorCode::corrupt) << name << ", " << size << " bytes";
    }
    Bytes longer = bytes;
    longer.push_back(std::byte{});
    EXPECT_EQ(refusal_of(longer), ErrorCode::corrupt) << name << ", a byte too many";
  }
}

TEST(HostileBytes, EveryFlippedBitIsRefused) {
  for (const auto& [name, message] : sample_messages()) {
    Bytes bytes = body_of(message);
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      bytes[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
      ASSERT_FALSE(decoded(bytes)) << name << ", bit " << bit;
      bytes[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
    }
  }
}

// A flipped length makes a reader cut the stream elsewhere: refused too, whatever follows.
TEST(HostileBytes, EveryFlippedBitOfALengthIsRefused) {
  for (const auto& [name, message] : sample_messages()) {
    Bytes stream = encoded(message);
    const std::size_t size = stream.size() - length_prefix_bytes;
    for (int i = 0; i < 20; ++i) {
      std::ranges::copy(encoded(message), std::back_inserter(stream));
    }
    for (std::size_t bit = 0; bit < length_prefix_bytes * 8; ++bit) {
      Bytes bytes = stream;
      bytes[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
      const auto length = decode_length(bytes);
      if (!length) continue;
      ASSERT_NE(*length, size);
      if (*length > bytes.size() - length_prefix_bytes) continue;  // the reader waits, in vain
      EXPECT_FALSE(decoded(ByteView(bytes).subspan(length_prefix_bytes, *length))) << name << ", bit " << bit;
    }
  }
}

TEST(HostileBytes, LengthIsBounded) {
  const auto length_of = [](std::uint32_t size) {
    Bytes bytes(4);
    std::memcpy(bytes.data(), &size, 4);
    return decode_length(bytes);
  };
  EXPECT_EQ(length_of(max_message_bytes).value_or(0), max_message_bytes);
  for (const std::uint32_t size : {0u, static_cast<std::uint32_t>(max_message_bytes) + 1, 0xffffffffu}) {
    const auto length = length_of(size);
    ASSERT_FALSE(length) << size;
    EXPECT_EQ(length.error().code, ErrorCode::corrupt);
  }
  EXPECT_THROW(std::ignore = decode_length(ByteView()), InvariantBroken);
}

// Right in everything but its size: a sender that keeps no bound.
TEST(HostileBytes, OversizeIsRefused) {
  const std::string half(max_message_bytes / 2, 'x');
  const auto message_with = [&](std::size_t count) {
    Bytes bytes = append_of({});
    for (std::size_t i = 0; i < count; ++i) {
      const Entry entry = framed_entry(42 + i, 5, half);
      bytes.insert(bytes.end(), entry.payload.frame().begin(), entry.payload.frame().end());
    }
    return with(bytes, append_head_size - 4, static_cast<std::uint32_t>(count), append_head_size);
  };
  EXPECT_TRUE(decoded(message_with(1)));
  EXPECT_EQ(refusal_of(message_with(2)), ErrorCode::corrupt);

  Bytes forward = body_of(message_of(ForwardRequest{1, 2, 3, Term(4), {}}));
  forward.resize(forward_head_size + 8 + max_payload_bytes + 1 + 8);
  forward = with(forward, forward_head_size - 4, static_cast<std::uint32_t>(max_payload_bytes + 1), forward_head_size);
  std::uint64_t seed = 0;
  std::memcpy(&seed, forward.data() + forward_head_size, 8);
  const ByteView command = ByteView(forward).subspan(forward_head_size + 8, max_payload_bytes + 1);
  const std::uint64_t checksum = checksum_of(command, seed);
  std::memcpy(forward.data() + forward.size() - 8, &checksum, 8);
  ASSERT_LT(forward.size(), max_message_bytes);
  EXPECT_EQ(refusal_of(forward), ErrorCode::corrupt);
}

TEST(HostileBytes, BoundsOfTheBlockAreTheCallersToKeep) {
  Block* const block = block_of(body_of(message_of(TimeoutNow{})));
  EXPECT_THROW(std::ignore = decode(*block, 0, block->size() + 1, cluster), InvariantBroken);
  EXPECT_THROW(std::ignore = decode(*block, block->size() + 1, 0, cluster), InvariantBroken);
  EXPECT_THROW(std::ignore = decode(*block, 1, static_cast<std::size_t>(-1), cluster), InvariantBroken);
  block->release();
}

TEST(HostileBytes, RandomBytesAreRefused) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 20000; ++i) {
    Bytes bytes(random() % 200);
    std::ranges::generate(bytes, [&] { return static_cast<std::byte>(random()); });
    if (bytes.size() > 3) {  // far enough in to matter
      bytes[0] = std::byte{message_version};
      bytes[1] = static_cast<std::byte>(random() % 12);
      bytes[2] = bytes[3] = std::byte{};
    }
    ASSERT_FALSE(decoded(bytes));
  }
}

TEST(HostileBytes, AnotherVersionIsRefusedAsThat) {
  for (const auto& [name, message] : sample_messages()) {
    Bytes bytes = body_of(message);
    bytes[0] = std::byte{message_version + 1};
    EXPECT_EQ(refusal_of(bytes), ErrorCode::wrong_version) << name;
  }
}

TEST(HostileBytes, LiesThatCheckOutAreRefused) {
  const Bytes vote = body_of(message_of(VoteRequest{true, false, {Term(5), Index(41)}}));
  ASSERT_TRUE(decoded(resealed(vote, vote.size() - 8)));
  const auto lie = [](const Bytes& bytes, std::size_t at, std::uint8_t value) {
    return refusal_of(with(bytes, at, value, bytes.size() - 8));
  };
  EXPECT_EQ(lie(vote, 1, 0), ErrorCode::corrupt);              // no type
  EXPECT_EQ(lie(vote, 1, 10), ErrorCode::corrupt);             // no such type
  EXPECT_EQ(lie(vote, 1, 255), ErrorCode::corrupt);            // nor this
  EXPECT_EQ(lie(vote, 2, 1), ErrorCode::corrupt);              // reserved
  EXPECT_EQ(lie(vote, 3, 0x80), ErrorCode::corrupt);           // reserved
  EXPECT_EQ(lie(vote, head_size, 2), ErrorCode::corrupt);      // neither true nor false
  EXPECT_EQ(lie(vote, head_size + 1, 2), ErrorCode::corrupt);  // nor this

  const Bytes reply = body_of(message_of(VoteReply{}));
  EXPECT_EQ(lie(reply, head_size + 2, 6), ErrorCode::corrupt);  // no such refusal

  const Bytes heartbeat = body_of(message_of(Heartbeat{}));
  EXPECT_EQ(lie(heartbeat, head_size + 16 + 7, 0x80), ErrorCode::corrupt);  // a promise below zero

  const Bytes forward = body_of(message_of(ForwardReply{}));
  EXPECT_EQ(lie(forward, head_size - 8, 1), ErrorCode::corrupt);    // a term, which it has not
  EXPECT_EQ(lie(forward, head_size + 24, 0), ErrorCode::corrupt);   // no such error
  EXPECT_EQ(lie(forward, head_size + 24, 99), ErrorCode::corrupt);  // nor this
}

// The type is among what the checksum covers, and one type's bytes are no other's though it were not.
TEST(HostileBytes, OneTypeIsNotTakenForAnother) {
  for (const auto& [name, message] : sample_messages()) {
    const Bytes bytes = body_of(message);
    for (unsigned type = 0; type < 256; ++type) {
      if (std::byte{static_cast<std::uint8_t>(type)} == bytes[1]) continue;
      Bytes other = bytes;
      other[1] = std::byte{static_cast<std::uint8_t>(type)};
      ASSERT_FALSE(decoded(other)) << name << " as " << type;
    }
  }
}

TEST(HostileBytes, CountsAskForNoMemory) {
  const Bytes append = append_of({framed_entry(42, 5, "x")});
  const Bytes forward = body_of(message_of(ForwardRequest{1, 2, 3, Term(4), payload_of("incr c")}));
  for (const std::uint32_t count : {0u, 2u, 1000u, 1u << 24, 0x7fffffffu, 0xffffffffu}) {
    const Bytes many = with(append, append_head_size - 4, count, append_head_size);
    const Bytes long_one = with(forward, forward_head_size - 4, count, forward_head_size);
    Allocations::start();
    EXPECT_EQ(refusal_of(many), ErrorCode::corrupt) << count;
    EXPECT_EQ(refusal_of(long_one), ErrorCode::corrupt) << count;
    EXPECT_LT(Allocations::largest(), 1024u) << count;
  }
}

TEST(HostileBytes, APayloadSizeAsksForNoMemory) {
  Bytes bytes = append_of({framed_entry(42, 5, "x")});
  std::byte* const header = bytes.data() + append_head_size + 8;
  for (const std::uint32_t size : {0u, 2u, static_cast<std::uint32_t>(max_payload_bytes), 0xffffffffu}) {
    std::memcpy(header, &size, 4);
    const std::uint64_t checksum = checksum_of({header, frame_header_min - 8});
    std::memcpy(header + frame_header_min - 8, &checksum, 8);
    Allocations::start();
    EXPECT_EQ(refusal_of(bytes), ErrorCode::corrupt) << size;
    EXPECT_LT(Allocations::largest(), 1024u) << size;
  }
}

TEST(HostileBytes, EntriesOfAnotherClusterOrGroupAreRefused) {
  const Bytes bytes = append_of({framed_entry(42, 5, "x")});
  EXPECT_EQ(refusal_of(bytes, ClusterId(1)), ErrorCode::wrong_cluster);

  Entry strange = plain_entry(42, 5, "x");
  frame(strange, cluster, GroupId(1));
  EXPECT_EQ(refusal_of(append_of({strange})), ErrorCode::wrong_cluster);
  Entry stranger = plain_entry(43, 5, "x");
  frame(stranger, ClusterId(1), group);
  EXPECT_EQ(refusal_of(append_of({framed_entry(42, 5, "x"), stranger})), ErrorCode::wrong_cluster);
}

TEST(HostileBytes, EntriesMustFollowOneAnother) {
  EXPECT_TRUE(decoded(append_of({framed_entry(42, 5, "x"), framed_entry(43, 6, "y")})));
  EXPECT_EQ(refusal_of(append_of({framed_entry(41, 5, "x")})), ErrorCode::corrupt);
  EXPECT_EQ(refusal_of(append_of({framed_entry(43, 5, "x")})), ErrorCode::corrupt);
  EXPECT_EQ(refusal_of(append_of({framed_entry(42, 5, "x"), framed_entry(44, 5, "y")})), ErrorCode::corrupt);
  EXPECT_EQ(refusal_of(append_of({framed_entry(42, 5, "x"), framed_entry(42, 5, "y")})), ErrorCode::corrupt);
  EXPECT_EQ(refusal_of(append_of({framed_entry(42, 4, "x")})), ErrorCode::corrupt);
  EXPECT_EQ(refusal_of(append_of({framed_entry(42, 6, "x"), framed_entry(43, 5, "y")})), ErrorCode::corrupt);
  const LogPosition last_of_all{Term(5), Index(static_cast<std::uint64_t>(-1))};
  EXPECT_EQ(refusal_of(append_of({framed_entry(1, 5, "x")}, last_of_all)), ErrorCode::corrupt);
}

// Two messages' halves make no message, though each half checks out by itself.
TEST(HostileBytes, HeadsFitTheirOwnTailsOnly) {
  const Bytes one = body_of(message_of(ForwardRequest{1, 2, 3, Term(4), payload_of("incr c")}));
  Bytes other = body_of(message_of(ForwardRequest{2, 2, 3, Term(4), payload_of("decr c")}));
  std::ranges::copy(ByteView(one).first(forward_head_size + 8), other.begin());
  EXPECT_EQ(refusal_of(other), ErrorCode::corrupt);
}

}  // namespace
}  // namespace keel::wire::test
