#include "samples.hpp"

#include <algorithm>
#include <array>

#include "keel/wire/frame.hpp"

namespace keel::wire::test {

Bytes bytes_of(std::string_view text) { return bytes_of(std::as_bytes(std::span(text))); }
Bytes bytes_of(ByteView view) { return {view.begin(), view.end()}; }
Payload payload_of(std::string_view text) { return Payload::copy_of(std::as_bytes(std::span(text))); }

Block* block_of(ByteView bytes) {
  Block* const block = Block::make(bytes.size());
  std::ranges::copy(bytes, block->data());
  return block;
}

Envelope short_envelope() { return {.wall_time = WallTime(std::chrono::milliseconds(1'700'000'000'123))}; }

Envelope long_envelope() {
  return {.wall_time = WallTime(std::chrono::milliseconds(1'700'000'000'456)),
          .session = 0x5e55,
          .sequence = 77,
          .origin = NodeId(3),
          .origin_tag = 0x7a60};
}

Entry plain_entry(std::uint64_t index, std::uint64_t term, std::string_view text, const Envelope& envelope) {
  Entry entry{Index(index), Term(term), EntryKind::command, payload_of(text)};
  set_envelope(entry.payload, envelope);
  return entry;
}

Entry framed_entry(std::uint64_t index, std::uint64_t term, std::string_view text, const Envelope& envelope) {
  Entry entry = plain_entry(index, term, text, envelope);
  frame(entry, cluster, group);
  return entry;
}

namespace {
constexpr NodeId from{11};
constexpr NodeId to{12};
}  // namespace

PeerMessage message_of(MessageBody body) {
  return {group, from, to, Message{group, from, to, Term(13), std::move(body)}};
}
PeerMessage message_of(ForwardRequest body) { return {group, from, to, std::move(body)}; }
PeerMessage message_of(ForwardReply body) { return {group, from, to, body}; }

std::vector<Named<PeerMessage>> sample_messages() {
  const std::string large(2000, 'L');  // by reference
  return {
      {"vote_request", message_of(VoteRequest{true, false, {Term(5), Index(41)}})},
      {"vote_request_transfer", message_of(VoteRequest{false, true, {Term(6), Index(42)}})},
      {"vote_reply_granted", message_of(VoteReply{true, true, Refusal::none, NodeId(11)})},
      {"vote_reply_refused", message_of(VoteReply{false, false, Refusal::voted_for_another, NodeId(9)})},
      {"append_request", message_of(AppendRequest{{Term(5), Index(41)},
                                                  Index(40),
                                                  {framed_entry(42, 5, "set a 1"), framed_entry(43, 6, ""),
                                                   framed_entry(44, 6, "set b 2", long_envelope())}})},
      {"append_request_large",
       message_of(AppendRequest{{Term(5), Index(41)}, Index(40), {framed_entry(42, 5, large)}})},
      {"append_request_empty", message_of(AppendRequest{{Term(5), Index(41)}, Index(40), {}})},
      {"append_reply_accepted", message_of(AppendReply{true, Index(45), {}})},
      {"append_reply_refused", message_of(AppendReply{false, Index(41), {Term(4), Index(37)}})},
      {"heartbeat", message_of(Heartbeat{Index(45), 1001, std::chrono::milliseconds(1500)})},
      {"heartbeat_reply", message_of(HeartbeatReply{1001, std::chrono::milliseconds(1499)})},
      {"timeout_now", message_of(TimeoutNow{{Term(6), Index(45)}})},
      {"read_index_request", message_of(ReadIndexRequest{2002})},
      {"read_index_reply", message_of(ReadIndexReply{2002, true, Index(45)})},
      {"forward_request", message_of(ForwardRequest{3003, 0x5e55, 78, Term(13), payload_of("incr c")})},
      {"forward_request_large", message_of(ForwardRequest{3004, 0, 0, {}, payload_of(large)})},
      {"forward_reply_appended", message_of(ForwardReply{3003, {Term(13), Index(46)}, ErrorCode::no_leader, {}})},
      {"forward_reply_refused", message_of(ForwardReply{3004, {}, ErrorCode::not_leader, NodeId(2)})},
  };
}

std::vector<Named<Entry>> sample_entries() {
  std::vector<Named<Entry>> entries{
      {"frame_command", framed_entry(42, 5, "set a 1")},
      {"frame_session", framed_entry(43, 6, "set b 2", long_envelope())},
      {"frame_empty", framed_entry(44, 6, "", {})},
  };
  Entry application = plain_entry(45, 6, "mine");
  application.kind = static_cast<EntryKind>(200);
  frame(application, cluster, group);
  entries.push_back({"frame_application", application});
  return entries;
}

std::vector<Named<Hello>> sample_hellos() {
  return {
      {"hello",
       {cluster, "accounts", NodeId(1), NodeId(2), Incarnation(0x1122334455667788), 1, 3, "client=[::1]:6379"}},
      {"hello_least", {cluster, "", NodeId(1), nobody, Incarnation(7), 1, 1, ""}},
  };
}

std::vector<Named<Welcome>> sample_welcomes() {
  return {
      {"welcome_accepted", {ErrorCode::invalid, ""}},
      {"welcome_refused", {ErrorCode::wrong_cluster, "node 2 belongs to cluster accounts, not to orders"}},
  };
}

Bytes encoded(const PeerMessage& message) {
  Encoded out;
  if (!encode(message, out)) return {};
  return out.flatten();
}

Result<PeerMessage> decoded(ByteView bytes, ClusterId of) {
  Block* const block = block_of(bytes);
  auto message = decode(*block, 0, bytes.size(), of);
  block->release();  // what the message shares it keeps
  return message;
}

bool same(const PeerMessage& a, const PeerMessage& b) {
  if (a != b) return false;
  const auto entries_of = [](const PeerMessage& message) -> const Entries* {
    const auto* raft = std::get_if<Message>(&message.body);
    const auto* append = raft != nullptr ? std::get_if<AppendRequest>(&raft->body) : nullptr;
    return append != nullptr ? &append->entries : nullptr;
  };
  const auto* mine = entries_of(a);
  return mine == nullptr || std::ranges::equal(*mine, *entries_of(b), [](const Entry& x, const Entry& y) {
           return envelope_of(x.payload) == envelope_of(y.payload) &&
                  std::ranges::equal(x.payload.frame(), y.payload.frame());
         });
}

namespace {

// Random values of every type a message is made of; numbers small, large and in between.
struct Random {
  std::mt19937_64& source;

  std::uint64_t number() { return source() >> (source() % 64); }
  std::uint64_t below(std::uint64_t bound) { return source() % bound; }
  bool flag() { return below(2) == 1; }
  LogPosition position() { return {Term(number()), Index(number())}; }
  Duration duration() { return Duration(static_cast<std::int64_t>(number() >> 1)); }
  std::string text() {
    constexpr std::array<std::uint64_t, 5> bounds{1, 30, 600, 3000, 70000};
    std::string text(below(bounds[below(bounds.size())]), '\0');
    std::ranges::generate(text, [&] { return static_cast<char>(source()); });
    return text;
  }
  Envelope envelope() {
    Envelope envelope{.wall_time = WallTime(std::chrono::milliseconds(static_cast<std::int64_t>(number())))};
    if (flag()) envelope.session = number();
    if (flag()) envelope.sequence = number();
    if (flag()) envelope.origin = NodeId(number());
    if (flag()) envelope.origin_tag = number();
    return envelope;
  }
  AppendRequest append(GroupId of) {
    AppendRequest request{{Term(below(100)), Index(number() >> 1)}, Index(number()), {}};
    LogPosition last = request.previous;
    for (std::uint64_t left = below(flag() ? 4 : 40); left > 0; --left) {
      last = {last.term + below(2), last.index.next()};
      Entry entry{last.index, last.term, static_cast<EntryKind>(1 + below(255)), payload_of(text())};
      set_envelope(entry.payload, envelope());
      frame(entry, cluster, of);
      request.entries.push_back(std::move(entry));
    }
    return request;
  }
  MessageBody body(std::uint64_t type, GroupId of) {
    switch (type) {
      case 0: return VoteRequest{flag(), flag(), position()};
      case 1: return VoteReply{flag(), flag(), static_cast<Refusal>(below(6)), NodeId(number())};
      case 2: return append(of);
      case 3: return AppendReply{flag(), Index(number()), position()};
      case 4: return Heartbeat{Index(number()), number(), duration()};
      case 5: return HeartbeatReply{number(), duration()};
      case 6: return TimeoutNow{position()};
      case 7: return ReadIndexRequest{number()};
      default: return ReadIndexReply{number(), flag(), Index(number())};
    }
  }
};

}  // namespace

PeerMessage random_message(std::mt19937_64& source) {
  Random random{source};
  PeerMessage message{GroupId(random.number()), NodeId(random.number()), NodeId(random.number()), {}};
  switch (const std::uint64_t type = random.below(11)) {
    case 9:
      message.body = ForwardRequest{random.number(), random.number(), random.number(), Term(random.number()),
                                    payload_of(random.text())};
      break;
    case 10:
      message.body = ForwardReply{random.number(), random.position(), static_cast<ErrorCode>(random.below(23)),
                                  NodeId(random.number())};
      break;
    default:
      message.body =
          Message{message.group, message.from, message.to, Term(random.number()), random.body(type, message.group)};
  }
  return message;
}

}  // namespace keel::wire::test
