#pragma once

#include <memory>
#include <vector>

#include "keel/raft/cluster.hpp"
#include "keel/raft/write.hpp"

namespace keel {

// The configurations that may be in force: the last committed one and those appended behind it, so that discarding an
// entry brings back exactly the one before (H27). The last one is in force (thesis, 4.1).
class Configurations {
 public:
  Configurations() = default;
  static Result<Configurations> recover(const Recovered& recovered);

  [[nodiscard]] const Genesis* genesis() const { return genesis_.get(); }
  [[nodiscard]] const Cluster& cluster() const { return cluster_; }
  [[nodiscard]] const std::shared_ptr<const Configuration>& current() const { return known_.back().configuration; }
  [[nodiscard]] Index current_index() const { return known_.back().index; }
  [[nodiscard]] bool has_any() const { return !known_.empty(); }

  // Takes a genesis or configuration entry. `corrupt` if it cannot be read; nothing is changed then.
  Result<void> append(const Entry& entry);
  // Returns whether another configuration is in force now.
  bool truncate_from(Index index);
  void committed(Index index);

  bool operator==(const Configurations& other) const;

 private:
  struct Known {
    Index index;
    std::shared_ptr<const Configuration> configuration;
  };
  void in_force_changed();

  std::shared_ptr<const Genesis> genesis_;
  std::vector<Known> known_;
  Cluster cluster_;
};

}  // namespace keel
