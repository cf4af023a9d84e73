// CLIENT: what connections say about themselves, and who they are.
#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <vector>

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

// Of the kinds of clients that Redis knows all here are normal ones. None: there is no such kind.
std::optional<bool> is_normal(std::string_view type) {
  if (equal_ignoring_case(type, "normal")) return true;
  for (const std::string_view other : {"master", "pubsub", "replica", "slave"}) {
    if (equal_ignoring_case(type, other)) return false;
  }
  return std::nullopt;
}
std::string unknown_type(std::string_view type) {
  return fmt::format("ERR Unknown client type '{}'", type.substr(0, 128));
}

template <class Wanted>
void list_those(const KvServer& server, Wanted wanted, RespWriter& reply) {
  const Instant now = server.executor().now();
  std::string lines;
  for (const auto& [number, other] : server.connections()) {
    if (wanted(number)) lines += describe(*other, other->session(), now);
  }
  reply.text(lines);
}

// CLIENT LIST [TYPE type] [ID id ...]
void client_list(KvConnection& connection, Args args, RespWriter& reply) {
  const KvServer& server = connection.server();
  if (args.size() == 2) return list_those(server, [](std::uint64_t) { return true; }, reply);
  if (args.size() == 4 && equal_ignoring_case(args[2], "type")) {
    const auto normal = is_normal(args[3]);
    if (!normal) return reply.error(unknown_type(args[3]));
    return list_those(server, [&](std::uint64_t) { return *normal; }, reply);
  }
  if (args.size() == 3 || !equal_ignoring_case(args[2], "id")) return reply.error(errors::syntax);
  std::set<std::uint64_t> wanted;  // each is told once, however often it is named
  for (const std::string_view text : args.subspan(3)) {
    const auto number = parse_integer(text);
    if (!number) return reply.error("ERR Invalid client ID");
    wanted.insert(static_cast<std::uint64_t>(*number));
  }
  list_those(server, [&](std::uint64_t number) { return wanted.contains(number); }, reply);
}

// Whom CLIENT KILL closes: those whom all that is asked for fits.
struct KillFilter {
  std::optional<std::uint64_t> id;
  std::optional<std::string_view> peer;
  std::optional<std::string_view> local;
  bool normal = true;
  bool skip_self = true;

  [[nodiscard]] bool fits(const KvSession& session) const {
    return normal && id.value_or(session.id) == session.id && peer.value_or(session.peer) == session.peer &&
           local.value_or(session.local) == session.local;
  }
};

// One pair of words; the error, or nothing.
std::string read_filter(KillFilter& filter, std::string_view name, std::string_view value) {
  const auto is = [&](std::string_view known) { return equal_ignoring_case(name, known); };
  if (is("id")) {
    const auto number = parse_integer(value);
    if (!number || *number < 1) return "ERR client-id should be greater than 0";
    filter.id = static_cast<std::uint64_t>(*number);
  } else if (is("addr")) {
    filter.peer = value;
  } else if (is("laddr")) {
    filter.local = value;
  } else if (is("type")) {
    const auto normal = is_normal(value);
    if (!normal) return unknown_type(value);
    filter.normal = *normal;
  } else if (is("user")) {
    if (value != "default") return fmt::format("ERR No such user '{}'", value.substr(0, 128));
  } else if (is("skipme") && (equal_ignoring_case(value, "yes") || equal_ignoring_case(value, "no"))) {
    filter.skip_self = equal_ignoring_case(value, "yes");
  } else {
    return std::string(errors::syntax);
  }
  return {};
}

std::int64_t close_those(KvConnection& own, const KillFilter& filter) {
  std::vector<boost::intrusive_ptr<KvConnection>> found;  // the server forgets whom we close
  for (const auto& [number, other] : own.server().connections()) {
    const bool spared = other.get() == &own && filter.skip_self;
    if (!spared && filter.fits(other->session())) found.push_back(other);
  }
  for (const auto& other : found)
    other.get() == &own ? own.close_after_reply() : other->close();
  return static_cast<std::int64_t>(found.size());
}

// CLIENT KILL addr, or CLIENT KILL [ID id] [ADDR addr] [LADDR addr] [TYPE type] [USER name] [SKIPME yes|no]
void kill(KvConnection& connection, Args args, RespWriter& reply) {
  KillFilter filter;
  if (args.size() == 3) {
    filter.peer = args[2];
    filter.skip_self = false;
    return close_those(connection, filter) == 0 ? reply.error("ERR No such client") : reply.ok();
  }
  for (std::size_t i = 2; i < args.size(); i += 2) {
    if (i + 1 == args.size()) return reply.error(errors::syntax);
    if (const std::string wrong = read_filter(filter, args[i], args[i + 1]); !wrong.empty()) return reply.error(wrong);
  }
  reply.integer(close_those(connection, filter));
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
    {"client|kill", -3, kill, {}, "connection", "Closes connections: by ID, ADDR, LADDR, TYPE, USER."},
    {"client|list", -2, client_list, {}, "connection", "Describes all connections, or those of a TYPE or with an ID."},
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
