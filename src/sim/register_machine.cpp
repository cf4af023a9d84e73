#include "keel/sim/register_machine.hpp"

#include "sim/digest.hpp"

namespace keel::sim {

void RegisterMachine::apply(std::span<Command> commands, Index, Completion<Replies> done) {
  Replies replies;
  replies.reserve(commands.size());
  for (const Command& command : commands) {
    replies.push_back(execute({reinterpret_cast<const char*>(command.bytes.data()), command.bytes.size()}));
  }
  done(std::move(replies));
}

std::string RegisterMachine::get(std::string_view key) const {
  const auto found = values_.find(key);
  return found == values_.end() ? std::string() : found->second;
}

std::string RegisterMachine::execute(std::string_view command) {
  const std::size_t end = command.find_first_of("=+?!");
  const std::string_view key = command.substr(0, end);
  const std::string_view rest = end == std::string_view::npos ? std::string_view() : command.substr(end + 1);
  if (end == std::string_view::npos) return get(key);
  switch (command[end]) {
    case '=': return set(key, std::string(rest));
    case '+': {
      const std::string grown = get(key).append(rest.substr(rest.starts_with('=') ? 1 : 0));
      const std::size_t length = grown.size();
      set(key, grown);
      return std::to_string(length);
    }
    case '?': {
      const std::size_t colon = rest.find(':');
      if (colon == std::string_view::npos) return "ERR no new value";
      if (get(key) != rest.substr(0, colon)) return "0";
      set(key, std::string(rest.substr(colon + 1)));
      return "1";
    }
    default: return "ERR " + std::string(rest);
  }
}

// The digest is the sum over all keys, so that it does not depend on how a state came about.
std::string RegisterMachine::set(std::string_view key, std::string value) {
  const auto contribution = [key](const std::string& text) { return mix(digest_of(key), digest_of(text)); };
  auto [place, is_new] = values_.try_emplace(std::string(key));
  if (!is_new) digest_ -= contribution(place->second);
  place->second = std::move(value);
  digest_ += contribution(place->second);
  return "OK";
}

}  // namespace keel::sim
