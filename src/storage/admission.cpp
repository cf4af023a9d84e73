#include "keel/storage/admission.hpp"

#include <fmt/core.h>

namespace keel {

Result<void> admit(const Raft& raft, PeerBook& book, NodeId peer, Incarnation incarnation) {
  if (raft.log().stable() < Index(1)) {
    return fail(ErrorCode::not_found, fmt::format("node {} is starting for the first time: its log is not on disk yet",
                                                  raft.options().id.value()));
  }
  if (!raft.cluster().is_member(peer)) {
    return fail(ErrorCode::wrong_node, fmt::format("node {} is no member of the cluster that node {} knows",
                                                   peer.value(), raft.options().id.value()));
  }
  return book.admit(peer, incarnation);
}

}  // namespace keel
