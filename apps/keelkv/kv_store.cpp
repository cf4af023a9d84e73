#include "keelkv/kv_store.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace keel {

std::size_t KvStore::KeyHash::operator()(std::string_view key) const { return XXH3_64bits(key.data(), key.size()); }

const std::string* KvStore::find(std::string_view key) const {
  const auto found = values_.find(key);
  return found == values_.end() ? nullptr : &found->second.bytes;
}

KvStore::Value& KvStore::value_of(std::string_view key) {
  const auto found = values_.find(key);
  if (found != values_.end()) return found->second;
  bytes_ += key.size();
  return values_.try_emplace(std::string(key)).first->second;
}

void KvStore::changed(std::string_view key, Value& value, std::size_t old_size) {
  const std::uint64_t seed = XXH3_64bits(key.data(), key.size());
  const std::uint64_t hash = XXH3_64bits_withSeed(value.bytes.data(), value.bytes.size(), seed);
  hash_ += hash - value.hash;
  bytes_ += value.bytes.size() - old_size;
  value.hash = hash;
}

void KvStore::set(std::string_view key, std::string_view bytes) {
  Value& value = value_of(key);
  const std::size_t old_size = value.bytes.size();
  // A small value must not keep the room of a large one before it.
  if (value.bytes.capacity() > 2 * bytes.size() + 64) value.bytes = std::string();
  value.bytes.assign(bytes);
  changed(key, value, old_size);
}

std::size_t KvStore::append(std::string_view key, std::string_view tail) {
  Value& value = value_of(key);
  const std::size_t old_size = value.bytes.size();
  value.bytes.append(tail);
  changed(key, value, old_size);
  return value.bytes.size();
}

bool KvStore::erase(std::string_view key) {
  const auto found = values_.find(key);
  if (found == values_.end()) return false;
  hash_ -= found->second.hash;
  bytes_ -= key.size() + found->second.bytes.size();
  values_.erase(found);
  return true;
}

void KvStore::clear() {
  values_ = Values();
  hash_ = 0;
  bytes_ = 0;
}

}  // namespace keel
