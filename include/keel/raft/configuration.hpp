#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "keel/base/error.hpp"
#include "keel/base/ids.hpp"
#include "keel/base/payload.hpp"
#include "keel/base/time.hpp"

namespace keel {

enum class MemberRole : std::uint8_t {
  none = 0,     // not (or no longer) in this half of the configuration
  learner = 1,  // receives the log, counts for nothing
  voter = 2,
  witness = 3,  // votes and acknowledges, never leads; keeps, for now, the log like a voter
};

struct Member {
  NodeId id;
  MemberRole role = MemberRole::voter;     // in the configuration being entered
  MemberRole old_role = MemberRole::none;  // in the one being left; meaningful only while joint
  std::string address = {};                // where its transport listens: data about it, not who it is
  std::string data = {};                   // a few bytes for the application (a client address, say)

  bool operator==(const Member&) const = default;
};

// Who is in the cluster. Replicated as a log entry and in force from the moment it is appended (thesis, 4.1).
// While `joint`, agreement takes a majority of both halves (thesis, 4.3).
struct Configuration {
  std::vector<Member> members;  // by id, strictly ascending
  bool joint = false;
  std::uint32_t format_level = 1;  // the newest wire and disk format that every member reads

  [[nodiscard]] const Member* find(NodeId id) const;
  bool operator==(const Configuration&) const = default;
};

// The first entry of every log, written once at bootstrap, the same on every first voter. Its constants never change.
struct Genesis {
  std::string cluster_name;
  Configuration configuration;
  std::uint32_t min_election_voters = 0;  // the floor: no election and no configuration with fewer voters
  Duration max_promise{};                 // the longest promise not to vote that any lease may ask for

  [[nodiscard]] ClusterId cluster_id() const;
  bool operator==(const Genesis&) const = default;
};

// A genesis with the default floor: a majority of its voters.
[[nodiscard]] Genesis make_genesis(std::string cluster_name, std::vector<Member> members,
                                   Duration max_promise = std::chrono::seconds(10));

inline constexpr std::size_t max_members = 64;
inline constexpr std::size_t max_name_bytes = 255;  // of a cluster name, an address, a member's data

// Errors: `invalid`, naming what is wrong (no voter, duplicate id, id 0, too many, too long, floor out of range).
[[nodiscard]] Result<void> validate(const Configuration& configuration);
[[nodiscard]] Result<void> validate(const Genesis& genesis);

// The entries' payloads. Encoding wants valid input; decoding takes any bytes: `corrupt` or `wrong_version`.
[[nodiscard]] Payload encode(const Configuration& configuration);
[[nodiscard]] Payload encode(const Genesis& genesis);
[[nodiscard]] Result<Configuration> decode_configuration(ByteView bytes);
[[nodiscard]] Result<Genesis> decode_genesis(ByteView bytes);

}  // namespace keel
