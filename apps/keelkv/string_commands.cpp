// Commands on strings.
#include <limits>
#include <string>

#include "keelkv/command_table.hpp"
#include "keelkv/kv_store.hpp"
#include "keelkv/resp_writer.hpp"

namespace keel {

namespace {

void reply_value(const std::string* value, RespWriter& reply) {
  if (value == nullptr) return reply.null();
  reply.bulk(*value);
}

void get(const KvStore& store, Args args, RespWriter& reply) { reply_value(store.find(args[1]), reply); }

void strlen(const KvStore& store, Args args, RespWriter& reply) {
  const std::string* const value = store.find(args[1]);
  reply.integer(value == nullptr ? 0 : static_cast<std::int64_t>(value->size()));
}

void mget(const KvStore& store, Args args, RespWriter& reply) {
  reply.array(args.size() - 1);
  for (const std::string_view key : args.subspan(1))
    reply_value(store.find(key), reply);
}

// What Redis knows beside NX and XX. GET would have every replica build a reply as large as the value.
bool is_option_not_here(std::string_view option) {
  for (const std::string_view known : {"get", "ex", "px", "exat", "pxat", "keepttl"}) {
    if (equal_ignoring_case(option, known)) return true;
  }
  return false;
}

// SET key value [NX | XX]
void set(KvStore& store, Args args, RespWriter& reply) {
  bool only_new = false;
  bool only_existing = false;
  for (const std::string_view option : args.subspan(3)) {
    if (equal_ignoring_case(option, "nx")) {
      only_new = true;
    } else if (equal_ignoring_case(option, "xx")) {
      only_existing = true;
    } else {
      return reply.error(is_option_not_here(option) ? "ERR SET takes only NX and XX in this version of keelkv: it "
                                                      "returns no old value, and keys do not expire"
                                                    : errors::syntax);
    }
  }
  if (only_new && only_existing) return reply.error(errors::syntax);

  const bool exists = store.contains(args[1]);
  if ((only_new && exists) || (only_existing && !exists)) return reply.null();
  store.set(args[1], args[2]);
  reply.ok();
}

void mset(KvStore& store, Args args, RespWriter& reply) {
  if (args.size() % 2 == 0) return reply.error("ERR wrong number of arguments for 'mset' command");
  for (std::size_t i = 1; i < args.size(); i += 2)
    store.set(args[i], args[i + 1]);
  reply.ok();
}

// As large as a command may be, so that every value can be set at once too. The same on every node, for good: a setting
// would let replicas differ.
constexpr std::size_t max_value_bytes = 8u << 20;

void append(KvStore& store, Args args, RespWriter& reply) {
  const std::string* const old = store.find(args[1]);
  const std::size_t size = (old == nullptr ? 0 : old->size()) + args[2].size();
  if (size > max_value_bytes) return reply.error("ERR string exceeds maximum allowed size (8 MiB)");
  store.append(args[1], args[2]);
  reply.integer(static_cast<std::int64_t>(size));
}

void add(KvStore& store, std::string_view key, std::int64_t increment, RespWriter& reply) {
  const std::string* const old = store.find(key);
  const auto value = old == nullptr ? 0 : parse_integer(*old);
  if (!value) return reply.error(errors::not_an_integer);
  std::int64_t sum = 0;
  if (__builtin_add_overflow(*value, increment, &sum)) return reply.error("ERR increment or decrement would overflow");
  store.set(key, std::to_string(sum));
  reply.integer(sum);
}

void incr(KvStore& store, Args args, RespWriter& reply) { add(store, args[1], 1, reply); }
void decr(KvStore& store, Args args, RespWriter& reply) { add(store, args[1], -1, reply); }

void incrby(KvStore& store, Args args, RespWriter& reply) {
  const auto increment = parse_integer(args[2]);
  if (!increment) return reply.error(errors::not_an_integer);
  add(store, args[1], *increment, reply);
}

void decrby(KvStore& store, Args args, RespWriter& reply) {
  const auto decrement = parse_integer(args[2]);
  if (!decrement) return reply.error(errors::not_an_integer);
  if (*decrement == std::numeric_limits<std::int64_t>::min()) return reply.error("ERR decrement would overflow");
  add(store, args[1], -*decrement, reply);
}

constexpr KeyPositions one_key{1, 1, 1};

const CommandSpec table[] = {
    {"append", 3, append, one_key, "string", "Appends to a key's value. The key is made if it is not there."},
    {"decr", 2, decr, one_key, "string", "Takes one off a key's integer value. A missing key counts as 0."},
    {"decrby", 3, decrby, one_key, "string", "Takes a number off a key's integer value. A missing key counts as 0."},
    {"get", 2, get, one_key, "string", "Returns a key's value."},
    {"incr", 2, incr, one_key, "string", "Adds one to a key's integer value. A missing key counts as 0."},
    {"incrby", 3, incrby, one_key, "string", "Adds a number to a key's integer value. A missing key counts as 0."},
    {"mget", -2, mget, {1, -1, 1}, "string", "Returns the values of several keys."},
    {"mset", -3, mset, {1, -1, 2}, "string", "Sets several keys at once."},
    {"set", -3, set, one_key, "string", "Sets a key's value: SET key value [NX | XX]."},
    {"strlen", 2, strlen, one_key, "string", "Returns the size of a key's value in bytes."},
};

}  // namespace

std::span<const CommandSpec> string_commands() { return table; }

}  // namespace keel
