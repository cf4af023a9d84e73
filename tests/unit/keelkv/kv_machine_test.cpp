#include "keelkv/kv_machine.hpp"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "keelkv/command_bytes.hpp"

namespace keel {
namespace {

using testing::HasSubstr;
using Words = std::vector<std::string_view>;

// One machine and the log that it applies.
class Machine {
 public:
  std::string apply(const Words& args) { return apply_all({args}).at(0); }

  std::vector<std::string> apply_all(const std::vector<Words>& batch) {
    std::vector<std::string> entries;
    for (const Words& args : batch)
      encode_command(args, entries.emplace_back());
    return apply_entries(entries).value();
  }

  Result<Replies> apply_entries(const std::vector<std::string>& entries) {
    std::vector<Command> commands;
    for (const std::string& entry : entries) {
      commands.push_back({.index = ++last_,
                          .term = Term(1),
                          .kind = EntryKind::command,
                          .bytes = std::as_bytes(std::span(entry)),
                          .envelope = {},
                          .context = nullptr});
    }
    Result<Replies> replies = fail(ErrorCode::failed, "apply did not answer");
    machine_.apply(commands, last_, [&](Result<Replies> result) { replies = std::move(result); });
    return replies;
  }

  KvMachine& operator*() { return machine_; }
  KvMachine* operator->() { return &machine_; }

 private:
  KvMachine machine_;
  Index last_;
};

TEST(KvMachine, StringCommands) {
  Machine machine;
  EXPECT_EQ(machine.apply({"SET", "k", "v"}), "+OK\r\n");
  EXPECT_EQ(machine.apply({"set", "k", "w", "NX"}), "_\r\n");
  EXPECT_EQ(machine.apply({"set", "k", "w", "XX"}), "+OK\r\n");
  EXPECT_EQ(machine.apply({"set", "n", "w", "nx"}), "+OK\r\n");
  EXPECT_EQ(machine.apply({"set", "m", "w", "xx"}), "_\r\n");
  EXPECT_EQ(machine.apply({"set", "m", "w", "nx", "xx"}), "-ERR syntax error\r\n");
  EXPECT_EQ(machine.apply({"set", "m", "w", "sideways"}), "-ERR syntax error\r\n");
  EXPECT_THAT(machine.apply({"set", "m", "w", "EX", "10"}), HasSubstr("-ERR SET takes only NX and XX in this version"));
  EXPECT_FALSE(machine->store().contains("m"));
  EXPECT_EQ(machine.apply({"append", "k", "xyz"}), ":4\r\n");
  EXPECT_EQ(machine.apply({"append", "new", "xyz"}), ":3\r\n");
  EXPECT_EQ(*machine->store().find("k"), "wxyz");
  EXPECT_EQ(machine.apply({"mset", "a", "1", "b", "2"}), "+OK\r\n");
  EXPECT_EQ(machine.apply({"mset", "a", "1", "b"}), "-ERR wrong number of arguments for 'mset' command\r\n");
  EXPECT_EQ(machine.apply({"del", "a", "b", "c", "a"}), ":2\r\n");
  EXPECT_EQ(machine->store().size(), 3u);
  EXPECT_EQ(machine.apply({"flushall", "sideways"}), "-ERR syntax error\r\n");
  EXPECT_EQ(machine.apply({"flushall", "ASYNC"}), "+OK\r\n");
  EXPECT_EQ(machine->store().size(), 0u);
}

// Every node builds the reply to every write, a batch at a time: one as large as a value would cost a batch of small
// commands thousands of times their size in memory.
TEST(KvMachine, NoWriteIsAnsweredWithAValue) {
  Machine machine;
  const std::string large(1u << 20, 'v');
  for (const Words& args : std::vector<Words>{{"set", "k", large},
                                              {"set", "k", "x", "nx"},
                                              {"set", "k", "x", "nx", "get"},
                                              {"append", "k", large},
                                              {"mset", "k", large, large, "x"},
                                              {"incr", "k"},
                                              {"del", large}}) {
    EXPECT_LT(machine.apply(args).size(), 256u) << args[0];
  }
}

TEST(KvMachine, AppendingEndsAtTheLargestValue) {
  Machine machine;
  const std::string half(4u << 20, 'v');
  machine.apply({"set", "k", half});
  EXPECT_EQ(machine.apply({"append", "k", half}), ":8388608\r\n");
  const std::uint64_t hash = machine->store().hash();
  EXPECT_EQ(machine.apply({"append", "k", "x"}), "-ERR string exceeds maximum allowed size (8 MiB)\r\n");
  EXPECT_EQ(machine.apply({"append", "k", ""}), ":8388608\r\n");
  EXPECT_EQ(machine->store().hash(), hash);
}

// However a value came about, its blocks' hashes add up to the same.
TEST(KvMachine, AppendedPiecesHashLikeTheWhole) {
  std::mt19937 random(5);
  Machine pieces;
  Machine whole;
  std::string value;
  for (int i = 0; i < 200; ++i) {
    const std::string piece(random() % 300, static_cast<char>('a' + i % 26));
    value += piece;
    pieces.apply({"append", "k", piece});
    whole.apply({"set", "k", value});
    ASSERT_EQ(pieces->store().hash(), whole->store().hash()) << value.size();
  }
  ASSERT_GT(value.size(), 5 * 4096u);
  std::swap(value[0], value[value.size() - 1]);
  whole.apply({"set", "k", value});
  EXPECT_NE(pieces->store().hash(), whole->store().hash());
  pieces.apply({"del", "k"});
  EXPECT_EQ(pieces->store().hash(), 0u);
}

TEST(KvMachine, Counters) {
  Machine machine;
  EXPECT_EQ(machine.apply({"incr", "n"}), ":1\r\n");
  EXPECT_EQ(machine.apply({"incrby", "n", "41"}), ":42\r\n");
  EXPECT_EQ(machine.apply({"decrby", "n", "40"}), ":2\r\n");
  EXPECT_EQ(machine.apply({"decr", "n"}), ":1\r\n");
  EXPECT_EQ(machine.apply({"incrby", "n", "x"}), "-ERR value is not an integer or out of range\r\n");
  machine.apply({"set", "n", "9223372036854775807"});
  EXPECT_EQ(machine.apply({"incr", "n"}), "-ERR increment or decrement would overflow\r\n");
  EXPECT_EQ(machine.apply({"decrby", "n", "-9223372036854775808"}), "-ERR decrement would overflow\r\n");
  machine.apply({"set", "n", "01"});
  EXPECT_EQ(machine.apply({"incr", "n"}), "-ERR value is not an integer or out of range\r\n");
}

// A random history, the same for the same seed.
std::vector<std::vector<std::string>> history(unsigned seed, std::size_t size) {
  std::mt19937 random(seed);
  std::vector<std::vector<std::string>> commands;
  for (std::size_t i = 0; i < size; ++i) {
    const std::string key = "key" + std::to_string(random() % 20);
    switch (random() % 6) {
      case 0: commands.push_back({"del", key}); break;
      case 1: commands.push_back({"append", key, "tail"}); break;
      case 2: commands.push_back({"incr", "n" + key}); break;
      case 3: commands.push_back({"mset", key, "1", key + "b", std::string(random() % 200, 'm')}); break;
      case 4:
        if (random() % 20 == 0) commands.push_back({"flushall"});
        break;
      default: commands.push_back({"set", key, std::string(random() % 300, 'v')});
    }
  }
  return commands;
}

std::vector<Words> as_words(const std::vector<std::vector<std::string>>& commands) {
  std::vector<Words> words;
  for (const auto& command : commands)
    words.emplace_back(command.begin(), command.end());
  return words;
}

// Batches of any size give the same replies, state and hashes.
TEST(KvMachine, IsDeterministicHoweverTheLogIsBatched) {
  const auto commands = history(7, 3000);
  const std::vector<Words> words = as_words(commands);
  Machine at_once;
  Machine one_by_one;
  const auto replies = at_once.apply_all(words);
  for (std::size_t i = 0; i < words.size(); ++i)
    ASSERT_EQ(one_by_one.apply(words[i]), replies[i]) << i;
  EXPECT_EQ(at_once->store().hash(), one_by_one->store().hash());
  EXPECT_EQ(at_once->store().bytes(), one_by_one->store().bytes());
  ASSERT_EQ(at_once->checkpoints().size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(at_once->checkpoints()[i].index, Index((i + 1) * KvMachine::checkpoint_interval));
    EXPECT_EQ(at_once->checkpoints()[i].hash, one_by_one->checkpoints()[i].hash);
  }
  EXPECT_NE(at_once->checkpoints()[0].hash, at_once->checkpoints()[1].hash);
}

TEST(KvMachine, TheHashTellsTheStateAndNothingElse) {
  Machine one;
  Machine other;
  one.apply_all({{"set", "a", "1"}, {"set", "b", "2"}, {"set", "c", "3"}, {"del", "c"}});
  other.apply_all({{"set", "b", "x"}, {"append", "a", "1"}, {"set", "b", "2"}});
  EXPECT_EQ(one->store().hash(), other->store().hash());
  EXPECT_EQ(one->store().bytes(), 4u);
  other.apply({"set", "b", "3"});
  EXPECT_NE(one->store().hash(), other->store().hash());

  Machine swapped;  // the same keys and values, the other way round
  swapped.apply_all({{"set", "a", "2"}, {"set", "b", "1"}});
  EXPECT_NE(one->store().hash(), swapped->store().hash());
  one.apply({"flushall"});
  EXPECT_EQ(one->store().hash(), 0u);
  EXPECT_EQ(one->store().bytes(), 0u);
}

// An entry's index may lie beyond a checkpoint that nothing was applied at: entries of Raft's own lie between.
TEST(KvMachine, CheckpointsHoldTheStateAtTheirIndex) {
  KvMachine machine;
  std::string entry;
  encode_command(Words{"set", "k", "v"}, entry);
  std::vector<Command> commands(1);
  commands[0] = {.index = Index(1030),
                 .term = Term(1),
                 .kind = EntryKind::command,
                 .bytes = std::as_bytes(std::span(entry)),
                 .envelope = {},
                 .context = nullptr};
  machine.apply(commands, Index(2050), [](Result<Replies> replies) { EXPECT_TRUE(replies); });
  const auto checkpoints = machine.checkpoints();
  ASSERT_EQ(checkpoints.size(), 2u);
  EXPECT_EQ(checkpoints[0].hash, 0u);
  EXPECT_EQ(checkpoints[1].index, Index(2048));
  EXPECT_EQ(checkpoints[1].hash, machine.store().hash());
  EXPECT_EQ(machine.applied_index(), Index(2050));
}

// An entry that another build wrote, or that is no write, must not be passed over: the machine says that it is broken.
TEST(KvMachine, RefusesEntriesItDoesNotKnow) {
  for (const Words& args : std::vector<Words>{{"hset", "k", "f", "v"}, {"get", "k"}, {"client", "id"}, {"set", "k"}}) {
    Machine machine;
    std::string entry;
    encode_command(args, entry);
    const auto replies = machine.apply_entries({entry});
    ASSERT_FALSE(replies) << args[0];
    EXPECT_EQ(replies.error().code, ErrorCode::wrong_version);
    EXPECT_THAT(replies.error().message, HasSubstr("entry 1 holds a command that this build does not know"));
  }
  Machine machine;
  const auto replies = machine.apply_entries({"\x01garbage"});
  ASSERT_FALSE(replies);
  EXPECT_EQ(replies.error().code, ErrorCode::corrupt);
}

}  // namespace
}  // namespace keel
