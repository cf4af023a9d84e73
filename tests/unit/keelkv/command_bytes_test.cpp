#include "keelkv/command_bytes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace keel {
namespace {

using testing::ElementsAreArray;

ByteView bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

TEST(CommandBytes, RoundTrip) {
  const std::string large(100'000, 'v');
  const std::vector<std::string_view> args = {"SET", "", "k\0\r\n", large};
  std::string bytes = "left over";
  encode_command(args, bytes);
  std::vector<std::string_view> decoded = {"left over"};
  ASSERT_TRUE(decode_command(bytes_of(bytes), decoded));
  EXPECT_THAT(decoded, ElementsAreArray(args));
}

// Part of the disk format: this must never change for version 1.
TEST(CommandBytes, Golden) {
  const std::vector<std::string_view> args = {"SET", "k", "value"};
  std::string bytes;
  encode_command(args, bytes);
  EXPECT_EQ(bytes, "\x01\x03\x03SET\x01k\x05value");
}

TEST(CommandBytes, EveryTruncationAndAnyTailIsCorrupt) {
  const std::vector<std::string_view> args = {"SET", "key", "value"};
  std::string bytes;
  encode_command(args, bytes);
  std::vector<std::string_view> decoded;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto result = decode_command(bytes_of(std::string_view(bytes).substr(0, size)), decoded);
    ASSERT_FALSE(result) << size;
    ASSERT_EQ(result.error().code, ErrorCode::corrupt);
  }
  EXPECT_FALSE(decode_command(bytes_of(bytes + "x"), decoded));
}

TEST(CommandBytes, HostileNumbersAreRefused) {
  using namespace std::string_literals;
  std::vector<std::string_view> decoded;
  for (const std::string& hostile : {"\x01\x00"s, "\x01\xff\xff\xff\xff\x7f"s, "\x01\x80\x80\x80\x80\x80\x80\x80\x01"s,
                                     "\x01\x01\xff\xff\xff\xff\x0f"s, "\x01\x80"s, "\x01\x01\x81\x00x"s}) {
    EXPECT_FALSE(decode_command(bytes_of(hostile), decoded));
  }
  const auto newer = decode_command(bytes_of("\x02\x01\x01x"), decoded);
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().code, ErrorCode::wrong_version);
}

}  // namespace
}  // namespace keel
