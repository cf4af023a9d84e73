#pragma once

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "keel/wire/codec.hpp"
#include "keel/wire/envelope.hpp"
#include "keel/wire/handshake.hpp"
#include "keel/wire/peer_message.hpp"

namespace keel::wire::test {

inline constexpr ClusterId cluster{0xc1c2c3c4c5c6c7c8};
inline constexpr GroupId group{0x0102030405060708};

template <class T>
struct Named {
  std::string name;
  T value;
};

using Bytes = std::vector<std::byte>;

[[nodiscard]] Bytes bytes_of(std::string_view text);
[[nodiscard]] Bytes bytes_of(ByteView view);
[[nodiscard]] Payload payload_of(std::string_view text);
// A block of exactly these bytes, which the caller releases.
[[nodiscard]] Block* block_of(ByteView bytes);

[[nodiscard]] Envelope short_envelope();
[[nodiscard]] Envelope long_envelope();
// Not framed.
[[nodiscard]] Entry plain_entry(std::uint64_t index, std::uint64_t term, std::string_view text,
                                const Envelope& envelope = short_envelope());
// Framed for `cluster` and `group`.
[[nodiscard]] Entry framed_entry(std::uint64_t index, std::uint64_t term, std::string_view text,
                                 const Envelope& envelope = short_envelope());

// A message of a body, from 11 to 12 in term 13 about `group`.
[[nodiscard]] PeerMessage message_of(MessageBody body);
[[nodiscard]] PeerMessage message_of(ForwardRequest body);
[[nodiscard]] PeerMessage message_of(ForwardReply body);

// One of each type at least, every field set and different from its neighbours.
[[nodiscard]] std::vector<Named<PeerMessage>> sample_messages();
[[nodiscard]] std::vector<Named<Entry>> sample_entries();
[[nodiscard]] std::vector<Named<Hello>> sample_hellos();
[[nodiscard]] std::vector<Named<Welcome>> sample_welcomes();

// With its length prefix.
[[nodiscard]] Bytes encoded(const PeerMessage& message);
// Of one message without its prefix, alone in a block.
[[nodiscard]] Result<PeerMessage> decoded(ByteView bytes, ClusterId of = cluster);
// The same fields, and the same frames around entries.
[[nodiscard]] bool same(const PeerMessage& a, const PeerMessage& b);

// A message that could be anything a node may say.
[[nodiscard]] PeerMessage random_message(std::mt19937_64& source);

}  // namespace keel::wire::test
