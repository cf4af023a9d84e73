#include "keelkv/data/table_hash.hpp"

#include <array>
#include <random>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace keel {

namespace {

// A seed would not do: there are keys that collide whatever it is.
using Secret = std::array<std::uint32_t, XXH3_SECRET_DEFAULT_SIZE / sizeof(std::uint32_t)>;

Secret drawn() {
  std::random_device device;
  Secret secret;
  for (std::uint32_t& word : secret)
    word = device();
  return secret;
}

}  // namespace

std::uint64_t table_hash(std::string_view key) {
  static const Secret secret = drawn();
  return XXH3_64bits_withSecret(key.data(), key.size(), secret.data(), sizeof(secret));
}

}  // namespace keel
