#include "keel/wire/handshake.hpp"

#include <cstring>
#include <functional>
#include <tuple>

#include <gtest/gtest.h>

#include "keel/base/assert.hpp"
#include "samples.hpp"
#include "wire/checksum.hpp"
#include "wire/error_code.hpp"

// scenario
namespace keel::wire::test {
namespace {

Bytes resealed(Bytes bytes) {
  const std::uint64_t checksum = checksum_of(ByteView(bytes).first(bytes.size() - 8));
  std::memcpy(bytes.data() + bytes.size() - 8, &checksum, 8);
  return bytes;
}

Bytes with_byte(Bytes bytes, std::size_t at, std::uint8_t value) {
  bytes[at] = static_cast<std::byte>(value);
  return resealed(std::move(bytes));
}

TEST(Handshake, RoundTrips) {
  for (const auto& [name, hello] : sample_hellos()) {
    const auto back = decode_hello(encode(hello));
    ASSERT_TRUE(back) << name;
    EXPECT_EQ(*back, hello) << name;
  }
  for (const auto& [name, welcome] : sample_welcomes()) {
    const auto back = decode_welcome(encode(welcome));
    ASSERT_TRUE(back) << name;
    EXPECT_EQ(*back, welcome) << name;
  }
}

// mission: 1a
TEST(Handshake, EachFieldTravels) {
  const std::vector<Named<std::function<void(Hello&)>>> changes{
      {"cluster", [](Hello& hello) { hello.cluster = ClusterId(1); }},
      {"cluster_name", [](Hello& hello) { hello.cluster_name = "other"; }},
      {"node", [](Hello& hello) { hello.node = NodeId(99); }},
      {"expects", [](Hello& hello) { hello.expects = NodeId(98); }},
      {"incarnation", [](Hello& hello) { hello.incarnation = Incarnation(97); }},
      {"min_format", [](Hello& hello) { hello.min_format = 2; }},
      {"max_format", [](Hello& hello) { hello.max_format = 7; }},
      {"member_data", [](Hello& hello) { hello.member_data = std::string(255, 'd'); }},
  };
  const Hello base = sample_hellos().front().value;
  for (const auto& [name, change] : changes) {
    Hello changed = base;
    change(changed);
    ASSERT_NE(changed, base) << name;
    EXPECT_EQ(decode_hello(encode(changed)).value_or(Hello{}), changed) << name;
  }
  const Welcome refused{ErrorCode::wrong_incarnation, "why"};
  EXPECT_EQ(decode_welcome(encode(refused)).value_or(Welcome{}), refused);
}

TEST(Handshake, EveryErrorCodeTravels) {
  for (unsigned code = 0; code <= static_cast<unsigned>(ErrorCode::failed); ++code) {
    const Welcome welcome{static_cast<ErrorCode>(code), "why"};
    EXPECT_EQ(decode_welcome(encode(welcome)).value_or(Welcome{}), welcome) << code;
  }
  EXPECT_EQ(error_codes.size(), static_cast<std::size_t>(ErrorCode::failed) + 1) << "the list here ends with the last";
}

TEST(Handshake, PrefixTellsHowMuchToRead) {
  for (const auto& [name, hello] : sample_hellos()) {
    const Bytes bytes = encode(hello);
    EXPECT_EQ(handshake_size(ByteView(bytes).first(handshake_prefix_bytes)).value_or(0), bytes.size()) << name;
  }
}

TEST(Handshake, AnotherProtocolIsRefusedByName) {
  const auto size = handshake_size(bytes_of("GET / HTTP/1.1\r\n"));
  ASSERT_FALSE(size);
  EXPECT_EQ(size.error().code, ErrorCode::corrupt);
  EXPECT_NE(size.error().message.find("does not speak Keel's protocol"), std::string::npos);
}

TEST(Handshake, ASizeThatCannotBeIsRefused) {
  for (const unsigned size : {0u, 15u, unsigned{max_hello_bytes} + 1, 0xffffu}) {
    Bytes bytes = encode(sample_hellos().front().value);
    bytes[6] = static_cast<std::byte>(size & 0xff);
    bytes[7] = static_cast<std::byte>(size >> 8);
    ASSERT_FALSE(handshake_size(bytes)) << size;
    EXPECT_EQ(handshake_size(bytes).error().code, ErrorCode::corrupt);
  }
}

TEST(Handshake, AnotherVersionIsRefusedAsThat) {
  const Bytes other = with_byte(encode(sample_hellos().front().value), 5, 2);
  ASSERT_FALSE(decode_hello(other));
  EXPECT_EQ(decode_hello(other).error().code, ErrorCode::wrong_version);
}

TEST(Handshake, HelloIsNoWelcome) {
  EXPECT_FALSE(decode_welcome(encode(sample_hellos().front().value)));
  EXPECT_FALSE(decode_hello(encode(sample_welcomes().front().value)));
  EXPECT_FALSE(decode_hello(with_byte(encode(sample_hellos().front().value), 4, 2))) << "whatever its fields look like";
}

TEST(Handshake, EveryTruncationAndEveryFlippedBitIsRefused) {
  const auto check = [](const std::string& name, const Bytes& whole, const auto& decode) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      ASSERT_FALSE(decode(ByteView(whole).first(size))) << name << ", " << size << " bytes";
    }
    Bytes bytes = whole;
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      bytes[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
      const auto result = decode(bytes);
      ASSERT_FALSE(result) << name << ", bit " << bit;
      EXPECT_EQ(result.error().code, ErrorCode::corrupt) << name << ", bit " << bit;
      bytes[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
    }
    bytes.push_back(std::byte{});
    EXPECT_FALSE(decode(bytes)) << name << ", a byte too many";
  };
  for (const auto& [name, hello] : sample_hellos()) {
    check(name, encode(hello), decode_hello);
  }
  for (const auto& [name, welcome] : sample_welcomes()) {
    check(name, encode(welcome), decode_welcome);
  }
}

TEST(Handshake, LiesThatCheckOutAreRefused) {
  const Bytes hello = encode(sample_hellos().back().value);
  const std::size_t name_length = 16;
  EXPECT_EQ(decode_hello(with_byte(hello, name_length, 255)).error().code, ErrorCode::corrupt);
  EXPECT_EQ(decode_hello(with_byte(hello, name_length + 1, 255)).error().code, ErrorCode::corrupt);
  EXPECT_EQ(decode_hello(with_byte(hello, hello.size() - 10, 1)).error().code, ErrorCode::corrupt);
  Hello backwards = sample_hellos().front().value;
  backwards.min_format = backwards.max_format + 1;
  EXPECT_EQ(decode_hello(encode(backwards)).error().code, ErrorCode::corrupt);
  EXPECT_EQ(decode_welcome(with_byte(encode(Welcome{}), 8, 0)).error().code, ErrorCode::corrupt);    // no such refusal
  EXPECT_EQ(decode_welcome(with_byte(encode(Welcome{}), 8, 200)).error().code, ErrorCode::corrupt);  // nor this

  Bytes longer = hello;  // another byte, size and checksum right
  longer.insert(longer.end() - 8, std::byte{});
  EXPECT_EQ(decode_hello(with_byte(longer, 6, static_cast<std::uint8_t>(longer.size()))).error().code,
            ErrorCode::corrupt);
}

TEST(Handshake, TextsAreBounded) {
  Hello longest = sample_hellos().front().value;
  longest.cluster_name = std::string(1500, 'n');
  longest.member_data = std::string(1500, 'd');
  const Bytes bytes = encode(longest);
  EXPECT_LE(bytes.size(), max_hello_bytes);
  EXPECT_EQ(decode_hello(bytes).value_or(Hello{}), longest);
  longest.member_data += 'd';
  EXPECT_THROW(std::ignore = encode(longest), InvariantBroken);

  const auto cut = decode_welcome(encode(Welcome{ErrorCode::locked, std::string(100'000, 'r')}));
  ASSERT_TRUE(cut);
  EXPECT_EQ(*cut, (Welcome{ErrorCode::locked, std::string(3000, 'r')}));
}

// What could never be sent is not taken either.
TEST(Handshake, LongerTextsThanAnyoneSendsAreRefused) {
  const auto with_another_byte = [](Bytes bytes, std::size_t text) {
    bytes[bytes.size() - 8 - text - 2] ^= std::byte{1};  // its length
    bytes.insert(bytes.end() - 8, std::byte{'x'});
    const auto size = static_cast<std::uint16_t>(bytes.size());
    std::memcpy(bytes.data() + 6, &size, 2);
    return resealed(std::move(bytes));
  };
  Hello hello = sample_hellos().front().value;
  hello.cluster_name = std::string(1500, 'n');
  for (const std::size_t size : {1498, 1500}) {
    hello.member_data = std::string(size, 'd');
    EXPECT_EQ(decode_hello(with_another_byte(encode(hello), size)).has_value(), size < 1500);
  }
  for (const std::size_t size : {2998, 3000}) {
    const Welcome welcome{ErrorCode::locked, std::string(size, 'r')};
    EXPECT_EQ(decode_welcome(with_another_byte(encode(welcome), size)).has_value(), size < 3000);
  }
}

}  // namespace
}  // namespace keel::wire::test
