#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "keel/raft/configuration.hpp"

namespace keel {

enum class Tally : std::uint8_t { pending, won, lost };

// All quorum arithmetic, for one configuration: nothing else counts votes. While the configuration is joint everything
// takes a majority of each half (thesis, 4.3). Pure; cheap to copy.
class Cluster {
 public:
  Cluster() = default;
  explicit Cluster(const Configuration& configuration);

  [[nodiscard]] bool is_voter(NodeId id) const;  // of either half; witnesses count as voters here
  [[nodiscard]] bool is_member(NodeId id) const;
  [[nodiscard]] bool can_lead(NodeId id) const;  // voters of either half, no witness
  [[nodiscard]] bool joint() const { return !outgoing_.empty(); }
  [[nodiscard]] std::span<const NodeId> members() const { return members_; }
  [[nodiscard]] std::span<const NodeId> incoming() const { return incoming_; }
  [[nodiscard]] std::span<const NodeId> outgoing() const { return outgoing_; }

  // Whether the nodes for which `in` holds are a quorum.
  template <class Predicate>
  [[nodiscard]] bool is_quorum(Predicate in) const {
    return majority(incoming_, in) && (outgoing_.empty() || majority(outgoing_, in));
  }

  // An election's state: `vote(id)` is yes, no or not known.
  template <class Vote>
  [[nodiscard]] Tally tally(Vote vote) const {
    if (is_quorum([&](NodeId id) { return vote(id) == std::optional(true); })) return Tally::won;
    const bool open = is_quorum([&](NodeId id) { return vote(id) != std::optional(false); });
    return open ? Tally::pending : Tally::lost;
  }

  // The greatest value that a quorum has reached: commit index, confirmed round, time of last contact.
  template <class Value>
  [[nodiscard]] auto quorum_value(Value value) const -> decltype(value(NodeId{})) {
    auto reached = majority_value(incoming_, value);
    if (!outgoing_.empty()) reached = std::min(reached, majority_value(outgoing_, value));
    return reached;
  }

  // Whether some candidate may still win: `chosen(id)` is whom the voter is known to have voted for, nobody if unknown.
  template <class Chosen>
  [[nodiscard]] bool someone_can_win(Chosen chosen) const {
    return std::ranges::any_of(members_, [&](NodeId candidate) {
      return is_quorum([&](NodeId id) { return chosen(id) == candidate || chosen(id) == nobody; });
    });
  }

 private:
  template <class Predicate>
  static bool majority(const std::vector<NodeId>& half, Predicate in) {
    return static_cast<std::size_t>(std::ranges::count_if(half, in)) > half.size() / 2;
  }
  template <class Value>
  static auto majority_value(const std::vector<NodeId>& half, Value value) -> decltype(value(NodeId{})) {
    return half.size() <= 8 ? majority_value_of<8>(half, value) : majority_value_of<max_members>(half, value);
  }
  template <std::size_t capacity, class Value>
  static auto majority_value_of(const std::vector<NodeId>& half, Value value) -> decltype(value(NodeId{})) {
    if (half.empty()) return {};
    std::array<decltype(value(NodeId{})), capacity> values{};
    const auto end = std::ranges::transform(half, values.begin(), value).out;
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(half.size() / 2);
    std::ranges::nth_element(values.begin(), middle, end, std::ranges::greater{});
    return *middle;
  }

  std::vector<NodeId> incoming_;  // voters and witnesses of the configuration in force (joint: of the one entered)
  std::vector<NodeId> outgoing_;  // joint only: voters and witnesses of the one left
  std::vector<NodeId> members_;   // everybody, learners too
  std::vector<NodeId> leaders_;   // those that can lead
};

}  // namespace keel
