#pragma once

#include <map>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "keel/raft/invariants.hpp"
#include "model_disk.hpp"

namespace keel::test {

// What an observer believes who hears the events and nothing else: it must be what is.
class Told {
 public:
  void start(const Raft& raft) {
    role_ = raft.role();
    term_ = raft.term();
    leader_ = raft.leader();
    commit_ = raft.commit();
    last_ = raft.log().last().index;
    configured_ = raft.configurations().has_any() ? raft.configurations().current_index() : Index();
  }
  void hear(const RaftEvent& event) {
    if (const auto* now = std::get_if<RoleChanged>(&event)) role_ = now->role;
    if (const auto* now = std::get_if<TermChanged>(&event)) term_ = now->term;
    if (const auto* now = std::get_if<LeaderChanged>(&event)) leader_ = now->leader;
    if (const auto* now = std::get_if<CommitAdvanced>(&event)) commit_ = now->commit;
    if (const auto* now = std::get_if<ConfigurationInForce>(&event)) configured_ = now->index;
    if (const auto* more = std::get_if<EntriesAppended>(&event)) {
      follows_ = follows_ && more->range.first == last_.next() && !more->range.empty();
      last_ = more->range.last;
    }
    if (const auto* gone = std::get_if<EntriesTruncated>(&event)) {
      follows_ = follows_ && gone->range.last == last_ && !gone->range.empty();
      last_ = gone->range.first.previous();
    }
  }
  void check(const Raft& raft) const {
    const bool same = role_ == raft.role() && term_ == raft.term() && leader_ == raft.leader() &&
                      commit_ == raft.commit() && last_ == raft.log().last().index &&
                      (!raft.configurations().has_any() || configured_ == raft.configurations().current_index());
    if (!same) throw std::logic_error("the events tell another state than there is");
    if (!follows_) throw std::logic_error("the events of a log do not follow one another");
  }

 private:
  RoleName role_ = RoleName::follower;
  Term term_;
  NodeId leader_{};
  Index commit_;
  Index last_;
  Index configured_;
  bool follows_ = true;
};

// Looks at a group after every step: the invariants of keel/raft/invariants.hpp, and what only a bystander can know,
// who remembers the crashed and sees every disk. Throws at the first sentence that does not hold.
class Watch {
 public:
  struct Seen {
    const std::optional<Raft>* raft;  // empty while it is down
    const ModelDisk* disk;            // durable
    const ModelDisk* issued;          // what the disk will hold once everything issued is written
  };

  // After a step of `id`; `nodes` is everybody.
  void step(NodeId id, const std::map<NodeId, Seen>& nodes) {
    const Seen& changed = nodes.at(id);
    const Raft& raft = **changed.raft;
    require(check_node(raft));
    if (const auto before = before_.find(id); before != before_.end()) require(check_step(before->second, raft));
    before_[id] = remember(raft);
    check_disk(raft, changed);
    check_leader(raft);
    check_commit(raft, nodes);
    up_.clear();
    for (const auto& [other, seen] : nodes) {
      if (*seen.raft) up_.push_back(&**seen.raft);
    }
    require(check_cluster(up_));
  }
  void forget(NodeId id) { before_.erase(id); }

  // What may leave a node now: nothing that its disk could take back (hazards H12, H43; mission R6).
  static void leaves(const Message& message, const ModelDisk& disk) {
    const auto require = [&](bool holds, const char* what) {
      if (!holds) throw std::logic_error(std::string(what) + ": " + long_form(message));
    };
    const HardState& durable = disk.hard_state;
    const auto* asks = std::get_if<VoteRequest>(&message.body);
    const auto* votes = std::get_if<VoteReply>(&message.body);
    // A rehearsal asks about a term that nobody is in yet, and its grant echoes that; they tell nothing of ours.
    const bool echoes = votes != nullptr && votes->pre_vote && votes->granted;
    const bool asks_ahead = asks != nullptr && asks->pre_vote;
    require(echoes || durable.term + (asks_ahead ? 1 : 0) >= message.term,
            "a message tells a term that is not durable");
    const bool same_term = durable.term == message.term;
    if (asks != nullptr && !asks->pre_vote && same_term) {
      require(durable.vote == message.from, "a candidate asks before its own vote is durable");
    }
    if (votes != nullptr && !votes->pre_vote && votes->granted && same_term) {
      require(durable.vote == message.to, "a vote leaves before it is durable");
    }
    const auto* holds = std::get_if<AppendReply>(&message.body);
    if (holds != nullptr && holds->accepted && same_term) {
      require(disk.last() >= holds->index, "an acknowledgement leaves before the entries are durable");
    }
  }

  // The last index that some node ever knew to be committed: what a read asked for now must not miss.
  [[nodiscard]] Index committed() const { return ledger_.empty() ? Index() : ledger_.rbegin()->first; }
  // What was ever committed, whatever became of the nodes that knew.
  [[nodiscard]] const std::map<Index, Entry>& ledger() const { return ledger_; }
  [[nodiscard]] const std::map<Term, NodeId>& leaders() const { return leaders_; }

 private:
  static void require(const std::optional<std::string>& broken) {
    if (broken) throw std::logic_error(*broken);
  }
  static void require(bool holds, const char* what) {
    if (!holds) throw std::logic_error(what);
  }

  // The store was told exactly what Raft believes, and what Raft calls durable is.
  static void check_disk(const Raft& raft, const Seen& seen) {
    const Log& log = raft.log();
    require(seen.issued->hard_state == raft.hard_state(), "the store was told another term or vote");
    require(seen.issued->last() == log.last().index, "the store was told another end of the log");
    require(seen.issued->term_at(log.last().index) == log.last().term, "the store was told another last entry");
    require(seen.disk->term_at(log.stable()) == log.term_at(log.stable()), "what is called durable is not");
    if (log.stable() > log.base().index) {
      require(seen.disk->term_at(log.stable()).has_value(), "what is called durable is not there");
    }
  }

  // Election Safety over the whole run, not only among those who lead now.
  void check_leader(const Raft& raft) {
    if (raft.role() != RoleName::leader) return;
    const auto [known, first] = leaders_.emplace(raft.term(), raft.options().id);
    require(known->second == raft.options().id, "two leaders in one term");
  }

  // What is committed is durable on a quorum, and stays what it is.
  void check_commit(const Raft& raft, const std::map<NodeId, Seen>& nodes) {
    const Index from = std::max(known_[raft.options().id], raft.log().base().index).next();
    for (Index index = from; index <= raft.commit(); ++index) {
      auto known = ledger_.find(index);
      if (known == ledger_.end()) known = extend_ledger(raft, index, nodes);
      require(raft.log().term_at(index) == known->second.term, "another entry was committed at an index");
    }
    known_[raft.options().id] = std::max(known_[raft.options().id], raft.commit());
  }
  std::map<Index, Entry>::iterator extend_ledger(const Raft& raft, Index index, const std::map<NodeId, Seen>& nodes) {
    const Term term = raft.log().term_at(index).value();
    const Entry* entry = nullptr;
    const bool durable = raft.cluster().is_quorum([&](NodeId id) {
      if (index <= nodes.at(id).disk->base.position.index) return true;  // in its snapshot
      const Entry* there = nodes.at(id).disk->find(index);
      if (there == nullptr || there->term != term) return false;
      require(entry == nullptr || *entry == *there, "two entries with one index and term");
      entry = there;
      return true;
    });
    require(durable, "an entry was committed that is not durable on a quorum");
    return ledger_.emplace(index, entry != nullptr ? *entry : Entry{index, term, {}, {}}).first;
  }

  std::vector<const Raft*> up_;
  std::map<NodeId, Remembered> before_;
  std::map<NodeId, Index> known_;
  std::map<Term, NodeId> leaders_;
  std::map<Index, Entry> ledger_;
};

}  // namespace keel::test
