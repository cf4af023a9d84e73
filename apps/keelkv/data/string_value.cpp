#include "keelkv/data/string_value.hpp"

#include <algorithm>

#include "keelkv/data/release.hpp"
#include "keelkv/data/state_hash.hpp"

namespace keel {

namespace {

constexpr std::size_t block_bytes = 4096;

// Of the blocks from number `first` up to, not with, number `end`: each by its place, its bytes and their count.
std::uint64_t hash_of_blocks(std::string_view text, std::size_t first, std::size_t end) {
  std::uint64_t sum = 0;
  for (std::size_t at = first * block_bytes; at < std::min(end * block_bytes, text.size()); at += block_bytes)
    sum += hash_bytes(text.substr(at, block_bytes), at + 1);
  return sum;
}

std::size_t blocks_in(std::size_t bytes) { return (bytes + block_bytes - 1) / block_bytes; }

}  // namespace

void StringValue::assign(std::string_view text) {
  // A small value must not keep the room of a large one before it.
  if (text_.capacity() > 2 * text.size() + 64) release(text_);
  text_.assign(text);
  hash_ = hash_of_blocks(text_, 0, blocks_in(text_.size()));
}

void StringValue::write(std::size_t at, std::string_view bytes) {
  const std::size_t end = at + bytes.size();
  const std::size_t first = std::min(at, text_.size()) / block_bytes;
  const std::size_t behind = blocks_in(end);
  hash_ -= hash_of_blocks(text_, first, behind);
  if (end > text_.size()) text_.resize(end);
  std::ranges::copy(bytes, text_.begin() + static_cast<std::ptrdiff_t>(at));
  hash_ += hash_of_blocks(text_, first, behind);
}

}  // namespace keel
