#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace keel {

// Numbers as Redis reads and writes them.

// No sign but '-', no spaces, no zeros in front.
[[nodiscard]] std::optional<std::int64_t> parse_integer(std::string_view text);
// Whatever strtod takes, but for spaces in front, NaN, and what is too large.
[[nodiscard]] std::optional<double> parse_double(std::string_view text);
[[nodiscard]] std::optional<long double> parse_long_double(std::string_view text);

// The fewest digits that read back as the same number; large and small ones with an exponent.
[[nodiscard]] std::string to_text(double value);
// Seventeen digits behind the point at most, never an exponent.
[[nodiscard]] std::string to_text(long double value);

}  // namespace keel
