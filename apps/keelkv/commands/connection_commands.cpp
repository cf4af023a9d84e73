// Commands about the connection: greeting, liveness, leaving.
#include <algorithm>

#include <fmt/format.h>

#include "keelkv/commands/command_table.hpp"
#include "keelkv/server/auth.hpp"
#include "keelkv/server/kv_connection.hpp"
#include "keelkv/server/kv_server.hpp"

namespace keel {

namespace {

void ping(Args args, RespWriter& reply) {
  if (args.size() > 2) return reply.error("ERR wrong number of arguments for 'ping' command");
  if (args.size() == 1) return reply.status("PONG");
  reply.bulk(args[1]);
}

void echo(Args args, RespWriter& reply) { reply.bulk(args[1]); }

void select(Args args, RespWriter& reply) {
  if (!is_our_database(args[1], reply)) return;
  reply.ok();
}

void quit(KvConnection& connection, Args, RespWriter& reply) {
  reply.ok();
  connection.close_after_reply();
}

// AUTH [user] password
void auth(KvConnection& connection, Args args, RespWriter& reply) {
  if (args.size() > 3) return reply.error(errors::syntax);
  if (args.size() == 2 && connection.server().settings().password.empty()) {
    return reply.error(
        "ERR AUTH <password> called without any password configured for the default user. Are you sure your "
        "configuration is correct?");
  }
  const std::string_view user = args.size() == 3 ? args[1] : "default";
  if (!sign_in(connection, user, args.back())) return reply.error(wrong_password);
  reply.ok();
}

// As if the connection were new; but what its library is called stays.
void reset(KvConnection& connection, Args, RespWriter& reply) {
  KvSession& session = connection.session();
  connection.forget_transaction();
  session.name.clear();
  session.authenticated = connection.server().settings().password.empty();
  session.read_only = session.no_evict = session.no_touch = false;
  session.version = RespVersion::resp2;
  reply.status("RESET");
}

// A node that sends clients on is one of a cluster; any other takes everything, like a single master.
void greet(KvConnection& connection, RespWriter& reply) {
  const KvServer& server = connection.server();
  const bool in_cluster = server.settings().on_follower == OnFollower::moved;
  const bool leads = !in_cluster || server.replica().leader() == server.settings().id;
  reply.map(7);
  const auto field = [&](std::string_view name, std::string_view value) {
    reply.bulk(name);
    reply.bulk(value);
  };
  field("server", "redis");  // clients choose what to do by it; INFO tells who this is
  field("version", redis_version);
  reply.bulk("proto");
  reply.integer(static_cast<std::int64_t>(connection.session().version));
  reply.bulk("id");
  reply.integer(static_cast<std::int64_t>(connection.session().id));
  field("mode", in_cluster ? "cluster" : "standalone");
  field("role", leads ? "master" : "replica");
  reply.bulk("modules");
  reply.array(0);
}

// What may follow HELLO's version: [AUTH user password] [SETNAME name]. An empty error means that all fits.
std::string read_hello_options(KvConnection& connection, Args options, std::string_view& name) {
  while (!options.empty()) {
    if (equal_ignoring_case(options[0], "auth") && options.size() >= 3) {
      if (!sign_in(connection, options[1], options[2])) return std::string(wrong_password);
      options = options.subspan(3);
    } else if (equal_ignoring_case(options[0], "setname") && options.size() >= 2) {
      const std::string_view wrong = wrong_with_name(options[1]);
      if (!wrong.empty()) return fmt::format("ERR Client names {}", wrong);
      name = options[1];
      options = options.subspan(2);
    } else {
      return fmt::format("ERR Syntax error in HELLO option '{}'", options[0].substr(0, 128));
    }
  }
  return {};
}

// HELLO [2 | 3 [AUTH user password] [SETNAME name]]
void hello(KvConnection& connection, Args args, RespWriter& reply) {
  KvSession& session = connection.session();
  const auto version = args.size() == 1 ? static_cast<std::int64_t>(session.version) : parse_integer(args[1]);
  if (!version) return reply.error("ERR Protocol version is not an integer or out of range");
  if (*version != 2 && *version != 3) return reply.error("NOPROTO unsupported protocol version");
  std::string_view name = session.name;
  if (const std::string error =
          read_hello_options(connection, args.subspan(std::min<std::size_t>(args.size(), 2)), name);
      !error.empty())
    return reply.error(error);
  if (!connection.server().gate().knows(session)) {
    return reply.error(
        "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> "
        "<pass> option can be used to authenticate the client and select the RESP protocol version at the same time");
  }
  session.name = std::string(name);
  session.version = *version == 3 ? RespVersion::resp3 : RespVersion::resp2;
  reply.use(session.version);
  greet(connection, reply);
}

const CommandSpec connection_table[] = {
    {"auth", -2, auth, {}, "connection", "Signs in: AUTH [default] password."},
    {"echo", 2, echo, {}, "connection", "Returns its argument."},
    {"hello",
     -1,
     hello,
     {},
     "connection",
     "Greets the server and chooses the protocol: HELLO [2 | 3 [AUTH ...] [SETNAME ...]]."},
    {"ping", -1, ping, {}, "connection", "Returns PONG, or its argument."},
    {"quit", -1, quit, {}, "connection", "Closes the connection."},
    {"reset", 1, reset, {}, "connection", "Makes the connection as if it were new."},
    {"select", 2, select, {}, "connection", "Chooses a database: there is only number 0."},
};

}  // namespace

std::span<const CommandSpec> connection_commands() { return connection_table; }

}  // namespace keel
