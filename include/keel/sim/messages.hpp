#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "keel/wire/peer_message.hpp"

namespace keel::sim {

// A node, named in a script: `2`, `node(2)` and a NodeId say the same.
struct Who {
  Who(NodeId node) : id(node) {}  // NOLINT(google-explicit-constructor)
  template <class I, class = std::enable_if_t<std::is_integral_v<I>>>
  Who(I node) : id(NodeId(static_cast<std::uint64_t>(node))) {}  // NOLINT(google-explicit-constructor)
  NodeId id;
};

// The protocol's message inside, or null if it is one of the node's own (forwarded commands).
[[nodiscard]] const Message* protocol_of(const PeerMessage& message);
[[nodiscard]] std::string_view name_of(const PeerMessage& message);
// One line: `Vote? 3→1 t7 last 41@6`.
[[nodiscard]] std::string short_form(const PeerMessage& message);

// Which messages: a pattern, built from parts that all must hold, combined with && || ! and `then`.
//
//   Messages::of<AppendReply>().from(2).accepted()
//   Messages::of<VoteRequest>() && !Messages::any().to(3)
//   Messages::of<Heartbeat>().to(2).first(3)
//   Messages::of<TimeoutNow>().then(Messages::of<VoteRequest>())    vote requests, once a TimeoutNow has been seen
//
// A pattern may count, so it is asked once for each message, in the order in which they are sent; a copy starts from
// what the original had counted.
class Messages {
 public:
  using Test = std::function<bool(const PeerMessage&)>;

  [[nodiscard]] static Messages any();
  // Of one type: a member of MessageBody, ForwardRequest or ForwardReply.
  template <class Body>
  [[nodiscard]] static Messages of();

  [[nodiscard]] Messages from(Who node) const;
  [[nodiscard]] Messages to(Who node) const;
  // Either way between the two; from or to this one.
  [[nodiscard]] Messages between(Who a, Who b) const;
  [[nodiscard]] Messages involving(Who node) const;
  [[nodiscard]] Messages term(Term term) const;
  [[nodiscard]] Messages term_at_least(Term term) const;
  // Votes and pre-votes: requests and replies.
  [[nodiscard]] Messages pre_vote(bool yes = true) const;
  // Replies that say yes; that say no.
  [[nodiscard]] Messages accepted() const;
  [[nodiscard]] Messages refused() const;
  // Appends that carry entries; that carry this one. Replies that acknowledge it.
  [[nodiscard]] Messages with_entries(std::size_t at_least = 1) const;
  [[nodiscard]] Messages with(Index entry) const;
  // Appends that go right behind this entry.
  [[nodiscard]] Messages behind(Index entry) const;
  // Commands with these bytes somewhere in them: in an append's entries, or passed on to the leader.
  [[nodiscard]] Messages containing(std::string_view bytes) const;
  // Anything that says "commit" of at least this.
  [[nodiscard]] Messages commit(Index at_least) const;
  // What is not covered above; `Body` is deduced: where([](const Heartbeat& beat) { return beat.round == 3; }).
  template <class F>
  [[nodiscard]] Messages where(F test, const std::string& text = "where …") const;

  // Of those that match the first n; those behind the first n; the n-th alone; each n-th.
  [[nodiscard]] Messages first(std::uint64_t n) const;
  [[nodiscard]] Messages after(std::uint64_t n) const;
  [[nodiscard]] Messages nth(std::uint64_t n) const;
  [[nodiscard]] Messages every(std::uint64_t n) const;
  // Those that match `next`, once one has matched this.
  [[nodiscard]] Messages then(const Messages& next) const;

  friend Messages operator&&(const Messages& a, const Messages& b);
  friend Messages operator||(const Messages& a, const Messages& b);
  friend Messages operator!(const Messages& a);

  [[nodiscard]] bool matches(const PeerMessage& message) { return test_(message); }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  Messages(Test test, std::string text) : test_(std::move(test)), text_(std::move(text)) {}
  [[nodiscard]] Messages and_also(Test test, const std::string& text) const;
  template <class Body>
  static const Body* body_of(const PeerMessage& message);

  Test test_;
  std::string text_;
};

template <class Body>
const Body* Messages::body_of(const PeerMessage& message) {
  if constexpr (std::is_same_v<Body, ForwardRequest> || std::is_same_v<Body, ForwardReply>) {
    return std::get_if<Body>(&message.body);
  } else {
    const Message* inner = protocol_of(message);
    return inner == nullptr ? nullptr : std::get_if<Body>(&inner->body);
  }
}

template <class Body>
Messages Messages::of() {
  std::string_view name;
  if constexpr (std::is_same_v<Body, ForwardRequest>) {
    name = "ForwardRequest";
  } else if constexpr (std::is_same_v<Body, ForwardReply>) {
    name = "ForwardReply";
  } else {
    name = keel::name_of(MessageBody(Body{}));
  }
  return {[](const PeerMessage& message) { return body_of<Body>(message) != nullptr; }, std::string(name)};
}

namespace detail {
template <class F>
struct Argument : Argument<decltype(&F::operator())> {};
template <class F, class R, class A>
struct Argument<R (F::*)(A) const> {
  using type = std::remove_cvref_t<A>;
};
}  // namespace detail

template <class F>
Messages Messages::where(F test, const std::string& text) const {
  using Body = typename detail::Argument<F>::type;
  if constexpr (std::is_same_v<Body, PeerMessage>) {
    return and_also(test, text);
  } else {
    return and_also(
        [test](const PeerMessage& message) {
          const Body* body = body_of<Body>(message);
          return body != nullptr && test(*body);
        },
        text);
  }
}

}  // namespace keel::sim
