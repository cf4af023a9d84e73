#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace bench {

// The middle one; of an even number, the mean of the two in the middle. Nothing of nothing.
[[nodiscard]] std::optional<double> median(std::vector<double> values);

// Counts times in slots that are at most 1/64 wide of what they hold, so that a run of any length takes the same
// memory and adding one costs a few instructions. Nanoseconds.
class Histogram {
 public:
  void add(std::int64_t nanoseconds, std::uint64_t times = 1);
  [[nodiscard]] std::uint64_t count() const { return count_; }
  // The time that `share` of them (0 to 1) did not exceed: the middle of its slot. 0 of nothing.
  [[nodiscard]] double quantile(double share) const;

 private:
  static constexpr unsigned fine_bits = 6;
  static constexpr std::size_t slots = (64 - fine_bits) << fine_bits;
  static std::size_t slot_of(std::uint64_t value);
  static double middle_of(std::size_t slot);

  std::array<std::uint64_t, slots> counts_{};
  std::uint64_t count_ = 0;
};

}  // namespace bench
