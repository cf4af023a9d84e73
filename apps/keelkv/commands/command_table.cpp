#include "keelkv/commands/command_table.hpp"

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "keel/base/assert.hpp"
#include "keelkv/resp/resp_writer.hpp"

namespace keel {

namespace {

constexpr std::size_t shown_bytes = 128;  // of a client's words in an error

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

std::string_view shortened(std::string_view text) { return text.substr(0, shown_bytes); }

const CommandSpec* find_subcommand(const CommandSpec& container, std::string_view name) {
  const std::size_t prefix = container.name.size() + 1;
  const auto found = std::ranges::find_if(container.subcommands, [&](const CommandSpec& candidate) {
    return equal_ignoring_case(candidate.name.substr(prefix), name);
  });
  return found == container.subcommands.end() ? nullptr : &*found;
}

std::string unknown_command(Args args) {
  std::string rest;
  for (const std::string_view arg : args.subspan(1)) {
    if (rest.size() >= shown_bytes) break;
    rest += fmt::format("'{}' ", arg.substr(0, shown_bytes - rest.size()));
  }
  return fmt::format("ERR unknown command '{}', with args beginning with: {}", shortened(args[0]), rest);
}

std::string upper(std::string_view name) {
  std::string out(name);
  for (char& c : out)
    c = c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c;
  return out;
}

}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) { return std::ranges::equal(a, b, {}, lower, lower); }

bool is_our_database(std::string_view number, RespWriter& reply) {
  const auto parsed = parse_integer(number);
  if (parsed == 0) return true;
  if (!parsed) {
    reply.error(errors::not_an_integer);
  } else if (*parsed != static_cast<std::int32_t>(*parsed)) {
    reply.error("ERR value is out of range, value must between -2147483648 and 2147483647");
  } else {
    reply.error("ERR DB index is out of range");
  }
  return false;
}

std::string_view wrong_with_name(std::string_view name) {
  constexpr std::size_t max_name_size = 128;
  if (name.size() > max_name_size) return "cannot be longer than 128 bytes.";
  const bool shows = std::ranges::all_of(name, [](char c) { return c > ' ' && c <= '~'; });
  return shows ? "" : "cannot contain spaces, newlines or special characters.";
}

std::size_t CommandTable::NameHash::operator()(std::string_view name) const {
  std::size_t hash = 14695981039346656037u;  // FNV-1a: names are short
  for (const char c : name)
    hash = (hash ^ static_cast<unsigned char>(lower(c))) * 1099511628211u;
  return hash;
}

const CommandTable& CommandTable::get() {
  static const CommandTable table;
  return table;
}

CommandTable::CommandTable() {
  for (const auto commands : {string_commands(), bit_commands(), lcs_commands(), key_commands(), expiry_commands(),
                              scan_commands(), hash_commands(), set_commands(), list_commands(), sorted_set_commands(),
                              sorted_range_commands(), transaction_commands(), connection_commands(), client_commands(),
                              cluster_commands(), server_commands(), introspection_commands(), keel_commands()}) {
    add(commands);
  }
  std::ranges::sort(ordered_, {}, &CommandSpec::name);
}

void CommandTable::add(std::span<const CommandSpec> commands) {
  for (const CommandSpec& command : commands) {
    const bool added = by_name_.emplace(command.name, &command).second;
    KEEL_ASSERT(added, "a command is in the table once");
    ordered_.push_back(&command);
  }
}

const CommandSpec* CommandTable::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

const CommandSpec* CommandTable::find_in_full(std::string_view name) const {
  const std::size_t bar = name.find('|');
  const CommandSpec* const command = find(name.substr(0, bar));
  if (command == nullptr || bar == std::string_view::npos) return command;
  return find_subcommand(*command, name.substr(bar + 1));
}

const CommandSpec* CommandTable::find_in(Args args) const {
  const CommandSpec* const command = find(args[0]);
  if (command == nullptr || command->subcommands.empty() || args.size() == 1) return command;
  return find_subcommand(*command, args[1]);
}

std::variant<const CommandSpec*, CommandTable::Unknown> CommandTable::resolve(Args args) const {
  const CommandSpec* const container = find(args[0]);
  if (container == nullptr) return Unknown{unknown_command(args)};
  const CommandSpec* const command = find_in(args);
  if (command == nullptr) {
    return Unknown{
        fmt::format("ERR unknown subcommand '{}'. Try {} HELP.", shortened(args[1]), upper(container->name))};
  }
  if (!command->takes(args.size())) {
    return Unknown{fmt::format("ERR wrong number of arguments for '{}' command", command->name)};
  }
  return command;
}

std::vector<std::string_view> keys_of(const CommandSpec& command, Args args) {
  const auto size = static_cast<std::int64_t>(args.size());
  KeyPositions keys = command.keys;
  if (keys.counted_by > 0) {
    const auto count = parse_integer(args[static_cast<std::size_t>(keys.counted_by)]);
    if (!count || *count < 1 || *count > size - keys.counted_by - 1) return {};
    keys = {keys.counted_by + 1, keys.counted_by + static_cast<int>(*count), 1};
  }
  if (keys.first == 0) return {};
  const std::int64_t last = keys.last < 0 ? size + keys.last : keys.last;
  std::vector<std::string_view> found;
  for (std::int64_t i = keys.first; i <= last; i += keys.step)
    found.push_back(args[static_cast<std::size_t>(i)]);
  return found;
}

}  // namespace keel
