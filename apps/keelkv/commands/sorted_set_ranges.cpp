// Commands on ranges of sorted sets.
#include <string>
#include <vector>

#include "keelkv/commands/command_table.hpp"
#include "keelkv/commands/score_ranges.hpp"
#include "keelkv/commands/typed_values.hpp"

namespace keel {

namespace {

// What a command on a range is by its name, and by its options.
struct RangeRequest {
  SortedRange range;
  bool names_kind = false;  // ZRANGE takes BYSCORE or BYLEX, and REV, each once
  bool with_scores = false;
  bool limited = false;
  std::int64_t skip = 0;
  std::int64_t most = -1;
};

// Takes one option off the front. False when it is answered.
bool take_option(Args& rest, RangeRequest& request, RespWriter& reply) {
  const auto is = [&](std::string_view word) { return equal_ignoring_case(rest[0], word); };
  std::size_t taken = 1;
  if (is("withscores")) {
    request.with_scores = true;
  } else if (is("limit") && rest.size() >= 3) {
    const auto skip = parse_integer(rest[1]);
    const auto most = parse_integer(rest[2]);
    if (!skip || !most) return reply.error(errors::not_an_integer), false;
    request.limited = true;
    request.skip = *skip;
    request.most = *most;
    taken = 3;
  } else if (request.names_kind && !request.range.reversed && is("rev")) {
    request.range.reversed = true;
  } else if (request.names_kind && request.range.by == RangeBy::rank && is("bylex")) {
    request.range.by = RangeBy::member;
  } else if (request.names_kind && request.range.by == RangeBy::rank && is("byscore")) {
    request.range.by = RangeBy::score;
  } else {
    return reply.error(errors::syntax), false;
  }
  rest = rest.subspan(taken);
  return true;
}

bool read_request(Args args, RangeRequest& request, RespWriter& reply) {
  for (Args rest = args.subspan(4); !rest.empty();) {
    if (!take_option(rest, request, reply)) return false;
  }
  const RangeBy by = request.range.by;
  if (request.limited && by == RangeBy::rank) {
    if (request.most != -1) {
      reply.error("ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX");
      return false;
    }
    request.limited = false;
  }
  if (request.with_scores && by == RangeBy::member) {
    reply.error("ERR syntax error, WITHSCORES not supported in combination with BYLEX");
    return false;
  }
  // Downwards the greater bound comes first; ranks are counted the other way instead.
  const bool swapped = request.range.reversed && by != RangeBy::rank;
  return request.range.read(args[swapped ? 3 : 2], args[swapped ? 2 : 3], reply);
}

// What LIMIT leaves of the ranks, seen in the order in which they are returned.
Slice limited(Slice ranks, const RangeRequest& request) {
  if (!request.limited) return ranks;
  if (request.skip < 0 || request.skip >= as_integer(ranks.count)) return {};
  const auto skip = static_cast<std::size_t>(request.skip);
  std::size_t count = ranks.count - skip;
  if (request.most >= 0) count = std::min(count, static_cast<std::size_t>(request.most));
  const std::size_t first = request.range.reversed ? ranks.first + ranks.count - skip - count : ranks.first + skip;
  return {first, count};
}

void reply_range(KvView& view, Args args, RangeRequest request, RespWriter& reply) {
  if (!read_request(args, request, reply)) return;
  const auto set = look_up<SortedSetValue>(view, args[1], reply);
  if (!set) return;
  const Slice ranks = set.value == nullptr ? Slice{} : limited(request.range.in(*set.value), request);
  request.with_scores ? reply.array_of_pairs(ranks.count) : reply.array(ranks.count);
  if (ranks.count == 0) return;
  const bool down = request.range.reversed;
  set.value->walk(down ? ranks.first + ranks.count - 1 : ranks.first, ranks.count, down, [&](const auto& ranked) {
    if (request.with_scores) reply.pair();
    reply.bulk(ranked.second);
    if (request.with_scores) reply.number(ranked.first);
  });
}

// ZRANGE key min max [BYSCORE | BYLEX] [REV] [LIMIT skip count] [WITHSCORES]
void zrange(KvView& view, Args args, RespWriter& reply) {
  RangeRequest request;
  request.names_kind = true;
  reply_range(view, args, request, reply);
}

// Its older forms.
template <RangeBy by, bool reversed>
void zrange_by(KvView& view, Args args, RespWriter& reply) {
  RangeRequest request;
  request.range.by = by;
  request.range.reversed = reversed;
  reply_range(view, args, request, reply);
}

// ZCOUNT key min max
template <RangeBy by>
void zcount(KvView& view, Args args, RespWriter& reply) {
  SortedRange range;
  range.by = by;
  if (!range.read(args[2], args[3], reply)) return;
  const auto set = look_up<SortedSetValue>(view, args[1], reply);
  if (set) reply.integer(set.value == nullptr ? 0 : as_integer(range.in(*set.value).count));
}

// ZREMRANGEBYRANK key first last
template <RangeBy by>
void zremrange(KvStore& store, Args args, RespWriter& reply) {
  SortedRange range;
  range.by = by;
  if (!range.read(args[2], args[3], reply)) return;
  const auto found = find_value<SortedSetValue>(store, args[1], reply);
  if (!found) return;
  if (found.entry == nullptr) return reply.integer(0);
  Edit<SortedSetValue> set(store, *found.entry);
  const Slice ranks = range.in(*set);
  for (std::size_t i = 0; i < ranks.count; ++i)
    set->remove(set->at(ranks.first).second);
  if (ranks.count > 0) set.changed();
  reply.integer(as_integer(ranks.count));
}

const CommandSpec sorted_set_ranges_table[] = {
    {"zcount", 4, zcount<RangeBy::score>, one_key, "sorted-set", "Counts the members in a range of scores."},
    {"zlexcount", 4, zcount<RangeBy::member>, one_key, "sorted-set", "Counts the members in a range of members."},
    {"zrange", -4, zrange, one_key, "sorted-set",
     "Returns a range: min max [BYSCORE | BYLEX] [REV] [LIMIT skip count] [WITHSCORES]."},
    {"zrangebylex", -4, zrange_by<RangeBy::member, false>, one_key, "sorted-set",
     "Returns a range of members: [LIMIT skip count]."},
    {"zrangebyscore", -4, zrange_by<RangeBy::score, false>, one_key, "sorted-set",
     "Returns a range of scores: [WITHSCORES] [LIMIT skip count]."},
    {"zremrangebylex", 4, zremrange<RangeBy::member>, one_key, "sorted-set", "Removes a range of members."},
    {"zremrangebyrank", 4, zremrange<RangeBy::rank>, one_key, "sorted-set", "Removes a range of ranks."},
    {"zremrangebyscore", 4, zremrange<RangeBy::score>, one_key, "sorted-set", "Removes a range of scores."},
    {"zrevrange", -4, zrange_by<RangeBy::rank, true>, one_key, "sorted-set",
     "As ZRANGE with REV, by rank: [WITHSCORES]."},
    {"zrevrangebylex", -4, zrange_by<RangeBy::member, true>, one_key, "sorted-set", "As ZRANGE with BYLEX and REV."},
    {"zrevrangebyscore", -4, zrange_by<RangeBy::score, true>, one_key, "sorted-set", "As ZRANGE with BYSCORE and REV."},
};

}  // namespace

std::span<const CommandSpec> sorted_range_commands() { return sorted_set_ranges_table; }

}  // namespace keel
