#include "keel/wire/envelope.hpp"

#include "keel/base/assert.hpp"
#include "wire/envelope_bytes.hpp"
#include "wire/room.hpp"

namespace keel::wire {

void set_envelope(Payload& payload, const Envelope& envelope) {
  if (payload.begin() == nullptr) payload = Payload::with_size(0);
  KEEL_ASSERT(head_of(payload) == 0, "an envelope is written before its entry is framed");
  std::byte* const at = payload.begin() - envelope_distance;
  store_wall_time(at, envelope);
  store_rest(at, envelope);
}

Envelope envelope_of(const Payload& payload) {
  if (payload.begin() == nullptr) return {};
  const std::size_t head = head_of(payload);
  if (head == 0) return load_envelope(payload.begin() - envelope_distance, true);
  return load_envelope(payload.begin() - head + at_envelope, head == frame_header_max);
}

}  // namespace keel::wire
