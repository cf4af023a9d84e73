#include "keelkv/kv_store.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace keel {

namespace {

constexpr std::size_t block_bytes = 4096;

std::uint64_t hash_of_key(std::string_view key) { return XXH3_64bits(key.data(), key.size()); }

// Of a value's blocks from number `block` on: each by its key, its number, its bytes and their count.
std::uint64_t hash_of_blocks(std::string_view value, std::size_t block, std::uint64_t key_hash) {
  std::uint64_t sum = 0;
  for (std::size_t at = block * block_bytes; at < value.size(); at += block_bytes) {
    const std::string_view bytes = value.substr(at, block_bytes);
    sum += XXH3_64bits_withSeed(bytes.data(), bytes.size(), key_hash + at + 1);
  }
  return sum;
}

}  // namespace

std::size_t KvStore::KeyHash::operator()(std::string_view key) const { return hash_of_key(key); }

const std::string* KvStore::find(std::string_view key) const {
  const auto found = values_.find(key);
  return found == values_.end() ? nullptr : &found->second.bytes;
}

KvStore::Value& KvStore::value_of(std::string_view key, std::uint64_t key_hash) {
  const auto found = values_.find(key);
  if (found != values_.end()) return found->second;
  bytes_ += key.size();
  hash_ += key_hash;
  return values_.try_emplace(std::string(key), Value{.bytes = {}, .hash = key_hash}).first->second;
}

void KvStore::rehash(Value& value, std::uint64_t hash) {
  hash_ += hash - value.hash;
  value.hash = hash;
}

void KvStore::set(std::string_view key, std::string_view bytes) {
  const std::uint64_t key_hash = hash_of_key(key);
  Value& value = value_of(key, key_hash);
  bytes_ += bytes.size() - value.bytes.size();
  // A small value must not keep the room of a large one before it.
  if (value.bytes.capacity() > 2 * bytes.size() + 64) value.bytes = std::string();
  value.bytes.assign(bytes);
  rehash(value, key_hash + hash_of_blocks(value.bytes, 0, key_hash));
}

// Only the block that was the last is hashed again.
void KvStore::append(std::string_view key, std::string_view tail) {
  const std::uint64_t key_hash = hash_of_key(key);
  Value& value = value_of(key, key_hash);
  const std::size_t from = value.bytes.size() / block_bytes;
  const std::uint64_t kept = value.hash - hash_of_blocks(value.bytes, from, key_hash);
  value.bytes.append(tail);
  bytes_ += tail.size();
  rehash(value, kept + hash_of_blocks(value.bytes, from, key_hash));
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
