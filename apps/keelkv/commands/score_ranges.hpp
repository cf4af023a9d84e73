#pragma once

#include <optional>
#include <string_view>

#include "keelkv/commands/typed_values.hpp"

namespace keel {

// Ranges of a sorted set as commands give them. Each is, in a given set, a run of ranks.

enum class RangeBy : std::uint8_t { rank, score, member };

struct ScoreBound {
  double score = 0;
  bool excluded = false;
};
// "1.5", "(1.5", "-inf". Spaces may stand in front, and nothing at all is 0.
[[nodiscard]] std::optional<ScoreBound> parse_score_bound(std::string_view text);

struct MemberBound {
  int infinite = 0;  // -1: before all, 1: behind all
  std::string_view member;
  bool excluded = false;
};
// "-", "+", "[member", "(member".
[[nodiscard]] std::optional<MemberBound> parse_member_bound(std::string_view text);

[[nodiscard]] Slice ranks_between(const SortedSetValue& set, const ScoreBound& min, const ScoreBound& max);
// Means something where all have the same score.
[[nodiscard]] Slice ranks_between(const SortedSetValue& set, const MemberBound& min, const MemberBound& max);

// A range of any kind, read from a command before the set is looked at.
struct SortedRange {
  RangeBy by = RangeBy::rank;
  std::int64_t first = 0;
  std::int64_t last = 0;
  ScoreBound min_score, max_score;
  MemberBound min_member, max_member;
  bool reversed = false;  // ranks count from the highest

  // False when it is answered.
  [[nodiscard]] bool read(std::string_view min, std::string_view max, RespWriter& reply);
  // The ranks, from the lowest up.
  [[nodiscard]] Slice in(const SortedSetValue& set) const;
};

}  // namespace keel
