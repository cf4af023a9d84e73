#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "keelkv/commands/typed_values.hpp"
#include "keelkv/data/glob.hpp"

namespace keel {

// SCAN and its like: MATCH pattern, COUNT n and, of keys, TYPE type.
struct ScanOptions {
  bool of_keys = false;  // then TYPE is one of the options
  std::uint64_t cursor = 0;
  std::uint64_t count = 10;
  std::optional<std::string_view> pattern;
  std::optional<std::string_view> type;

  GlobSteps steps;

  [[nodiscard]] bool match(std::string_view name) {
    steps.allow_for(name);
    return !pattern || matches_glob(*pattern, name, LetterCase::matters, steps);
  }
};

// False when it is answered.
[[nodiscard]] bool read_cursor(std::string_view text, ScanOptions& options, RespWriter& reply);
[[nodiscard]] bool read_scan_options(Args rest, ScanOptions& options, RespWriter& reply);

// Where to go on, and how many texts follow.
inline void begin_scan_reply(std::uint64_t cursor, std::size_t texts, RespWriter& reply) {
  reply.array(2);
  reply.bulk(std::to_string(cursor));
  reply.array(texts);
}

// One step through the elements of a collection: those whose name fits, each as `texts` texts, which `write` writes.
template <class Map, class Write>
void scan_collection(const Map& map, ScanOptions& options, std::size_t texts, RespWriter& reply, Write write) {
  std::vector<const typename Map::Element*> found;
  const std::uint64_t next = map.scan(options.cursor, options.count, [&](const auto& element) {
    if (options.match(element.first)) found.push_back(&element);
  });
  if (options.steps.spent()) return reply.error(GlobSteps::error);
  begin_scan_reply(next, texts * found.size(), reply);
  for (const auto* const element : found)
    write(*element);
}

}  // namespace keel
