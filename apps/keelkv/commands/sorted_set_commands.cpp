// Commands on sorted sets that change them, or look at single members.
#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "keelkv/commands/command_table.hpp"
#include "keelkv/commands/random_places.hpp"
#include "keelkv/commands/scanning.hpp"
#include "keelkv/commands/score_ranges.hpp"
#include "keelkv/commands/typed_values.hpp"

namespace keel {

namespace {

struct AddOptions {
  bool only_new = false;
  bool only_existing = false;
  bool only_greater = false;
  bool only_less = false;
  bool counts_changes = false;
  bool increments = false;
};

// Takes the options off the front of `rest`.
AddOptions take_add_options(Args& rest) {
  AddOptions options;
  for (; !rest.empty(); rest = rest.subspan(1)) {
    if (equal_ignoring_case(rest[0], "nx")) {
      options.only_new = true;
    } else if (equal_ignoring_case(rest[0], "xx")) {
      options.only_existing = true;
    } else if (equal_ignoring_case(rest[0], "gt")) {
      options.only_greater = true;
    } else if (equal_ignoring_case(rest[0], "lt")) {
      options.only_less = true;
    } else if (equal_ignoring_case(rest[0], "ch")) {
      options.counts_changes = true;
    } else if (equal_ignoring_case(rest[0], "incr")) {
      options.increments = true;
    } else {
      break;
    }
  }
  return options;
}

std::string_view wrong_with(const AddOptions& options, Args pairs) {
  if (pairs.empty() || pairs.size() % 2 != 0) return errors::syntax;
  if (options.only_new && options.only_existing) return "ERR XX and NX options at the same time are not compatible";
  if ((options.only_new && (options.only_greater || options.only_less)) ||
      (options.only_greater && options.only_less)) {
    return "ERR GT, LT, and/or NX options at the same time are not compatible";
  }
  if (options.increments && pairs.size() > 2) return "ERR INCR option supports a single increment-element pair";
  return {};
}

// What became of one member.
struct AddResult {
  enum class Kind : std::uint8_t { nothing, kept, updated, added, not_a_number } kind = Kind::nothing;
  double score = 0;
};

AddResult add(SortedSetValue& set, const HashedKey& member, double score, const AddOptions& options) {
  using Kind = AddResult::Kind;
  const auto old = set.score(member);
  if (!old) {
    if (options.only_existing) return {};
    set.set(member, score);
    return {Kind::added, score};
  }
  if (options.only_new) return {};
  if (options.increments) score += *old;
  if (std::isnan(score)) return {Kind::not_a_number, 0};
  if ((options.only_greater && score <= *old) || (options.only_less && score >= *old)) return {};
  if (score == *old) return {Kind::kept, score};
  set.set(member, score);
  return {Kind::updated, score};
}

void increment(Edit<SortedSetValue>& set, std::string_view member, double by, const AddOptions& options,
               RespWriter& reply) {
  using Kind = AddResult::Kind;
  const AddResult result = add(*set, member, by, options);
  if (result.kind == Kind::not_a_number) return reply.error("ERR resulting score is not a number (NaN)");
  if (result.kind == Kind::nothing) return reply.null();
  if (result.kind != Kind::kept) set.changed();
  reply.number(result.score);
}

void add_all(Edit<SortedSetValue>& set, Args pairs, const std::vector<double>& scores, const AddOptions& options,
             RespWriter& reply) {
  std::int64_t added = 0;
  std::int64_t updated = 0;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const AddResult result = add(*set, pairs[2 * i + 1], scores[i], options);
    added += result.kind == AddResult::Kind::added ? 1 : 0;
    updated += result.kind == AddResult::Kind::updated ? 1 : 0;
  }
  if (added + updated > 0) set.changed();
  reply.integer(options.counts_changes ? added + updated : added);
}

void add(KvStore& store, std::string_view name, const AddOptions& options, Args pairs, RespWriter& reply) {
  std::vector<double> scores;
  for (std::size_t i = 0; i < pairs.size(); i += 2) {
    const auto score = parse_double(pairs[i]);
    if (!score) return reply.error(errors::not_a_float);
    scores.push_back(*score);
  }
  const HashedKey key(name);
  KvStore::Entry* const entry = store.find(key);
  if (!fits<SortedSetValue>(entry, reply)) return;
  if (entry == nullptr && options.only_existing) return options.increments ? reply.null() : reply.integer(0);
  Edit<SortedSetValue> set(store, entry == nullptr ? store.make<SortedSetValue>(key) : *entry);
  options.increments ? increment(set, pairs[1], scores[0], options, reply)
                     : add_all(set, pairs, scores, options, reply);
}

// ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...]
void zadd(KvStore& store, Args args, RespWriter& reply) {
  Args rest = args.subspan(2);
  const AddOptions options = take_add_options(rest);
  if (const std::string_view wrong = wrong_with(options, rest); !wrong.empty()) return reply.error(wrong);
  add(store, args[1], options, rest, reply);
}

// ZINCRBY key increment member
void zincrby(KvStore& store, Args args, RespWriter& reply) {
  AddOptions options;
  options.increments = true;
  add(store, args[1], options, args.subspan(2), reply);
}

void zrem(KvStore& store, Args args, RespWriter& reply) {
  const auto found = find_value<SortedSetValue>(store, args[1], reply);
  if (!found) return;
  if (found.entry == nullptr) return reply.integer(0);
  Edit<SortedSetValue> set(store, *found.entry);
  std::int64_t removed = 0;
  for (const std::string_view member : args.subspan(2))
    removed += set->remove(member) ? 1 : 0;
  if (removed > 0) set.changed();
  reply.integer(removed);
}

void reply_score(const SortedSetValue* set, std::string_view member, RespWriter& reply) {
  const auto score = set == nullptr ? std::nullopt : set->score(member);
  score ? reply.number(*score) : reply.null();
}

void zscore(KvView& view, Args args, RespWriter& reply) {
  const auto set = look_up<SortedSetValue>(view, args[1], reply);
  if (set) reply_score(set.value, args[2], reply);
}

void zmscore(KvView& view, Args args, RespWriter& reply) {
  const auto set = look_up<SortedSetValue>(view, args[1], reply);
  if (!set) return;
  reply.array(args.size() - 2);
  for (const std::string_view member : args.subspan(2))
    reply_score(set.value, member, reply);
}

void zcard(KvView& view, Args args, RespWriter& reply) {
  const auto set = look_up<SortedSetValue>(view, args[1], reply);
  if (set) reply.integer(set.value == nullptr ? 0 : as_integer(set.value->size()));
}

// ZRANK key member [WITHSCORE]
template <bool reversed>
void zrank(KvView& view, Args args, RespWriter& reply) {
  if (args.size() > 4) {
    return reply.error(fmt::format("ERR wrong number of arguments for '{}' command", reversed ? "zrevrank" : "zrank"));
  }
  const bool with_score = args.size() == 4;
  if (with_score && !equal_ignoring_case(args[3], "withscore")) return reply.error(errors::syntax);
  const auto set = look_up<SortedSetValue>(view, args[1], reply);
  if (!set) return;
  const auto score = set.value == nullptr ? std::nullopt : set.value->score(args[2]);
  if (!score) return with_score ? reply.null_array() : reply.null();
  const std::size_t below = set.value->count_before({*score, args[2]});
  if (with_score) reply.array(2);
  reply.integer(as_integer(reversed ? set.value->size() - 1 - below : below));
  if (with_score) reply.number(*score);
}

// ZPOPMIN key [count]
template <bool highest>
void zpop(KvStore& store, Args args, RespWriter& reply) {
  if (args.size() > 3) return reply.error(errors::syntax);
  const bool counted = args.size() == 3;
  const auto count = counted ? parse_integer(args[2]) : 1;
  if (!count || *count < 0) return reply.error(errors::not_positive);
  const auto found = find_value<SortedSetValue>(store, args[1], reply);
  if (!found) return;
  if (found.entry == nullptr) return reply.array(0);
  Edit<SortedSetValue> set(store, *found.entry);
  const std::size_t taken = std::min(static_cast<std::size_t>(*count), set->size());
  counted ? reply.array_of_pairs(taken) : reply.array(2 * taken);
  for (std::size_t i = 0; i < taken; ++i) {
    const auto [score, member] = set->at(highest ? set->size() - 1 : 0);
    if (counted) reply.pair();
    reply.bulk(member);
    reply.number(score);
    set->remove(member);
  }
  if (taken > 0) set.changed();
}

// ZSCAN key cursor [MATCH pattern] [COUNT count]
void zscan(KvView& view, Args args, RespWriter& reply) {
  ScanOptions options;
  if (!read_cursor(args[2], options, reply)) return;
  const auto set = look_up<SortedSetValue>(view, args[1], reply);
  if (!set) return;
  if (set.value == nullptr) return begin_scan_reply(0, 0, reply);
  if (!read_scan_options(args.subspan(3), options, reply)) return;
  scan_collection(set.value->members(), options, 2, reply, [&](const auto& member) {
    reply.bulk(member.first);
    reply.bulk(to_text(member.second.value));
  });
}

// ZRANDMEMBER key [count [WITHSCORES]]
void zrandmember(KvView& view, Args args, RespWriter& reply) {
  const bool with_scores = args.size() == 4 && equal_ignoring_case(args[3], "withscores");
  const auto count = args.size() == 2 ? 1 : read_random_count(args[2], with_scores, reply);
  if (!count) return;
  if (args.size() > 4 || (args.size() == 4 && !with_scores)) return reply.error(errors::syntax);
  const auto set = look_up<SortedSetValue>(view, args[1], reply);
  if (!set) return;
  const auto* const members = set.value == nullptr ? nullptr : &set.value->members();
  if (args.size() > 2) {
    return reply_random(members, *count, with_scores, view, reply, [&](const auto& member) {
      if (with_scores) reply.pair();
      reply.bulk(member.first);
      if (with_scores) reply.number(member.second.value);
    });
  }
  members == nullptr ? reply.null() : reply.bulk(members->at(view.random() % members->size()).first);
}

const CommandSpec sorted_set_table[] = {
    {"zadd", -4, zadd, one_key, "sorted-set",
     "Adds members or changes scores: [NX | XX] [GT | LT] [CH] [INCR] score member ..."},
    {"zcard", 2, zcard, one_key, "sorted-set", "Returns the number of members."},
    {"zincrby", 4, zincrby, one_key, "sorted-set", "Adds a number to a member's score. A missing member counts as 0."},
    {"zmscore", -3, zmscore, one_key, "sorted-set", "Returns the scores of several members."},
    {"zpopmax", -2, zpop<true>, one_key, "sorted-set", "Takes the members with the highest scores out: [count]."},
    {"zpopmin", -2, zpop<false>, one_key, "sorted-set", "Takes the members with the lowest scores out: [count]."},
    {"zrandmember", -2, zrandmember, one_key, "sorted-set", "Returns members chosen at random: [count [WITHSCORES]]."},
    {"zrank", -3, zrank<false>, one_key, "sorted-set", "Returns how many come before a member: [WITHSCORE]."},
    {"zrem", -3, zrem, one_key, "sorted-set", "Removes members; returns how many there were."},
    {"zrevrank", -3, zrank<true>, one_key, "sorted-set", "Returns how many come behind a member: [WITHSCORE]."},
    {"zscan", -3, zscan, one_key, "sorted-set",
     "Goes through the members: ZSCAN key cursor [MATCH pattern] [COUNT count]."},
    {"zscore", 3, zscore, one_key, "sorted-set", "Returns a member's score."},
};

}  // namespace

std::span<const CommandSpec> sorted_set_commands() { return sorted_set_table; }

}  // namespace keel
