// Commands on strings.
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "keelkv/commands/command_table.hpp"
#include "keelkv/commands/typed_values.hpp"
#include "keelkv/data/expiry.hpp"

namespace keel {

namespace {

void reply_value(const KvStore::Entry* entry, RespWriter& reply) {
  const StringValue* const value = value_of<StringValue>(entry);
  value == nullptr ? reply.null() : reply.bulk(value->text());
}

void get(KvView& view, Args args, RespWriter& reply) {
  const auto* const entry = view.find(args[1]);
  if (fits<StringValue>(entry, reply)) reply_value(entry, reply);
}

void strlen(KvView& view, Args args, RespWriter& reply) {
  const auto found = look_up<StringValue>(view, args[1], reply);
  if (found) reply.integer(found.value == nullptr ? 0 : as_integer(found.value->bytes()));
}

// What is no string is not there.
void mget(KvView& view, Args args, RespWriter& reply) {
  reply.array(args.size() - 1);
  for (const std::string_view key : args.subspan(1))
    reply_value(view.find(key), reply);
}

// GETRANGE key first last
void getrange(KvView& view, Args args, RespWriter& reply) {
  const auto first = parse_integer(args[2]);
  const auto last = parse_integer(args[3]);
  if (!first || !last) return reply.error(errors::not_an_integer);
  const auto found = look_up<StringValue>(view, args[1], reply);
  if (!found) return;
  if (found.value == nullptr) return reply.bulk("");
  const std::string_view text = found.value->text();
  const Slice slice = text_slice_of(*first, *last, text.size());
  reply.bulk(text.substr(slice.first, slice.count));
}

// The options of SET, and those of GETEX.
struct SetOptions {
  bool only_new = false;
  bool only_existing = false;
  bool returns_old = false;
  bool keeps_expiry = false;
  bool persists = false;
  std::optional<ExpiryForm> form;
  std::string_view time;
};

// Takes one option, with what belongs to it, off the front; false when it is none, or does not go with the others.
bool take_option(Args& rest, SetOptions& options, bool of_set) {
  const std::string_view word = rest.front();
  rest = rest.subspan(1);
  if (of_set && equal_ignoring_case(word, "nx") && !options.only_existing) return options.only_new = true;
  if (of_set && equal_ignoring_case(word, "xx") && !options.only_new) return options.only_existing = true;
  if (of_set && equal_ignoring_case(word, "get")) return options.returns_old = true;
  if (of_set && equal_ignoring_case(word, "keepttl") && !options.form) return options.keeps_expiry = true;
  if (!of_set && equal_ignoring_case(word, "persist") && !options.form) return options.persists = true;
  const auto form = expiry_option(word);
  const bool given_otherwise = options.keeps_expiry || options.persists || (options.form && options.form != form);
  if (!form || rest.empty() || given_otherwise) return false;
  options.form = form;
  options.time = rest.front();
  rest = rest.subspan(1);
  return true;
}

// False when it is answered. Without an expiry among the options `expiry` stays as it is.
bool read_expiry(std::string_view time, ExpiryForm form, std::string_view name, std::int64_t now, std::int64_t& expiry,
                 RespWriter& reply) {
  const auto value = parse_integer(time);
  if (!value) {
    reply.error(errors::not_an_integer);
    return false;
  }
  const auto found = *value > 0 ? expiry_of(*value, form, now) : std::nullopt;
  if (!found) {
    reply.error(fmt::format("ERR invalid expire time in '{}' command", name));
    return false;
  }
  expiry = *found;
  return true;
}

// SET key value [NX | XX] [GET] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL]
void set(KvStore& store, Args args, RespWriter& reply) {
  if (args.size() == 3) {
    store.set(args[1], args[2]);
    return reply.ok();
  }
  SetOptions options;
  for (Args rest = args.subspan(3); !rest.empty();) {
    if (!take_option(rest, options, true)) return reply.error(errors::syntax);
  }
  std::int64_t expiry = never;
  if (options.form && !read_expiry(options.time, *options.form, "set", store.now(), expiry, reply)) return;

  const HashedKey key(args[1]);
  KvStore::Entry* const old = store.find(key);
  if (options.returns_old && !fits<StringValue>(old, reply)) return;
  const bool refused = (options.only_new && old != nullptr) || (options.only_existing && old == nullptr);
  if (options.returns_old) {
    reply_value(old, reply);
  } else {
    refused ? reply.null() : reply.ok();
  }
  if (refused) return;
  if (options.keeps_expiry && old != nullptr) expiry = old->second.value.expiry;
  KvStore::Entry& entry = store.set(key, args[2]);
  if (expiry != never) store.set_expiry(entry, expiry);
}

void setnx(KvStore& store, Args args, RespWriter& reply) {
  const HashedKey key(args[1]);
  const bool exists = store.find(key) != nullptr;
  if (!exists) store.set(key, args[2]);
  reply.integer(exists ? 0 : 1);
}

void set_with_expiry(KvStore& store, Args args, bool in_seconds, RespWriter& reply) {
  std::int64_t expiry = never;
  const std::string_view name = in_seconds ? "setex" : "psetex";
  if (!read_expiry(args[2], {.in_seconds = in_seconds, .relative = true}, name, store.now(), expiry, reply)) return;
  store.set_expiry(store.set(args[1], args[3]), expiry);
  reply.ok();
}
void setex(KvStore& store, Args args, RespWriter& reply) { set_with_expiry(store, args, true, reply); }
void psetex(KvStore& store, Args args, RespWriter& reply) { set_with_expiry(store, args, false, reply); }

void getset(KvStore& store, Args args, RespWriter& reply) {
  const auto found = find_value<StringValue>(store, args[1], reply);
  if (!found) return;
  reply_value(found.entry, reply);
  store.set(args[1], args[2]);
}

void getdel(KvStore& store, Args args, RespWriter& reply) {
  const auto found = find_value<StringValue>(store, args[1], reply);
  if (!found) return;
  reply_value(found.entry, reply);
  if (found.entry != nullptr) store.erase(*found.entry);
}

// GETEX key [EX s | PX ms | EXAT s | PXAT ms | PERSIST]
void getex(KvStore& store, Args args, RespWriter& reply) {
  SetOptions options;
  for (Args rest = args.subspan(2); !rest.empty();) {
    if (!take_option(rest, options, false)) return reply.error(errors::syntax);
  }
  const auto found = find_value<StringValue>(store, args[1], reply);
  if (!found) return;
  if (found.entry == nullptr) return reply.null();
  std::int64_t expiry = never;
  if (options.form && !read_expiry(options.time, *options.form, "getex", store.now(), expiry, reply)) return;
  reply_value(found.entry, reply);
  const bool has_expiry = found.entry->second.value.expiry != never;
  if (options.form || (options.persists && has_expiry)) store.set_expiry(*found.entry, expiry);
}

void set_pairs(KvStore& store, Args pairs) {
  for (std::size_t i = 0; i < pairs.size(); i += 2)
    store.set(pairs[i], pairs[i + 1]);
}

void mset(KvStore& store, Args args, RespWriter& reply) {
  if (args.size() % 2 == 0) return reply.error("ERR wrong number of arguments for 'mset' command");
  set_pairs(store, args.subspan(1));
  reply.ok();
}

// All, or none if one is there already.
void msetnx(KvStore& store, Args args, RespWriter& reply) {
  if (args.size() % 2 == 0) return reply.error("ERR wrong number of arguments for 'msetnx' command");
  for (std::size_t i = 1; i < args.size(); i += 2) {
    if (store.find(args[i]) != nullptr) return reply.integer(0);
  }
  set_pairs(store, args.subspan(1));
  reply.integer(1);
}

void append(KvStore& store, Args args, RespWriter& reply) {
  const HashedKey key(args[1]);
  KvStore::Entry* const entry = store.find(key);
  if (!fits<StringValue>(entry, reply)) return;
  const std::size_t size = (entry == nullptr ? 0 : value_of<StringValue>(entry)->bytes()) + args[2].size();
  if (size > max_value_bytes) return reply.error(errors::too_long);
  Edit<StringValue> value(store, entry == nullptr ? store.make<StringValue>(key) : *entry);
  value->append(args[2]);
  value.changed();
  reply.integer(as_integer(size));
}

// SETRANGE key offset value
void setrange(KvStore& store, Args args, RespWriter& reply) {
  const auto offset = parse_integer(args[2]);
  if (!offset) return reply.error(errors::not_an_integer);
  if (*offset < 0) return reply.error("ERR offset is out of range");
  const HashedKey key(args[1]);
  KvStore::Entry* const entry = store.find(key);
  if (!fits<StringValue>(entry, reply)) return;
  const std::size_t size = entry == nullptr ? 0 : value_of<StringValue>(entry)->bytes();
  if (args[3].empty()) return reply.integer(as_integer(size));
  const auto at = static_cast<std::size_t>(*offset);
  if (at > max_value_bytes || at + args[3].size() > max_value_bytes) return reply.error(errors::too_long);
  Edit<StringValue> value(store, entry == nullptr ? store.make<StringValue>(key) : *entry);
  value->write(at, args[3]);
  value.changed();
  reply.integer(as_integer(value->bytes()));
}

void add(KvStore& store, std::string_view name, std::int64_t increment, RespWriter& reply) {
  const HashedKey key(name);
  KvStore::Entry* const entry = store.find(key);
  if (!fits<StringValue>(entry, reply)) return;
  const auto value = entry == nullptr ? 0 : parse_integer(value_of<StringValue>(entry)->text());
  if (!value) return reply.error(errors::not_an_integer);
  std::int64_t sum = 0;
  if (__builtin_add_overflow(*value, increment, &sum)) return reply.error("ERR increment or decrement would overflow");
  std::array<char, 24> digits{};
  const char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), sum).ptr;
  Edit<StringValue> edit(store, entry == nullptr ? store.make<StringValue>(key) : *entry);
  edit->assign({digits.data(), static_cast<std::size_t>(end - digits.data())});
  edit.changed();
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

void incrbyfloat(KvStore& store, Args args, RespWriter& reply) {
  const HashedKey key(args[1]);
  KvStore::Entry* const entry = store.find(key);
  if (!fits<StringValue>(entry, reply)) return;
  const auto value = entry == nullptr ? 0.0L : parse_long_double(value_of<StringValue>(entry)->text());
  const auto increment = parse_long_double(args[2]);
  if (!value || !increment) return reply.error(errors::not_a_float);
  const long double sum = *value + *increment;
  if (std::isnan(sum) || std::isinf(sum)) return reply.error("ERR increment would produce NaN or Infinity");
  const std::string text = to_text(sum);
  Edit<StringValue> edit(store, entry == nullptr ? store.make<StringValue>(key) : *entry);
  edit->assign(text);
  edit.changed();
  reply.bulk(text);
}

const CommandSpec string_table[] = {
    {"append", 3, append, one_key, "string", "Appends to a key's value. The key is made if it is not there."},
    {"decr", 2, decr, one_key, "string", "Takes one off a key's integer value. A missing key counts as 0."},
    {"decrby", 3, decrby, one_key, "string", "Takes a number off a key's integer value. A missing key counts as 0."},
    {"get", 2, get, one_key, "string", "Returns a key's value."},
    {"getdel", 2, getdel, one_key, "string", "Returns a key's value and deletes the key."},
    {"getex", -2, getex, one_key, "string",
     "Returns a key's value and sets its expiry: [EX | PX | EXAT | PXAT time | PERSIST]."},
    {"getrange", 4, getrange, one_key, "string", "Returns a part of a key's value, by first and last position."},
    {"getset", 3, getset, one_key, "string", "Sets a key's value and returns the old one."},
    {"incr", 2, incr, one_key, "string", "Adds one to a key's integer value. A missing key counts as 0."},
    {"incrby", 3, incrby, one_key, "string", "Adds a number to a key's integer value. A missing key counts as 0."},
    {"incrbyfloat", 3, incrbyfloat, one_key, "string", "Adds a number with a fraction to a key's value."},
    {"mget", -2, mget, {1, -1, 1}, "string", "Returns the values of several keys."},
    {"mset", -3, mset, {1, -1, 2}, "string", "Sets several keys at once."},
    {"msetnx", -3, msetnx, {1, -1, 2}, "string", "Sets several keys at once if none of them exists."},
    {"psetex", 4, psetex, one_key, "string", "Sets a key's value and lets it die in so many milliseconds."},
    {"set", -3, set, one_key, "string", "Sets a key's value: [NX | XX] [GET] [EX | PX | EXAT | PXAT time | KEEPTTL]."},
    {"setex", 4, setex, one_key, "string", "Sets a key's value and lets it die in so many seconds."},
    {"setnx", 3, setnx, one_key, "string", "Sets a key's value if it does not exist."},
    {"setrange", 4, setrange, one_key, "string", "Writes over a part of a key's value, from a position on."},
    {"strlen", 2, strlen, one_key, "string", "Returns the size of a key's value in bytes."},
    {"substr", 4, getrange, one_key, "string", "As GETRANGE."},
};

}  // namespace

std::span<const CommandSpec> string_commands() { return string_table; }

}  // namespace keel
