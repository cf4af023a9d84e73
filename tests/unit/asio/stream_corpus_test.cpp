#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "stream_fuzz.hpp"
#include "transport_messages.hpp"

// The committed corpus leads the fuzz target through the handshake to messages, in each of its modes, and to streams
// that are refused in each part. KEEL_UPDATE_GOLDEN=1 writes it anew. mission: 6
namespace keel {
namespace {

static_assert(fuzz::stream_cluster == test::conformance_cluster);

const std::filesystem::path folder =
    std::filesystem::path(KEEL_SOURCE_DIR) / "tests" / "fuzz" / "corpus" / "asio_stream";

using Bytes = std::vector<std::byte>;

void append(Bytes& to, const Bytes& more) { to.insert(to.end(), more.begin(), more.end()); }

Bytes greetings() {
  Bytes bytes = wire::encode(wire::Hello{.cluster = fuzz::stream_cluster,
                                         .cluster_name = "conformance",
                                         .node = NodeId(1),
                                         .expects = NodeId(2),
                                         .incarnation = Incarnation(7),
                                         .member_data = {}});
  append(bytes, wire::encode(wire::Welcome{}));
  return bytes;
}

Bytes messages() {
  wire::Encoded out;
  for (const PeerMessage& message : test::every_kind(NodeId(1), NodeId(2)))
    EXPECT_TRUE(wire::encode(message, out));
  return out.flatten();
}

void seed(const std::string& name, const Bytes& stream) {
  if (std::getenv("KEEL_UPDATE_GOLDEN") == nullptr) return;
  std::filesystem::create_directories(folder);
  for (char mode = 0; mode < 4; ++mode) {
    std::ofstream file(folder / (name + "." + static_cast<char>('0' + mode)), std::ios::binary);
    file.put(mode);
    file.write(reinterpret_cast<const char*>(stream.data()), static_cast<std::streamsize>(stream.size()));
  }
}

TEST(StreamCorpus, LeadsToMessagesAndToRefusals) {
  Bytes good = greetings();
  append(good, messages());
  seed("good", good);
  seed("greetings", greetings());
  seed("cut", Bytes(good.begin(), good.end() - 9));
  Bytes damaged = good;
  damaged[greetings().size() + 40] ^= std::byte{1};
  seed("damaged", damaged);
  Bytes stray = greetings();
  append(stray, Bytes(6, std::byte{0xff}));
  seed("stray", stray);
  seed("stranger", Bytes(200, std::byte{'k'}));

  const std::size_t kinds = test::every_kind(NodeId(1), NodeId(2)).size();
  std::array<std::size_t, 4> most{};
  std::size_t refused_greetings = 0;
  std::size_t refused_messages = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::vector<std::uint8_t> input{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    const fuzz::Stream found = fuzz::take_stream(input);
    auto& best = most.at(input.at(0) % 4);
    best = std::max(best, found.messages);
    refused_greetings += found.refused && !found.greeted ? 1 : 0;
    refused_messages += found.refused && found.greeted ? 1 : 0;
  }
  for (std::size_t mode = 0; mode < most.size(); ++mode)
    EXPECT_EQ(most[mode], kinds) << "mode " << mode;
  EXPECT_GT(refused_greetings, 0u);
  EXPECT_GT(refused_messages, 0u);
}

}  // namespace
}  // namespace keel
