// Commands on keys, whatever they hold.
#include "keelkv/commands/command_table.hpp"
#include "keelkv/commands/typed_values.hpp"
#include "keelkv/data/encoding_name.hpp"

namespace keel {

namespace {

void del(KvStore& store, Args args, RespWriter& reply) {
  std::int64_t erased = 0;
  for (const std::string_view key : args.subspan(1)) {
    auto* const entry = store.find(key);
    if (entry == nullptr) continue;
    store.erase(*entry);
    ++erased;
  }
  reply.integer(erased);
}

// A key named twice counts twice.
void exists(KvView& view, Args args, RespWriter& reply) {
  std::int64_t found = 0;
  for (const std::string_view key : args.subspan(1))
    found += view.find(key) != nullptr ? 1 : 0;
  reply.integer(found);
}

void type(KvView& view, Args args, RespWriter& reply) {
  const auto* const entry = view.find(args[1]);
  reply.status(entry == nullptr ? "none" : type_name(entry->second.value.value));
}

void rename(KvStore& store, Args args, RespWriter& reply) {
  auto* const from = store.find(args[1]);
  if (from == nullptr) return reply.error(errors::no_such_key);
  if (args[1] != args[2]) store.rename(*from, args[2]);
  reply.ok();
}

void renamenx(KvStore& store, Args args, RespWriter& reply) {
  auto* const from = store.find(args[1]);
  if (from == nullptr) return reply.error(errors::no_such_key);
  const HashedKey to(args[2]);
  if (store.find(to) != nullptr) return reply.integer(0);
  store.rename(*from, to);
  reply.integer(1);
}

// COPY from to [DB 0] [REPLACE]
void copy(KvStore& store, Args args, RespWriter& reply) {
  bool replaces = false;
  for (std::size_t i = 3; i < args.size(); ++i) {
    if (equal_ignoring_case(args[i], "replace")) {
      replaces = true;
    } else if (equal_ignoring_case(args[i], "db") && i + 1 < args.size()) {
      if (!is_our_database(args[++i], reply)) return;
    } else {
      return reply.error(errors::syntax);
    }
  }
  if (args[1] == args[2]) return reply.error("ERR source and destination objects are the same");
  const auto* const from = store.find(args[1]);
  if (from == nullptr) return reply.integer(0);
  const HashedKey to(args[2]);
  if (store.find(to) != nullptr && !replaces) return reply.integer(0);
  store.put(to, copy_of(from->second.value.value), from->second.value.expiry);
  reply.integer(1);
}

void dbsize(KvView& view, Args, RespWriter& reply) { reply.integer(as_integer(view.size())); }

// Any that is alive, from a place chosen at random on.
void randomkey(KvView& view, Args, RespWriter& reply) {
  const std::size_t size = view.keys().size();
  const std::size_t start = size == 0 ? 0 : view.random() % size;
  for (std::size_t i = 0; i < size; ++i) {
    const auto& entry = view.keys().at((start + i) % size);
    if (view.sees(entry)) return reply.bulk(entry.first);
  }
  reply.null();
}

// SYNC and ASYNC are taken and mean the same: the keys are gone when the command is applied.
void flush(KvStore& store, Args args, RespWriter& reply) {
  const bool known =
      args.size() == 1 ||
      (args.size() == 2 && (equal_ignoring_case(args[1], "sync") || equal_ignoring_case(args[1], "async")));
  if (!known) return reply.error(errors::syntax);
  store.clear();
  reply.ok();
}

void object_encoding(KvView& view, Args args, RespWriter& reply) {
  const auto* const entry = view.find(args[2]);
  entry == nullptr ? reply.null() : reply.bulk(encoding_name(entry->second.value.value));
}

// Nothing is shared, and uses are not counted: every key was just used.
template <int answer>
void object_number(KvView& view, Args args, RespWriter& reply) {
  view.find(args[2]) == nullptr ? reply.null() : reply.integer(answer);
}

void object_freq(KvView& view, Args args, RespWriter& reply) {
  if (view.find(args[2]) == nullptr) return reply.null();
  reply.error(
      "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching "
      "between policies at runtime LRU and LFU data will take some time to adjust.");
}

constexpr KeyPositions second_is_key{2, 2, 1};

const CommandSpec object_subcommands[] = {
    {"object|encoding", 3, object_encoding, second_is_key, "generic", "Returns how Redis would keep the value."},
    {"object|freq", 3, object_freq, second_is_key, "generic", "Uses of keys are not counted."},
    {"object|help", 2, list_subcommands, {}, "generic", "Lists the subcommands."},
    {"object|idletime", 3, object_number<0>, second_is_key, "generic", "Uses of keys are not counted: 0."},
    {"object|refcount", 3, object_number<1>, second_is_key, "generic", "Values are not shared: 1."},
};

const CommandSpec key_table[] = {
    {"copy", -3, copy, {1, 2, 1}, "generic", "Copies a key: COPY from to [DB 0] [REPLACE]."},
    {"dbsize", 1, dbsize, {}, "server", "Returns the number of keys."},
    {"del", -2, del, all_keys, "generic", "Deletes keys; returns how many there were."},
    {"exists", -2, exists, all_keys, "generic", "Returns how many of the keys exist."},
    {"flushall", -1, flush, {}, "server", "Removes all keys."},
    {"flushdb", -1, flush, {}, "server", "Removes all keys: there is one database."},
    {"object", -2, SessionHandler{nullptr}, {}, "generic", "About the value of a key.", object_subcommands},
    {"randomkey", 1, randomkey, {}, "generic", "Returns any key."},
    {"rename", 3, rename, {1, 2, 1}, "generic", "Renames a key."},
    {"renamenx", 3, renamenx, {1, 2, 1}, "generic", "Renames a key if there is none of the new name."},
    {"touch", -2, exists, all_keys, "generic", "Returns how many of the keys exist: uses are not counted."},
    {"type", 2, type, one_key, "generic", "Returns the type of what a key holds."},
    {"unlink", -2, del, all_keys, "generic", "As DEL."},
};

}  // namespace

std::span<const CommandSpec> key_commands() { return key_table; }

}  // namespace keel
