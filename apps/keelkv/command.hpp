#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

namespace keel {

class KvConnection;
class KvStore;
class RespWriter;

// A command's arguments, its name first.
using Args = std::span<const std::string_view>;

// What a command may touch is in its handler's type. A write runs when its log entry is applied, on every node alike,
// and may depend on nothing but the store and the arguments; its reply fits a line, because every node builds it, in
// batches, with nobody there to bound it. A read runs on the node that the client asked. The rest is
// about the connection or the server. Each appends exactly one reply.
using WriteHandler = void (*)(KvStore& store, Args args, RespWriter& reply);
using ReadHandler = void (*)(const KvStore& store, Args args, RespWriter& reply);
using SessionHandler = void (*)(KvConnection& connection, Args args, RespWriter& reply);
using CommandHandler = std::variant<SessionHandler, ReadHandler, WriteHandler>;

// Where a command's keys are among its arguments, as COMMAND tells it; `last` counts from the end when negative.
struct KeyPositions {
  int first = 0;  // 0: no keys
  int last = 0;
  int step = 0;
};

// One row of the command table. A container (CLIENT, say) has subcommands, and no handler that is ever called.
struct CommandSpec {
  std::string_view name;  // lower case; a subcommand's is "client|id"
  int arity = 0;          // the name counts; negative: at least that many
  CommandHandler handler = SessionHandler{nullptr};
  KeyPositions keys = {};
  std::string_view group;
  std::string_view summary;
  std::span<const CommandSpec> subcommands = {};

  [[nodiscard]] bool is_write() const { return std::holds_alternative<WriteHandler>(handler); }
  [[nodiscard]] bool is_read() const { return std::holds_alternative<ReadHandler>(handler); }
};

// The Redis whose commands, answers and words these are.
inline constexpr std::string_view redis_version = "7.2.0";

namespace errors {
inline constexpr std::string_view syntax = "ERR syntax error";
inline constexpr std::string_view not_an_integer = "ERR value is not an integer or out of range";
}  // namespace errors

// A 64-bit integer as Redis reads one: no sign but '-', no spaces, no zeros in front.
[[nodiscard]] std::optional<std::int64_t> parse_integer(std::string_view text);
[[nodiscard]] bool equal_ignoring_case(std::string_view a, std::string_view b);
// Why a connection or its library may not be named so, in words behind "ERR <what> "; empty when it may. Names must fit
// into a line of CLIENT LIST.
[[nodiscard]] std::string_view wrong_with_name(std::string_view name);

}  // namespace keel
