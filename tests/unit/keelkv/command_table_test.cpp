#include "keelkv/commands/command_table.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace keel {
namespace {

std::string refusal(std::vector<std::string_view> args) {
  const auto resolved = CommandTable::get().resolve(args);
  const auto* unknown = std::get_if<CommandTable::Unknown>(&resolved);
  return unknown == nullptr ? "" : unknown->error;
}

// As a redis-server 7 words them.
TEST(CommandTable, RefusesInRedisWords) {
  EXPECT_EQ(refusal({"foo", "bar", "baz"}), "ERR unknown command 'foo', with args beginning with: 'bar' 'baz' ");
  EXPECT_EQ(refusal({"GET"}), "ERR wrong number of arguments for 'get' command");
  EXPECT_EQ(refusal({"set", "k"}), "ERR wrong number of arguments for 'set' command");
  EXPECT_EQ(refusal({"CLIENT"}), "ERR wrong number of arguments for 'client' command");
  EXPECT_EQ(refusal({"client", "foo"}), "ERR unknown subcommand 'foo'. Try CLIENT HELP.");
  EXPECT_EQ(refusal({"CLIENT", "SETNAME"}), "ERR wrong number of arguments for 'client|setname' command");
  EXPECT_EQ(refusal({"sEt", "k", "v"}), "");
}

TEST(CommandTable, AnErrorShowsOnlyTheBeginningOfLongArguments) {
  const std::string large(100'000, 'x');
  EXPECT_LT(refusal({large, large, large}).size(), 400u);
  EXPECT_LT(refusal({"client", large}).size(), 400u);
}

TEST(CommandTable, EveryRowFitsItsHandler) {
  for (const CommandSpec* const command : CommandTable::get().all()) {
    EXPECT_NE(command->arity, 0) << command->name;
    EXPECT_FALSE(command->summary.empty()) << command->name;
    EXPECT_FALSE(command->group.empty()) << command->name;
    const auto callable = [](const CommandSpec& spec) {
      const auto is_there = [](auto handler) {
        if constexpr (std::is_enum_v<decltype(handler)>) {
          return true;
        } else {
          return handler != nullptr;
        }
      };
      return std::visit(is_there, spec.handler);
    };
    EXPECT_TRUE(callable(*command) || !command->subcommands.empty()) << command->name;
    for (const CommandSpec& sub : command->subcommands) {
      EXPECT_TRUE(sub.name.starts_with(std::string(command->name) + "|")) << sub.name;
      EXPECT_TRUE(callable(sub)) << sub.name;
    }
    // Reads and writes that are not about all keys say which they touch.
    constexpr std::string_view about_all[] = {"dbsize", "flushall", "flushdb", "keys", "randomkey", "scan"};
    const bool touches_keys = (command->is_write() || command->is_read() || command->name == "watch") &&
                              std::ranges::find(about_all, command->name) == std::end(about_all);
    EXPECT_EQ(command->keys.first > 0 || command->keys.counted_by > 0, touches_keys) << command->name;
  }
}

TEST(CommandTable, KnowsWhereTheKeysAre) {
  const auto keys_in = [](std::vector<std::string_view> args) {
    return keys_of(*CommandTable::get().find(args[0]), args);
  };
  using Names = std::vector<std::string_view>;
  EXPECT_EQ(keys_in({"mset", "a", "1", "b", "2"}), (Names{"a", "b"}));
  EXPECT_EQ(keys_in({"rename", "a", "b"}), (Names{"a", "b"}));
  EXPECT_EQ(keys_in({"sintercard", "2", "a", "b", "limit", "5"}), (Names{"a", "b"}));
  for (const std::string_view wrong : {"3", "0", "-1", "x", "9223372036854775807"}) {
    EXPECT_EQ(keys_in({"sintercard", wrong, "a", "b"}), Names{}) << wrong;
  }
  EXPECT_EQ(keys_in({"ping"}), Names{});
}

TEST(ParseInteger, TakesWhatRedisTakes) {
  EXPECT_EQ(parse_integer("0"), 0);
  EXPECT_EQ(parse_integer("-12"), -12);
  EXPECT_EQ(parse_integer("9223372036854775807"), 9223372036854775807);
  EXPECT_EQ(parse_integer("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
  for (const std::string_view no : {"", "-", "+1", " 1", "1 ", "01", "-0", "1.0", "9223372036854775808", "x"}) {
    EXPECT_EQ(parse_integer(no), std::nullopt) << no;
  }
}

}  // namespace
}  // namespace keel
