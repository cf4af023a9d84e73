// Commands on hashes.
#include <cmath>

#include <fmt/format.h>

#include "keelkv/commands/command_table.hpp"
#include "keelkv/commands/random_places.hpp"
#include "keelkv/commands/scanning.hpp"
#include "keelkv/commands/typed_values.hpp"

namespace keel {

namespace {

// The hash at `key`, made if it is not there; null, and answered, if the key holds something else.
KvStore::Entry* hash_to_fill(KvStore& store, std::string_view name, RespWriter& reply) {
  const HashedKey key(name);
  KvStore::Entry* const entry = store.find(key);
  if (!fits<HashValue>(entry, reply)) return nullptr;
  return entry == nullptr ? &store.make<HashValue>(key) : entry;
}

// False when it is answered. `added` counts the fields that are new.
bool set_fields(KvStore& store, Args args, std::string_view name, std::int64_t& added, RespWriter& reply) {
  if (args.size() % 2 != 0) {
    reply.error(fmt::format("ERR wrong number of arguments for '{}' command", name));
    return false;
  }
  KvStore::Entry* const entry = hash_to_fill(store, args[1], reply);
  if (entry == nullptr) return false;
  Edit<HashValue> hash(store, *entry);
  for (std::size_t i = 2; i < args.size(); i += 2)
    added += hash->set(args[i], args[i + 1]) ? 1 : 0;
  hash.changed();
  return true;
}

// HSET key field value [field value ...]
void hset(KvStore& store, Args args, RespWriter& reply) {
  std::int64_t added = 0;
  if (set_fields(store, args, "hset", added, reply)) reply.integer(added);
}

void hmset(KvStore& store, Args args, RespWriter& reply) {
  std::int64_t added = 0;
  if (set_fields(store, args, "hmset", added, reply)) reply.ok();
}

void hsetnx(KvStore& store, Args args, RespWriter& reply) {
  KvStore::Entry* const entry = hash_to_fill(store, args[1], reply);
  if (entry == nullptr) return;
  Edit<HashValue> hash(store, *entry);
  const HashedKey field(args[2]);
  if (hash->get(field) != nullptr) return reply.integer(0);
  hash->set(field, args[3]);
  hash.changed();
  reply.integer(1);
}

void reply_field(const HashValue* hash, std::string_view field, RespWriter& reply) {
  const std::string* const value = hash == nullptr ? nullptr : hash->get(field);
  value == nullptr ? reply.null() : reply.bulk(*value);
}

void hget(KvView& view, Args args, RespWriter& reply) {
  const auto hash = look_up<HashValue>(view, args[1], reply);
  if (hash) reply_field(hash.value, args[2], reply);
}

void hmget(KvView& view, Args args, RespWriter& reply) {
  const auto hash = look_up<HashValue>(view, args[1], reply);
  if (!hash) return;
  reply.array(args.size() - 2);
  for (const std::string_view field : args.subspan(2))
    reply_field(hash.value, field, reply);
}

void hdel(KvStore& store, Args args, RespWriter& reply) {
  const auto found = find_value<HashValue>(store, args[1], reply);
  if (!found) return;
  if (found.entry == nullptr) return reply.integer(0);
  Edit<HashValue> hash(store, *found.entry);
  std::int64_t removed = 0;
  for (const std::string_view field : args.subspan(2))
    removed += hash->remove(field) ? 1 : 0;
  if (removed > 0) hash.changed();
  reply.integer(removed);
}

void hlen(KvView& view, Args args, RespWriter& reply) {
  const auto hash = look_up<HashValue>(view, args[1], reply);
  if (hash) reply.integer(hash.value == nullptr ? 0 : as_integer(hash.value->size()));
}

void hexists(KvView& view, Args args, RespWriter& reply) {
  const auto hash = look_up<HashValue>(view, args[1], reply);
  if (hash) reply.integer(hash.value != nullptr && hash.value->get(args[2]) != nullptr ? 1 : 0);
}

void hstrlen(KvView& view, Args args, RespWriter& reply) {
  const auto hash = look_up<HashValue>(view, args[1], reply);
  if (!hash) return;
  const std::string* const value = hash.value == nullptr ? nullptr : hash.value->get(args[2]);
  reply.integer(value == nullptr ? 0 : as_integer(value->size()));
}

enum class Wanted : std::uint8_t { fields, values, both };

template <Wanted wanted>
void hgetall(KvView& view, Args args, RespWriter& reply) {
  const auto hash = look_up<HashValue>(view, args[1], reply);
  if (!hash) return;
  const std::size_t size = hash.value == nullptr ? 0 : hash.value->size();
  wanted == Wanted::both ? reply.map(size) : reply.array(size);
  for (std::size_t i = 0; i < size; ++i) {
    const auto& field = hash.value->fields().at(i);
    if (wanted != Wanted::values) reply.bulk(field.first);
    if (wanted != Wanted::fields) reply.bulk(field.second.value);
  }
}

// HINCRBY key field increment
void hincrby(KvStore& store, Args args, RespWriter& reply) {
  const auto increment = parse_integer(args[3]);
  if (!increment) return reply.error(errors::not_an_integer);
  const auto found = find_value<HashValue>(store, args[1], reply);
  if (!found) return;
  const HashedKey field(args[2]);
  const HashValue* const old = value_of<HashValue>(found.entry);
  const std::string* const text = old == nullptr ? nullptr : old->get(field);
  const auto value = text == nullptr ? 0 : parse_integer(*text);
  if (!value) return reply.error("ERR hash value is not an integer");
  std::int64_t sum = 0;
  if (__builtin_add_overflow(*value, *increment, &sum)) return reply.error("ERR increment or decrement would overflow");
  Edit<HashValue> hash(store, *hash_to_fill(store, args[1], reply));
  hash->set(field, std::to_string(sum));
  hash.changed();
  reply.integer(sum);
}

void hincrbyfloat(KvStore& store, Args args, RespWriter& reply) {
  const auto increment = parse_long_double(args[3]);
  if (!increment) return reply.error(errors::not_a_float);
  if (std::isinf(*increment)) return reply.error("ERR value is NaN or Infinity");
  const auto found = find_value<HashValue>(store, args[1], reply);
  if (!found) return;
  const HashedKey field(args[2]);
  const HashValue* const old = value_of<HashValue>(found.entry);
  const std::string* const text = old == nullptr ? nullptr : old->get(field);
  const auto value = text == nullptr ? 0.0L : parse_long_double(*text);
  if (!value) return reply.error("ERR hash value is not a float");
  const long double sum = *value + *increment;
  if (std::isnan(sum) || std::isinf(sum)) return reply.error("ERR increment would produce NaN or Infinity");
  const std::string sum_text = to_text(sum);
  Edit<HashValue> hash(store, *hash_to_fill(store, args[1], reply));
  hash->set(field, sum_text);
  hash.changed();
  reply.bulk(sum_text);
}

// HSCAN key cursor [MATCH pattern] [COUNT count]
void hscan(KvView& view, Args args, RespWriter& reply) {
  ScanOptions options;
  if (!read_cursor(args[2], options, reply)) return;
  const auto hash = look_up<HashValue>(view, args[1], reply);
  if (!hash) return;
  if (hash.value == nullptr) return begin_scan_reply(0, 0, reply);
  if (!read_scan_options(args.subspan(3), options, reply)) return;
  scan_collection(hash.value->fields(), options, 2, reply, [&](const auto& field) {
    reply.bulk(field.first);
    reply.bulk(field.second.value);
  });
}

// HRANDFIELD key [count [WITHVALUES]]
void hrandfield(KvView& view, Args args, RespWriter& reply) {
  const bool with_values = args.size() == 4 && equal_ignoring_case(args[3], "withvalues");
  const auto count = args.size() == 2 ? 1 : read_random_count(args[2], with_values, reply);
  if (!count) return;
  if (args.size() > 4 || (args.size() == 4 && !with_values)) return reply.error(errors::syntax);
  const auto hash = look_up<HashValue>(view, args[1], reply);
  if (!hash) return;
  const auto* const fields = hash.value == nullptr ? nullptr : &hash.value->fields();
  if (args.size() > 2) {
    return reply_random(fields, *count, with_values, view, reply, [&](const auto& field) {
      if (with_values) reply.pair();
      reply.bulk(field.first);
      if (with_values) reply.bulk(field.second.value);
    });
  }
  fields == nullptr ? reply.null() : reply.bulk(fields->at(view.random() % fields->size()).first);
}

const CommandSpec hash_table[] = {
    {"hdel", -3, hdel, one_key, "hash", "Removes fields; returns how many there were."},
    {"hexists", 3, hexists, one_key, "hash", "Returns whether a hash has a field."},
    {"hget", 3, hget, one_key, "hash", "Returns a field's value."},
    {"hgetall", 2, hgetall<Wanted::both>, one_key, "hash", "Returns all fields and their values."},
    {"hincrby", 4, hincrby, one_key, "hash", "Adds a number to a field's integer value. A missing field counts as 0."},
    {"hincrbyfloat", 4, hincrbyfloat, one_key, "hash", "Adds a number with a fraction to a field's value."},
    {"hkeys", 2, hgetall<Wanted::fields>, one_key, "hash", "Returns all fields."},
    {"hlen", 2, hlen, one_key, "hash", "Returns the number of fields."},
    {"hmget", -3, hmget, one_key, "hash", "Returns the values of several fields."},
    {"hmset", -4, hmset, one_key, "hash", "Sets several fields."},
    {"hrandfield", -2, hrandfield, one_key, "hash", "Returns fields chosen at random: [count [WITHVALUES]]."},
    {"hscan", -3, hscan, one_key, "hash", "Goes through the fields: HSCAN key cursor [MATCH pattern] [COUNT count]."},
    {"hset", -4, hset, one_key, "hash", "Sets fields; returns how many are new."},
    {"hsetnx", 4, hsetnx, one_key, "hash", "Sets a field if it does not exist."},
    {"hstrlen", 3, hstrlen, one_key, "hash", "Returns the size of a field's value in bytes."},
    {"hvals", 2, hgetall<Wanted::values>, one_key, "hash", "Returns the values of all fields."},
};

}  // namespace

std::span<const CommandSpec> hash_commands() { return hash_table; }

}  // namespace keel
