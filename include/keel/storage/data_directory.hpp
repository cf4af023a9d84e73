#pragma once

#include <map>
#include <string>

#include "keel/base/ids.hpp"
#include "keel/port/disk.hpp"

namespace keel {

// Whose a data directory is: written once, when it is made, and checked at every start.
struct DirectoryIdentity {
  ClusterId cluster;
  std::string cluster_name;
  GroupId group;
  NodeId node;
  Incarnation incarnation;  // drawn at random for a new directory: the same node on another disk is another incarnation
  bool operator==(const DirectoryIdentity&) const = default;
};

// Locks the directory and sees that it is the expected node's. An empty one becomes that node's, with the incarnation
// given; of one that is there already its own is returned.
// Errors, in words for the person who started the process: `locked`, `wrong_cluster`, `wrong_node`, `wrong_version`,
// `corrupt` (the file `identity` is damaged, or missing where other files are), `io`.
Result<DirectoryIdentity> open_data_directory(Disk& disk, const DirectoryIdentity& expected);

// The incarnations of this node's peers, as first heard, kept in the file `peers`. A voter that comes back with the same
// id and another incarnation has lost its disk, and with it votes and entries that others count on.
class PeerBook {
 public:
  // Errors: `corrupt`, `wrong_version`, `io`.
  static Result<PeerBook> open(Disk& disk);

  // Whether `peer` is who it was: remembers it, durably, the first time, whoever it is; `keel::admit` (admission.hpp)
  // looks before whether it is to be remembered. Errors: `wrong_incarnation`, with instructions;
  // `overloaded` past max_peers; `io`. Blocks on the disk, but only for a peer never heard before.
  Result<void> admit(NodeId peer, Incarnation incarnation);
  // The next incarnation of this peer will be taken for it: for an operator who has replaced its disk.
  Result<void> forget(NodeId peer);

  [[nodiscard]] const std::map<NodeId, Incarnation>& peers() const { return peers_; }
  static constexpr std::size_t max_peers = 1024;

 private:
  explicit PeerBook(Disk& disk) : disk_(&disk) {}
  Result<void> keep(std::map<NodeId, Incarnation> peers);

  Disk* disk_;
  std::map<NodeId, Incarnation> peers_;
};

}  // namespace keel
