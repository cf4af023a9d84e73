#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace keel {

// A string that is hashed in blocks: a change costs in proportion to the bytes it brings, however long the string is.
class StringValue {
 public:
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] std::uint64_t hash() const { return hash_; }
  [[nodiscard]] std::size_t bytes() const { return text_.size(); }

  void assign(std::string_view text);
  void append(std::string_view tail) { write(text_.size(), tail); }
  // Writes over what is there from `at` on; what lies between is filled with zeros.
  void write(std::size_t at, std::string_view bytes);

 private:
  std::string text_;
  std::uint64_t hash_ = 0;  // the sum over all blocks
};

}  // namespace keel
