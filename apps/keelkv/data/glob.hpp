#pragma once

#include <string_view>

namespace keel {

enum class LetterCase : bool { matters, ignored };

// Whether `text` matches Redis's kind of pattern: * ? [abc] [^a] [a-z] and \ before what stands for itself.
// Takes at most time in the product of both lengths.
[[nodiscard]] bool matches_glob(std::string_view pattern, std::string_view text,
                                LetterCase letters = LetterCase::ignored);

}  // namespace keel
