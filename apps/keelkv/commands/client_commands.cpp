// CLIENT: what connections say about themselves, and who they are.
#include <chrono>
#include <set>

#include <fmt/format.h>

#include "keelkv/commands/command_table.hpp"
#include "keelkv/server/kv_connection.hpp"
#include "keelkv/server/kv_server.hpp"

namespace keel {

namespace {

// A line as in CLIENT LIST; what has no meaning here is left out.
std::string describe(const KvConnection& connection, const KvSession& session, Instant now) {
  const auto seconds_since = [&](Instant then) {
    return std::chrono::duration_cast<std::chrono::seconds>(now - then).count();
  };
  return fmt::format(
      "id={} addr={} laddr={} name={} age={} idle={} flags=N db=0 sub=0 psub=0 ssub=0 multi={} qbuf={} omem={} "
      "tot-mem={} "
      "cmd={} user=default lib-name={} lib-ver={} resp={}\n",
      session.id, session.peer, session.local, session.name, seconds_since(session.since),
      seconds_since(session.last_active), connection.transaction().queued(), connection.input_bytes(),
      connection.output_bytes(), connection.memory(), session.last_command, session.library_name,
      session.library_version, static_cast<int>(session.version));
}

void get_name(KvConnection& connection, Args, RespWriter& reply) {
  const std::string& name = connection.session().name;
  if (name.empty()) return reply.null();
  reply.bulk(name);
}

void set_name(KvConnection& connection, Args args, RespWriter& reply) {
  const std::string_view wrong = wrong_with_name(args[2]);
  if (!wrong.empty()) return reply.error(fmt::format("ERR Client names {}", wrong));
  connection.session().name = std::string(args[2]);
  reply.ok();
}

void set_info(KvConnection& connection, Args args, RespWriter& reply) {
  std::string* field = nullptr;
  if (equal_ignoring_case(args[2], "lib-name")) field = &connection.session().library_name;
  if (equal_ignoring_case(args[2], "lib-ver")) field = &connection.session().library_version;
  if (field == nullptr) return reply.error(fmt::format("ERR Unrecognized option '{}'", args[2].substr(0, 128)));
  const std::string_view wrong = wrong_with_name(args[3]);
  if (!wrong.empty()) return reply.error(fmt::format("ERR {} {}", args[2], wrong));
  *field = std::string(args[3]);
  reply.ok();
}

void id(KvConnection& connection, Args, RespWriter& reply) {
  reply.integer(static_cast<std::int64_t>(connection.session().id));
}

void client_info(KvConnection& connection, Args, RespWriter& reply) {
  reply.text(describe(connection, connection.session(), connection.server().executor().now()));
}

// CLIENT LIST [ID id ...]
void client_list(KvConnection& connection, Args args, RespWriter& reply) {
  KvServer& server = connection.server();
  const Instant now = server.executor().now();
  std::string lines;
  if (args.size() == 2) {
    for (const auto& [number, other] : server.connections())
      lines += describe(*other, other->session(), now);
    return reply.text(lines);
  }
  if (args.size() == 3 || !equal_ignoring_case(args[2], "id")) return reply.error(errors::syntax);
  std::set<std::uint64_t> wanted;  // each is told once, however often it is named
  for (const std::string_view text : args.subspan(3)) {
    const auto number = parse_integer(text);
    if (!number) return reply.error("ERR Invalid client ID");
    wanted.insert(static_cast<std::uint64_t>(*number));
  }
  for (const auto& [number, other] : server.connections()) {
    if (wanted.contains(number)) lines += describe(*other, other->session(), now);
  }
  reply.text(lines);
}

void kill(KvConnection& connection, Args args, RespWriter& reply) {
  if (!equal_ignoring_case(args[2], "id")) return reply.error("ERR CLIENT KILL takes ID and a client's id here");
  const auto number = parse_integer(args[3]);
  if (!number || *number < 1) return reply.error("ERR client-id should be greater than 0");
  const auto found = connection.server().connections().find(static_cast<std::uint64_t>(*number));
  if (found == connection.server().connections().end()) return reply.integer(0);
  if (found->second.get() == &connection) {
    connection.close_after_reply();
  } else {
    found->second->close();
  }
  reply.integer(1);
}

// Nothing is ever evicted, and there is no clock of uses: taken so that clients which ask are content.
void switch_flag(bool& flag, std::string_view value, RespWriter& reply) {
  if (!equal_ignoring_case(value, "on") && !equal_ignoring_case(value, "off")) return reply.error(errors::syntax);
  flag = equal_ignoring_case(value, "on");
  reply.ok();
}
void no_evict(KvConnection& connection, Args args, RespWriter& reply) {
  switch_flag(connection.session().no_evict, args[2], reply);
}
void no_touch(KvConnection& connection, Args args, RespWriter& reply) {
  switch_flag(connection.session().no_touch, args[2], reply);
}

const CommandSpec client_subcommands[] = {
    {"client|getname", 2, get_name, {}, "connection", "Returns the connection's name."},
    {"client|help", 2, list_subcommands, {}, "connection", "Lists the subcommands."},
    {"client|id", 2, id, {}, "connection", "Returns the connection's id."},
    {"client|info", 2, client_info, {}, "connection", "Describes the connection."},
    {"client|kill", 4, kill, {}, "connection", "Closes a connection: CLIENT KILL ID id."},
    {"client|list", -2, client_list, {}, "connection", "Describes all connections, or those with the given ids."},
    {"client|no-evict", 3, no_evict, {}, "connection", "Taken and kept; nothing is ever evicted."},
    {"client|no-touch", 3, no_touch, {}, "connection", "Taken and kept; uses of keys are not counted."},
    {"client|setinfo", 4, set_info, {}, "connection", "Names the client's library: LIB-NAME or LIB-VER."},
    {"client|setname", 3, set_name, {}, "connection", "Names the connection."},
};

const CommandSpec client_table[] = {
    {"client", -2, SessionHandler{nullptr}, {}, "connection", "About connections.", client_subcommands},
};

}  // namespace

std::span<const CommandSpec> client_commands() { return client_table; }

}  // namespace keel
