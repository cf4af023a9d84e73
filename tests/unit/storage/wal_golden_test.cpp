#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "keel/storage/data_directory.hpp"
#include "storage/wal_format.hpp"
#include "wal_life.hpp"

// A data directory that an earlier build wrote. A change here is a change of format: it needs a version of its own.
// KEEL_UPDATE_GOLDEN=1 writes the files anew.
namespace keel {
namespace {

const std::filesystem::path folder = std::filesystem::path(KEEL_SOURCE_DIR) / "tests" / "golden" / "storage";

const DirectoryIdentity owner{test::wal_identity.cluster, "conformance", test::wal_identity.group,
                              test::wal_identity.node, Incarnation(0x1122334455667788)};

std::vector<WriteBatch> batches() {
  std::vector<WriteBatch> all(5);
  all[0].hard_state = HardState{Term(1), nobody};
  all[0].entries = {conformance::entry(Index(1), Term(1), 0, EntryKind::genesis)};
  all[1] = conformance::append(Index(2), Index(4), Term(1), 30);
  all[1].hard_state = HardState{Term(2), NodeId(7)};
  all[2] = conformance::append(Index(4), Index(5), Term(2), 10);
  all[2].truncate_from = Index(4);
  all[3] = conformance::append(Index(6), Index(8), Term(2), 700);  // into a second segment
  all[4] = conformance::append(Index(9), Index(9), Term(2), 5);
  all[4].compact_to = Index(2);
  return all;
}

sim::SimMedia written() {
  sim::SimMedia media(1);
  test::WalLife life(media);
  life.options.salt_seed = 42;
  EXPECT_TRUE(open_data_directory(life.disk, owner));
  EXPECT_TRUE(PeerBook::open(life.disk)->admit(NodeId(7), Incarnation(0xaabb)));
  EXPECT_TRUE(life.open());
  for (const WriteBatch& batch : batches()) {
    EXPECT_TRUE(life.write(batch));
  }
  life.executor.advance(std::chrono::seconds(1));
  life.log->close();
  return media;
}

// Lines of 16 bytes; those of zeros are left out, but for the last.
std::string dump(ByteView bytes) {
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += 16) {
    const ByteView line = bytes.subspan(at, std::min<std::size_t>(16, bytes.size() - at));
    const bool zeros = std::ranges::all_of(line, [](std::byte b) { return b == std::byte{}; });
    if (zeros && at + 16 < bytes.size()) continue;
    text += fmt::format("{:08x}:", at);
    for (const std::byte byte : line) {
      text += fmt::format(" {:02x}", std::to_integer<unsigned>(byte));
    }
    text += '\n';
  }
  return text;
}

std::vector<std::byte> undump(const std::string& text) {
  std::vector<std::byte> bytes;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    bytes.resize(std::stoul(line.substr(0, 8), nullptr, 16));
    std::istringstream in(line.substr(9));
    for (unsigned byte = 0; in >> std::hex >> byte;) {
      bytes.push_back(static_cast<std::byte>(byte));
    }
  }
  return bytes;
}

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(WalGolden, ThisBuildWritesTheSameBytes) {
  const sim::SimMedia media = written();
  EXPECT_EQ(media.files(),
            (std::vector<std::string>{"identity", "log-00000001", "log-00000002", "log-00000003", "peers", "vote"}));
  for (const std::string& name : media.files()) {
    const std::string made = dump(media.contents(name));
    if (std::getenv("KEEL_UPDATE_GOLDEN") != nullptr) std::ofstream(folder / (name + ".hex")) << made;
    EXPECT_EQ(made, text_of(folder / (name + ".hex"))) << name;
  }
}

TEST(WalGolden, ThisBuildReadsThem) {
  sim::SimMedia media(1);
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    media.put(file.path().stem().string(), undump(text_of(file.path())));
  }
  test::WalLife life(media);
  EXPECT_EQ(open_data_directory(life.disk, owner).value(), owner);
  EXPECT_EQ(PeerBook::open(life.disk).value().peers().at(NodeId(7)), Incarnation(0xaabb));
  const auto opened = life.open();
  ASSERT_TRUE(opened) << opened.error().message;
  ASSERT_TRUE(life.read_all());
  LogImage image;
  for (const WriteBatch& batch : batches()) {
    image.apply(batch);
  }
  EXPECT_TRUE(conformance::same(life.found, image));
  EXPECT_EQ(life.found.recovered.base.position, image.base().position);
  EXPECT_EQ(life.found.recovered.base.genesis->cluster_name, "conformance");
}

}  // namespace
}  // namespace keel
