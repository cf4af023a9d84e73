// Commands on sets.
#include <algorithm>
#include <limits>
#include <memory>
#include <unordered_set>
#include <vector>

#include "keelkv/commands/command_table.hpp"
#include "keelkv/commands/random_places.hpp"
#include "keelkv/commands/scanning.hpp"
#include "keelkv/commands/typed_values.hpp"

namespace keel {

namespace {

void sadd(KvStore& store, Args args, RespWriter& reply) {
  const HashedKey key(args[1]);
  KvStore::Entry* const entry = store.find(key);
  if (!fits<SetValue>(entry, reply)) return;
  Edit<SetValue> set(store, entry == nullptr ? store.make<SetValue>(key) : *entry);
  std::int64_t added = 0;
  for (const std::string_view member : args.subspan(2))
    added += set->add(member) ? 1 : 0;
  if (added > 0) set.changed();
  reply.integer(added);
}

void srem(KvStore& store, Args args, RespWriter& reply) {
  const auto found = find_value<SetValue>(store, args[1], reply);
  if (!found) return;
  if (found.entry == nullptr) return reply.integer(0);
  Edit<SetValue> set(store, *found.entry);
  std::int64_t removed = 0;
  for (const std::string_view member : args.subspan(2))
    removed += set->remove(member) ? 1 : 0;
  if (removed > 0) set.changed();
  reply.integer(removed);
}

void smembers(KvView& view, Args args, RespWriter& reply) {
  const auto set = look_up<SetValue>(view, args[1], reply);
  if (!set) return;
  const std::size_t size = set.value == nullptr ? 0 : set.value->size();
  reply.set(size);
  for (std::size_t i = 0; i < size; ++i)
    reply.bulk(set.value->members().at(i).first);
}

void sismember(KvView& view, Args args, RespWriter& reply) {
  const auto set = look_up<SetValue>(view, args[1], reply);
  if (set) reply.integer(set.value != nullptr && set.value->contains(args[2]) ? 1 : 0);
}

void smismember(KvView& view, Args args, RespWriter& reply) {
  const auto set = look_up<SetValue>(view, args[1], reply);
  if (!set) return;
  reply.array(args.size() - 2);
  for (const std::string_view member : args.subspan(2))
    reply.integer(set.value != nullptr && set.value->contains(member) ? 1 : 0);
}

void scard(KvView& view, Args args, RespWriter& reply) {
  const auto set = look_up<SetValue>(view, args[1], reply);
  if (set) reply.integer(set.value == nullptr ? 0 : as_integer(set.value->size()));
}

void pop_one(KvStore& store, SetValue& set, RespWriter& reply) {
  const std::string member = set.members().at(store.random() % set.size()).first;
  reply.bulk(member);
  set.remove(member);
}

// SPOP key [count]. What is taken is a function of the log: the same on every node.
void spop(KvStore& store, Args args, RespWriter& reply) {
  if (args.size() > 3) return reply.error(errors::syntax);
  const bool counted = args.size() == 3;
  const auto count = counted ? parse_integer(args[2]) : 1;
  if (!count || *count < 0) return reply.error(errors::not_positive);
  const auto found = find_value<SetValue>(store, args[1], reply);
  if (!found) return;
  if (found.entry == nullptr) return counted ? reply.set(0) : reply.null();
  Edit<SetValue> set(store, *found.entry);
  const std::size_t taken = std::min(static_cast<std::size_t>(*count), set->size());
  if (counted) reply.set(taken);
  for (std::size_t i = 0; i < taken; ++i)
    pop_one(store, *set, reply);
  if (taken > 0) set.changed();
}

// SRANDMEMBER key [count]
void srandmember(KvView& view, Args args, RespWriter& reply) {
  if (args.size() > 3) return reply.error(errors::syntax);
  const auto count = args.size() == 2 ? 1 : read_random_count(args[2], false, reply);
  if (!count) return;
  const auto set = look_up<SetValue>(view, args[1], reply);
  if (!set) return;
  const auto* const members = set.value == nullptr ? nullptr : &set.value->members();
  if (args.size() == 3) {
    return reply_random(members, *count, false, view, reply, [&](const auto& member) { reply.bulk(member.first); });
  }
  members == nullptr ? reply.null() : reply.bulk(members->at(view.random() % members->size()).first);
}

// SMOVE from to member
void smove(KvStore& store, Args args, RespWriter& reply) {
  KvStore::Entry* const from = store.find(args[1]);
  if (from == nullptr) return reply.integer(0);
  const HashedKey to(args[2]);
  KvStore::Entry* const target = store.find(to);
  if (!fits<SetValue>(from, reply) || !fits<SetValue>(target, reply)) return;
  const HashedKey member(args[3]);
  if (!value_of<SetValue>(from)->contains(member)) return reply.integer(0);
  if (from != target) {
    {
      Edit<SetValue> set(store, target == nullptr ? store.make<SetValue>(to) : *target);
      if (set->add(member)) set.changed();
    }
    Edit<SetValue> set(store, *from);
    set->remove(member);
    set.changed();
  }
  reply.integer(1);
}

// Several sets and what they have to do with one another. Null for a key that is not there.
using Sets = std::vector<const SetValue*>;
using Combine = void (*)(const Sets& sets, std::size_t limit, std::vector<HashedKey>& members);

// Each set once, in the order named: a key that is named a million times must not be looked into as often for each member.
// The first keeps its place whatever follows: SDIFF takes it from itself.
void drop_repeated(Sets& sets) {
  std::unordered_set<const SetValue*> seen;
  const auto again = [&seen](const SetValue* set) { return !seen.insert(set).second; };
  sets.erase(std::remove_if(sets.begin() + 1, sets.end(), again), sets.end());
}

// `find` looks a key up. False, and answered, if one holds something else.
template <class Find>
bool collect(Args keys, Sets& sets, RespWriter& reply, Find find) {
  for (const std::string_view key : keys) {
    const KvStore::Entry* const entry = find(key);
    if (!fits<SetValue>(entry, reply)) return false;
    sets.push_back(value_of<SetValue>(entry));
  }
  drop_repeated(sets);
  return true;
}

void intersect(const Sets& sets, std::size_t limit, std::vector<HashedKey>& members) {
  if (std::ranges::find(sets, nullptr) != sets.end()) return;
  const SetValue* const smallest = *std::ranges::min_element(sets, {}, &SetValue::size);
  for (std::size_t i = 0; i < smallest->size() && members.size() < limit; ++i) {
    const HashedKey member(smallest->members().at(i).first);
    if (std::ranges::all_of(sets, [&](const SetValue* set) { return set->contains(member); }))
      members.push_back(member);
  }
}

// What of the others is in the first, looked for on their side: the work goes by what is stored, not by how many keys are
// named for each member.
void subtract(const Sets& sets, std::size_t, std::vector<HashedKey>& members) {
  if (sets[0] == nullptr) return;
  SetValue gone;
  for (const SetValue* const other : std::span(sets).subspan(1)) {
    for (std::size_t i = 0; other != nullptr && i < other->size(); ++i) {
      const HashedKey member(other->members().at(i).first);
      if (sets[0]->contains(member)) gone.add(member);
    }
  }
  for (std::size_t i = 0; i < sets[0]->size(); ++i) {
    const HashedKey member(sets[0]->members().at(i).first);
    if (!gone.contains(member)) members.push_back(member);
  }
}

void unite(const Sets& sets, std::size_t, std::vector<HashedKey>& members) {
  SetValue all;
  for (const SetValue* const set : sets) {
    for (std::size_t i = 0; set != nullptr && i < set->size(); ++i) {
      const HashedKey member(set->members().at(i).first);
      if (all.add(member)) members.push_back(member);
    }
  }
}

constexpr std::size_t all_of_them = std::numeric_limits<std::size_t>::max();

template <Combine combine>
void combined(KvView& view, Args args, RespWriter& reply) {
  Sets sets;
  if (!collect(args.subspan(1), sets, reply, [&](std::string_view key) { return view.find(key); })) return;
  std::vector<HashedKey> members;
  combine(sets, all_of_them, members);
  reply.set(members.size());
  for (const HashedKey& member : members)
    reply.bulk(member.bytes);
}

// In place, so that a walk through the set (SSCAN) misses none that stays.
void change_into(SetValue& set, const SetValue& wanted) {
  for (std::size_t i = set.size(); i > 0; --i) {
    const HashedKey member(set.members().at(i - 1).first);
    if (!wanted.contains(member)) set.remove(member);
  }
  for (std::size_t i = 0; i < wanted.size(); ++i)
    set.add(wanted.members().at(i).first);
}

// The same, into a key: whatever that holds is gone.
template <Combine combine>
void store_combined(KvStore& store, Args args, RespWriter& reply) {
  // A dead key is removed when it is looked for: before any of the sets is held on to.
  for (const std::string_view key : args.subspan(1))
    (void)store.find(key);
  Sets sets;
  if (!collect(args.subspan(2), sets, reply, [&](std::string_view key) { return store.find(key); })) return;
  std::vector<HashedKey> members;
  combine(sets, all_of_them, members);
  auto result = std::make_unique<SetValue>();
  for (const HashedKey& member : members)
    result->add(member);
  const HashedKey to(args[1]);
  KvStore::Entry* const old = store.find(to);
  if (result->empty()) {
    if (old != nullptr) store.erase(*old);
  } else if (value_of<SetValue>(old) == nullptr) {
    store.put(to, std::move(result), never);
  } else {
    store.set_expiry(*old, never);
    Edit<SetValue> set(store, *old);
    change_into(*set, *result);
    set.changed();
  }
  reply.integer(as_integer(members.size()));
}

// SINTERCARD numkeys key [key ...] [LIMIT limit]
void sintercard(KvView& view, Args args, RespWriter& reply) {
  const auto keys = parse_integer(args[1]);
  if (!keys || *keys < 1) return reply.error("ERR numkeys should be greater than 0");
  if (*keys > as_integer(args.size()) - 2)
    return reply.error("ERR Number of keys can't be greater than number of args");
  std::int64_t limit = 0;
  for (Args rest = args.subspan(2 + static_cast<std::size_t>(*keys)); !rest.empty(); rest = rest.subspan(2)) {
    if (rest.size() < 2 || !equal_ignoring_case(rest[0], "limit")) return reply.error(errors::syntax);
    const auto given = parse_integer(rest[1]);
    if (!given || *given < 0) return reply.error("ERR LIMIT can't be negative");
    limit = *given;
  }
  Sets sets;
  const Args names = args.subspan(2, static_cast<std::size_t>(*keys));
  if (!collect(names, sets, reply, [&](std::string_view key) { return view.find(key); })) return;
  std::vector<HashedKey> members;
  intersect(sets, limit == 0 ? all_of_them : static_cast<std::size_t>(limit), members);
  reply.integer(as_integer(members.size()));
}

// SSCAN key cursor [MATCH pattern] [COUNT count]
void sscan(KvView& view, Args args, RespWriter& reply) {
  ScanOptions options;
  if (!read_cursor(args[2], options, reply)) return;
  const auto set = look_up<SetValue>(view, args[1], reply);
  if (!set) return;
  if (set.value == nullptr) return begin_scan_reply(0, 0, reply);
  if (!read_scan_options(args.subspan(3), options, reply)) return;
  scan_collection(set.value->members(), options, 1, reply, [&](const auto& member) { reply.bulk(member.first); });
}

const CommandSpec set_table[] = {
    {"sadd", -3, sadd, one_key, "set", "Adds members; returns how many are new."},
    {"scard", 2, scard, one_key, "set", "Returns the number of members."},
    {"sdiff", -2, combined<subtract>, all_keys, "set", "Returns the first set without the members of the others."},
    {"sdiffstore", -3, store_combined<subtract>, all_keys, "set", "As SDIFF, into a key."},
    {"sinter", -2, combined<intersect>, all_keys, "set", "Returns what all sets have in common."},
    {"sintercard",
     -3,
     sintercard,
     {.counted_by = 1},
     "set",
     "Returns how much sets have in common: numkeys key ... [LIMIT n]."},
    {"sinterstore", -3, store_combined<intersect>, all_keys, "set", "As SINTER, into a key."},
    {"sismember", 3, sismember, one_key, "set", "Returns whether something is a member."},
    {"smembers", 2, smembers, one_key, "set", "Returns all members."},
    {"smismember", -3, smismember, one_key, "set", "Returns which of these are members."},
    {"smove", 4, smove, {1, 2, 1}, "set", "Moves a member into another set."},
    {"spop", -2, spop, one_key, "set", "Takes members out, chosen at random: [count]."},
    {"srandmember", -2, srandmember, one_key, "set", "Returns members chosen at random: [count]."},
    {"srem", -3, srem, one_key, "set", "Removes members; returns how many there were."},
    {"sscan", -3, sscan, one_key, "set", "Goes through the members: SSCAN key cursor [MATCH pattern] [COUNT count]."},
    {"sunion", -2, combined<unite>, all_keys, "set", "Returns the members of all sets."},
    {"sunionstore", -3, store_combined<unite>, all_keys, "set", "As SUNION, into a key."},
};

}  // namespace

std::span<const CommandSpec> set_commands() { return set_table; }

}  // namespace keel
