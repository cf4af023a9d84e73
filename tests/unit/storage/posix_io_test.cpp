#include "storage/posix_io.hpp"

#include <cstring>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace keel {
namespace {

// A kernel that does as little at a time as it is told to, and is interrupted before each call.
struct Kernel {
  std::size_t at_most = 3;
  std::string stored;
  bool interrupt = true;
  int calls = 0;

  ssize_t write(const iovec* pieces, int count, std::uint64_t offset) {
    ++calls;
    interrupt = !interrupt;
    if (!interrupt) {
      errno = EINTR;
      return -1;
    }
    EXPECT_EQ(offset, stored.size()) << "goes on where it stopped";
    std::size_t left = at_most;
    for (int i = 0; i < count && left > 0; ++i) {
      const std::size_t step = std::min(left, pieces[i].iov_len);
      stored.append(static_cast<const char*>(pieces[i].iov_base), step);
      left -= step;
    }
    return static_cast<ssize_t>(at_most - left);
  }
};

std::vector<iovec> pieces_of(std::vector<std::string>& texts) {
  std::vector<iovec> pieces;
  for (std::string& text : texts) {
    pieces.push_back({text.data(), text.size()});
  }
  return pieces;
}

// scenario: D-04
TEST(PosixIo, FinishesShortAndInterruptedWrites) {
  for (const std::size_t at_most : {1u, 2u, 3u, 5u, 100u}) {
    Kernel kernel;
    kernel.at_most = at_most;
    std::vector<std::string> texts = {"", "one", "", "twofold", "x", ""};
    auto pieces = pieces_of(texts);
    EXPECT_EQ(write_all(pieces, 0, [&](auto... all) { return kernel.write(all...); }), 0);
    EXPECT_EQ(kernel.stored, "onetwofoldx");
    EXPECT_EQ(static_cast<std::size_t>(kernel.calls), 2 * ((11 + at_most - 1) / at_most));
  }
}

TEST(PosixIo, GathersNoMoreThanTheSystemTakes) {
  std::vector<std::string> texts(5000, "ab");
  auto pieces = pieces_of(texts);
  std::size_t stored = 0;
  EXPECT_EQ(write_all(pieces, 0,
                      [&](const iovec*, int count, std::uint64_t) {
                        EXPECT_LE(count, 1024);
                        stored += static_cast<std::size_t>(count) * 2;
                        return static_cast<ssize_t>(count) * 2;
                      }),
            0);
  EXPECT_EQ(stored, 10'000u);
}

TEST(PosixIo, ReportsErrorsAndNoProgress) {
  std::vector<std::string> texts = {"abc"};
  auto pieces = pieces_of(texts);
  EXPECT_EQ(write_all(pieces, 0,
                      [](const iovec*, int, std::uint64_t) -> ssize_t {
                        errno = ENOSPC;
                        return -1;
                      }),
            ENOSPC);
  pieces = pieces_of(texts);
  EXPECT_EQ(write_all(pieces, 0, [](const iovec*, int, std::uint64_t) -> ssize_t { return 0; }), EIO);
}

TEST(PosixIo, FinishesShortReadsUpToTheEnd) {
  const std::string file = "what is in the file";
  bool interrupt = false;
  const auto call = [&](std::byte* at, std::size_t size, std::uint64_t offset) -> ssize_t {
    interrupt = !interrupt;
    if (interrupt) {
      errno = EINTR;
      return -1;
    }
    const std::size_t step = std::min({size, std::size_t{4}, file.size() - static_cast<std::size_t>(offset)});
    std::memcpy(at, file.data() + offset, step);
    return static_cast<ssize_t>(step);
  };
  std::vector<std::byte> into(64);
  std::size_t got = 0;
  EXPECT_EQ(read_all(into, 5, got, 1, call), 0);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(into.data()), got), "is in the file");
  EXPECT_EQ(read_all(into, 0, got, 4, call), 0);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(into.data()), got), file) << "19 bytes: no call behind the end";
}

// A tree of directories, and whose entry of them is durable.
struct Tree {
  std::set<std::string> made{"/", "/data"};
  std::set<std::string> synced{"/", "/data"};
  int sync_fails_at = -1;
  int syncs = 0;

  int make(const std::filesystem::path& path) {
    const std::string above = path.parent_path().string();
    if (!made.contains(above)) return ENOENT;
    EXPECT_TRUE(synced.contains(above)) << path << " is made in what a power cut may take away";
    return made.insert(path.string()).second ? 0 : EEXIST;
  }
  int sync(const std::filesystem::path& path) {
    if (syncs++ == sync_fails_at) return EIO;
    for (const std::string& each : made) {
      if (std::filesystem::path(each).parent_path() == path) synced.insert(each);
    }
    return 0;
  }
  int make_all(const std::string& path) {
    return make_directory(
        path, [this](const auto& level) { return make(level); }, [this](const auto& level) { return sync(level); });
  }
};

TEST(PosixIo, MakesEachLevelOfADirectoryDurable) {
  Tree tree;
  EXPECT_EQ(tree.make_all("/data/a/b/c/"), 0);
  EXPECT_TRUE(tree.made.contains("/data/a/b/c"));
  EXPECT_EQ(tree.made, tree.synced);
  EXPECT_EQ(tree.make_all("/data/a/b/c"), 0) << "it is there already";
}

TEST(PosixIo, ADirectoryThatMayNotLastIsAnError) {
  for (int level = 0; level < 3; ++level) {
    Tree tree;
    tree.sync_fails_at = level;
    EXPECT_EQ(tree.make_all("/data/a/b/c"), EIO) << level;
  }
}

}  // namespace
}  // namespace keel
