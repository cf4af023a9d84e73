#pragma once

#include "keel/raft/raft.hpp"
#include "keel/storage/data_directory.hpp"

namespace keel {

// Whether to talk with a peer that introduces itself so: what a transport's `admit` asks. Whoever is admitted is
// remembered on disk, which only members of the configuration are worth; and not before this node's own log stands there.
// So a directory that remembers peers and has no log has lost it, and one that remembers none may be bootstrapped,
// whenever the process was killed before.
//
// Errors: `not_found` while this node starts for the first time: the peer tries again, as it does after each of them;
// `wrong_node`; those of PeerBook::admit.
[[nodiscard]] Result<void> admit(const Raft& raft, PeerBook& book, NodeId peer, Incarnation incarnation);

}  // namespace keel
