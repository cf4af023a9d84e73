#include "keel-bench/stats.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace bench {

std::optional<double> median(std::vector<double> values) {
  if (values.empty()) return std::nullopt;
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

// Small values have a slot each; above, a slot is a power of two and the next six bits.
std::size_t Histogram::slot_of(std::uint64_t value) {
  const unsigned width = static_cast<unsigned>(std::bit_width(value));
  if (width <= fine_bits) return value;
  const unsigned shift = width - fine_bits - 1;
  return (std::size_t{shift} << fine_bits) + static_cast<std::size_t>(value >> shift);
}

double Histogram::middle_of(std::size_t slot) {
  if (slot < (std::size_t{2} << fine_bits)) return static_cast<double>(slot);
  const auto shift = static_cast<int>((slot >> fine_bits) - 1);
  const std::size_t fine = slot - (static_cast<std::size_t>(shift) << fine_bits);
  return std::ldexp(static_cast<double>(fine) + 0.5, shift);
}

void Histogram::add(std::int64_t nanoseconds, std::uint64_t times) {
  counts_[slot_of(static_cast<std::uint64_t>(std::max<std::int64_t>(nanoseconds, 0)))] += times;
  count_ += times;
}

double Histogram::quantile(double share) const {
  if (count_ == 0) return 0;
  const auto rank = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
  std::uint64_t seen = 0;
  for (std::size_t slot = 0; slot < slots; ++slot) {
    seen += counts_[slot];
    if (seen >= std::max<std::uint64_t>(rank, 1)) return middle_of(slot);
  }
  return 0;
}

}  // namespace bench
