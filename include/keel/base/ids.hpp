#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace keel {

// A number with a meaning of its own: a Term is not an Index and does not convert into one.
template <class Tag>
class Number {
 public:
  constexpr Number() = default;
  constexpr explicit Number(std::uint64_t value) : value_(value) {}

  [[nodiscard]] constexpr std::uint64_t value() const { return value_; }
  constexpr auto operator<=>(const Number&) const = default;

 private:
  std::uint64_t value_ = 0;
};

// A number that counts, so that "the next one" and "how many between" make sense.
template <class Tag>
class Ordinal {
 public:
  constexpr Ordinal() = default;
  constexpr explicit Ordinal(std::uint64_t value) : value_(value) {}

  [[nodiscard]] constexpr std::uint64_t value() const { return value_; }
  constexpr auto operator<=>(const Ordinal&) const = default;

  constexpr Ordinal& operator++() { return *this += 1; }
  constexpr Ordinal& operator+=(std::uint64_t n) {
    value_ += n;
    return *this;
  }
  [[nodiscard]] constexpr Ordinal next() const { return Ordinal(value_ + 1); }
  // The one before; zero stays zero, which stands for "before the first" everywhere.
  [[nodiscard]] constexpr Ordinal previous() const { return Ordinal(value_ == 0 ? 0 : value_ - 1); }
  friend constexpr Ordinal operator+(Ordinal a, std::uint64_t n) { return a += n; }
  friend constexpr Ordinal operator-(Ordinal a, std::uint64_t n) { return Ordinal(a.value_ - n); }
  friend constexpr std::uint64_t operator-(Ordinal a, Ordinal b) { return a.value_ - b.value_; }

 private:
  std::uint64_t value_ = 0;
};

// Raft's logical clock: at most one leader a term (Raft, section 5.1). 0 is before the first.
using Term = Ordinal<struct TermTag>;
// A position in the log. The first entry ever has index 1; 0 is before it.
using Index = Ordinal<struct IndexTag>;
// Who a server is, for ever; an address is only data about it. 0 is nobody.
using NodeId = Number<struct NodeIdTag>;
// Which of the Raft groups that may share a process, a connection and a log.
using GroupId = Number<struct GroupIdTag>;
// Which cluster: derived from its name and its first voters, so that strangers are told apart.
using ClusterId = Number<struct ClusterIdTag>;
// Drawn at random when a data directory is made: the same node with another incarnation has lost its disk.
using Incarnation = Number<struct IncarnationTag>;

inline constexpr NodeId nobody{};

}  // namespace keel

template <class Tag>
struct std::hash<keel::Number<Tag>> {
  std::size_t operator()(keel::Number<Tag> n) const noexcept { return std::hash<std::uint64_t>{}(n.value()); }
};
template <class Tag>
struct std::hash<keel::Ordinal<Tag>> {
  std::size_t operator()(keel::Ordinal<Tag> n) const noexcept { return std::hash<std::uint64_t>{}(n.value()); }
};
