#include "keel-demo/nodes.hpp"

#include <cstdlib>

namespace demo {

namespace {

std::string name_of(std::size_t node) { return std::to_string(node + 1); }

std::uint64_t number_after(const std::string& text, const std::string& key) {
  const std::size_t at = text.find(key);
  return at == std::string::npos ? 0 : std::strtoull(text.c_str() + at + key.size(), nullptr, 10);
}

}  // namespace

Nodes::Nodes(std::vector<std::string> program, std::string folder, std::vector<int> ports,
             std::chrono::milliseconds election_timeout)
    : program_(std::move(program)),
      folder_(std::move(folder)),
      ports_(std::move(ports)),
      election_timeout_(election_timeout) {}

std::string Nodes::log(std::size_t node) const { return folder_ + "/node-" + name_of(node) + ".log"; }

keel::Result<void> Nodes::start(std::size_t node) {
  std::string cluster;
  for (std::size_t i = 0; i < count; ++i) {
    cluster += (i == 0 ? "" : ",") + name_of(i) + "=127.0.0.1:" + std::to_string(ports_[count + i]);
  }
  const auto heartbeat = election_timeout_ / 10;
  std::vector<std::string> command = program_;
  command.insert(
      command.end(),
      {"--id", name_of(node), "--cluster", cluster, "--listen", "127.0.0.1:" + std::to_string(ports_[node]), "--data",
       folder_ + "/node-" + name_of(node), "--name", "demo", "--election-timeout",
       std::to_string(election_timeout_.count()) + "ms", "--heartbeat", std::to_string(heartbeat.count()) + "ms"});
  auto line = children_[node].start(command, log(node), std::chrono::seconds(20));
  if (!line) return std::unexpected(line.error());
  return {};
}

std::vector<std::size_t> Nodes::revive() {
  std::vector<std::size_t> revived;
  for (std::size_t node = 0; node < count; ++node) {
    if (!running(node) && start(node)) revived.push_back(node);
  }
  return revived;
}

void Nodes::end() {
  for (Child& child : children_)
    child.end();
}

NodeView Nodes::look_at(std::size_t node) {
  constexpr std::chrono::milliseconds patience{500};
  Client& client = clients_[node];
  if (!running(node)) client.close();
  if (!running(node) || (!client.connected() && !client.connect(ports_[node], patience))) return {};
  const auto answer = client.call({"INFO", "raft"}, patience);
  if (!answer) return {};
  const std::string& info = answer->text;
  const std::size_t role = info.find("raft_role:");
  if (role == std::string::npos) return {};
  return {.role = info.substr(role + 10, info.find('\r', role) - role - 10),
          .term = number_after(info, "raft_term:"),
          .commit = number_after(info, "raft_commit:"),
          .applied = number_after(info, "raft_applied:")};
}

std::vector<NodeView> Nodes::look() {
  std::vector<NodeView> views;
  views.reserve(count);
  for (std::size_t node = 0; node < count; ++node)
    views.push_back(look_at(node));
  return views;
}

std::optional<std::size_t> Nodes::leader_of(const std::vector<NodeView>& views) {
  std::uint64_t newest = 0;
  for (const NodeView& view : views)
    newest = std::max(newest, view.term);
  for (std::size_t node = 0; node < views.size(); ++node) {
    if (views[node].role == "leader" && views[node].term == newest) return node;
  }
  return std::nullopt;
}

}  // namespace demo
