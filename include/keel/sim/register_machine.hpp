#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "keel/port/state_machine.hpp"

namespace keel::sim {

// What a machine may have beside StateMachine, for the simulator to compare replicas by: 64 bits that are equal when the
// states are.
class Digestible {
 public:
  virtual ~Digestible() = default;
  [[nodiscard]] virtual std::uint64_t digest() const = 0;
};

// A small machine for scenarios and random runs: named strings.
//
//   x=1      set              "OK"
//   x+=ab    append           the new length
//   x?1:2    set to 2 if 1    "1" or "0"
//   x        get              the value, empty if there is none
//   !why     refuses          "ERR why": an answer like any other, the same everywhere
class RegisterMachine final : public StateMachine, public Digestible {
 public:
  Index applied() override { return Index(0); }
  void apply(std::span<Command> commands, Index up_to, Completion<Replies> done) override;
  [[nodiscard]] std::uint64_t digest() const override { return digest_; }

  [[nodiscard]] std::string get(std::string_view key) const;

 private:
  std::string execute(std::string_view command);
  std::string set(std::string_view key, std::string value);

  std::map<std::string, std::string, std::less<>> values_;
  std::uint64_t digest_ = 0;
};

}  // namespace keel::sim
