#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_set>
#include <vector>

#include "keelkv/commands/typed_values.hpp"
#include "keelkv/data/kv_view.hpp"

namespace keel {

// `count` different places of `size` (R. Floyd's way, Bentley 1987), or all if there are no more. `random` gives numbers.
template <class Random>
std::vector<std::size_t> random_places(std::size_t count, std::size_t size, Random random) {
  std::vector<std::size_t> places;
  std::unordered_set<std::size_t> taken;
  for (std::size_t next = count < size ? size - count : 0; next < size; ++next) {
    std::size_t place = count < size ? random() % (next + 1) : next;
    if (!taken.insert(place).second) {
      place = next;
      taken.insert(place);
    }
    places.push_back(place);
  }
  return places;
}

// What HRANDFIELD and its like answer to a count: so many different elements; a negative count chooses anew each time.
// `with_values`: a value belongs to each, which `write` writes behind the element.
template <class Map, class Write>
void reply_random(const Map* map, std::int64_t count, bool with_values, KvView& view, RespWriter& reply, Write write) {
  const std::size_t size = map == nullptr ? 0 : map->size();
  const auto wanted = static_cast<std::size_t>(count < 0 ? -count : count);
  const auto begin = [&](std::size_t elements) {
    with_values ? reply.array_of_pairs(elements) : reply.array(elements);
  };
  if (size == 0 || wanted == 0) return reply.array(0);
  if (count > 0) {
    const auto places = random_places(wanted, size, [&] { return view.random(); });
    begin(places.size());
    for (const std::size_t place : places)
      write(map->at(place));
    return;
  }
  begin(wanted);
  for (std::size_t i = 0; i < wanted && !reply.overflowed(); ++i)
    write(map->at(view.random() % size));
}

// The count of such a command, or nothing, and the error answered. Twice as many values may have to be counted.
inline std::optional<std::int64_t> read_random_count(std::string_view text, bool with_values, RespWriter& reply) {
  const auto count = parse_integer(text);
  if (count && *count < -never) return reply.error(errors::no_magnitude), std::nullopt;
  const std::int64_t most = never / (with_values ? 2 : 1);
  if (count && *count >= -most && *count <= most) return count;
  reply.error(count ? errors::out_of_range : errors::not_an_integer);
  return std::nullopt;
}

}  // namespace keel
