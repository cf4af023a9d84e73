#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "keel/base/payload.hpp"
#include "keel/sim/random.hpp"

namespace keel::sim {

inline constexpr std::uint64_t sector_size = 512;

// A file's bytes: what a reader sees, and how to take back what was never synced.
class SimInode {
 public:
  SimInode() = default;
  explicit SimInode(std::uint64_t size) : size_(size) {}
  SimInode(const SimInode& other);
  SimInode& operator=(const SimInode&) = delete;

  [[nodiscard]] std::uint64_t size() const { return size_; }
  void resize(std::uint64_t size) { size_ = size; }
  // Durable at once, and with it what else was written to the same sectors.
  void write(std::uint64_t offset, ByteView bytes);
  // Durable after `sync`, unless the device has lost it already: then a sync says so once and never again.
  void write_unsynced(std::uint64_t offset, ByteView bytes, bool lost);
  void read(std::uint64_t offset, std::span<std::byte> into) const;
  void sync();

  // A power cut: each sector that is not durable goes back to what it was before, or does not. How many did.
  std::uint64_t lose_unsynced(Random& random);

 private:
  static constexpr std::uint64_t page_size = 4096;
  using Page = std::array<std::byte, page_size>;
  struct Unsynced {
    std::array<std::byte, sector_size> before;
    bool lost;
  };
  void store(std::uint64_t offset, ByteView bytes);

  std::uint64_t size_ = 0;
  std::unordered_map<std::uint64_t, std::unique_ptr<Page>> pages_;  // those missing are zeros
  std::map<std::uint64_t, Unsynced> unsynced_;                      // by sector
};

enum class Left : std::uint8_t { nothing, scattered, part, all };  // scattered: something without what is before it
// Writes a part of `bytes`, in whole sectors of the file: all, none, the first few, or any.
Left write_torn(SimInode& file, std::uint64_t offset, ByteView bytes, Random& random);

using SimDirectory = std::map<std::string, std::shared_ptr<SimInode>, std::less<>>;

}  // namespace keel::sim
