#include "keelkv/data/numbers.hpp"

#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace keel {

namespace {

double convert(const char* text, char** end, double) { return std::strtod(text, end); }
long double convert(const char* text, char** end, long double) { return std::strtold(text, end); }

template <class Float>
std::optional<Float> parse_float(std::string_view text) {
  constexpr std::size_t longest = 5120;  // what printing the largest long double takes, and some
  if (text.empty() || text.size() >= longest) return std::nullopt;
  const char first = text.front();
  if (first == ' ' || (first >= '\t' && first <= '\r')) return std::nullopt;
  const std::string copy(text);
  char* end = nullptr;
  errno = 0;
  const Float value = convert(copy.c_str(), &end, Float{});
  const bool out_of_range = errno == ERANGE && (std::isinf(value) || value == 0);
  if (end != copy.c_str() + copy.size() || out_of_range || std::isnan(value)) return std::nullopt;
  return value;
}

// The shortest digits, without a point, and the power of ten that belongs to the first of them.
struct Decimal {
  std::string digits;
  int exponent = 0;
};

Decimal decimal_of(double value) {
  char text[32];
  const auto written = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific);
  const std::string_view all(text, static_cast<std::size_t>(written.ptr - text));
  const std::size_t e = all.find('e');
  Decimal decimal{.digits = std::string(1, all[0]), .exponent = 0};
  if (e > 2) decimal.digits += all.substr(2, e - 2);
  const char* const exponent = all.data() + e + (all[e + 1] == '+' ? 2 : 1);
  std::from_chars(exponent, written.ptr, decimal.exponent);
  return decimal;
}

std::string with_exponent(const Decimal& decimal) {
  std::string out(1, decimal.digits[0]);
  if (decimal.digits.size() > 1) out += "." + decimal.digits.substr(1);
  out += decimal.exponent < 0 ? "e-" : "e+";
  return out + std::to_string(std::abs(decimal.exponent));
}

// Not zero, and no whole number of a usual size.
std::string positive_to_text(double value) {
  const Decimal decimal = decimal_of(value);
  const int size = static_cast<int>(decimal.digits.size());
  const int behind = decimal.exponent + 1 - size;  // zeros to append; negative: digits behind the point
  if (behind >= 0 && decimal.exponent < size + 7) {
    return decimal.digits + std::string(static_cast<std::size_t>(behind), '0');
  }
  if (behind >= 0 || (behind <= -7 && std::abs(decimal.exponent) >= 4)) return with_exponent(decimal);
  if (decimal.exponent < 0) {
    const int zeros = -decimal.exponent - 1;
    return "0." + std::string(static_cast<std::size_t>(zeros), '0') + decimal.digits;
  }
  const std::size_t before = static_cast<std::size_t>(decimal.exponent) + 1;
  return decimal.digits.substr(0, before) + "." + decimal.digits.substr(before);
}

}  // namespace

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
  const std::string_view digits = text.substr(text.front() == '-' ? 1 : 0);
  if (digits.front() == '0' && text != "0") return std::nullopt;
  return value;
}

std::optional<double> parse_double(std::string_view text) { return parse_float<double>(text); }
std::optional<long double> parse_long_double(std::string_view text) { return parse_float<long double>(text); }

std::string to_text(double value) {
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  if (value == 0) return std::signbit(value) ? "-0" : "0";
  constexpr double whole_numbers = 4.6e18;  // half of what 64 bits hold
  if (std::abs(value) < whole_numbers && value == std::trunc(value)) {
    return std::to_string(static_cast<std::int64_t>(value));
  }
  return value < 0 ? "-" + positive_to_text(-value) : positive_to_text(value);
}

std::string to_text(long double value) {
  char text[5120];
  const int size = std::snprintf(text, sizeof text, "%.17Lf", value);
  std::string_view out(text, static_cast<std::size_t>(size));
  if (out.find('.') != std::string_view::npos) {
    while (out.ends_with('0'))
      out.remove_suffix(1);
    if (out.ends_with('.')) out.remove_suffix(1);
  }
  return out == "-0" ? "0" : std::string(out);
}

}  // namespace keel
