#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

namespace keel {

// Bytes received and not yet used, in one run. Grows by what has come, gives memory back when empty.
class InputBuffer {
 public:
  static constexpr std::size_t usual_size = 16u << 10;

  [[nodiscard]] std::string_view readable() const { return {bytes_.get() + begin_, end_ - begin_}; }
  void consume(std::size_t size) {
    begin_ += size;
    if (begin_ == end_) begin_ = end_ = 0;
  }

  // Room for what comes next: never empty. Moves what is readable.
  [[nodiscard]] std::span<char> writable() {
    if (begin_ == end_ && capacity_ > usual_size) reset();
    if (begin_ > 0 && capacity_ - end_ < capacity_ / 4) slide();
    if (end_ == capacity_) grow();
    return {bytes_.get() + end_, capacity_ - end_};
  }
  void commit(std::size_t size) { end_ += size; }

  [[nodiscard]] std::size_t capacity() const { return capacity_; }

 private:
  void reset() {
    bytes_.reset();
    capacity_ = begin_ = end_ = 0;
  }
  void slide() {
    std::memmove(bytes_.get(), bytes_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  void grow() {
    const std::size_t capacity = std::max(usual_size, 2 * capacity_);
    auto bytes = std::make_unique_for_overwrite<char[]>(capacity);
    if (end_ > begin_) std::memcpy(bytes.get(), bytes_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    bytes_ = std::move(bytes);
    capacity_ = capacity;
  }

  std::unique_ptr<char[]> bytes_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace keel
