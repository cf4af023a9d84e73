#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "keel/wire/frame.hpp"
#include "samples.hpp"

// The bytes that earlier builds wrote and sent. A change here is a change of format: it needs a version of its own.
// KEEL_UPDATE_GOLDEN=1 writes the files anew. mission: 1a
namespace keel::wire::test {
namespace {

const std::filesystem::path folder = std::filesystem::path(KEEL_SOURCE_DIR) / "tests" / "golden" / "wire";

std::string hex(ByteView bytes) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto byte = std::to_integer<unsigned>(bytes[i]);
    text += digits[byte >> 4];
    text += digits[byte & 15];
    text += i % 16 == 15 || i + 1 == bytes.size() ? '\n' : ' ';
  }
  return text;
}

Bytes from_hex(const std::string& text) {
  Bytes bytes;
  std::istringstream in(text);
  for (unsigned byte = 0; in >> std::hex >> byte;) {
    bytes.push_back(static_cast<std::byte>(byte));
  }
  return bytes;
}

// The file's bytes, after they were compared with what this build makes.
Bytes golden(const std::string& name, ByteView made) {
  const auto path = folder / (name + ".hex");
  if (std::getenv("KEEL_UPDATE_GOLDEN") != nullptr) std::ofstream(path) << hex(made);
  std::ifstream file(path);
  EXPECT_TRUE(file) << path << " is missing; KEEL_UPDATE_GOLDEN=1 makes it";
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_EQ(hex(made), text.str()) << path << ": this build writes other bytes";
  return from_hex(text.str());
}

TEST(Golden, Messages) {
  for (const auto& [name, message] : sample_messages()) {
    const Bytes bytes = golden("message_" + name, encoded(message));
    const auto back = decoded(ByteView(bytes).subspan(length_prefix_bytes));
    ASSERT_TRUE(back) << name;
    EXPECT_TRUE(same(*back, message)) << name;
  }
}

TEST(Golden, Frames) {
  for (const auto& [name, entry] : sample_entries()) {
    const Bytes bytes = golden(name, entry.payload.frame());
    Block* const block = block_of(bytes);
    const auto back = decode_frame(*block, 0, bytes.size());
    block->release();
    ASSERT_TRUE(back) << name;
    EXPECT_EQ(*back, entry) << name;
    EXPECT_EQ(envelope_of(back->payload), envelope_of(entry.payload)) << name;
  }
}

TEST(Golden, Handshakes) {
  for (const auto& [name, hello] : sample_hellos()) {
    EXPECT_EQ(decode_hello(golden(name, encode(hello))).value_or(Hello{}), hello) << name;
  }
  for (const auto& [name, welcome] : sample_welcomes()) {
    EXPECT_EQ(decode_welcome(golden(name, encode(welcome))).value_or(Welcome{}), welcome) << name;
  }
}

// No file is left of a sample that is no more.
TEST(Golden, HasNoStrays) {
  const std::size_t samples =
      sample_messages().size() + sample_entries().size() + sample_hellos().size() + sample_welcomes().size();
  const auto files = std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator());
  EXPECT_EQ(static_cast<std::size_t>(files), samples);
}

}  // namespace
}  // namespace keel::wire::test
