#pragma once

#include "keel/port/state_machine.hpp"

// A replicated counter: a command is a number to add, the reply is the sum so far.
class Counter : public keel::StateMachine {
 public:
  keel::Index applied() override { return keel::Index(0); }  // keeps nothing on disk: the log is replayed

  void apply(std::span<keel::Command> commands, keel::Index, keel::Completion<keel::Replies> done) override {
    keel::Replies replies;
    for (const keel::Command& command : commands) {
      const std::string text(reinterpret_cast<const char*>(command.bytes.data()), command.bytes.size());
      sum_ += std::strtoll(text.c_str(), nullptr, 10);
      replies.push_back(std::to_string(sum_));
    }
    done(std::move(replies));
  }

  [[nodiscard]] long long sum() const { return sum_; }

 private:
  long long sum_ = 0;
};
