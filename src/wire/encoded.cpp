#include <algorithm>

#include "keel/base/assert.hpp"
#include "keel/wire/codec.hpp"
#include "wire/bytes.hpp"

namespace keel::wire {
namespace {
constexpr std::size_t slab_size = 64u << 10;
constexpr std::size_t kept_slabs = 4;  // through `clear`: what a usual turn needs, not what the greatest ever did
}  // namespace

std::byte* Encoded::room(std::size_t size) {
  KEEL_ASSERT(size <= slab_size, "what goes into a slab fits in one");
  if (current_ < slabs_.size() && slab_size - used_ < size) {
    ++current_;
    used_ = 0;
  }
  if (current_ == slabs_.size()) slabs_.push_back(std::make_unique_for_overwrite<std::byte[]>(slab_size));
  return slabs_[current_].get() + used_;
}

void Encoded::commit(std::size_t size) {
  const std::byte* const start = slabs_[current_].get() + used_;
  used_ += size;
  size_ += size;
  if (!pieces_.empty() && pieces_.back().data() + pieces_.back().size() == start) {
    pieces_.back() = {pieces_.back().data(), pieces_.back().size() + size};
  } else {
    pieces_.emplace_back(start, size);
  }
}

void Encoded::refer(const Payload& owner, ByteView bytes) {
  owners_.push_back(owner);
  pieces_.push_back(bytes);
  size_ += bytes.size();
}

void Encoded::swap(Encoded& other) noexcept {
  slabs_.swap(other.slabs_);
  std::swap(current_, other.current_);
  std::swap(used_, other.used_);
  std::swap(size_, other.size_);
  owners_.swap(other.owners_);
  pieces_.swap(other.pieces_);
}

void Encoded::clear() {
  owners_.clear();
  pieces_.clear();
  if (slabs_.size() > kept_slabs) slabs_.resize(kept_slabs);
  current_ = 0;
  used_ = 0;
  size_ = 0;
}

std::vector<std::byte> Encoded::flatten() const {
  std::vector<std::byte> all(size_);
  std::byte* at = all.data();
  for (const ByteView piece : pieces_) {
    copy_bytes(at, piece);
    at += piece.size();
  }
  return all;
}

}  // namespace keel::wire
