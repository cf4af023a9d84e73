#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "keelkv/commands/command_table.hpp"
#include "keelkv/commands/kv_machine.hpp"
#include "keelkv/data/kv_view.hpp"
#include "keelkv/resp/command_bytes.hpp"
#include "keelkv/resp/reply_target.hpp"

namespace keel {

using Words = std::vector<std::string_view>;

// One word after another; "a b" is one, with \xHH for any byte in it.
inline std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  for (std::size_t i = 0; i < line.size();) {
    if (line[i] == ' ') {
      ++i;
      continue;
    }
    std::string& word = words.emplace_back();
    const bool quoted = line[i] == '"';
    if (quoted) ++i;
    for (; i < line.size() && line[i] != (quoted ? '"' : ' '); ++i) {
      if (quoted && line.substr(i, 2) == "\\x") {
        word.push_back(static_cast<char>(std::stoi(std::string(line.substr(i + 2, 2)), nullptr, 16)));
        i += 3;
      } else {
        word.push_back(line[i]);
      }
    }
    if (quoted) ++i;
  }
  return words;
}

// A RESP3 reply as people write it: OK, 1, "text", nil, [array], {set}, <map>, ,1.5 and -ERR what.
inline std::string shown(std::string_view& reply) {
  const std::size_t end = reply.find("\r\n");
  const char type = reply.front();
  const std::string line(reply.substr(1, end - 1));
  reply.remove_prefix(end + 2);
  const auto elements = [&](std::size_t count, char open, char close) {
    std::string out(1, open);
    for (std::size_t i = 0; i < count; ++i)
      out += (i == 0 ? "" : " ") + shown(reply);
    return out + close;
  };
  switch (type) {
    case '$': {
      const std::size_t size = std::stoul(line);
      std::string text = "\"" + std::string(reply.substr(0, size)) + "\"";
      reply.remove_prefix(size + 2);
      return text;
    }
    case '_': return "nil";
    case '*': return elements(std::stoul(line), '[', ']');
    case '~': return elements(std::stoul(line), '{', '}');
    case '%': return elements(2 * std::stoul(line), '<', '>');
    case '-':
    case ',': return type + line;
    default: return line;
  }
}

// One machine and the log that it applies.
class Machine {
 public:
  std::int64_t now = 1'000'000;  // the log's time
  std::int64_t wall = 0;         // where reads are run, if later

  // A read or a write, by its line; the reply as `shown`.
  std::string run(std::string_view line) {
    const std::vector<std::string> words = words_of(line);
    const Words args(words.begin(), words.end());
    const auto resolved = CommandTable::get().resolve(args);
    if (const auto* unknown = std::get_if<CommandTable::Unknown>(&resolved)) return "-" + unknown->error;
    const CommandSpec& spec = *std::get<const CommandSpec*>(resolved);
    const std::string reply = spec.is_read() ? read(std::get<ReadHandler>(spec.handler), args) : apply(args);
    std::string_view rest = reply;
    return shown(rest);
  }

  std::string apply(const Words& args) { return apply_all({args}).at(0); }

  std::vector<std::string> apply_all(const std::vector<Words>& batch) {
    std::vector<std::string> entries;
    for (const Words& args : batch)
      encode_command(args, entries.emplace_back());
    return apply_entries(entries).value();
  }

  // MULTI, these, EXEC.
  std::string apply_transaction(const std::vector<std::string>& lines, const std::vector<WatchedKey>& watched = {}) {
    std::string commands;
    for (const std::string& line : lines) {
      const std::vector<std::string> words = words_of(line);
      append_queued(Words(words.begin(), words.end()), commands);
    }
    std::string entry;
    encode_transaction(watched, lines.size(), commands, entry);
    const std::string reply = apply_entries({entry}).value().at(0);
    std::string_view rest = reply;
    return shown(rest);
  }

  void tell_time() {
    std::string entry;
    encode_time(entry);
    apply_entries({entry}).value();
  }

  Result<Replies> apply_entries(const std::vector<std::string>& entries) {
    std::vector<Command> commands;
    for (const std::string& entry : entries) {
      commands.push_back({.index = ++last_,
                          .term = Term(1),
                          .kind = EntryKind::command,
                          .bytes = std::as_bytes(std::span(entry)),
                          .envelope = {.wall_time = WallTime(WallTime::duration(now))},
                          .context = target_});
    }
    Result<Replies> replies = fail(ErrorCode::failed, "apply did not answer");
    machine_.apply(commands, last_, [&](Result<Replies> result) { replies = std::move(result); });
    if (replies && target_ != nullptr) {
      for (const Reply& reply : *replies)
        target_->taken(reply.size());
    }
    return replies;
  }

  // Whether the last read saw a key that is due.
  [[nodiscard]] bool found_due() const { return found_due_; }
  [[nodiscard]] Index last() const { return last_; }
  // From here on nobody waits for replies.
  void nobody_waits() { target_ = nullptr; }
  void set_target(std::shared_ptr<ReplyTarget> target) { target_ = std::move(target); }

  KvMachine& operator*() { return machine_; }
  KvMachine* operator->() { return &machine_; }

 private:
  std::string read(ReadHandler handler, Args args) {
    KvView view(machine_.store(), wall, ++reads_);
    std::string reply;
    RespWriter writer(reply, RespVersion::resp3);
    handler(view, args, writer);
    found_due_ = view.found_due();
    return reply;
  }

  KvMachine machine_;
  Index last_;
  std::uint64_t reads_ = 0;
  bool found_due_ = false;
  std::shared_ptr<ReplyTarget> target_ =
      std::make_shared<ReplyTarget>(RespVersion::resp3, 64u << 20, std::make_shared<ReplyRoom>(ReplyRoom{1u << 30, 0}));
};

// A line for a machine, and its reply.
struct Exchange {
  std::string_view line;
  std::string_view reply;
};
inline std::string text_of(const StringValue* value) { return value == nullptr ? "(nothing)" : value->text(); }

inline void expect_all(Machine& machine, const std::vector<Exchange>& exchanges) {
  for (const auto& [line, reply] : exchanges)
    EXPECT_EQ(machine.run(line), reply) << line;
}

}  // namespace keel
