#include "keelkv/commands/kv_machine.hpp"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "machine_fixture.hpp"

namespace keel {
namespace {

using testing::HasSubstr;
// Where nobody waits for a reply none is made; the state is the same.
TEST(KvMachine, AnswersOnlyWhereSomebodyWaits) {
  Machine waiting;
  Machine alone;
  alone.nobody_waits();
  for (const Words& args : std::vector<Words>{{"set", "k", "v"},
                                              {"set", "k", "w", "get"},
                                              {"sadd", "s", "a", "b", "c"},
                                              {"spop", "s", "2"},
                                              {"rpush", "l", "a", "b"},
                                              {"lpop", "l", "1"},
                                              {"incr", "k"},
                                              {"getdel", "k"}}) {
    EXPECT_NE(waiting.apply(args), "") << args[0];
    EXPECT_EQ(alone.apply(args), "") << args[0];
    EXPECT_EQ(waiting->store().hash(), alone->store().hash()) << args[0];
  }
  EXPECT_EQ(waiting.apply_transaction({"set a 1", "get a"}), "[OK \"1\"]");
  EXPECT_EQ(alone.apply_entries({std::string("\x03")}).value().at(0), "");
}

TEST(KvMachine, AnswersInTheClientsVersion) {
  const auto all = std::make_shared<ReplyRoom>(ReplyRoom{1u << 20, 0});
  Machine machine;
  machine.set_target(std::make_shared<ReplyTarget>(RespVersion::resp2, 1u << 20, all));
  EXPECT_EQ(machine.apply({"set", "k", "w", "XX"}), "$-1\r\n");
  machine.set_target(std::make_shared<ReplyTarget>(RespVersion::resp3, 1u << 20, all));
  EXPECT_EQ(machine.apply({"set", "k", "w", "XX"}), "_\r\n");
}

// One as large as a value for each of a batch of small commands: what they take is bounded, of one client and of all.
TEST(KvMachine, RepliesTakeNoMoreThanTheirRoom) {
  const auto all = std::make_shared<ReplyRoom>(ReplyRoom{3000, 0});
  const auto one = std::make_shared<ReplyTarget>(RespVersion::resp3, 1500, all);
  const auto other = std::make_shared<ReplyTarget>(RespVersion::resp3, 10'000, all);
  Machine machine;
  const std::string large(1000, 'v');
  machine.apply({"set", "k", large});
  KvMachine& applied = *machine;
  std::vector<std::string> entries;
  std::vector<Command> commands;
  entries.reserve(5);
  for (const auto& target : {one, one, other, other, other}) {
    encode_command(Words{"getset", "k", large}, entries.emplace_back());
    commands.push_back({.index = Index(entries.size() + 1),
                        .term = Term(1),
                        .kind = EntryKind::command,
                        .bytes = std::as_bytes(std::span(entries.back())),
                        .envelope = {},
                        .context = target});
  }
  applied.apply(commands, Index(6), [&](Result<Replies> replies) {
    const std::string whole = "$1000\r\n" + large + "\r\n";
    EXPECT_THAT(*replies, testing::ElementsAre(whole, "", whole, "", ""));
    one->taken(whole.size());
    other->taken(whole.size());
  });
  EXPECT_EQ(all->used, 0u);
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
  for (const auto& [at, bytes] :
       {std::pair<int, int>{0, 1}, {4095, 2}, {5000, 9000}, {static_cast<int>(value.size()) - 1, 1}, {60'000, 5}}) {
    const std::string piece(static_cast<std::size_t>(bytes), 'z');
    value.resize(std::max(value.size(), static_cast<std::size_t>(at + bytes)));
    value.replace(static_cast<std::size_t>(at), piece.size(), piece);
    whole.apply({"setrange", "k", std::to_string(at), piece});
    pieces.apply({"set", "k", value});
    ASSERT_EQ(pieces->store().hash(), whole->store().hash()) << at;
  }
  pieces.apply({"del", "k"});
  EXPECT_EQ(pieces->store().hash(), 0u);
}

// A random history of all types, the same for the same seed.
std::vector<std::vector<std::string>> history(unsigned seed, std::size_t size) {
  std::mt19937 random(seed);
  const auto some = [&](const char* name, unsigned count) { return name + std::to_string(random() % count); };
  std::vector<std::vector<std::string>> commands;
  for (std::size_t i = 0; i < size; ++i) {
    const std::string key = some("key", 20);
    switch (random() % 18) {
      case 0: commands.push_back({"del", key}); break;
      case 1: commands.push_back({"append", key, "tail"}); break;
      case 2: commands.push_back({"incr", "n" + key}); break;
      case 3: commands.push_back({"mset", key, "1", key + "b", std::string(random() % 200, 'm')}); break;
      case 4:
        if (random() % 20 == 0) commands.push_back({"flushall"});
        break;
      case 5: commands.push_back({"sadd", "s" + key, some("m", 50), some("m", 50)}); break;
      case 6: commands.push_back({"spop", "s" + key, some("", 4)}); break;
      case 7: commands.push_back({"hset", "h" + key, some("f", 9), some("v", 99)}); break;
      case 8: commands.push_back({"hdel", "h" + key, some("f", 9)}); break;
      case 9: commands.push_back({"rpush", "l" + key, some("e", 5), some("e", 5)}); break;
      case 10: commands.push_back({"lpop", "l" + key}); break;
      case 11: commands.push_back({"lrem", "l" + key, "0", some("e", 5)}); break;
      case 12: commands.push_back({"zadd", "z" + key, some("", 9), some("m", 30)}); break;
      case 13: commands.push_back({"zpopmin", "z" + key, some("", 3)}); break;
      case 14: commands.push_back({"rename", "s" + key, some("skey", 20)}); break;
      case 15: commands.push_back({"pexpire", key, some("", 900)}); break;
      case 16: commands.push_back({"setrange", key, some("", 9000), "r"}); break;
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
  const auto in_two = [&](Machine& machine, auto apply) {
    std::vector<std::string> replies;
    for (const bool late : {false, true}) {
      if (late) machine.now += 500;
      const std::size_t half = words.size() / 2;
      apply(machine, late ? half : 0, late ? words.size() : half, replies);
    }
    return replies;
  };
  const auto replies = in_two(at_once, [&](Machine& machine, std::size_t from, std::size_t to, auto& all) {
    const auto some = machine.apply_all(
        {words.begin() + static_cast<std::ptrdiff_t>(from), words.begin() + static_cast<std::ptrdiff_t>(to)});
    all.insert(all.end(), some.begin(), some.end());
  });
  in_two(one_by_one, [&](Machine& machine, std::size_t from, std::size_t to, auto&) {
    for (std::size_t i = from; i < to; ++i)
      ASSERT_EQ(machine.apply(words[i]), replies[i]) << i;
  });
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
  for (const Words& args :
       std::vector<Words>{{"zunion", "k", "f", "v"}, {"get", "k"}, {"client", "id"}, {"set", "k"}}) {
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
