#include "keelkv/server/descriptors.hpp"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "temporary_directory.hpp"

namespace keel {
namespace {

constexpr std::uint64_t beside_the_log = 352;

TEST(Descriptors, AreKeptForALogAsLargeAsItMayBe) {
  const test::TemporaryDirectory folder;
  KvSettings settings;
  settings.data = folder.path() / "not-there-yet";
  settings.segment_size = 1u << 20;
  settings.max_log_bytes = 100u << 20;
  EXPECT_EQ(reserved_descriptors(settings), 100 + beside_the_log);
}

// Of an earlier start, when segments were small: they stay open too.
TEST(Descriptors, AreKeptForTheSegmentsThatAreThere) {
  const test::TemporaryDirectory folder;
  for (int i = 1; i <= 512; ++i) {
    const auto file = folder.path() / ("log-" + std::to_string(i));
    std::ofstream(file).put('x');
    std::filesystem::resize_file(file, 4096);
  }
  std::ofstream(folder.path() / "identity").put('x');
  KvSettings settings;
  settings.data = folder.path();
  settings.segment_size = 1u << 20;
  settings.max_log_bytes = 100u << 20;
  EXPECT_EQ(reserved_descriptors(settings), 512 + 98 + beside_the_log);
  settings.max_log_bytes = 1u << 20;  // less than is there
  EXPECT_EQ(reserved_descriptors(settings), 512 + beside_the_log);
}

}  // namespace
}  // namespace keel
