#include "storage/log_base.hpp"

namespace keel {

Result<void> take_configuration(LogBase& base, const Entry& entry) {
  if (entry.kind == EntryKind::genesis) {
    auto genesis = decode_genesis(entry.payload.bytes());
    if (!genesis) return std::unexpected(std::move(genesis.error()));
    base.genesis = std::make_shared<const Genesis>(std::move(*genesis));
    base.configuration = std::shared_ptr<const Configuration>(base.genesis, &base.genesis->configuration);
    return {};
  }
  auto configuration = decode_configuration(entry.payload.bytes());
  if (!configuration) return std::unexpected(std::move(configuration.error()));
  base.configuration = std::make_shared<const Configuration>(std::move(*configuration));
  return {};
}

void add_term(std::vector<TermRun>& runs, Index index, Term term) {
  if (runs.empty() || runs.back().term != term) runs.push_back({index, term});
}

}  // namespace keel
