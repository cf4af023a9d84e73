#pragma once

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "keel/port/state_machine.hpp"
#include "keel/sim/register_machine.hpp"

// What a bank's database holds: it outlives the process.
struct Database {
  std::map<std::string, long long> accounts;
  keel::Index applied;  // every command up to here is in `accounts`
};

// Accounts, kept in a database of its own. A command is `alice+10` or `alice-10`, the reply the new balance.
//
// The accounts are stored with each command. Where the log was, so somebody thought, need not be: each eighth time is
// enough, the rest comes from the log again. It does, and is paid in again.
class Bank : public keel::StateMachine, public keel::sim::Digestible {
 public:
  Bank(std::shared_ptr<Database> database, bool mended) : database_(std::move(database)), mended_(mended) {}

  keel::Index applied() override { return database_->applied; }

  void apply(std::span<keel::Command> commands, keel::Index up_to, keel::Completion<keel::Replies> done) override {
    keel::Replies replies;
    for (const keel::Command& command : commands)
      replies.push_back(execute({reinterpret_cast<const char*>(command.bytes.data()), command.bytes.size()}));
    if (mended_ || ++batches_ % 8 == 0) database_->applied = up_to;
    done(std::move(replies));
  }

  // By this the simulator sees whether two replicas are alike.
  [[nodiscard]] std::uint64_t digest() const override {
    std::uint64_t digest = 0;
    for (const auto& [name, balance] : database_->accounts)
      digest = digest * 31 + std::hash<std::string>()(name + std::to_string(balance));
    return digest;
  }

 private:
  std::string execute(const std::string& command) {
    const std::size_t sign = command.find_first_of("+-");
    if (sign == std::string::npos) return "what?";
    long long& balance = database_->accounts[command.substr(0, sign)];
    balance += std::strtoll(command.c_str() + sign, nullptr, 10);
    return std::to_string(balance);
  }

  std::shared_ptr<Database> database_;
  bool mended_;
  int batches_ = 0;
};
