#include "digest.hpp"

namespace keel::check {
namespace {

void add(Digest& digest, const VoteRequest& body) {
  digest.add(std::uint64_t{body.pre_vote}).add(std::uint64_t{body.for_transfer}).add(body.last);
}
void add(Digest& digest, const VoteReply& body) {
  digest.add(std::uint64_t{body.pre_vote}).add(std::uint64_t{body.granted});
  digest.add(static_cast<std::uint64_t>(body.refusal)).add(body.voted_for);
}
void add(Digest& digest, const AppendRequest& body) {
  digest.add(body.previous).add(body.commit).add(body.entries.size());
  for (const Entry& entry : body.entries)
    digest.add(entry);
}
void add(Digest& digest, const AppendReply& body) {
  digest.add(std::uint64_t{body.accepted}).add(body.index).add(body.hint);
}
void add(Digest& digest, const Heartbeat& body) { digest.add(body.commit).add(body.round); }
void add(Digest& digest, const HeartbeatReply& body) { digest.add(body.round); }
void add(Digest& digest, const TimeoutNow& body) { digest.add(body.last); }
void add(Digest& digest, const ReadIndexRequest& body) { digest.add(body.context); }
void add(Digest& digest, const ReadIndexReply& body) {
  digest.add(body.context).add(std::uint64_t{body.confirmed}).add(body.index);
}

}  // namespace

Digest& Digest::add(const WriteBatch& batch) {
  add(batch.hard_state ? 1u : 0u).add(batch.hard_state.value_or(HardState{}));
  add(batch.truncate_from.value_or(Index())).add(batch.entries.size());
  for (const Entry& entry : batch.entries)
    add(entry);
  return *this;
}

Digest& Digest::add(const Message& message) {
  add(message.from).add(message.to).add(message.term).add(message.body.index());
  std::visit([this](const auto& body) { check::add(*this, body); }, message.body);
  return *this;
}

}  // namespace keel::check
