#pragma once

#include <cstdint>
#include <string_view>

namespace keel {

enum class LetterCase : bool { matters, ignored };

// What one command may take of the loop for matching: patterns of kilobytes against keys of as many bytes would take the
// product of both. Once spent it stays so, nothing matches, and the command is answered with an error.
class GlobSteps {
 public:
  // A text among many pays for itself, so that their number is no reason to stop.
  void allow_for(std::string_view text) {
    if (left_ > 0) left_ += 2 * text.size() + 64;
  }
  [[nodiscard]] bool take(std::uint64_t steps) {
    left_ -= steps < left_ ? steps : left_;
    return left_ > 0;
  }
  [[nodiscard]] bool spent() const { return left_ == 0; }

  static constexpr std::uint64_t for_all = std::uint64_t{16} << 20;
  static constexpr std::string_view error = "ERR the pattern takes too many steps to match; choose a shorter one";

 private:
  std::uint64_t left_ = for_all;
};

// Whether `text` matches Redis's kind of pattern: * ? [abc] [^a] [a-z] and \ before what stands for itself.
// Takes at least one of the steps, and at most the product of both lengths.
[[nodiscard]] bool matches_glob(std::string_view pattern, std::string_view text, LetterCase letters, GlobSteps& steps);

}  // namespace keel
