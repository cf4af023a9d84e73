#include "keelkv/data/list_value.hpp"

#include <algorithm>
#include <utility>

#include "keelkv/data/state_hash.hpp"

namespace keel {

std::uint64_t ListValue::hash_at(std::size_t position) const {
  return hash_bytes(elements_[position], mix(first_ + position));
}

void ListValue::rehash() {
  hash_ = 0;
  bytes_ = 0;
  for (std::size_t i = 0; i < elements_.size(); ++i) {
    hash_ += hash_at(i);
    bytes_ += elements_[i].size();
  }
}

void ListValue::push_front(std::string_view element) {
  elements_.emplace_front(element);
  --first_;
  bytes_ += element.size();
  hash_ += hash_at(0);
}

void ListValue::push_back(std::string_view element) {
  elements_.emplace_back(element);
  bytes_ += element.size();
  hash_ += hash_at(elements_.size() - 1);
}

std::string ListValue::pop_front() {
  hash_ -= hash_at(0);
  std::string element = std::move(elements_.front());
  elements_.pop_front();
  ++first_;
  bytes_ -= element.size();
  return element;
}

std::string ListValue::pop_back() {
  hash_ -= hash_at(elements_.size() - 1);
  std::string element = std::move(elements_.back());
  elements_.pop_back();
  bytes_ -= element.size();
  return element;
}

void ListValue::set(std::size_t position, std::string_view element) {
  hash_ -= hash_at(position);
  bytes_ += element.size() - elements_[position].size();
  elements_[position] = std::string(element);
  hash_ += hash_at(position);
}

void ListValue::insert(std::size_t position, std::string_view element) {
  elements_.emplace(elements_.begin() + static_cast<std::ptrdiff_t>(position), element);
  rehash();
}

void ListValue::keep(std::size_t first, std::size_t count) {
  while (size() > first + count)
    pop_back();
  for (; first > 0; --first)
    pop_front();
}

std::size_t ListValue::remove(std::string_view element, std::size_t count, bool from_the_end) {
  std::size_t left = count;
  const auto goes = [&](const std::string& candidate) {
    if (left == 0 || candidate != element) return false;
    --left;
    return true;
  };
  if (from_the_end) {
    const auto kept = std::remove_if(elements_.rbegin(), elements_.rend(), goes);
    elements_.erase(elements_.begin(), kept.base());
  } else {
    elements_.erase(std::remove_if(elements_.begin(), elements_.end(), goes), elements_.end());
  }
  const std::size_t removed = count - left;
  if (removed > 0) rehash();
  return removed;
}

}  // namespace keel
