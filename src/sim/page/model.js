'use strict';
// The trace as read from its lines: who is in it, which arrows there are, what each node was when, who was cut off.

// What can be shown or not. A group has a name, a colour, and whether it is shown at first.
const groups = [
  {key: 'roles', name: 'roles and terms', color: '#2f9e57', on: true, big: true},
  {key: 'life', name: 'crashes, clocks', color: '#c22f2f', on: true, big: true},
  {key: 'faults', name: 'partitions, faults', color: '#e07a5f', on: true, big: true},
  {key: 'votes', name: 'votes', color: '#c77700', on: true, message: true},
  {key: 'appends', name: 'appends', color: '#2266cc', on: true, message: true},
  {key: 'beats', name: 'heartbeats', color: '#9aa5b1', on: true, message: true},
  {key: 'others', name: 'other messages', color: '#8a4fbf', on: true, message: true},
  {key: 'commits', name: 'commits, logs', color: '#1b7f5c', on: true},
  {key: 'links', name: 'connections', color: '#9c6b30', on: true},
  {key: 'clients', name: 'clients', color: '#a0357a', on: false},
  {key: 'applied', name: 'applied', color: '#4a7a8c', on: false},
  {key: 'disk', name: 'disks', color: '#8d6e4a', on: false},
  {key: 'events', name: 'what nodes say', color: '#555', on: false},
];
const groupOf = Object.fromEntries(groups.map((group, i) => [group.key, i]));
const messageGroups = {
  VoteRequest: 'votes', VoteReply: 'votes', PreVoteRequest: 'votes', PreVoteReply: 'votes', TimeoutNow: 'votes',
  AppendRequest: 'appends', AppendReply: 'appends', Heartbeat: 'beats', HeartbeatReply: 'beats',
};
const kindGroups = {
  life: 'life', fault: 'faults', end: 'faults', applied: 'applied', writes: 'disk', durable: 'disk', event: 'events',
  client: 'clients',
};
const linkTypes = new Set(['connection', 'unreachable']);
const messageKinds = new Set(['sent', 'held', 'delivered', 'lost']);

// The first element of sorted `list` whose `value` is above `x`.
function firstAbove(list, x, value) {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value(list[middle]) > x) high = middle;
    else low = middle + 1;
  }
  return low;
}

class Model {
  constructor(text) {
    this.title = '';
    this.failure = '';
    this.events = [];
    this.arrows = [];      // {from, to, group, begin, end, fate, copy}: begin and end are events, end -1: never seen
    this.nodes = [];
    this.phases = [];      // {begin, end, cuts, label, sides}: times, with the same cuts all along
    this.states = {};      // by node: the events at which it changed
    this.messages = new Map();  // by id: {sent, ends}
    this.read(text);
    this.at = Float64Array.from(this.events, (event) => event.at);
    this.group = Uint8Array.from(this.events, (event, i) => this.groupOf(event, i));
    this.makeArrows();
    this.makePhases();
  }

  read(text) {
    for (const line of text.split('\n')) {
      if (line === '') continue;
      const event = JSON.parse(line);
      if (event.kind === 'begin') {
        this.title = event.title;
      } else {
        this.take(event, this.events.length);
      }
    }
    this.nodes.sort((a, b) => a - b);
  }

  take(event, i) {
    if (event.kind === 'end') {
      this.failure = event.failure ?? '';
      this.ended = i;
      event.at = i > 0 ? this.events[i - 1].at : 0;
      event.node = 0;
    }
    this.events.push(event);
    for (const node of [event.node, event.from, event.to]) {
      if (node > 0 && !this.nodes.includes(node)) this.nodes.push(node);
    }
    if (event.kind === 'state') (this.states[event.node] ??= []).push(i);
    if (event.id !== undefined) this.takeMessage(event, i);
  }

  takeMessage(event, i) {
    let message = this.messages.get(event.id);
    if (message === undefined) this.messages.set(event.id, message = {sent: -1, ends: []});
    if (event.kind === 'sent') message.sent = i;
    else message.ends.push(i);
  }

  groupOf(event, i) {
    if (linkTypes.has(event.type) && event.kind === 'fault') return groupOf.links;
    if (event.kind === 'state') return groupOf[this.turns(i) ? 'roles' : 'commits'];
    if (messageKinds.has(event.kind)) return groupOf[messageGroups[event.type] ?? 'others'];
    return groupOf[kindGroups[event.kind] ?? 'events'];
  }

  // Whether a state is one worth a label: another role, term, or the first of a node.
  turns(i) {
    const event = this.events[i];
    const before = this.stateBefore(event.node, i);
    return before === undefined || before.role !== event.role || before.term !== event.term ||
      before.paused !== event.paused;
  }

  // A message is an arrow for each end that it had; what came to nothing that was traced is one that goes nowhere.
  makeArrows() {
    for (const [id, {sent, ends}] of this.messages) {
      const real = ends.filter((i) => this.events[i].kind !== 'held');
      if (sent < 0) continue;
      const event = this.events[sent];
      const arrow = {id, from: event.from, to: event.to, group: this.group[sent], begin: sent};
      if (real.length === 0) this.arrows.push({...arrow, end: -1, fate: 'open', copy: false});
      real.forEach((end, n) => this.arrows.push({...arrow, end, fate: this.events[end].kind, copy: n > 0}));
    }
    this.arrows.sort((a, b) => a.begin - b.begin);
    this.arrowsOf = new Map();  // by event
    this.arrows.forEach((arrow, n) => {
      this.arrowsOf.set(arrow.begin, n);
      if (arrow.end >= 0) this.arrowsOf.set(arrow.end, n);
    });
    this.carryArrows();
  }

  // Which arrows are on their way where a block of events begins: so that a screenful is found without looking at all.
  carryArrows() {
    this.blockSize = 256;
    this.carried = Array.from({length: Math.ceil(this.events.length / this.blockSize) + 1}, () => []);
    this.arrows.forEach((arrow, n) => {
      const first = Math.floor(arrow.begin / this.blockSize) + 1;
      for (let block = first; block * this.blockSize <= arrow.end; ++block) this.carried[block].push(n);
    });
  }

  // The arrows that are somewhere between two events.
  arrowsBetween(first, last) {
    const block = Math.floor(first / this.blockSize);
    const found = this.carried[block].slice();
    for (let n = firstAbove(this.arrows, block * this.blockSize - 1, (arrow) => arrow.begin);
      n < this.arrows.length && this.arrows[n].begin <= last; ++n) found.push(n);
    return found;
  }

  makePhases() {
    const cuts = new Set();
    let phase = null;
    this.events.forEach((event, i) => {
      if (event.kind !== 'fault' || event.to === undefined) return;
      const way = `${event.node}→${event.to}`;
      if (event.type === 'cut') cuts.add(way);
      else cuts.delete(way);
      if (phase !== null && phase.begin === event.at) {
        phase.cuts = [...cuts];  // what happens at one moment is one thing
      } else {
        if (phase !== null) phase.end = event.at;
        phase = {begin: event.at, end: Infinity, first: i, cuts: [...cuts]};
        this.phases.push(phase);
      }
    });
    if (this.events.length > 0 && phase !== null) phase.end = Math.max(phase.begin, this.events.at(-1).at);
    this.phases = this.phases.filter((each) => each.cuts.length > 0);
    for (const each of this.phases) this.describe(each);
  }

  // Sides are nodes that can talk, if by way of others: the number of each node's, from 0.
  describe(phase) {
    const cut = new Set(phase.cuts);
    const side = {};
    let sides = 0;
    for (const node of this.nodes) {
      if (side[node] !== undefined) continue;
      const reached = [node];
      for (const one of reached) {
        side[one] = sides;
        for (const other of this.nodes) {
          const joined = !cut.has(`${one}→${other}`) && !cut.has(`${other}→${one}`);
          if (joined && side[other] === undefined && !reached.includes(other)) reached.push(other);
        }
      }
      ++sides;
    }
    phase.sides = side;
    phase.apart = sides > 1;
    phase.label = sides > 1 ? this.sidesText(side, sides, cut) : this.cutsText(phase.cuts);
  }

  sidesText(side, sides, cut) {
    const parts = Array.from({length: sides}, (_, n) => this.nodes.filter((node) => side[node] === n).join(' '));
    const between = this.nodes.flatMap((a) => this.nodes.filter((b) => side[a] !== side[b]).map((b) => `${a}→${b}`));
    const passing = between.filter((way) => !cut.has(way));
    return `partition: ${parts.join(' | ')}${passing.length > 0 ? `, one way: ${passing.join(', ')} still pass` : ''}`;
  }

  // Ways that are cut both ways are said once.
  cutsText(cuts) {
    const all = new Set(cuts);
    const texts = [];
    for (const way of cuts) {
      const [from, to] = way.split('→');
      if (!all.has(`${to}→${from}`)) texts.push(way);
      else if (Number(from) < Number(to)) texts.push(`${from}↔${to}`);
    }
    return `cut: ${texts.join(', ')}`;
  }

  // What the node was, just before or as of an event.
  stateBefore(node, i) {
    const list = this.states[node] ?? [];
    const n = firstAbove(list, i - 1, (at) => at);
    return n === 0 ? undefined : this.events[list[n - 1]];
  }
  stateAt(node, i) { return this.stateBefore(node, i + 1); }
  // The event that made the node what it was at this time.
  stateEventAt(node, time) {
    const list = this.states[node] ?? [];
    const n = firstAbove(list, time, (at) => this.at[at]);
    return n === 0 ? undefined : list[n - 1];
  }
}
