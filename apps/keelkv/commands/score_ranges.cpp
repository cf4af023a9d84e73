#include "keelkv/commands/score_ranges.hpp"

#include <string>

namespace keel {

namespace {

Slice between(std::size_t first, std::size_t end) { return first < end ? Slice{first, end - first} : Slice{}; }

// How many come before the bound; `with`: and those equal to it.
std::size_t count_before(const SortedSetValue& set, const MemberBound& bound, bool with) {
  if (bound.infinite != 0 || set.empty()) return bound.infinite < 0 ? 0 : set.size();
  const double score = set.at(0).first;
  if (!with) return set.count_before({score, bound.member});
  std::string behind(bound.member);  // the least that is greater
  behind.push_back('\0');
  return set.count_before({score, behind});
}

}  // namespace

std::optional<ScoreBound> parse_score_bound(std::string_view text) {
  const bool excluded = text.starts_with('(');
  if (excluded) text.remove_prefix(1);
  if (text.empty()) return ScoreBound{.score = 0, .excluded = excluded};
  while (text.size() > 1 && text.front() == ' ')
    text.remove_prefix(1);
  const auto score = parse_double(text);
  if (!score) return std::nullopt;
  return ScoreBound{.score = *score, .excluded = excluded};
}

std::optional<MemberBound> parse_member_bound(std::string_view text) {
  if (text == "-") return MemberBound{.infinite = -1, .member = {}, .excluded = false};
  if (text == "+") return MemberBound{.infinite = 1, .member = {}, .excluded = false};
  if (!text.starts_with('[') && !text.starts_with('(')) return std::nullopt;
  return MemberBound{.infinite = 0, .member = text.substr(1), .excluded = text.front() == '('};
}

Slice ranks_between(const SortedSetValue& set, const ScoreBound& min, const ScoreBound& max) {
  return between(set.count_below(min.score, min.excluded), set.count_below(max.score, !max.excluded));
}

Slice ranks_between(const SortedSetValue& set, const MemberBound& min, const MemberBound& max) {
  return between(count_before(set, min, min.excluded), count_before(set, max, !max.excluded));
}

bool SortedRange::read(std::string_view min, std::string_view max, RespWriter& reply) {
  if (by == RangeBy::rank) {
    const auto from = parse_integer(min);
    const auto to = parse_integer(max);
    if (!from || !to) return reply.error(errors::not_an_integer), false;
    first = *from;
    last = *to;
  } else if (by == RangeBy::score) {
    const auto from = parse_score_bound(min);
    const auto to = parse_score_bound(max);
    if (!from || !to) return reply.error("ERR min or max is not a float"), false;
    min_score = *from;
    max_score = *to;
  } else {
    const auto from = parse_member_bound(min);
    const auto to = parse_member_bound(max);
    if (!from || !to) return reply.error("ERR min or max not valid string range item"), false;
    min_member = *from;
    max_member = *to;
  }
  return true;
}

Slice SortedRange::in(const SortedSetValue& set) const {
  if (by == RangeBy::score) return ranks_between(set, min_score, max_score);
  if (by == RangeBy::member) return ranks_between(set, min_member, max_member);
  Slice slice = slice_of(first, last, set.size());
  if (reversed && slice.count > 0) slice.first = set.size() - slice.first - slice.count;
  return slice;
}

}  // namespace keel
