#include "keel/raft/configurations.hpp"

#include <algorithm>

#include "keel/base/assert.hpp"

namespace keel {

Result<Configurations> Configurations::recover(const Recovered& recovered) {
  Configurations all;
  all.genesis_ = recovered.base.genesis;
  if (recovered.base.configuration != nullptr) {
    all.known_.push_back({recovered.base.position.index, recovered.base.configuration});
  }
  for (const Entry& entry : recovered.configurations) {
    if (auto taken = all.append(entry); !taken) return std::unexpected(std::move(taken.error()));
  }
  if (!all.known_.empty()) all.in_force_changed();
  return all;
}

Result<void> Configurations::append(const Entry& entry) {
  std::shared_ptr<const Configuration> next;
  if (entry.kind == EntryKind::genesis) {
    auto genesis = decode_genesis(entry.payload.bytes());
    if (!genesis) return std::unexpected(std::move(genesis.error()));
    auto shared = std::make_shared<const Genesis>(std::move(*genesis));
    next = std::shared_ptr<const Configuration>(shared, &shared->configuration);
    genesis_ = std::move(shared);
  } else {
    auto configuration = decode_configuration(entry.payload.bytes());
    if (!configuration) return std::unexpected(std::move(configuration.error()));
    next = std::make_shared<const Configuration>(std::move(*configuration));
  }
  KEEL_ASSERT(known_.empty() || known_.back().index < entry.index, "configurations ascend");
  known_.push_back({entry.index, std::move(next)});
  in_force_changed();
  return {};
}

bool Configurations::truncate_from(Index index) {
  const auto gone = std::ranges::lower_bound(known_, index, {}, &Known::index);
  if (gone == known_.end()) return false;
  known_.erase(gone, known_.end());
  in_force_changed();
  return true;
}

void Configurations::committed(Index index) {
  const auto after = std::ranges::upper_bound(known_, index, {}, &Known::index);
  if (after - known_.begin() > 1) known_.erase(known_.begin(), std::prev(after));
}

bool Configurations::operator==(const Configurations& other) const {
  return std::ranges::equal(known_, other.known_, [](const Known& a, const Known& b) {
    return a.index == b.index && *a.configuration == *b.configuration;
  });
}

void Configurations::in_force_changed() {
  cluster_ = known_.empty() ? Cluster() : Cluster(*known_.back().configuration);
}

}  // namespace keel
