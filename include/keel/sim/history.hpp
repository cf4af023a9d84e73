#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keel/base/error.hpp"
#include "keel/sim/linearizability.hpp"

namespace keel::sim {

enum class RegisterCall : std::uint8_t { get, set, append, compare_and_set };

// One operation of one client on one key, as the client saw it.
struct RegisterOperation {
  Interval interval;
  std::uint32_t client = 0;
  RegisterCall call = RegisterCall::get;
  std::string key;
  std::string argument;               // what is set or appended
  std::string expected;               // compare_and_set
  std::optional<std::string> result;  // get: the value; append: the new length; compare_and_set: "1" or "0"
  // Where it took effect among the others, if somebody thinks to know (equal: no matter). Only a hint: an order that is
  // right proves the history linearizable without a search.
  std::optional<std::uint64_t> order;
};
[[nodiscard]] std::string describe(const RegisterOperation& operation);

// A string that can be read, set, appended to, and set if it has an expected value.
struct RegisterModel {
  struct State {
    std::uint64_t digest = 0;  // of the string
    std::uint64_t length = 0;
    bool operator==(const State&) const = default;
  };
  using Operation = RegisterOperation;

  [[nodiscard]] static State of(std::string_view text);
  [[nodiscard]] std::optional<State> step(const State& state, const Operation& operation) const;
  [[nodiscard]] bool only_reads(const Operation& operation) const;
  [[nodiscard]] std::uint64_t hash(const State& state) const;
};

// Checks each key by itself, as linearizability allows. Error: `invalid` with the operation that fits nowhere and its
// neighbours, or `overloaded` when `budget` tries for one key did not suffice to tell.
[[nodiscard]] Result<void> check_linearizable(const std::vector<RegisterOperation>& history, std::uint64_t budget);

}  // namespace keel::sim
