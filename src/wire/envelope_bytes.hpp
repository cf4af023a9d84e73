#pragma once

#include "keel/wire/envelope.hpp"
#include "wire/bytes.hpp"

namespace keel::wire {

// The envelope's bytes: u64 wall time [u64 session, u64 sequence, u64 origin node, u64 origin tag].

[[nodiscard]] inline bool is_long(const Envelope& envelope) {
  return (envelope.session | envelope.sequence | envelope.origin.value() | envelope.origin_tag) != 0;
}

inline void store_wall_time(std::byte* at, const Envelope& envelope) {
  store(at, static_cast<std::uint64_t>(envelope.wall_time.time_since_epoch().count()));
}

inline void store_rest(std::byte* at, const Envelope& envelope) {
  store(at + 8, envelope.session);
  store(at + 16, envelope.sequence);
  store(at + 24, envelope.origin.value());
  store(at + 32, envelope.origin_tag);
}

[[nodiscard]] inline Envelope load_envelope(const std::byte* at, bool with_rest) {
  Envelope envelope;
  envelope.wall_time = WallTime(WallTime::duration(static_cast<std::int64_t>(load<std::uint64_t>(at))));
  if (with_rest) {
    envelope.session = load<std::uint64_t>(at + 8);
    envelope.sequence = load<std::uint64_t>(at + 16);
    envelope.origin = NodeId(load<std::uint64_t>(at + 24));
    envelope.origin_tag = load<std::uint64_t>(at + 32);
  }
  return envelope;
}

}  // namespace keel::wire
