// Commands on keys, whatever their values are.
#include "keelkv/command_table.hpp"
#include "keelkv/kv_store.hpp"
#include "keelkv/resp_writer.hpp"

namespace keel {

namespace {

void del(KvStore& store, Args args, RespWriter& reply) {
  std::int64_t erased = 0;
  for (const std::string_view key : args.subspan(1))
    erased += store.erase(key) ? 1 : 0;
  reply.integer(erased);
}

// A key named twice counts twice.
void exists(const KvStore& store, Args args, RespWriter& reply) {
  std::int64_t found = 0;
  for (const std::string_view key : args.subspan(1))
    found += store.contains(key) ? 1 : 0;
  reply.integer(found);
}

void dbsize(const KvStore& store, Args, RespWriter& reply) { reply.integer(static_cast<std::int64_t>(store.size())); }

// SYNC and ASYNC are taken and mean the same: the keys are gone when the command is applied.
void flush(KvStore& store, Args args, RespWriter& reply) {
  const bool known =
      args.size() == 1 ||
      (args.size() == 2 && (equal_ignoring_case(args[1], "sync") || equal_ignoring_case(args[1], "async")));
  if (!known) return reply.error(errors::syntax);
  store.clear();
  reply.ok();
}

const CommandSpec table[] = {
    {"dbsize", 1, dbsize, {}, "server", "Returns the number of keys."},
    {"del", -2, del, {1, -1, 1}, "generic", "Deletes keys; returns how many there were."},
    {"exists", -2, exists, {1, -1, 1}, "generic", "Returns how many of the keys exist."},
    {"flushall", -1, flush, {}, "server", "Removes all keys."},
    {"flushdb", -1, flush, {}, "server", "Removes all keys: there is one database."},
};

}  // namespace

std::span<const CommandSpec> key_commands() { return table; }

}  // namespace keel
