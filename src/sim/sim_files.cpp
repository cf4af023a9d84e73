#include "sim/sim_files.hpp"

#include <algorithm>
#include <functional>

namespace keel::sim {
namespace {

// Calls `each(offset, part)` for the parts of `bytes` that lie in different units of the file.
template <class Bytes, class Each>
void split(std::uint64_t unit, std::uint64_t offset, Bytes bytes, Each each) {
  while (!bytes.empty()) {
    const auto step = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), unit - offset % unit));
    each(offset, bytes.first(step));
    offset += step;
    bytes = bytes.subspan(step);
  }
}

bool all_zero(ByteView bytes) {
  return std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{}; });
}

}  // namespace

SimInode::SimInode(const SimInode& other) : size_(other.size_), unsynced_(other.unsynced_) {
  for (const auto& [number, page] : other.pages_) {
    pages_.emplace(number, std::make_unique<Page>(*page));
  }
}

void SimInode::store(std::uint64_t offset, ByteView bytes) {
  split(page_size, offset, bytes, [this](std::uint64_t at, ByteView part) {
    auto page = pages_.find(at / page_size);
    if (page == pages_.end()) {
      if (all_zero(part)) return;
      page = pages_.emplace(at / page_size, std::make_unique<Page>()).first;
    }
    std::ranges::copy(part, page->second->begin() + static_cast<std::ptrdiff_t>(at % page_size));
  });
  size_ = std::max(size_, offset + bytes.size());
}

void SimInode::write(std::uint64_t offset, ByteView bytes) {
  store(offset, bytes);
  unsynced_.erase(unsynced_.lower_bound(offset / sector_size),
                  unsynced_.lower_bound((offset + bytes.size() + sector_size - 1) / sector_size));
}

void SimInode::write_unsynced(std::uint64_t offset, ByteView bytes, bool lost) {
  split(sector_size, offset, bytes, [this, lost](std::uint64_t at, ByteView part) {
    const auto [found, is_new] = unsynced_.try_emplace(at / sector_size);
    if (is_new) read(at / sector_size * sector_size, found->second.before);
    found->second.lost = lost;
    store(at, part);
  });
}

void SimInode::sync() {
  std::erase_if(unsynced_, [](const auto& sector) { return !sector.second.lost; });
}

void SimInode::read(std::uint64_t offset, std::span<std::byte> into) const {
  split(page_size, offset, into, [this](std::uint64_t at, std::span<std::byte> part) {
    if (const auto page = pages_.find(at / page_size); page != pages_.end()) {
      std::ranges::copy_n(page->second->begin() + static_cast<std::ptrdiff_t>(at % page_size),
                          static_cast<std::ptrdiff_t>(part.size()), part.begin());
    } else {
      std::ranges::fill(part, std::byte{});
    }
  });
}

std::uint64_t SimInode::lose_unsynced(Random& random) {
  std::uint64_t lost = 0;
  for (const auto& [sector, unsynced] : unsynced_) {
    const std::uint64_t at = sector * sector_size;
    const auto inside = static_cast<std::size_t>(std::min(sector_size, size_ - at));
    if (!random.chance(0.5)) continue;
    store(at, ByteView(unsynced.before).first(inside));
    ++lost;
  }
  unsynced_.clear();
  return lost;
}

Left write_torn(SimInode& file, std::uint64_t offset, ByteView bytes, Random& random) {
  const std::uint64_t how = random.below(4);
  if (how == 0) return Left::nothing;
  if (how == 1) {
    file.write(offset, bytes);
    return Left::all;
  }
  bool some = false;
  bool gap = false;
  bool scattered = false;
  const std::uint64_t sectors = bytes.size() / sector_size + 2;
  std::uint64_t prefix = random.below(sectors);
  split(sector_size, offset, bytes, [&](std::uint64_t at, ByteView part) {
    const bool there = how == 2 ? prefix > 0 : random.chance(0.5);
    if (prefix > 0) --prefix;
    if (there) file.write(at, part);
    scattered = scattered || (gap && there);
    some = some || there;
    gap = gap || !there;
  });
  return !gap ? Left::all : scattered ? Left::scattered : some ? Left::part : Left::nothing;
}

}  // namespace keel::sim
