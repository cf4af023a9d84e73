// KEEL: this node's own state. Nothing here asks another node, so that a demo or a test can look at each replica.
#include "keelkv/commands/command_table.hpp"
#include "keelkv/commands/typed_values.hpp"
#include "keelkv/server/info.hpp"
#include "keelkv/server/kv_connection.hpp"
#include "keelkv/server/kv_server.hpp"

namespace keel {

namespace {

void applied(KvConnection& connection, Args, RespWriter& reply) {
  reply.integer(static_cast<std::int64_t>(connection.server().applied().value()));
}

// The applied index, and the key's value there.
void keel_get(KvConnection& connection, Args args, RespWriter& reply) {
  reply.array(2);
  reply.integer(static_cast<std::int64_t>(connection.server().applied().value()));
  const KvStore& store = connection.server().machine().store();
  KvView view(store, store.now(), 0);
  const auto* const entry = view.find(args[2]);
  const StringValue* const value = value_of<StringValue>(entry);
  if (value != nullptr) return reply.bulk(value->text());
  entry == nullptr ? reply.null() : reply.error(errors::wrong_type);
}

void status(KvConnection& connection, Args, RespWriter& reply) { reply.bulk(status_json(connection.server())); }

const CommandSpec keel_subcommands[] = {
    {"keel|applied", 2, applied, {}, "keel", "Returns the index of the last entry applied on this node."},
    {"keel|get", 3, keel_get, {2, 2, 1}, "keel", "Returns this node's applied index and the key's value there."},
    {"keel|help", 2, list_subcommands, {}, "keel", "Lists the subcommands."},
    {"keel|status", 2, status, {}, "keel", "Describes this node, as one line of JSON."},
};

const CommandSpec keel_table[] = {
    {"keel", -2, SessionHandler{nullptr}, {}, "keel", "About this replica alone.", keel_subcommands},
};

}  // namespace

std::span<const CommandSpec> keel_commands() { return keel_table; }

}  // namespace keel
