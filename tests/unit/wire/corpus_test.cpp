#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>

#include <gtest/gtest.h>

#include "samples.hpp"
#include "wire_fuzz.hpp"

// The committed corpora lead each fuzz target through to a successful decode, with its checksums and with checksums
// made right, in a buffer of its own and in a large one. KEEL_UPDATE_GOLDEN=1 writes them anew. mission: 6
namespace keel::wire::test {
namespace {

std::filesystem::path folder_of(const std::string& corpus) {
  return std::filesystem::path(KEEL_SOURCE_DIR) / "tests" / "fuzz" / "corpus" / corpus;
}

// One sample as an input in each mode, if it is small enough to be worth changing byte by byte.
void seed(const std::string& corpus, const std::string& name, ByteView bytes) {
  if (std::getenv("KEEL_UPDATE_GOLDEN") == nullptr || bytes.size() > 512) return;
  for (char mode = 0; mode < 4; ++mode) {
    std::ofstream file(folder_of(corpus) / (name + "." + static_cast<char>('0' + mode)), std::ios::binary);
    file.put(mode);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
}

std::vector<std::vector<std::uint8_t>> corpus(const std::string& name) {
  std::vector<std::vector<std::uint8_t>> inputs;
  for (const auto& entry : std::filesystem::directory_iterator(folder_of(name))) {
    std::ifstream file(entry.path(), std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return inputs;
}

void expect_every_mode_decodes(const std::string& name, const std::function<bool(fuzz::Input)>& decodes) {
  std::array<int, 4> decoded_in{};
  for (const auto& input : corpus(name)) {
    if (!input.empty() && input[0] < decoded_in.size() && decodes(input)) ++decoded_in[input[0]];
  }
  for (std::size_t mode = 0; mode < decoded_in.size(); ++mode) {
    EXPECT_GT(decoded_in[mode], 0) << name << ", mode " << mode;
  }
}

TEST(Corpus, FramesDecode) {
  for (const auto& [name, entry] : sample_entries()) {
    seed("wire_frame", name, entry.payload.frame());
  }
  expect_every_mode_decodes("wire_frame", fuzz::frame_decodes);
}

TEST(Corpus, HandshakesDecode) {
  for (const auto& [name, hello] : sample_hellos()) {
    seed("wire_handshake", name, encode(hello));
  }
  for (const auto& [name, welcome] : sample_welcomes()) {
    seed("wire_handshake", name, encode(welcome));
  }
  expect_every_mode_decodes("wire_handshake", fuzz::handshake_decodes);
}

TEST(Corpus, MessagesOfEveryTypeDecode) {
  for (const auto& [name, message] : sample_messages()) {
    seed("wire_message", name, ByteView(encoded(message)).subspan(length_prefix_bytes));
  }
  expect_every_mode_decodes("wire_message", fuzz::message_decodes);

  std::array<bool, 256> decoded{};
  for (const auto& input : corpus("wire_message")) {
    if (input.size() > 2 && fuzz::message_decodes(input)) decoded[input[2]] = true;
  }
  for (std::size_t type = 0; type < decoded.size(); ++type) {
    EXPECT_EQ(decoded[type], fuzz::head_sizes[type] != 0) << "type " << type;
  }
}

// The fixing of checksums reaches behind them: a message changed anywhere in its fields decodes once fixed.
TEST(Corpus, FixedChecksumsAreRight) {
  for (const auto& [name, message] : sample_messages()) {
    Bytes bytes = encoded(message);
    bytes.erase(bytes.begin(), bytes.begin() + length_prefix_bytes - 1);
    bytes[0] = std::byte{1};
    bytes[9] ^= std::byte{0xff};  // its group: entries in it are then another's, all else is as good as before
    const bool has_entries = name == "append_request" || name == "append_request_large";
    EXPECT_EQ(fuzz::message_decodes({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}), !has_entries)
        << name;
  }
}

}  // namespace
}  // namespace keel::wire::test
