#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "wal_format_fuzz.hpp"

// The committed corpora lead the fuzz targets through to logs that open and formats that are read, in each of their
// modes. KEEL_UPDATE_GOLDEN=1
// writes it anew.
namespace keel {
namespace {

const std::filesystem::path folder = std::filesystem::path(KEEL_SOURCE_DIR) / "tests" / "fuzz" / "corpus" / "wal";

void seed(const std::string& name, const std::vector<std::uint8_t>& input) {
  if (std::getenv("KEEL_UPDATE_GOLDEN") == nullptr) return;
  std::ofstream file(folder / name, std::ios::binary);
  file.write(reinterpret_cast<const char*>(input.data()), static_cast<std::streamsize>(input.size()));
}

// A log of one segment, its zeros at the end left out.
std::vector<std::uint8_t> small_log(std::uint8_t mode) {
  sim::SimMedia media(1);
  fuzz::Process process(media);
  EXPECT_TRUE(process.log.open());
  for (std::uint64_t at = 1; at <= 3; ++at) {
    WriteBatch batch;
    if (at != 2) batch.hard_state = HardState{Term(at), nobody};
    if (at == 3) batch.truncate_from = Index(2);
    batch.entries = {fuzz::entry(Index(at == 3 ? 2 : at), Term(at), 8)};
    EXPECT_TRUE(process.write(batch));
  }
  auto bytes = media.contents(segment_name(1));
  while (bytes.back() == std::byte{}) {
    bytes.pop_back();
  }
  std::vector<std::uint8_t> input = {mode, 1, static_cast<std::uint8_t>(bytes.size()),
                                     static_cast<std::uint8_t>(bytes.size() >> 8)};
  for (const std::byte byte : bytes) {
    input.push_back(std::to_integer<std::uint8_t>(byte));
  }
  return input;
}

// A few bytes changed in each kind of place: a header, a head, a frame, a footer, the vote.
std::vector<std::uint8_t> changes(std::uint8_t mode) {
  return {mode, 0,    0x10, 0x04, 0x44, 1,    0x28, 0x00, 0x01, 2,   0xf0,
          0x05, 0x00, 1,    0xf0, 0x0f, 0x07, 4,    0x28, 0x00, 0x02};
}

TEST(WalCorpus, LogsOpen) {
  for (std::uint8_t mode = 0; mode < 4; ++mode) {
    const std::string suffix = std::to_string(mode);
    if ((mode & 1) == 0) {
      seed("small." + suffix, small_log(mode));
    } else {
      seed("good." + suffix, {mode});
      seed("changed." + suffix, changes(mode));
    }
  }
  std::array<int, 4> taken_in{};
  int refused = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::vector<std::uint8_t> input{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    ++(fuzz::take_directory(input) ? taken_in[input.at(0) % 4] : refused);
  }
  for (std::size_t mode = 0; mode < taken_in.size(); ++mode) {
    EXPECT_GT(taken_in[mode], 0) << "mode " << mode;
  }
  EXPECT_GT(refused, 0);
}

TEST(WalCorpus, FormatsAreRead) {
  std::array<int, 4> taken{};
  for (const auto& entry : std::filesystem::directory_iterator(folder.parent_path() / "storage_formats")) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::vector<std::uint8_t> input{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    if (fuzz::take_format(input)) ++taken[input.at(0) % 4];
  }
  for (std::size_t format = 0; format < taken.size(); ++format) {
    EXPECT_GT(taken[format], 0) << "format " << format;
  }
}

}  // namespace
}  // namespace keel
