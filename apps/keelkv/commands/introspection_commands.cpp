// COMMAND: the table of commands, told to clients.
#include <fmt/format.h>

#include "keelkv/commands/command_table.hpp"
#include "keelkv/data/glob.hpp"
#include "keelkv/resp/resp_writer.hpp"

namespace keel {

namespace {

std::string_view flag_of(const CommandSpec& command) {
  if (command.keys.counted_by > 0) return "movablekeys";
  if (command.is_write()) return "write";
  if (command.is_read()) return "readonly";
  return std::holds_alternative<TransactionStep>(command.handler) ? "fast" : "admin";
}

void describe(const CommandSpec& command, RespWriter& reply) {
  reply.array(10);
  reply.bulk(command.name);
  reply.integer(command.arity);
  reply.set(1);
  reply.status(flag_of(command));
  for (const int position : {command.keys.first, command.keys.last, command.keys.step})
    reply.integer(position);
  reply.set(1);
  reply.status(fmt::format("@{}", command.group));
  reply.array(0);  // tips
  reply.array(0);  // key specifications: the positions above say it all
  reply.array(command.subcommands.size());
  for (const CommandSpec& sub : command.subcommands)
    describe(sub, reply);
}

void document(const CommandSpec& command, RespWriter& reply) {
  reply.bulk(command.name);
  reply.map(command.subcommands.empty() ? 3 : 4);
  reply.bulk("summary");
  reply.bulk(command.summary);
  reply.bulk("since");
  reply.bulk("1.0.0");
  reply.bulk("group");
  reply.bulk(command.group);
  if (command.subcommands.empty()) return;
  reply.bulk("subcommands");
  reply.map(command.subcommands.size());
  for (const CommandSpec& sub : command.subcommands)
    document(sub, reply);
}

void command(KvConnection&, Args, RespWriter& reply) {
  const auto all = CommandTable::get().all();
  reply.array(all.size());
  for (const CommandSpec* const spec : all)
    describe(*spec, reply);
}

void count(KvConnection&, Args, RespWriter& reply) {
  reply.integer(static_cast<std::int64_t>(CommandTable::get().all().size()));
}

void command_info(KvConnection& connection, Args args, RespWriter& reply) {
  if (args.size() == 2) return command(connection, args, reply);
  reply.array(args.size() - 2);
  for (const std::string_view name : args.subspan(2)) {
    if (reply.overflowed()) return;
    const CommandSpec* const spec = CommandTable::get().find_in_full(name);
    spec == nullptr ? reply.null() : describe(*spec, reply);
  }
}

// Unknown names are left out, as Redis does.
void docs(KvConnection&, Args args, RespWriter& reply) {
  std::vector<const CommandSpec*> wanted;
  for (const std::string_view name : args.subspan(2)) {
    if (const CommandSpec* const spec = CommandTable::get().find_in_full(name)) wanted.push_back(spec);
  }
  if (args.size() == 2) wanted.assign(CommandTable::get().all().begin(), CommandTable::get().all().end());
  reply.map(wanted.size());
  for (const CommandSpec* const spec : wanted) {
    if (reply.overflowed()) return;
    document(*spec, reply);
  }
}

// COMMAND LIST [FILTERBY PATTERN pattern]
void command_list(KvConnection&, Args args, RespWriter& reply) {
  const bool filtered =
      args.size() == 5 && equal_ignoring_case(args[2], "filterby") && equal_ignoring_case(args[3], "pattern");
  if (args.size() != 2 && !filtered) return reply.error(errors::syntax);
  GlobSteps steps;
  std::vector<std::string_view> names;
  for (const CommandSpec* const spec : CommandTable::get().all()) {
    if (!filtered || matches_glob(args[4], spec->name, LetterCase::ignored, steps)) names.push_back(spec->name);
  }
  if (steps.spent()) return reply.error(GlobSteps::error);
  reply.array(names.size());
  for (const std::string_view name : names)
    reply.bulk(name);
}

// COMMAND GETKEYS command [argument ...]
void get_keys(KvConnection&, Args args, RespWriter& reply) {
  const Args named = args.subspan(2);
  const CommandSpec* const spec = CommandTable::get().find_in(named);
  if (spec == nullptr) return reply.error("ERR Invalid command specified");
  if (!spec->has_keys()) return reply.error("ERR The command has no key arguments");
  if (!spec->takes(named.size())) return reply.error("ERR Invalid number of arguments specified for command");
  const std::vector<std::string_view> keys = keys_of(*spec, named);
  if (keys.empty()) return reply.error("ERR Invalid arguments specified for command");
  reply.array(keys.size());
  for (const std::string_view key : keys)
    reply.bulk(key);
}

const CommandSpec introspection_subcommands[] = {
    {"command|count", 2, count, {}, "server", "Returns the number of commands."},
    {"command|docs", -2, docs, {}, "server", "Says what the commands are for."},
    {"command|getkeys", -4, get_keys, {}, "server", "Returns the keys among a command's arguments."},
    {"command|help", 2, list_subcommands, {}, "server", "Lists the subcommands."},
    {"command|info", -2, command_info, {}, "server", "Describes the commands named, or all."},
    {"command|list", -2, command_list, {}, "server", "Returns the commands' names."},
};

const CommandSpec introspection_table[] = {
    {"command", -1, command, {}, "server", "Describes all commands.", introspection_subcommands},
};

}  // namespace

void list_subcommands(KvConnection&, Args args, RespWriter& reply) {
  const CommandSpec* const container = CommandTable::get().find(args[0]);
  reply.array(container->subcommands.size());
  for (const CommandSpec& sub : container->subcommands) {
    reply.status(fmt::format("{}: {}", sub.name.substr(container->name.size() + 1), sub.summary));
  }
}

std::span<const CommandSpec> introspection_commands() { return introspection_table; }

}  // namespace keel
