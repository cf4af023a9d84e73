#pragma once

#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "keel/sim/random.hpp"
#include "keel/sim/register_machine.hpp"
#include "keelkv/commands/kv_machine.hpp"
#include "keelkv/data/kv_view.hpp"
#include "keelkv/resp/command_bytes.hpp"

namespace keel::sim {

// The state's hash at each index, by the first node that came there.
using HashBook = std::map<Index, std::uint64_t>;

// keelkv's machine, as the simulator runs it. Two of them: in one somebody waits for every reply, so that replies can be
// compared; in the other nobody does. Both must have the same hash, and the one that every other node had at that index.
class SimKvMachine final : public StateMachine, public Digestible {
 public:
  explicit SimKvMachine(std::shared_ptr<HashBook> book) : book_(std::move(book)) {}

  Index applied() override { return Index(0); }
  [[nodiscard]] std::uint64_t digest() const override { return machine_.store().hash(); }
  [[nodiscard]] const KvMachine& machine() const { return machine_; }

  void apply(std::span<Command> commands, Index up_to, Completion<Replies> done) override {
    Replies replies;
    for (Command& command : commands) {
      command.context = nullptr;
      apply_one(alone_, command);
      command.context = target_;
      replies.push_back(apply_one(machine_, command));
      target_->taken(replies.back().size());
      const auto [known, is_new] = book_->emplace(command.index, digest());
      if (known->second != digest() || alone_.store().hash() != digest()) {
        throw std::runtime_error("another hash at index " + std::to_string(command.index.value()));
      }
    }
    for (KvMachine* const machine : {&machine_, &alone_})
      machine->apply({}, up_to, [](const Result<Replies>&) {});
    done(std::move(replies));
  }

 private:
  static Reply apply_one(KvMachine& machine, Command& command) {
    Reply reply;
    machine.apply({&command, 1}, command.index, [&](Result<Replies> replies) {
      if (!replies) throw std::runtime_error(replies.error().message);
      reply = std::move(replies->front());
    });
    return reply;
  }

  std::shared_ptr<HashBook> book_;
  std::shared_ptr<ReplyTarget> target_ = std::make_shared<ReplyTarget>(
      RespVersion::resp3, 16u << 20, std::make_shared<ReplyRoom>(ReplyRoom{.limit = 16u << 20, .used = 0}));
  KvMachine machine_;
  KvMachine alone_;
};

inline MachineFactory keelkv_machines(std::shared_ptr<HashBook> book = std::make_shared<HashBook>()) {
  return [book = std::move(book)](NodeId) { return std::make_unique<SimKvMachine>(book); };
}

inline std::string entry_of(std::vector<std::string> words) {
  std::string entry;
  encode_command(std::vector<std::string_view>(words.begin(), words.end()), entry);
  return entry;
}
inline std::string transaction_of(const std::vector<std::vector<std::string>>& commands,
                                  const std::vector<WatchedKey>& watched) {
  std::string queued;
  for (const auto& words : commands)
    append_queued(std::vector<std::string_view>(words.begin(), words.end()), queued);
  std::string entry;
  encode_transaction(watched, commands.size(), queued, entry);
  return entry;
}

// A write of any type, on few keys, some of them of another type.
inline std::vector<std::string> some_write(Random& random) {
  const auto number = [&](std::uint64_t below) { return std::to_string(random.below(below)); };
  const auto key = [&](const char* type) { return (random.chance(0.05) ? "s" : type) + number(6); };
  const auto text = [&] { return std::string(random.below(random.chance(0.05) ? 9000 : 20), 'x') + number(100); };
  switch (random.below(24)) {
    case 0: return {"set", key("s"), text(), "px", std::to_string(random.between(1, 3000))};
    case 1: return {"append", key("s"), text()};
    case 2: return {"setrange", key("s"), number(9000), text()};
    case 3: return {"incr", key("n")};
    case 4: return {"del", key("s"), key("h"), key("z")};
    case 5: return {"pexpire", key(random.chance(0.5) ? "l" : "m"), std::to_string(random.between(1, 3000))};
    case 6: return {"rename", key("s"), key("s")};
    case 7: return {"copy", key("m"), key("m"), "replace"};
    case 8: return {"hset", key("h"), "f" + number(9), text(), "f" + number(9), text()};
    case 9: return {"hdel", key("h"), "f" + number(9)};
    case 10: return {"hincrby", key("c"), "f" + number(3), "7"};
    case 11: return {"sadd", key("m"), number(40), number(40), number(40)};
    case 12: return {"spop", key("m"), number(4)};
    case 13: return {"sinterstore", key("m"), key("m"), key("m")};
    case 14: return {"rpush", key("l"), text(), text()};
    case 15: return {"lpop", key("l"), number(4)};
    case 16: return {"linsert", key("l"), "before", "x" + number(9), text()};
    case 17: return {"lmove", key("l"), key("l"), "left", "right"};
    case 18: return {"zadd", key("z"), number(50), "m" + number(20), number(50), "m" + number(20)};
    case 19: return {"zremrangebyscore", key("z"), number(50), number(50)};
    case 20: return {"getex", key("s"), random.chance(0.5) ? "persist" : "px", "900"};
    case 21: return {random.chance(0.02) ? "flushall" : "persist", key("s")};
    case 22: return {"zpopmin", key("z"), "2"};
    default: return {"set", key("s"), text()};
  }
}

// An entry of any form.
inline std::string some_entry(Random& random) {
  if (random.chance(0.05)) {
    std::string time;
    encode_time(time);
    return time;
  }
  if (!random.chance(0.2)) return entry_of(some_write(random));
  std::vector<std::vector<std::string>> commands;
  for (std::uint64_t i = random.below(5); i > 0; --i)
    commands.push_back(random.chance(0.3) ? std::vector<std::string>{"hgetall", "h1"} : some_write(random));
  const Index since(random.below(2000));
  return transaction_of(commands,
                        random.chance(0.5) ? std::vector<WatchedKey>{{"s1", since}} : std::vector<WatchedKey>{});
}

}  // namespace keel::sim
