#include "keelkv/data/sorted_set_value.hpp"

#include <bit>
#include <cmath>
#include <limits>

namespace keel {

std::uint64_t SortedSetValue::hash_of(const HashedKey& member, double score) {
  return mix(member.hash + mix(std::bit_cast<std::uint64_t>(score)));
}

std::size_t SortedSetValue::count_below(double score, bool with) const {
  if (!with) return count_before({score, {}});
  if (score == std::numeric_limits<double>::infinity()) return size();
  return count_before({std::nextafter(score, std::numeric_limits<double>::infinity()), {}});
}

bool SortedSetValue::set(const HashedKey& member, double score) {
  const auto [element, is_new] = members_.make(member);
  double& old = element->second.value;
  if (is_new) {
    bytes_ += member.bytes.size() + sizeof(score);
  } else {
    order_.erase(Ranked(old, element->first));
    hash_ -= hash_of(member, old);
  }
  old = score;
  order_.insert(Ranked(score, element->first));
  hash_ += hash_of(member, score);
  return is_new;
}

bool SortedSetValue::remove(const HashedKey& member) {
  auto* const found = members_.find(member);
  if (found == nullptr) return false;
  order_.erase(Ranked(found->second.value, found->first));
  hash_ -= hash_of(member, found->second.value);
  bytes_ -= member.bytes.size() + sizeof(double);
  members_.erase(*found);
  return true;
}

}  // namespace keel
