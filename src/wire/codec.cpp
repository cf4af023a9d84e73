#include "keel/wire/codec.hpp"

#include <fmt/core.h>

#include "keel/base/assert.hpp"
#include "keel/wire/frame.hpp"
#include "wire/checksum.hpp"
#include "wire/fields.hpp"
#include "wire/room.hpp"

// A message: head, its checksum, then what is too large for the head: entries as frames, or a command.
//
//   u8 version   u8 type   u16 0   u64 group   u64 from   u64 to   u64 term   the type's own fields
//   u64 XXH3-64 of the head, seeded with the message's size
//   frames (each with checksums of its own), or a command and the XXH3-64 of it, seeded with the head's checksum

namespace keel::wire {
namespace {

constexpr std::size_t max_head = 256;    // more than any head takes
constexpr std::size_t max_copied = 512;  // what is larger is referred to: copying it would cost more than a piece does
constexpr std::size_t min_frame = frame_header_min + frame_checksum_size;
static_assert(max_head + max_payload_bytes + frame_header_max + frame_checksum_size <= max_message_bytes);

enum class Type : std::uint8_t {
  vote_request = 1,
  vote_reply = 2,
  append_request = 3,
  append_reply = 4,
  heartbeat = 5,
  heartbeat_reply = 6,
  timeout_now = 7,
  read_index_request = 8,
  read_index_reply = 9,
  forward_request = 32,
  forward_reply = 33,
};

struct Head {
  std::uint8_t version = message_version;
  std::uint8_t type = 0;
  std::uint16_t reserved = 0;
  GroupId group;
  NodeId from;
  NodeId to;
  Term term;  // 0 in the node's own messages, which have none
};

void fields(auto& io, Of<Head> auto& head) {
  io(head.version, head.type, head.reserved, head.group, head.from, head.to, head.term);
}
void fields(auto& io, Of<VoteRequest> auto& body) { io(body.pre_vote, body.for_transfer, body.last); }
void fields(auto& io, Of<VoteReply> auto& body) { io(body.pre_vote, body.granted, body.refusal, body.voted_for); }
void fields(auto& io, Of<AppendRequest> auto& body) { io(body.previous, body.commit); }  // entries: the tail
void fields(auto& io, Of<AppendReply> auto& body) { io(body.accepted, body.index, body.hint); }
void fields(auto& io, Of<Heartbeat> auto& body) { io(body.commit, body.round, body.promise); }
void fields(auto& io, Of<HeartbeatReply> auto& body) { io(body.round, body.promise); }
void fields(auto& io, Of<TimeoutNow> auto& body) { io(body.last); }
void fields(auto& io, Of<ReadIndexRequest> auto& body) { io(body.context); }
void fields(auto& io, Of<ReadIndexReply> auto& body) { io(body.context, body.confirmed, body.index); }
void fields(auto& io, Of<ForwardRequest> auto& body) {
  io(body.tag, body.session, body.sequence, body.expected_term, body.kind);  // command: the tail
}
void fields(auto& io, Of<ForwardReply> auto& body) { io(body.tag, body.position, body.refusal, body.leader); }

Type type_of(const VoteRequest&) { return Type::vote_request; }
Type type_of(const VoteReply&) { return Type::vote_reply; }
Type type_of(const AppendRequest&) { return Type::append_request; }
Type type_of(const AppendReply&) { return Type::append_reply; }
Type type_of(const Heartbeat&) { return Type::heartbeat; }
Type type_of(const HeartbeatReply&) { return Type::heartbeat_reply; }
Type type_of(const TimeoutNow&) { return Type::timeout_now; }
Type type_of(const ReadIndexRequest&) { return Type::read_index_request; }
Type type_of(const ReadIndexReply&) { return Type::read_index_reply; }
Type type_of(const ForwardRequest&) { return Type::forward_request; }
Type type_of(const ForwardReply&) { return Type::forward_reply; }

template <class Body>
constexpr bool has_tail = std::same_as<Body, AppendRequest> || std::same_as<Body, ForwardRequest>;

// The number that ends the head of a message with a tail: of entries, or of bytes.
std::size_t tail_count(const AppendRequest& body) { return body.entries.size(); }
std::size_t tail_count(const ForwardRequest& body) { return body.command.size(); }

std::size_t tail_size(const AppendRequest& body) {
  std::size_t size = 0;
  for (const Entry& entry : body.entries) {
    const ByteView frame = frame_of(entry.payload);
    KEEL_ASSERT(is_frame_of(frame, entry), "entries are framed, at their own place, before they are sent");
    size += frame.size();
  }
  return size;
}
// A command that no frame takes could not become an entry.
bool too_large(const ForwardRequest& body) { return body.command.size() > max_payload_bytes; }
bool too_large(const auto&) { return false; }
std::size_t tail_size(const ForwardRequest& body) { return body.command.size() + checksum_size; }

}  // namespace

class Encoder {
 public:
  explicit Encoder(Encoded& out) : out_(out) {}

  template <class Body>
  Result<void> message(Head head, const Body& body) {
    head.type = static_cast<std::uint8_t>(type_of(body));
    std::byte* const prefix = out_.room(max_head);
    std::byte* const start = prefix + length_prefix_bytes;
    Writer writer(start);
    fields(writer, head);
    fields(writer, body);
    if constexpr (has_tail<Body>) writer(static_cast<std::uint32_t>(tail_count(body)));

    const ByteView checked(start, writer.at());
    std::size_t size = checked.size() + checksum_size;
    if constexpr (has_tail<Body>) size += tail_size(body);
    if (size > max_message_bytes || too_large(body)) {
      return fail(ErrorCode::too_large,
                  fmt::format("a message of {} bytes to node {}: {} is the most one may have, {} of them command", size,
                              head.to.value(), max_message_bytes, max_payload_bytes));
    }
    store(prefix, static_cast<std::uint32_t>(size));
    const std::uint64_t checksum = checksum_of(checked, size);
    store(writer.at(), checksum);
    out_.commit(length_prefix_bytes + checked.size() + checksum_size);
    if constexpr (has_tail<Body>) tail(body, checksum);
    return {};
  }

 private:
  void tail(const AppendRequest& body, std::uint64_t) {
    for (const Entry& entry : body.entries) {
      bytes(entry.payload, frame_of(entry.payload));
    }
  }
  void tail(const ForwardRequest& body, std::uint64_t seed) {
    bytes(body.command, body.command.bytes());
    store(out_.room(checksum_size), checksum_of(body.command.bytes(), seed));
    out_.commit(checksum_size);
  }

  void bytes(const Payload& owner, ByteView all) {
    if (all.size() > max_copied) return out_.refer(owner, all);
    copy_bytes(out_.room(all.size()), all);
    out_.commit(all.size());
  }

  Encoded& out_;
};

Result<void> encode(const PeerMessage& message, Encoded& out) {
  Head head{.group = message.group, .from = message.from, .to = message.to, .term = {}};
  if (const auto* raft = std::get_if<Message>(&message.body)) {
    KEEL_ASSERT(raft->group == message.group && raft->from == message.from && raft->to == message.to,
                "a protocol message goes from, to and about what its envelope says");
    head.term = raft->term;
    return std::visit([&](const auto& body) { return Encoder(out).message(head, body); }, raft->body);
  }
  if (const auto* request = std::get_if<ForwardRequest>(&message.body)) return Encoder(out).message(head, *request);
  return Encoder(out).message(head, std::get<ForwardReply>(message.body));
}

namespace {

// One message being decoded.
class Decoder {
 public:
  Decoder(Block& block, std::size_t offset, std::size_t size, ClusterId cluster)
      : block_(block), offset_(offset), bytes_(block.data() + offset, size), cluster_(cluster), reader_(bytes_) {}

  Result<PeerMessage> message();

 private:
  template <class Body>
  Result<PeerMessage> with();
  bool head_intact();
  Result<void> tail(AppendRequest& body);
  Result<void> tail(ForwardRequest& body);
  [[nodiscard]] PeerMessage finish(MessageBody body) const {
    return {head_.group, head_.from, head_.to, Message{head_.group, head_.from, head_.to, head_.term, std::move(body)}};
  }
  [[nodiscard]] PeerMessage finish(ForwardRequest body) const {
    return {head_.group, head_.from, head_.to, std::move(body)};
  }
  [[nodiscard]] PeerMessage finish(ForwardReply body) const { return {head_.group, head_.from, head_.to, body}; }
  [[nodiscard]] std::unexpected<Error> corrupt(std::string_view what) const {
    return fail(ErrorCode::corrupt, fmt::format("message of type {}, {} bytes: {}", head_.type, bytes_.size(), what));
  }

  Block& block_;
  std::size_t offset_;
  ByteView bytes_;
  ClusterId cluster_;
  Reader reader_;
  Head head_;
  std::uint32_t tail_count_ = 0;
  std::uint64_t checksum_ = 0;
};

Result<PeerMessage> Decoder::message() {
  if (bytes_.size() > max_message_bytes) return corrupt("larger than any may be");
  fields(reader_, head_);
  if (!reader_.ok()) return corrupt("cut short");
  if (head_.version != message_version) {
    return fail(ErrorCode::wrong_version,
                fmt::format("message of version {}, this build speaks version {}", head_.version, message_version));
  }
  switch (static_cast<Type>(head_.type)) {
    case Type::vote_request: return with<VoteRequest>();
    case Type::vote_reply: return with<VoteReply>();
    case Type::append_request: return with<AppendRequest>();
    case Type::append_reply: return with<AppendReply>();
    case Type::heartbeat: return with<Heartbeat>();
    case Type::heartbeat_reply: return with<HeartbeatReply>();
    case Type::timeout_now: return with<TimeoutNow>();
    case Type::read_index_request: return with<ReadIndexRequest>();
    case Type::read_index_reply: return with<ReadIndexReply>();
    case Type::forward_request: return with<ForwardRequest>();
    case Type::forward_reply: return with<ForwardReply>();
  }
  return corrupt("unknown type");
}

template <class Body>
Result<PeerMessage> Decoder::with() {
  Body body;
  fields(reader_, body);
  if constexpr (has_tail<Body>) reader_(tail_count_);
  if (!head_intact()) return corrupt("cut short, a field out of range, or checksum mismatch");
  constexpr bool has_term = std::constructible_from<MessageBody, Body>;
  if (head_.reserved != 0 || (!has_term && head_.term != Term{})) return corrupt("a reserved field is set");
  if constexpr (has_tail<Body>) {
    if (auto whole = tail(body); !whole) return std::unexpected(std::move(whole).error());
  }
  if (reader_.left() != 0) return corrupt("bytes behind its end");
  return finish(std::move(body));
}

bool Decoder::head_intact() {
  if (!reader_.ok()) return false;
  const ByteView checked(bytes_.data(), reader_.at());
  reader_(checksum_);
  return reader_.ok() && checksum_ == checksum_of(checked, bytes_.size());
}

Result<void> Decoder::tail(AppendRequest& body) {
  if (tail_count_ > reader_.left() / min_frame) return corrupt("fewer bytes than its entries need");
  body.entries.reserve(tail_count_);
  LogPosition last = body.previous;
  for (std::uint32_t i = 0; i < tail_count_; ++i) {
    const std::size_t at = offset_ + bytes_.size() - reader_.left();
    const auto header = decode_header({reader_.at(), reader_.left()});
    if (!header) return std::unexpected(header.error());
    if (header->cluster != cluster_ || header->group != head_.group) {
      return fail(ErrorCode::wrong_cluster,
                  fmt::format("entry {} of cluster {:016x}, group {} in a message of cluster {:016x}, group {}",
                              header->index.value(), header->cluster.value(), header->group.value(), cluster_.value(),
                              head_.group.value()));
    }
    if (header->index != last.index.next() || header->term < last.term) return corrupt("entries out of order");
    auto entry = decode_frame(*header, block_, at, offset_ + bytes_.size());
    if (!entry) return std::unexpected(std::move(entry).error());
    reader_.skip(header->frame_size());
    last = {header->term, header->index};
    body.entries.push_back(*std::move(entry));
  }
  return {};
}

Result<void> Decoder::tail(ForwardRequest& body) {
  if (tail_count_ > max_payload_bytes || reader_.left() != tail_count_ + checksum_size) {
    return corrupt("a command of another size than it says");
  }
  const ByteView command(reader_.at(), tail_count_);
  reader_.skip(tail_count_);
  std::uint64_t checksum = 0;
  reader_(checksum);
  if (checksum != checksum_of(command, checksum_)) return corrupt("checksum mismatch in its command");
  body.command = Payload::copy_of(command);
  return {};
}

}  // namespace

Result<std::size_t> decode_length(ByteView bytes) {
  KEEL_ASSERT(bytes.size() >= length_prefix_bytes, "a length is decoded when all of it is there");
  const auto size = load<std::uint32_t>(bytes.data());
  if (size == 0 || size > max_message_bytes) {
    return fail(ErrorCode::corrupt,
                fmt::format("a message of {} bytes: from 1 to {} is what one may have", size, max_message_bytes));
  }
  return size;
}

Result<PeerMessage> decode(Block& block, std::size_t offset, std::size_t size, ClusterId cluster) {
  KEEL_ASSERT(offset <= block.size() && size <= block.size() - offset, "the bytes to decode lie inside the block");
  return Decoder(block, offset, size, cluster).message();
}

}  // namespace keel::wire
