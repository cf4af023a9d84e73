#include "keel/sim/history.hpp"

#include <map>

namespace keel::sim {
namespace {

// A polynomial hash, so that the digest of a string grows with what is appended.
std::uint64_t extend(std::uint64_t digest, std::string_view text) {
  for (const char c : text)
    digest = (digest + static_cast<unsigned char>(c) + 1) * 0x9e3779b97f4a7c15ULL;
  return digest;
}

std::string when(const Interval& interval) {
  const std::string end = interval.returned == Interval::open ? "open" : std::to_string(interval.returned);
  return "[" + std::to_string(interval.called) + ", " + end + "]";
}

bool overlap(const Interval& a, const Interval& b) { return a.called < b.returned && b.called < a.returned; }

// The operation and all that it overlaps, in the order of their calls.
std::string surroundings(std::vector<RegisterOperation> history, const RegisterOperation& stuck) {
  std::ranges::sort(history, {}, [](const RegisterOperation& o) { return o.interval.called; });
  std::string text;
  for (const RegisterOperation& operation : history) {
    if (!overlap(operation.interval, stuck.interval)) continue;
    text += (operation.interval.called == stuck.interval.called ? "\n  > " : "\n    ") + describe(operation);
  }
  return text;
}

// What keeps the order that the hints tell from being a linearization; nothing if it is one.
std::optional<std::string> flaw(const RegisterModel& model, const std::vector<RegisterOperation>& history) {
  std::vector<const RegisterOperation*> order;
  for (const RegisterOperation& operation : history) {
    if (operation.order) {
      order.push_back(&operation);
    } else if (operation.interval.returned != Interval::open) {
      return "no place is known for " + describe(operation);
    }
  }
  std::ranges::sort(order, {}, [](const RegisterOperation* o) { return std::pair(*o->order, o->interval.called); });
  RegisterModel::State state = RegisterModel::of("");
  const RegisterOperation* last_called = nullptr;
  for (const RegisterOperation* operation : order) {
    if (last_called != nullptr && operation->interval.returned < last_called->interval.called) {
      return describe(*operation) + " ended before the call of " + describe(*last_called) + ", which comes before it";
    }
    if (last_called == nullptr || operation->interval.called > last_called->interval.called) last_called = operation;
    const auto after = model.step(state, *operation);
    if (!after) return describe(*operation) + " does not fit at place " + std::to_string(*operation->order);
    state = *after;
  }
  return std::nullopt;
}

Result<void> check_key(const std::string& key, const std::vector<RegisterOperation>& history, std::uint64_t budget) {
  const RegisterModel model;
  const auto broken = flaw(model, history);
  if (!broken) return {};
  const std::string hinted = "\n  in the order that is known: " + *broken;
  Linearizer<RegisterModel> linearizer(model, history);
  const LinearizabilityResult result = linearizer.check(RegisterModel::of(""), budget);
  switch (result.verdict) {
    case Verdict::linearizable: return {};
    case Verdict::violation:
      return fail(ErrorCode::invalid, "the history of key '" + key +
                                          "' is not linearizable: no order puts this one among " +
                                          std::to_string(history.size()) +
                                          " operations:" + surroundings(history, history[result.stuck_at]) + hinted);
    case Verdict::gave_up: break;
  }
  return fail(ErrorCode::overloaded, "the history of key '" + key + "' (" + std::to_string(history.size()) +
                                         " operations) could not be judged within " + std::to_string(budget) +
                                         " tries: give a larger budget, or fewer operations a key" + hinted);
}

}  // namespace

std::string describe(const RegisterOperation& operation) {
  std::string text = when(operation.interval) + " client " + std::to_string(operation.client) + " ";
  switch (operation.call) {
    case RegisterCall::get: text += "get"; break;
    case RegisterCall::set: text += "set " + operation.argument; break;
    case RegisterCall::append: text += "append " + operation.argument; break;
    case RegisterCall::compare_and_set: text += "set " + operation.argument + " if " + operation.expected; break;
  }
  return text + " -> " + operation.result.value_or("?");
}

RegisterModel::State RegisterModel::of(std::string_view text) { return {extend(0, text), text.size()}; }

std::optional<RegisterModel::State> RegisterModel::step(const State& state, const Operation& operation) const {
  const auto fits = [&](const std::string& answer) { return !operation.result || *operation.result == answer; };
  switch (operation.call) {
    case RegisterCall::get:
      if (operation.result && of(*operation.result) != state) return std::nullopt;
      return state;
    case RegisterCall::set: return of(operation.argument);
    case RegisterCall::append: {
      const State after{extend(state.digest, operation.argument), state.length + operation.argument.size()};
      return fits(std::to_string(after.length)) ? std::optional(after) : std::nullopt;
    }
    case RegisterCall::compare_and_set: {
      const bool sets = state == of(operation.expected);
      if (!fits(sets ? "1" : "0")) return std::nullopt;
      return sets ? of(operation.argument) : state;
    }
  }
  return std::nullopt;
}

bool RegisterModel::only_reads(const Operation& operation) const {
  const bool refused = operation.call == RegisterCall::compare_and_set && operation.result == "0";
  return operation.call == RegisterCall::get || refused;
}

std::uint64_t RegisterModel::hash(const State& state) const {
  return state.digest ^ (state.length * 0xd6e8feb86659fd93ULL);
}

Result<void> check_linearizable(const std::vector<RegisterOperation>& history, std::uint64_t budget) {
  std::map<std::string, std::vector<RegisterOperation>> keys;
  for (const RegisterOperation& operation : history) {
    const bool blind = operation.call == RegisterCall::get && !operation.result;  // says nothing, changes nothing
    if (!blind) keys[operation.key].push_back(operation);
  }
  for (const auto& [key, operations] : keys) {
    if (auto checked = check_key(key, operations, budget); !checked) return checked;
  }
  return {};
}

}  // namespace keel::sim
