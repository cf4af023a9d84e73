// When keys die.
#include <algorithm>

#include <fmt/format.h>

#include "keelkv/commands/command_table.hpp"
#include "keelkv/commands/typed_values.hpp"
#include "keelkv/data/expiry.hpp"

namespace keel {

std::optional<ExpiryForm> expiry_option(std::string_view word) {
  if (equal_ignoring_case(word, "ex")) return ExpiryForm{.in_seconds = true, .relative = true};
  if (equal_ignoring_case(word, "px")) return ExpiryForm{.in_seconds = false, .relative = true};
  if (equal_ignoring_case(word, "exat")) return ExpiryForm{.in_seconds = true, .relative = false};
  if (equal_ignoring_case(word, "pxat")) return ExpiryForm{.in_seconds = false, .relative = false};
  return std::nullopt;
}

std::optional<std::int64_t> expiry_of(std::int64_t value, ExpiryForm form, std::int64_t now) {
  std::int64_t time = value;
  if (form.in_seconds && __builtin_mul_overflow(value, 1000, &time)) return std::nullopt;
  if (form.relative && __builtin_add_overflow(time, now, &time)) return std::nullopt;
  return std::min(time, never - 1);
}

namespace {

// NX, XX, GT and LT: when an expiry may take the place of what there is.
struct Conditions {
  bool only_none = false;
  bool only_some = false;
  bool only_later = false;
  bool only_earlier = false;

  // An expiry that is not there counts as endless.
  [[nodiscard]] bool allow(std::int64_t old, std::int64_t time) const {
    if (only_none && old != never) return false;
    if (only_some && old == never) return false;
    if (only_later && time <= old) return false;
    return !only_earlier || time < old;
  }
};

// False when it is answered.
bool read_conditions(Args options, Conditions& conditions, RespWriter& reply) {
  for (const std::string_view option : options) {
    if (equal_ignoring_case(option, "nx")) {
      conditions.only_none = true;
    } else if (equal_ignoring_case(option, "xx")) {
      conditions.only_some = true;
    } else if (equal_ignoring_case(option, "gt")) {
      conditions.only_later = true;
    } else if (equal_ignoring_case(option, "lt")) {
      conditions.only_earlier = true;
    } else {
      reply.error(fmt::format("ERR Unsupported option {}", option.substr(0, 128)));
      return false;
    }
  }
  if (conditions.only_none && (conditions.only_some || conditions.only_later || conditions.only_earlier)) {
    reply.error("ERR NX and XX, GT or LT options at the same time are not compatible");
    return false;
  }
  if (conditions.only_later && conditions.only_earlier) {
    reply.error("ERR GT and LT options at the same time are not compatible");
    return false;
  }
  return true;
}

template <bool in_seconds, bool relative>
void expire(KvStore& store, Args args, RespWriter& reply) {
  constexpr std::string_view name = in_seconds ? (relative ? "expire" : "expireat")
                                    : relative ? "pexpire"
                                               : "pexpireat";
  Conditions conditions;
  if (!read_conditions(args.subspan(3), conditions, reply)) return;
  const auto value = parse_integer(args[2]);
  if (!value) return reply.error(errors::not_an_integer);
  const auto time = expiry_of(*value, {.in_seconds = in_seconds, .relative = relative}, store.now());
  if (!time) return reply.error(fmt::format("ERR invalid expire time in '{}' command", name));
  auto* const entry = store.find(args[1]);
  if (entry == nullptr || !conditions.allow(entry->second.value.expiry, *time)) return reply.integer(0);
  store.set_expiry(*entry, *time);
  reply.integer(1);
}

void persist(KvStore& store, Args args, RespWriter& reply) {
  auto* const entry = store.find(args[1]);
  if (entry == nullptr || entry->second.value.expiry == never) return reply.integer(0);
  store.set_expiry(*entry, never);
  reply.integer(1);
}

// -2: no such key; -1: it does not expire.
template <bool in_seconds, bool relative>
void tell_expiry(KvView& view, Args args, RespWriter& reply) {
  const auto* const entry = view.find(args[1]);
  if (entry == nullptr) return reply.integer(-2);
  const std::int64_t expiry = entry->second.value.expiry;
  if (expiry == never) return reply.integer(-1);
  const std::int64_t time = relative ? std::max<std::int64_t>(expiry - view.now(), 0) : expiry;
  if (!in_seconds) return reply.integer(time);
  reply.integer(relative ? (time + 500) / 1000 : time / 1000);
}

const CommandSpec expiry_table[] = {
    {"expire", -3, expire<true, true>, one_key, "generic",
     "Lets a key die so many seconds from now: [NX | XX | GT | LT]."},
    {"expireat", -3, expire<true, false>, one_key, "generic",
     "Lets a key die at a time in seconds: [NX | XX | GT | LT]."},
    {"expiretime", 2, tell_expiry<true, false>, one_key, "generic", "Returns when a key dies, in seconds."},
    {"persist", 2, persist, one_key, "generic", "Takes a key's expiry away."},
    {"pexpire", -3, expire<false, true>, one_key, "generic", "As EXPIRE, in milliseconds."},
    {"pexpireat", -3, expire<false, false>, one_key, "generic", "As EXPIREAT, in milliseconds."},
    {"pexpiretime", 2, tell_expiry<false, false>, one_key, "generic", "Returns when a key dies, in milliseconds."},
    {"pttl", 2, tell_expiry<false, true>, one_key, "generic", "Returns how long a key still lives, in milliseconds."},
    {"ttl", 2, tell_expiry<true, true>, one_key, "generic", "Returns how long a key still lives, in seconds."},
};

}  // namespace

std::span<const CommandSpec> expiry_commands() { return expiry_table; }

}  // namespace keel
