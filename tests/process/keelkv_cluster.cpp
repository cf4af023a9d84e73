#include "keelkv_cluster.hpp"

#include <algorithm>
#include <set>

namespace keel::test {

namespace {

constexpr std::string_view ready_mark = "LeaderReady term ";

// The term of the last LeaderReady among the whole lines of a node's log.
std::uint64_t last_led_term(std::string_view log) {
  log = log.substr(0, log.rfind('\n') + 1);
  const std::size_t at = log.rfind(ready_mark);
  return at == std::string_view::npos ? 0 : std::stoull(std::string(log.substr(at + ready_mark.size(), 20)));
}

}  // namespace

KeelkvCluster::KeelkvCluster(std::size_t nodes, std::vector<std::string> flags)
    : flags_(std::move(flags)), nodes_(nodes) {}

std::string KeelkvCluster::data(std::size_t node) const {
  return (folder_.path() / ("node-" + std::to_string(node + 1))).string();
}

std::vector<std::string> KeelkvCluster::command(std::size_t node) const {
  std::string members;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    members +=
        (i == 0 ? "" : ",") + std::to_string(i + 1) + "=127.0.0.1:" + std::to_string(nodes_[i].peer_port.number());
  }
  std::vector<std::string> command = {KEEL_APP_KEELKV,
                                      "--id",
                                      std::to_string(node + 1),
                                      "--cluster",
                                      members,
                                      "--listen",
                                      "127.0.0.1:" + std::to_string(port(node)),
                                      "--data",
                                      data(node),
                                      "--log-level",
                                      "warn,election=info"};
  command.insert(command.end(), flags_.begin(), flags_.end());
  return command;
}

bool KeelkvCluster::start(std::size_t node, void (*before_exec)(), const std::vector<std::string>& more_flags) {
  auto words = command(node);
  words.insert(words.end(), more_flags.begin(), more_flags.end());
  auto process = std::make_unique<ChildProcess>(std::move(words), before_exec);
  const bool ready =
      process->out().wait_for([](std::string_view said) { return said.find('\n') != said.npos; }, in(patience));
  if (ready) nodes_[node].process = std::move(process);
  return ready;
}

bool KeelkvCluster::start_all() {
  for (std::size_t node = 0; node < size(); ++node) {
    if (!runs(node) && !start(node)) return false;
  }
  return true;
}

void KeelkvCluster::kill(std::size_t node) {
  nodes_[node].process->kill(SIGKILL);
  nodes_[node].process->wait(in(patience));
  nodes_[node].process.reset();
}

std::optional<int> KeelkvCluster::stop(std::size_t node) {
  nodes_[node].process->kill(SIGTERM);
  const auto status = nodes_[node].process->wait(in(patience));
  nodes_[node].process.reset();
  return status;
}

std::unique_ptr<RedisClient> KeelkvCluster::client(std::size_t node) const {
  return std::make_unique<RedisClient>(port(node));
}

std::uint64_t KeelkvCluster::led_term(std::size_t node) {
  return runs(node) ? last_led_term(process(node).err().text()) : 0;
}

// Waits on every node's log at once: whichever speaks first may be the leader.
std::optional<std::size_t> KeelkvCluster::await_leader(std::uint64_t after, std::chrono::milliseconds longest) {
  const auto deadline = in(longest);
  while (std::chrono::steady_clock::now() < deadline) {
    std::optional<std::size_t> leader;
    for (std::size_t node = 0; node < size(); ++node) {
      if (led_term(node) > after && (!leader || led_term(node) > led_term(*leader))) leader = node;
    }
    if (leader) return leader;
    for (std::size_t node = 0; node < size(); ++node) {
      const auto has_led = [&](std::string_view log) { return last_led_term(log) > after; };
      if (runs(node) && process(node).err().wait_for(has_led, in(std::chrono::milliseconds(20)))) break;
    }
  }
  return std::nullopt;
}

std::string KeelkvCluster::status(std::size_t node, const std::string& field) {
  const auto reply = client(node)->call({"KEEL", "STATUS"});
  if (!reply) return {};
  const std::string mark = "\"" + field + "\":";
  const std::size_t at = reply->text.find(mark);
  if (at == std::string::npos) return {};
  const std::size_t begin = at + mark.size();
  std::string value = reply->text.substr(begin, reply->text.find_first_of(",}", begin) - begin);
  std::erase(value, '"');
  return value;
}

// A linearizable read on a node waits until it has applied what was committed before.
testing::AssertionResult KeelkvCluster::await_same_state() {
  const auto deadline = in(patience);
  while (true) {
    std::set<std::string> states;
    std::string last_seen;
    for (std::size_t node = 0; node < size(); ++node) {
      if (!runs(node)) continue;
      const auto read = client(node)->call({"DBSIZE"});
      if (!read || read->is_error()) states.insert("no answer from " + std::to_string(node));
      const auto reply = client(node)->call({"KEEL", "STATUS"});
      const std::string text = reply ? reply->text : "";
      const auto part = [&](const std::string& mark) {
        const std::size_t begin = std::min(text.find(mark), text.size());
        return text.substr(begin, text.find(',', begin) - begin);
      };
      states.insert(part("\"applied\":") + part("\"state_hash\":"));
      last_seen += "\nnode " + std::to_string(node + 1) + ": a read " +
                   (read ? "says '" + read->text : "has no answer '") + "', status " + text + "\n" +
                   process(node).err().text();
    }
    if (states.size() == 1) return testing::AssertionSuccess();
    if (std::chrono::steady_clock::now() > deadline) return testing::AssertionFailure() << last_seen;
  }
}

}  // namespace keel::test
