#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "keelkv/data/ordered_set.hpp"
#include "keelkv/data/scan_map.hpp"

namespace keel {

// A sorted set: members and their scores, by member and by (score, member).
class SortedSetValue {
 public:
  using Members = ScanMap<double>;
  using Ranked = std::pair<double, std::string_view>;  // score and member; scores are never NaN

  [[nodiscard]] const Members& members() const { return members_; }
  [[nodiscard]] std::optional<double> score(const HashedKey& member) const {
    const auto* const found = members_.find(member);
    return found == nullptr ? std::nullopt : std::optional(found->second.value);
  }
  [[nodiscard]] std::size_t size() const { return members_.size(); }
  [[nodiscard]] bool empty() const { return members_.empty(); }
  [[nodiscard]] std::uint64_t hash() const { return hash_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

  // The lowest score has rank 0; among equal ones the least member.
  [[nodiscard]] Ranked at(std::size_t rank) const { return *order_.find_by_order(rank); }
  // How many come before it, whether it is a member or not.
  [[nodiscard]] std::size_t count_before(const Ranked& ranked) const { return order_.order_of_key(ranked); }
  // How many have scores below, or (`with`) not above.
  [[nodiscard]] std::size_t count_below(double score, bool with) const;

  // From a rank on, `count` of them; towards the lower ones if `down`.
  template <class Visit>
  void walk(std::size_t rank, std::size_t count, bool down, Visit visit) const {
    auto at = order_.find_by_order(rank);
    for (; count > 0; --count) {
      visit(*at);
      if (count > 1) down ? --at : ++at;
    }
  }

  // True if the member is new.
  bool set(const HashedKey& member, double score);
  // True if it was there.
  bool remove(const HashedKey& member);

 private:
  static std::uint64_t hash_of(const HashedKey& member, double score);

  Members members_;
  OrderedSet<Ranked> order_;  // its members lie in `members_`
  std::uint64_t hash_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace keel
