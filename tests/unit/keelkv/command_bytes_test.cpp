#include "keelkv/resp/command_bytes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace keel {
namespace {

using testing::ElementsAreArray;

ByteView bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

std::vector<std::string_view> words_in(const DecodedEntry& entry, std::size_t i) {
  const auto words = entry.command(i);
  return {words.begin(), words.end()};
}

TEST(CommandBytes, RoundTrip) {
  const std::string large(100'000, 'v');
  const std::vector<std::string_view> args = {"SET", "", "k\0\r\n", large};
  std::string bytes = "left over";
  encode_command(args, bytes);
  DecodedEntry entry;
  for (int twice = 0; twice < 2; ++twice) {
    ASSERT_TRUE(entry.decode(bytes_of(bytes)));
    EXPECT_EQ(entry.kind(), DecodedEntry::Kind::command);
    ASSERT_EQ(entry.size(), 1u);
    EXPECT_THAT(words_in(entry, 0), ElementsAreArray(args));
  }
}

std::string transaction_bytes() {
  std::string queued;
  append_queued(std::vector<std::string_view>{"SET", "k", "v"}, queued);
  append_queued(std::vector<std::string_view>{"GET", "k"}, queued);
  std::string bytes;
  encode_transaction(std::vector<WatchedKey>{{"w", Index(300)}, {"", Index(~0ull)}}, 2, queued, bytes);
  return bytes;
}

TEST(CommandBytes, TransactionRoundTrip) {
  const std::string bytes = transaction_bytes();
  DecodedEntry entry;
  ASSERT_TRUE(entry.decode(bytes_of(bytes)));
  EXPECT_EQ(entry.kind(), DecodedEntry::Kind::transaction);
  ASSERT_EQ(entry.size(), 2u);
  EXPECT_THAT(words_in(entry, 0), testing::ElementsAre("SET", "k", "v"));
  EXPECT_THAT(words_in(entry, 1), testing::ElementsAre("GET", "k"));
  ASSERT_EQ(entry.watched().size(), 2u);
  EXPECT_EQ(entry.watched()[0].key, "w");
  EXPECT_EQ(entry.watched()[0].unchanged_since, Index(300));
  EXPECT_EQ(entry.watched()[1].unchanged_since, Index(~0ull));

  std::string nothing;
  encode_transaction({}, 0, "", nothing);
  ASSERT_TRUE(entry.decode(bytes_of(nothing)));
  EXPECT_EQ(entry.size(), 0u);
}

// Part of the disk format: these must never change.
TEST(CommandBytes, Golden) {
  using namespace std::string_literals;
  std::string bytes;
  encode_command(std::vector<std::string_view>{"SET", "k", "value"}, bytes);
  EXPECT_EQ(bytes, "\x01\x03\x03SET\x01k\x05value");
  EXPECT_EQ(
      transaction_bytes(),
      "\x02\x02\x01w\xac\x02\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x02\x03\x03SET\x01k\x01v\x02\x03GET\x01k"s);
  encode_time(bytes);
  EXPECT_EQ(bytes, "\x03");
}

TEST(CommandBytes, EveryTruncationAndAnyTailIsCorrupt) {
  std::string command;
  encode_command(std::vector<std::string_view>{"SET", "key", "value"}, command);
  DecodedEntry entry;
  for (const std::string& bytes : {command, transaction_bytes(), std::string("\x03")}) {
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const auto result = entry.decode(bytes_of(std::string_view(bytes).substr(0, size)));
      ASSERT_FALSE(result) << size;
      ASSERT_EQ(result.error().code, ErrorCode::corrupt);
    }
    EXPECT_FALSE(entry.decode(bytes_of(bytes + "x")));
  }
}

TEST(CommandBytes, HostileNumbersAreRefused) {
  using namespace std::string_literals;
  DecodedEntry entry;
  for (const std::string& hostile :
       {"\x01\x00"s, "\x01\xff\xff\xff\xff\x7f"s, "\x01\x80\x80\x80\x80\x80\x80\x80\x01"s,
        "\x01\x01\xff\xff\xff\xff\x0f"s, "\x01\x80"s, "\x01\x01\x81\x00x"s, "\x02\x05\x00"s,
        "\x02\x01\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02\x00"s, "\x02\x00\x01\x00"s, "\x02\x00\xff\xff\xff\x0f"s,
        "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s}) {
    const auto result = entry.decode(bytes_of(hostile));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::corrupt);
  }
  for (const std::string& newer : {"\x04\x01\x01x"s, "\x00"s, "\xff"s}) {
    const auto result = entry.decode(bytes_of(newer));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::wrong_version);
  }
}

}  // namespace
}  // namespace keel
