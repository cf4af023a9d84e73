#include "asio/message_reader.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "keel/wire/codec.hpp"
#include "transport_messages.hpp"

namespace keel {
namespace {

constexpr NodeId one{1}, two{2};

std::vector<PeerMessage> assorted() {
  std::vector<PeerMessage> messages = test::every_kind(one, two);
  for (std::uint64_t i = 0; i < 200; ++i) {
    messages.push_back(test::numbered(one, two, i));
    messages.push_back(test::with_entries(one, two, i % 7, 7 * i));
  }
  messages.push_back(test::with_entries(one, two, 1, 100'000));
  messages.push_back(test::with_entries(one, two, 3, 1u << 20));
  messages.push_back(test::numbered(one, two, 7));
  messages.push_back(test::with_entries(one, two, 2, 300'000));
  messages.push_back(test::numbered(one, two, 8));
  return messages;
}

std::vector<std::byte> stream_of(const std::vector<PeerMessage>& messages) {
  wire::Encoded out;
  for (const PeerMessage& message : messages)
    EXPECT_TRUE(wire::encode(message, out));
  return out.flatten();
}

// Feeds the stream in pieces of the sizes that `next_size` gives, as far as there is room.
std::vector<PeerMessage> read_all(ByteView stream, const std::function<std::size_t()>& next_size) {
  MessageReader reader(test::conformance_cluster);
  std::vector<PeerMessage> messages;
  while (!stream.empty()) {
    const auto room = reader.room();
    EXPECT_FALSE(room.empty());
    const std::size_t size = std::min({room.size(), stream.size(), next_size()});
    std::ranges::copy(stream.first(size), room.begin());
    stream = stream.subspan(size);
    reader.filled(size);
    for (;;) {
      auto next = reader.next();
      EXPECT_TRUE(next) << next.error().message;
      if (!next || !*next) break;
      messages.push_back(std::move(**next));
    }
  }
  return messages;
}

// Messages are kept, so what they share must not be written over by what follows.
TEST(MessageReader, CutsAStreamHoweverItComes) {
  const auto messages = assorted();
  const auto stream = stream_of(messages);
  std::mt19937 random(1);
  EXPECT_EQ(read_all(stream, [] { return std::size_t{1} << 30; }), messages);
  EXPECT_EQ(read_all(stream, [] { return std::size_t{1000}; }), messages);
  EXPECT_EQ(read_all(stream, [&] { return std::size_t{1} + random() % 50'000; }), messages);
  EXPECT_EQ(read_all(stream, [&] { return std::size_t{1} + random() % 7; }), messages);
}

TEST(MessageReader, MessagesThatAreLetGoAreReadTheSame) {
  const auto messages = assorted();
  const auto stream = stream_of(messages);
  ByteView rest = stream;
  MessageReader reader(test::conformance_cluster);
  std::size_t count = 0;
  while (!rest.empty()) {
    const auto room = reader.room();
    const std::size_t size = std::min(room.size(), rest.size());
    std::ranges::copy(rest.first(size), room.begin());
    rest = rest.subspan(size);
    reader.filled(size);
    for (auto next = reader.next(); next && *next; next = reader.next()) {
      ASSERT_EQ(**next, messages.at(count++));
    }
  }
  EXPECT_EQ(count, messages.size());
}

// A prefix alone makes it hold no more than one message may be, and a block for it only.
TEST(MessageReader, HoldsNoMoreThanOneMessageMayBe) {
  MessageReader reader(test::conformance_cluster);
  const std::uint32_t size = wire::max_message_bytes;
  std::memcpy(reader.room().data(), &size, sizeof size);
  reader.filled(sizeof size);
  ASSERT_TRUE(reader.next());
  EXPECT_LE(reader.room().size(), wire::max_message_bytes);
}

TEST(MessageReader, RefusesALengthThatNoMessageHas) {
  MessageReader reader(test::conformance_cluster);
  const std::uint32_t size = wire::max_message_bytes + 1;
  std::memcpy(reader.room().data(), &size, sizeof size);
  reader.filled(sizeof size);
  const auto next = reader.next();
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().code, ErrorCode::corrupt);
}

// scenario: X-07. Whatever a stream's damage, what is read is what was sent, or an error.
TEST(MessageReader, NeverMisreadsADamagedStream) {
  const auto messages = test::every_kind(one, two);
  const auto stream = stream_of(messages);
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    auto damaged = stream;
    damaged[random() % damaged.size()] ^= static_cast<std::byte>(1u << random() % 8);
    MessageReader reader(test::conformance_cluster);
    std::ranges::copy(damaged, reader.room().begin());
    reader.filled(damaged.size());
    std::size_t count = 0;
    for (auto next = reader.next(); next && *next; next = reader.next())
      ASSERT_EQ(**next, messages.at(count++));
    EXPECT_LT(count, messages.size());
  }
}

TEST(MessageReader, NamesAMessageItCannotDecode) {
  auto stream = stream_of({test::numbered(one, two, 1), test::numbered(one, two, 2)});
  stream[stream.size() - 1] ^= std::byte{1};
  MessageReader reader(test::conformance_cluster);
  std::ranges::copy(stream, reader.room().begin());
  reader.filled(stream.size());
  EXPECT_EQ(*reader.next(), test::numbered(one, two, 1));
  const auto bad = reader.next();
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, ErrorCode::corrupt);
}

}  // namespace
}  // namespace keel
