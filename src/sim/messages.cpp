#include "keel/sim/messages.hpp"

#include <algorithm>

namespace keel::sim {
namespace {

std::string text_of(NodeId node) { return std::to_string(node.value()); }

bool carries(const AppendRequest& request, Index entry) {
  return std::ranges::any_of(request.entries, [entry](const Entry& e) { return e.index == entry; });
}

}  // namespace

const Message* protocol_of(const PeerMessage& message) { return std::get_if<Message>(&message.body); }

std::string_view name_of(const PeerMessage& message) {
  if (const Message* inner = protocol_of(message)) return keel::name_of(inner->body);
  return std::holds_alternative<ForwardRequest>(message.body) ? "ForwardRequest" : "ForwardReply";
}

std::string short_form(const PeerMessage& message) {
  if (const Message* inner = protocol_of(message)) return keel::short_form(*inner);
  const std::string way = " " + text_of(message.from) + "→" + text_of(message.to) + " tag ";
  if (const auto* request = std::get_if<ForwardRequest>(&message.body)) {
    return "Forward?" + way + std::to_string(request->tag) + " " + std::to_string(request->command.size()) + " bytes";
  }
  const auto& reply = std::get<ForwardReply>(message.body);
  const std::string start = "Forward!" + way + std::to_string(reply.tag) + " ";
  if (reply.position.index == Index(0)) return start + std::string(to_string(reply.refusal));
  return start + "at " + std::to_string(reply.position.index.value()) + "@" +
         std::to_string(reply.position.term.value());
}

Messages Messages::any() {
  return {[](const PeerMessage&) { return true; }, "any message"};
}

Messages Messages::and_also(Test test, const std::string& text) const {
  return {[mine = test_, test = std::move(test)](const PeerMessage& message) mutable {
            return mine(message) && test(message);
          },
          text_ + " " + text};
}

Messages Messages::from(Who node) const {
  return and_also([id = node.id](const PeerMessage& m) { return m.from == id; }, "from " + text_of(node.id));
}

Messages Messages::to(Who node) const {
  return and_also([id = node.id](const PeerMessage& m) { return m.to == id; }, "to " + text_of(node.id));
}

Messages Messages::between(Who a, Who b) const {
  return and_also(
      [a = a.id, b = b.id](const PeerMessage& m) { return (m.from == a && m.to == b) || (m.from == b && m.to == a); },
      "between " + text_of(a.id) + " and " + text_of(b.id));
}

Messages Messages::involving(Who node) const {
  return and_also([id = node.id](const PeerMessage& m) { return m.from == id || m.to == id; },
                  "from or to " + text_of(node.id));
}

Messages Messages::term_at_least(Term term) const {
  return and_also(
      [term](const PeerMessage& m) {
        const Message* inner = protocol_of(m);
        return inner != nullptr && inner->term >= term;
      },
      "of term " + std::to_string(term.value()) + " or later");
}

Messages Messages::term(Term term) const {
  return and_also(
      [term](const PeerMessage& m) {
        const Message* inner = protocol_of(m);
        return inner != nullptr && inner->term == term;
      },
      "of term " + std::to_string(term.value()));
}

Messages Messages::pre_vote(bool yes) const {
  return and_also(
      [yes](const PeerMessage& m) {
        if (const auto* request = body_of<VoteRequest>(m)) return request->pre_vote == yes;
        const auto* reply = body_of<VoteReply>(m);
        return reply != nullptr && reply->pre_vote == yes;
      },
      yes ? "that rehearses" : "that is no rehearsal");
}

Messages Messages::accepted() const {
  return and_also(
      [](const PeerMessage& m) {
        if (const auto* vote = body_of<VoteReply>(m)) return vote->granted;
        if (const auto* read = body_of<ReadIndexReply>(m)) return read->confirmed;
        const auto* append = body_of<AppendReply>(m);
        return append != nullptr && append->accepted;
      },
      "saying yes");
}

Messages Messages::refused() const {
  return and_also(
      [](const PeerMessage& m) {
        if (const auto* vote = body_of<VoteReply>(m)) return !vote->granted;
        if (const auto* read = body_of<ReadIndexReply>(m)) return !read->confirmed;
        const auto* append = body_of<AppendReply>(m);
        return append != nullptr && !append->accepted;
      },
      "saying no");
}

Messages Messages::with_entries(std::size_t at_least) const {
  return and_also(
      [at_least](const PeerMessage& m) {
        const auto* request = body_of<AppendRequest>(m);
        return request != nullptr && request->entries.size() >= at_least;
      },
      at_least == 1 ? "with entries" : "with " + std::to_string(at_least) + " entries or more");
}

Messages Messages::behind(Index entry) const {
  return and_also(
      [entry](const PeerMessage& m) {
        const auto* request = body_of<AppendRequest>(m);
        return request != nullptr && request->previous.index == entry;
      },
      "behind entry " + std::to_string(entry.value()));
}

Messages Messages::containing(std::string_view bytes) const {
  return and_also(
      [wanted = std::string(bytes)](const PeerMessage& m) {
        const auto has = [&](ByteView command) {
          return !std::ranges::search(command, std::as_bytes(std::span(wanted))).empty() || wanted.empty();
        };
        if (const auto* forward = body_of<ForwardRequest>(m)) return has(forward->command.bytes());
        const auto* request = body_of<AppendRequest>(m);
        return request != nullptr &&
               std::ranges::any_of(request->entries, [&](const Entry& entry) { return has(entry.payload.bytes()); });
      },
      "containing '" + std::string(bytes) + "'");
}

Messages Messages::with(Index entry) const {
  return and_also(
      [entry](const PeerMessage& m) {
        if (const auto* request = body_of<AppendRequest>(m)) return carries(*request, entry);
        const auto* reply = body_of<AppendReply>(m);
        return reply != nullptr && reply->accepted && reply->index >= entry;
      },
      "with entry " + std::to_string(entry.value()));
}

Messages Messages::commit(Index at_least) const {
  return and_also(
      [at_least](const PeerMessage& m) {
        if (const auto* request = body_of<AppendRequest>(m)) return request->commit >= at_least;
        const auto* beat = body_of<Heartbeat>(m);
        return beat != nullptr && beat->commit >= at_least;
      },
      "committing " + std::to_string(at_least.value()));
}

Messages Messages::first(std::uint64_t n) const {
  return {[mine = test_, n, seen = std::uint64_t{0}](const PeerMessage& m) mutable {
            if (seen == n || !mine(m)) return false;
            ++seen;
            return true;
          },
          "the first " + std::to_string(n) + " of: " + text_};
}

Messages Messages::after(std::uint64_t n) const {
  return {[mine = test_, n, seen = std::uint64_t{0}](const PeerMessage& m) mutable { return mine(m) && ++seen > n; },
          text_ + " after the first " + std::to_string(n)};
}

Messages Messages::nth(std::uint64_t n) const {
  return {[mine = test_, n, seen = std::uint64_t{0}](const PeerMessage& m) mutable { return mine(m) && ++seen == n; },
          "number " + std::to_string(n) + " of: " + text_};
}

Messages Messages::every(std::uint64_t n) const {
  return {
      [mine = test_, n, seen = std::uint64_t{0}](const PeerMessage& m) mutable { return mine(m) && ++seen % n == 0; },
      "each " + std::to_string(n) + "th of: " + text_};
}

Messages Messages::then(const Messages& next) const {
  return {[mine = test_, following = next.test_, seen = false](const PeerMessage& m) mutable {
            if (seen) return following(m);
            seen = mine(m);
            return false;
          },
          text_ + ", then " + next.text_};
}

Messages operator&&(const Messages& a, const Messages& b) { return a.and_also(b.test_, "and " + b.text_); }

Messages operator||(const Messages& a, const Messages& b) {
  return {[a = a.test_, b = b.test_](const PeerMessage& m) mutable {
            const bool first = a(m);  // both are asked, because both may count
            const bool second = b(m);
            return first || second;
          },
          "(" + a.text_ + " or " + b.text_ + ")"};
}

Messages operator!(const Messages& a) {
  return {[a = a.test_](const PeerMessage& m) mutable { return !a(m); }, "not (" + a.text_ + ")"};
}

}  // namespace keel::sim
