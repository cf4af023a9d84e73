// Messages for people: a short line for traces, and every field by name.
#include <string>

#include "keel/raft/message.hpp"
#include "raft/text.hpp"

namespace keel {

namespace {

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};

std::string reason(Refusal why) {
  switch (why) {
    case Refusal::none: return "none";
    case Refusal::leader_alive: return "leader_alive";
    case Refusal::voted_for_another: return "voted_for_another";
    case Refusal::log_behind: return "log_behind";
    case Refusal::old_term: return "old_term";
    case Refusal::not_ready: return "not_ready";
  }
  return "unknown";
}

std::string short_name(const MessageBody& body) {
  return std::visit(Overloaded{
                        [](const VoteRequest& m) -> std::string { return m.pre_vote ? "PreVote?" : "Vote?"; },
                        [](const VoteReply& m) -> std::string {
                          return std::string(m.pre_vote ? "PreVote" : "Vote") + (m.granted ? "+" : "-");
                        },
                        [](const AppendRequest&) -> std::string { return "Append?"; },
                        [](const AppendReply& m) -> std::string { return m.accepted ? "Append+" : "Append-"; },
                        [](const Heartbeat&) -> std::string { return "Beat?"; },
                        [](const HeartbeatReply&) -> std::string { return "Beat+"; },
                        [](const TimeoutNow&) -> std::string { return "TimeoutNow"; },
                        [](const ReadIndexRequest&) -> std::string { return "Read?"; },
                        [](const ReadIndexReply& m) -> std::string { return m.confirmed ? "Read+" : "Read-"; },
                    },
                    body);
}

std::string short_fields(const MessageBody& body) {
  return std::visit(
      Overloaded{
          [](const VoteRequest& m) { return " last " + text(m.last) + (m.for_transfer ? " transfer" : ""); },
          [](const VoteReply& m) {
            if (m.granted) return std::string();
            return " " + reason(m.refusal) + (m.voted_for == nobody ? "" : " chose " + text(m.voted_for));
          },
          [](const AppendRequest& m) {
            return " prev " + text(m.previous) + " +" + text(m.entries.size()) + " commit " + text(m.commit);
          },
          [](const AppendReply& m) { return " " + text(m.index) + (m.accepted ? "" : " hint " + text(m.hint)); },
          [](const Heartbeat& m) { return " commit " + text(m.commit) + " round " + text(m.round); },
          [](const HeartbeatReply& m) { return " round " + text(m.round); },
          [](const TimeoutNow& m) { return " last " + text(m.last); },
          [](const ReadIndexRequest& m) { return " #" + text(m.context); },
          [](const ReadIndexReply& m) {
            return " #" + text(m.context) + (m.confirmed ? " index " + text(m.index) : "");
          },
      },
      body);
}

std::string long_fields(const MessageBody& body) {
  return std::visit(
      Overloaded{
          [](const VoteRequest& m) {
            return " pre_vote=" + text(m.pre_vote) + " for_transfer=" + text(m.for_transfer) + " last=" + text(m.last);
          },
          [](const VoteReply& m) {
            return " pre_vote=" + text(m.pre_vote) + " granted=" + text(m.granted) + " refusal=" + reason(m.refusal) +
                   " voted_for=" + text(m.voted_for);
          },
          [](const AppendRequest& m) {
            std::string out = " previous=" + text(m.previous) + " commit=" + text(m.commit) + " entries=[";
            for (const Entry& entry : m.entries) {
              if (out.back() != '[') out += " ";
              out += text(LogPosition{entry.term, entry.index}) + ":kind" +
                     std::to_string(static_cast<unsigned>(entry.kind)) + ":" + std::to_string(entry.payload.size()) +
                     "B";
            }
            return out + "]";
          },
          [](const AppendReply& m) {
            return " accepted=" + text(m.accepted) + " index=" + text(m.index) + " hint=" + text(m.hint);
          },
          [](const Heartbeat& m) {
            return " commit=" + text(m.commit) + " round=" + text(m.round) + " promise=" + text(m.promise);
          },
          [](const HeartbeatReply& m) { return " round=" + text(m.round) + " promise=" + text(m.promise); },
          [](const TimeoutNow& m) { return " last=" + text(m.last); },
          [](const ReadIndexRequest& m) { return " context=" + text(m.context); },
          [](const ReadIndexReply& m) {
            return " context=" + text(m.context) + " confirmed=" + text(m.confirmed) + " index=" + text(m.index);
          },
      },
      body);
}

}  // namespace

std::string_view name_of(const MessageBody& body) {
  return std::visit(
      Overloaded{
          [](const VoteRequest& m) -> std::string_view { return m.pre_vote ? "PreVoteRequest" : "VoteRequest"; },
          [](const VoteReply& m) -> std::string_view { return m.pre_vote ? "PreVoteReply" : "VoteReply"; },
          [](const AppendRequest&) -> std::string_view { return "AppendRequest"; },
          [](const AppendReply&) -> std::string_view { return "AppendReply"; },
          [](const Heartbeat&) -> std::string_view { return "Heartbeat"; },
          [](const HeartbeatReply&) -> std::string_view { return "HeartbeatReply"; },
          [](const TimeoutNow&) -> std::string_view { return "TimeoutNow"; },
          [](const ReadIndexRequest&) -> std::string_view { return "ReadIndexRequest"; },
          [](const ReadIndexReply&) -> std::string_view { return "ReadIndexReply"; },
      },
      body);
}

std::string short_form(const Message& message) {
  return short_name(message.body) + " " + text(message.from) + "→" + text(message.to) + " t" + text(message.term) +
         short_fields(message.body);
}

std::string long_form(const Message& message) {
  return std::string(name_of(message.body)) + " group=" + text(message.group) + " from=" + text(message.from) +
         " to=" + text(message.to) + " term=" + text(message.term) + long_fields(message.body);
}

}  // namespace keel
