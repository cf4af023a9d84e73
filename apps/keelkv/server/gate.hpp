#pragma once

#include <optional>
#include <string>

#include "keelkv/commands/command.hpp"

namespace keel {

class KvServer;
struct KvSession;

// Whether a command is taken at all, on its connection and on this node as they are now. Nothing has been done for one
// that is not.
class KvGate {
 public:
  explicit KvGate(const KvServer& server) : server_(server) {}

  // The error to answer instead of doing what the command asks; none: go on.
  [[nodiscard]] std::optional<std::string> refusal(const CommandSpec& command, Args args,
                                                   const KvSession& session) const;

  // Whether the client has said the password, where one is wanted.
  [[nodiscard]] bool knows(const KvSession& session) const;

  // A node that has just started replays its log, and what it would answer waits for that. True while so much is left
  // that the answers would hardly come in time; never again after that.
  [[nodiscard]] bool loading() const;

 private:
  [[nodiscard]] std::optional<std::string> redirection(const CommandSpec& command, Args args) const;

  const KvServer& server_;
  mutable bool loaded_ = false;  // once is for ever
};

}  // namespace keel
