#pragma once

#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "keelkv/commands/command.hpp"

namespace keel {

// Every command there is, by name. One table for dispatch, for what replicas may apply, and for COMMAND.
class CommandTable {
 public:
  static const CommandTable& get();

  [[nodiscard]] std::span<const CommandSpec* const> all() const { return ordered_; }
  // By name, in any case; null if there is none.
  [[nodiscard]] const CommandSpec* find(std::string_view name) const;
  // The same, and subcommands as "client|id".
  [[nodiscard]] const CommandSpec* find_in_full(std::string_view name) const;
  // The command or subcommand that a client's words begin with, whether its arity fits or not.
  [[nodiscard]] const CommandSpec* find_in(Args args) const;

  // What a client asked for: a command whose arity fits, or the error to answer.
  struct Unknown {
    std::string error;
  };
  [[nodiscard]] std::variant<const CommandSpec*, Unknown> resolve(Args args) const;

 private:
  CommandTable();
  void add(std::span<const CommandSpec> commands);

  struct NameHash {
    std::size_t operator()(std::string_view name) const;
  };
  struct SameName {
    bool operator()(std::string_view a, std::string_view b) const { return equal_ignoring_case(a, b); }
  };
  std::vector<const CommandSpec*> ordered_;
  std::unordered_map<std::string_view, const CommandSpec*, NameHash, SameName> by_name_;
};

// The keys among a command's arguments, which fit its arity; none if they do not say how many there are.
[[nodiscard]] std::vector<std::string_view> keys_of(const CommandSpec& command, Args args);

// CLIENT HELP and its like: the subcommands of the container that was named.
void list_subcommands(KvConnection& connection, Args args, RespWriter& reply);

// The table's parts, each beside its handlers.
std::span<const CommandSpec> string_commands();
std::span<const CommandSpec> bit_commands();
std::span<const CommandSpec> lcs_commands();
std::span<const CommandSpec> key_commands();
std::span<const CommandSpec> expiry_commands();
std::span<const CommandSpec> scan_commands();
std::span<const CommandSpec> hash_commands();
std::span<const CommandSpec> set_commands();
std::span<const CommandSpec> list_commands();
std::span<const CommandSpec> sorted_set_commands();
std::span<const CommandSpec> sorted_range_commands();
std::span<const CommandSpec> transaction_commands();
std::span<const CommandSpec> connection_commands();
std::span<const CommandSpec> client_commands();
std::span<const CommandSpec> cluster_commands();
std::span<const CommandSpec> server_commands();
std::span<const CommandSpec> introspection_commands();
std::span<const CommandSpec> keel_commands();

}  // namespace keel
