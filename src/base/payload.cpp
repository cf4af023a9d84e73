#include "keel/base/payload.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>

#include "keel/base/assert.hpp"

namespace keel {

Block* Block::make(std::size_t size) {
  void* memory = ::operator new(sizeof(Block) + size);
  return new (memory) Block(size);
}

void Block::free() {
  this->~Block();
  ::operator delete(this);
}

Payload Payload::with_size(std::size_t size) {
  KEEL_ASSERT(size <= std::numeric_limits<std::uint32_t>::max() - head_room - tail_room, "a payload is under 4 GiB");
  Payload payload;
  payload.block_ = Block::make(head_room + size + tail_room);
  payload.offset_ = head_room;
  payload.size_ = static_cast<std::uint32_t>(size);
  std::memset(payload.block_->data(), 0, head_room);
  return payload;
}

Payload Payload::copy_of(ByteView bytes) {
  Payload payload = with_size(bytes.size());
  std::ranges::copy(bytes, payload.begin());
  return payload;
}

Payload Payload::slice_of(Block& block, std::size_t offset, std::size_t size, std::size_t head) {
  KEEL_ASSERT(head <= offset && offset + size + tail_room <= block.size(), "a slice lies inside its block");
  Payload payload;
  block.retain();
  payload.block_ = &block;
  payload.offset_ = static_cast<std::uint32_t>(offset);
  payload.size_ = static_cast<std::uint32_t>(size);
  payload.head_ = static_cast<std::uint32_t>(head);
  return payload;
}

bool operator==(const Payload& a, const Payload& b) {
  return a.begin() == b.begin() ? a.size_ == b.size_ : std::ranges::equal(a.bytes(), b.bytes());
}

}  // namespace keel
