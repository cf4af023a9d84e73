#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace keel {

using ByteView = std::span<const std::byte>;

// A counted block of bytes that many slices share. Freed with the last of them, on whichever thread that is.
class Block {
 public:
  // A new block with one reference, uninitialised. Throws std::bad_alloc.
  [[nodiscard]] static Block* make(std::size_t size);

  void retain() { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() {
    if (last_reference()) free();
  }
  [[nodiscard]] std::byte* data() { return reinterpret_cast<std::byte*>(this + 1); }
  [[nodiscard]] std::size_t size() const { return size_; }
  // Whether anybody but the caller holds a reference. False: its bytes may be written to again.
  [[nodiscard]] bool shared() const { return references_.load(std::memory_order_acquire) != 1; }

 private:
  explicit Block(std::size_t size) : size_(size) {}
  // Who holds the only reference need not take it off: nobody else can add one.
  bool last_reference() { return !shared() || references_.fetch_sub(1, std::memory_order_acq_rel) == 1; }
  void free();
  std::size_t size_;
  std::atomic<std::uint32_t> references_{1};
};

// The bytes of one log entry, shared and immutable once proposed, with the room around them that a frame needs: a
// header before and a checksum behind. The room lets an entry be framed where it lies, once, and then be written,
// sent and written again without a copy. A Payload is cheap to copy (one reference).
class Payload {
 public:
  static constexpr std::size_t head_room = 96;
  static constexpr std::size_t tail_room = 8;

  Payload() = default;
  // The one copy on a command's way.
  [[nodiscard]] static Payload copy_of(ByteView bytes);
  // Room for `size` bytes, to be filled through `mutable_bytes` before the payload is shared. The head room is zero.
  [[nodiscard]] static Payload with_size(std::size_t size);
  // A payload that lies at [offset, offset + size) of a block with its whole frame around it, `head` bytes of header
  // before it; shares the block.
  [[nodiscard]] static Payload slice_of(Block& block, std::size_t offset, std::size_t size, std::size_t head);

  Payload(const Payload& other) noexcept
      : block_(other.block_), offset_(other.offset_), size_(other.size_), head_(other.head_) {
    if (block_ != nullptr) block_->retain();
  }
  Payload(Payload&& other) noexcept
      : block_(std::exchange(other.block_, nullptr)),
        offset_(std::exchange(other.offset_, 0)),
        size_(std::exchange(other.size_, 0)),
        head_(std::exchange(other.head_, 0)) {}
  Payload& operator=(const Payload& other) noexcept { return *this = Payload(other); }
  Payload& operator=(Payload&& other) noexcept {
    if (this == &other) return *this;
    if (block_ != nullptr) block_->release();
    block_ = std::exchange(other.block_, nullptr);
    offset_ = std::exchange(other.offset_, 0);
    size_ = std::exchange(other.size_, 0);
    head_ = std::exchange(other.head_, 0);
    return *this;
  }
  ~Payload() {
    if (block_ != nullptr) block_->release();
  }

  [[nodiscard]] ByteView bytes() const { return {begin(), size_}; }
  [[nodiscard]] std::span<std::byte> mutable_bytes() { return {begin(), size_}; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

  // For the frame codec alone. `head` is how many bytes of header stand before the payload: 0 until it is framed.
  [[nodiscard]] std::size_t head() const { return head_; }
  void set_head(std::size_t head) { head_ = static_cast<std::uint32_t>(head); }
  // Where header (head_room bytes), payload and checksum lie. Null when the payload was never given a block.
  [[nodiscard]] std::byte* begin() const { return block_ == nullptr ? nullptr : block_->data() + offset_; }
  // The whole frame: header, payload, checksum. Only after it was framed.
  [[nodiscard]] ByteView frame() const { return {begin() - head_, head_ + size_ + tail_room}; }

  // A hint to the processor that it will soon be let go of.
  void prefetch() const { __builtin_prefetch(block_, 1); }

  // Equal bytes, wherever they lie.
  friend bool operator==(const Payload& a, const Payload& b);

 private:
  Block* block_ = nullptr;
  std::uint32_t offset_ = 0;
  std::uint32_t size_ = 0;
  std::uint32_t head_ = 0;
};

}  // namespace keel
