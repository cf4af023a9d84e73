// What stores are given, what they say is durable, and what they find when they are opened again.
#include <algorithm>

#include "keel/sim/checks.hpp"

namespace keel::sim {
namespace {

std::string node_text(NodeId node) { return "node " + std::to_string(node.value()); }

void reset(std::vector<Term>& terms, const std::optional<LogPosition>& to) {
  if (!to) return;
  terms.assign(to->index.value(), Term(0));
  if (!terms.empty()) terms.back() = to->term;
}

void truncate(std::vector<Term>& terms, const std::optional<Index>& from) {
  if (from && from->value() <= terms.size()) terms.resize(from->value() - 1);
}

}  // namespace

void SafetyChecks::writes(NodeId node, const WriteBatch& batch) {
  View& store = view(node);
  Pending& pending = store.pending.emplace_back();
  const Term before = store.written.term;
  if (batch.hard_state) {
    const HardState& now = *batch.hard_state;
    const bool changed_vote =
        now.term == store.written.term && store.written.vote != nobody && now.vote != store.written.vote;
    if (now.term < store.written.term || changed_vote) {
      violate("monotony", node_text(node) + " writes term " + std::to_string(now.term.value()) + " with a vote for " +
                              node_text(now.vote) + " over term " + std::to_string(store.written.term.value()) +
                              " with one for " + node_text(store.written.vote));
    }
    store.written = now;
  }
  pending.hard_state = batch.hard_state;
  pending.truncate_from = batch.truncate_from;
  if (batch.reset_to) {
    pending.reset_to = batch.reset_to->position;
    store.last_written = batch.reset_to->position.index;
  }
  if (batch.truncate_from) {
    if (loses_committed(node, *batch.truncate_from, before)) {
      violate("state machine safety", node_text(node) + " cuts a committed entry from its log at index " +
                                          std::to_string(batch.truncate_from->value()));
    }
    store.last_written = batch.truncate_from->previous();
    if (store.written.term == store.durable.hard_state.term) {  // what took its place is not durable yet
      Kept& kept = store.kept[store.written.term];
      kept.last = std::min(kept.last, store.last_written);
    }
  }
  for (const Entry& entry : batch.entries) {
    if (entry.index != store.last_written.next()) {
      violate("recovery", node_text(node) + " writes entry " + std::to_string(entry.index.value()) + " behind entry " +
                              std::to_string(store.last_written.value()));
    }
    // The term of the one before: of this batch, or durable, or in a batch before this.
    Term previous = pending.terms.empty() ? Term(0) : pending.terms.back();
    if (pending.terms.empty() && store.pending.size() == 1 && !batch.truncate_from) {
      previous = durable_term(node, entry.index.previous()).value_or(Term(0));
    }
    note_entry(node, entry.index, previous, entry);
    pending.terms.push_back(entry.term);
    store.last_written = entry.index;
  }
}

// A node that lags behind the term of the commit may: what an old leader says is law to it, and its copy was not among
// those that were counted.
bool SafetyChecks::loses_committed(NodeId node, Index index, Term term) const {
  return index <= committed() && committed_[index.value() - 1].seen <= term &&
         durable_term(node, index) == committed_term(index);
}

void SafetyChecks::wrote(NodeId node) {
  View& store = view(node);
  if (store.pending.empty()) {
    return violate("recovery", node_text(node) + "'s store reports a write that nobody asked for");
  }
  const Pending done = std::move(store.pending.front());
  store.pending.pop_front();
  Durable& durable = store.durable;
  if (done.hard_state) durable.hard_state = *done.hard_state;
  reset(durable.terms, done.reset_to);
  truncate(durable.terms, done.truncate_from);
  durable.terms.insert(durable.terms.end(), done.terms.begin(), done.terms.end());
  note_durable(store);
}

void SafetyChecks::note_durable(View& view) {
  Kept& kept = view.kept[view.durable.hard_state.term];
  kept.vote = view.durable.hard_state.vote;
  kept.last = std::max(kept.last, durable_for_good(view));
}

// As far as nothing on its way cuts it in the same term, in which no entry that was acknowledged is cut.
Index SafetyChecks::durable_for_good(const View& view) {
  Index last = view.durable.last();
  for (const Pending& batch : view.pending) {
    if (batch.hard_state && batch.hard_state->term != view.durable.hard_state.term) break;
    if (batch.truncate_from) last = std::min(last, batch.truncate_from->previous());
  }
  return last;
}

void SafetyChecks::stopped(NodeId node) {
  view(node).before.reset();
  view(node).compared.reset();
}

bool SafetyChecks::agrees(const Durable& model, const Recovered& recovered) {
  if (model.hard_state != recovered.hard_state || model.last() != recovered.last) return false;
  const auto run_at = [&](Index index) {
    return std::prev(std::ranges::upper_bound(recovered.terms, index, {}, &TermRun::first))->term;
  };
  for (Index index = recovered.base.position.index.next(); index <= recovered.last; ++index) {
    const Term expected = model.terms[static_cast<std::size_t>(index.value()) - 1];
    if (expected != Term(0) && run_at(index) != expected) return false;
  }
  return true;
}

// What survives a crash is a prefix: batch by batch, and in each state, then truncation, then entries.
std::optional<std::size_t> SafetyChecks::survived(Durable model, const std::deque<Pending>& pending,
                                                  const Recovered& recovered) {
  std::optional<std::size_t> found;
  if (agrees(model, recovered)) found = 0;
  for (std::size_t i = 0; i < pending.size(); ++i) {
    const Pending& batch = pending[i];
    if (batch.hard_state) model.hard_state = *batch.hard_state;
    if (agrees(model, recovered)) found = i;
    reset(model.terms, batch.reset_to);
    truncate(model.terms, batch.truncate_from);
    if (agrees(model, recovered)) found = i;
    for (const Term term : batch.terms) {
      model.terms.push_back(term);
      if (agrees(model, recovered)) found = i;
    }
    if (agrees(model, recovered)) found = i + 1;
  }
  return found;
}

void SafetyChecks::opened(NodeId node, const Recovered& recovered) {
  View& store = view(node);
  const auto there = survived(store.durable, store.pending, recovered);
  if (store.known && there) {
    writes_survived_ += *there;
    writes_lost_ += store.pending.size() - *there;
  } else if (store.known) {
    violate("recovery", node_text(node) + "'s store opens with term " +
                            std::to_string(recovered.hard_state.term.value()) + ", last index " +
                            std::to_string(recovered.last.value()) + "; durable was term " +
                            std::to_string(store.durable.hard_state.term.value()) + ", last index " +
                            std::to_string(store.durable.last().value()) + ", and " +
                            std::to_string(store.pending.size()) + " batches were on their way");
  }
  store.known = true;
  store.pending.clear();
  store.durable = {recovered.hard_state, {}};
  store.durable.terms.assign(recovered.base.position.index.value(), Term(0));
  if (!store.durable.terms.empty()) store.durable.terms.back() = recovered.base.position.term;
  for (std::size_t run = 0; run < recovered.terms.size(); ++run) {
    const bool is_last = run + 1 == recovered.terms.size();
    const Index end = is_last ? recovered.last.next() : recovered.terms[run + 1].first;
    store.durable.terms.resize(end.value() - 1, recovered.terms[run].term);
  }
  store.written = recovered.hard_state;
  store.last_written = recovered.last;
  note_durable(store);
}

}  // namespace keel::sim
