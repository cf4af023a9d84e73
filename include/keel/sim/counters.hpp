#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace keel::sim {

// What a run, or many, really reached: named counts, in the order of their names ("faults: crashes").
class Counters {
 public:
  void add(std::string_view name, std::uint64_t count = 1) {
    const auto found = counts_.find(name);
    if (found == counts_.end()) {
      counts_.emplace(name, count);
    } else {
      found->second += count;
    }
  }
  void add(const Counters& other) {
    for (const auto& [name, count] : other.counts_)
      add(name, count);
  }
  [[nodiscard]] std::uint64_t of(std::string_view name) const {
    const auto found = counts_.find(name);
    return found == counts_.end() ? 0 : found->second;
  }
  [[nodiscard]] const std::map<std::string, std::uint64_t, std::less<>>& all() const { return counts_; }

 private:
  std::map<std::string, std::uint64_t, std::less<>> counts_;
};

}  // namespace keel::sim
