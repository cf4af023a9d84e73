// The picture: where each moment is, and what of it is on the screen. Only that is drawn.

const roles = [
  {key: 'leader', name: 'leader', color: '#2f9e57'},
  {key: 'candidate', name: 'candidate', color: '#e08a1e'},
  {key: 'pre_candidate', name: 'candidate, rehearsing', color: '#ecc65a'},
  {key: 'follower', name: 'follower', color: '#8fa0b5'},
  {key: 'failed', name: 'failed: its disk or machine', color: '#7a1f1f'},
  {key: 'down', name: 'down', color: '#ffffff'},
];
const roleColor = Object.fromEntries(roles.map((role) => [role.key, role.color]));
const sideColors = ['rgba(70,130,220,.10)', 'rgba(235,130,60,.16)', 'rgba(120,90,200,.14)', 'rgba(60,170,140,.14)',
  'rgba(200,80,140,.13)', 'rgba(150,150,60,.16)', 'rgba(90,90,90,.13)'];
const bad = '#c22f2f';
const ink = '#1d2733';
const soft = '#5d6b7a';
const rulerWidth = 92;
const headHeight = 38;
const font = (size, weight = '') => `${weight} ${size}px system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif`;
const seconds = (at, digits = 6) => (at / 1e9).toFixed(digits);

function span(nanoseconds) {
  if (nanoseconds >= 1e9) return `${(nanoseconds / 1e9).toFixed(2)} s`;
  if (nanoseconds >= 1e6) return `${(nanoseconds / 1e6).toFixed(nanoseconds < 1e7 ? 1 : 0)} ms`;
  return `${Math.round(nanoseconds / 1e3)} µs`;
}

// A message's line without the way, which the arrow shows.
const withoutWay = (event) => event.message.replace(` ${event.from}→${event.to}`, '');

// Remembers where text is, so that no text comes over other text.
class Room {
  constructor() { this.rows = new Map(); }
  take(x, y, width, height = 11) {
    const first = Math.floor((y - height) / 6);
    const last = Math.floor(y / 6);
    for (let row = first; row <= last; ++row) {
      for (const [from, to] of this.rows.get(row) ?? []) {
        if (x < to && from < x + width) return false;
      }
    }
    for (let row = first; row <= last; ++row) {
      if (!this.rows.has(row)) this.rows.set(row, []);
      this.rows.get(row).push([x, x + width]);
    }
    return true;
  }
}

class Picture {
  constructor(model, canvas) {
    this.model = model;
    this.canvas = canvas;
    this.context = canvas.getContext('2d');
    this.zoom = 7;
    this.top = 0;
    this.selected = -1;
    this.rows = [];       // the events that are shown, in order
    this.times = [0];     // the moments of these, and where they are
    this.heights = [0];
    this.shownGroups = groups.map((group) => group.on);
    this.shownNodes = new Set(model.nodes);
    this.drawn = {arrows: 0, marks: 0};
    this.layOut();
  }

  // Which events pass the filter. A message does if one of its two nodes does.
  passes(i) {
    const event = this.model.events[i];
    if (event.kind === 'end') return true;
    if (!this.shownGroups[this.model.group[i]]) return false;
    if (event.from !== undefined) return this.shownNodes.has(event.from) || this.shownNodes.has(event.to);
    return event.node === 0 || this.shownNodes.has(event.node);
  }

  // Time goes down by how much happens: what follows closely gets room, and a pause is cut short.
  layOut() {
    const keep = this.timeAt(this.top);
    const {at, events} = this.model;
    this.rows = [];
    const times = [];
    const heights = [];
    let y = 30;
    for (let i = 0; i < events.length; ++i) {
      if (!this.passes(i)) continue;
      this.rows.push(i);
      const passed = times.length === 0 ? 0 : at[i] - times.at(-1);
      if (times.length > 0 && passed === 0) continue;
      if (times.length > 0) y += this.gap(passed);
      times.push(at[i]);
      heights.push(y);
    }
    if (times.length === 0) times.push(0), heights.push(y);
    this.times = Float64Array.from(times);
    this.heights = Float64Array.from(heights);
    this.height = y + 80;
    this.scrollTo(this.top > 0 ? this.yOf(keep) : 0);
  }

  gap(passed) {
    return Math.min(this.zoom * 7, Math.max(this.zoom * 0.8, passed / 1e6 * this.zoom * 2.5));
  }

  yOf(time) {
    const n = firstAbove(this.times, time, (each) => each);
    if (n === 0) return this.heights[0] - Math.min(20, (this.times[0] - time) / 1e6);
    if (n === this.times.length) return this.heights[n - 1];
    const part = (time - this.times[n - 1]) / (this.times[n] - this.times[n - 1]);
    return this.heights[n - 1] + part * (this.heights[n] - this.heights[n - 1]);
  }

  timeAt(y) {
    const n = firstAbove(this.heights, y, (each) => each);
    if (n === 0) return this.times[0];
    if (n === this.heights.length) return this.times[n - 1];
    const part = (y - this.heights[n - 1]) / (this.heights[n] - this.heights[n - 1]);
    return this.times[n - 1] + part * (this.times[n] - this.times[n - 1]);
  }

  get viewHeight() { return this.canvas.clientHeight - headHeight; }
  scrollTo(y) { this.top = Math.max(0, Math.min(y, this.height - this.viewHeight)); }

  laneOf(node) {
    const lanes = this.model.nodes.length;
    const width = (this.canvas.clientWidth - rulerWidth) / lanes;
    return rulerWidth + (this.model.nodes.indexOf(node) + 0.5) * width;
  }
  get laneWidth() { return (this.canvas.clientWidth - rulerWidth) / this.model.nodes.length; }

  screenY(time) { return this.yOf(time) - this.top + headHeight; }

  // Where an event is on the canvas.
  where(i) {
    const event = this.model.events[i];
    const y = this.screenY(event.at);
    if (messageKinds.has(event.kind)) {
      const arrow = this.model.arrows[this.model.arrowsOf.get(i)];
      if (arrow !== undefined) return this.middle(this.line(arrow));
    }
    return {x: event.node > 0 ? this.laneOf(event.node) : rulerWidth + 20, y};
  }
  middle({x0, y0, x1, y1}) { return {x: x0 + 0.3 * (x1 - x0), y: y0 + 0.3 * (y1 - y0)}; }

  draw() {
    const {canvas, context} = this;
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = '#fff';
    context.fillRect(0, 0, width, height);
    this.from = this.timeAt(this.top);
    this.to = this.timeAt(this.top + this.viewHeight);
    this.room = new Room();
    this.crosses = [];
    this.hits = [];  // what can be clicked: {i, x, y, width, height} or {i, line}
    this.drawn = {arrows: 0, marks: 0};
    this.drawPhases(width, height);
    this.drawSelection(width);
    this.drawLifelines();
    this.drawRuler(height);
    this.reservePills();
    this.drawArrows();
    this.drawMarks();
    this.drawPhaseLabels();
    this.drawHeads(width);
  }

  // Where the selected event is, so that a step is seen.
  drawSelection(width) {
    if (this.selected < 0) return;
    const {context, model} = this;
    context.fillStyle = 'rgba(255,205,60,.38)';
    context.fillRect(0, this.screenY(model.at[this.selected]) - 3, width, 6);
    const arrow = model.arrows[model.arrowsOf.get(this.selected)];
    if (arrow === undefined) return;
    const {x0, y0, x1, y1} = this.line(arrow);
    context.strokeStyle = 'rgba(255,205,60,.9)';
    context.lineWidth = 10;
    this.stroke([[x0, y0], [x1, y1]]);
    context.lineWidth = 1;
  }

  drawPhases(width, height) {
    const {context} = this;
    this.phaseLabels = [];
    for (const phase of this.model.phases) {
      if (phase.end < this.from || phase.begin > this.to) continue;
      const top = Math.max(headHeight, this.screenY(phase.begin));
      const bottom = Math.min(height, Math.max(this.screenY(phase.end), top + 2));
      context.fillStyle = 'rgba(224,122,95,.09)';
      context.fillRect(0, top, width, bottom - top);
      if (phase.apart) {
        for (const node of this.model.nodes) {
          context.fillStyle = sideColors[phase.sides[node] % sideColors.length];
          context.fillRect(this.laneOf(node) - this.laneWidth / 2, top, this.laneWidth, bottom - top);
        }
      }
      context.strokeStyle = 'rgba(200,80,50,.6)';
      context.setLineDash([6, 4]);
      this.stroke([[0, this.screenY(phase.begin)], [width, this.screenY(phase.begin)]]);
      this.stroke([[0, this.screenY(phase.end)], [width, this.screenY(phase.end)]]);
      context.setLineDash([]);
      if (bottom - top > 13) this.reservePhaseLabel(phase, top);
    }
  }

  // At its beginning, or where the screen begins if that is above.
  reservePhaseLabel(phase, top) {
    const {context} = this;
    const text = `✂ ${phase.label}`;
    context.font = font(11, '600');
    const label = {text, x: rulerWidth + 4, y: top + 1, width: context.measureText(text).width + 10, i: phase.first};
    this.room.take(label.x, top + 14, label.width, 14);
    this.phaseLabels.push(label);
  }

  drawPhaseLabels() {
    const {context} = this;
    context.font = font(11, '600');
    for (const {text, x, y, width, i} of this.phaseLabels) {
      context.fillStyle = 'rgba(255,246,242,.95)';
      context.fillRect(x, y, width, 15);
      context.fillStyle = '#a8442a';
      context.fillText(text, x + 5, y + 11);
      this.hits.push({i, x, y, width, height: 15});
    }
  }

  stroke(points) {
    const {context} = this;
    context.beginPath();
    points.forEach(([x, y], n) => (n === 0 ? context.moveTo(x, y) : context.lineTo(x, y)));
    context.stroke();
  }

  // The states of a node that are in force on the screen, each with its end.
  *statesOnScreen(node) {
    const list = this.model.states[node] ?? [];
    let n = Math.max(0, firstAbove(list, this.from, (i) => this.model.at[i]) - 1);
    for (; n < list.length && this.model.at[list[n]] <= this.to; ++n) {
      yield [list[n], n + 1 < list.length ? this.model.at[list[n + 1]] : this.model.at.at(-1)];
    }
  }

  drawLifelines() {
    const {context} = this;
    for (const node of this.model.nodes) {
      const x = this.laneOf(node);
      context.globalAlpha = this.shownNodes.has(node) ? 1 : 0.35;
      for (const [i, end] of this.statesOnScreen(node)) {
        const state = this.model.events[i];
        const top = Math.max(this.screenY(state.at), headHeight);
        const bottom = Math.min(this.screenY(end), this.canvas.clientHeight);
        if (state.role === 'down') {
          context.strokeStyle = '#b9c1ca';
          context.setLineDash([2, 5]);
          this.stroke([[x, top], [x, bottom]]);
          context.setLineDash([]);
        } else {
          const wide = state.role === 'follower' ? 6 : 10;
          context.fillStyle = roleColor[state.role] ?? '#888';
          context.fillRect(x - wide / 2, top, wide, bottom - top);
          if (state.paused) this.drawPause(x, top, bottom, wide);
        }
        if (i === this.selected) {
          context.strokeStyle = ink;
          context.strokeRect(x - 8, this.screenY(state.at), 16, Math.max(3, this.screenY(end) - this.screenY(state.at)));
        }
        this.hits.push({i, x: x - 9, y: top, width: 18, height: bottom - top});
      }
      context.globalAlpha = 1;
    }
  }

  drawPause(x, top, bottom, wide) {
    this.context.fillStyle = '#fff';
    for (let y = Math.ceil(top / 6) * 6; y < bottom; y += 6) this.context.fillRect(x - wide / 2, y, wide, 3);
  }

  drawRuler(height) {
    const {context} = this;
    context.fillStyle = 'rgba(250,251,252,.92)';
    context.fillRect(0, headHeight, rulerWidth, height);
    context.font = font(11);
    context.textAlign = 'right';
    let last = -100;
    let n = firstAbove(this.times, this.from, (time) => time) - 1;
    for (n = Math.max(0, n); n < this.times.length && this.times[n] <= this.to; ++n) {
      const y = this.heights[n] - this.top + headHeight;
      if (y - last < 26 || y < headHeight + 8) continue;
      context.fillStyle = soft;
      context.fillText(seconds(this.times[n]), rulerWidth - 12, y + 4);
      context.fillStyle = '#c9d1d9';
      context.fillRect(rulerWidth - 8, y, 6, 1);
      last = y;
      const passed = n + 1 < this.times.length ? this.times[n + 1] - this.times[n] : 0;
      if (passed > 5e7 && this.heights[n + 1] - this.heights[n] > 24) {
        context.fillStyle = '#98a3af';
        context.fillText(`⋮ ${span(passed)}`, rulerWidth - 12, y + 4 + (this.heights[n + 1] - this.heights[n]) / 2);
      }
    }
    context.textAlign = 'left';
  }

  // The shown events that are on the screen, and a little around it.
  rowsOnScreen() {
    const first = firstAbove(this.rows, this.from - 1, (i) => this.model.at[i]);
    const last = firstAbove(this.rows, this.to, (i) => this.model.at[i]);
    return this.rows.slice(first, last);
  }

  line(arrow) {
    const {events} = this.model;
    const [a, b] = [this.laneOf(arrow.from), this.laneOf(arrow.to)];
    const side = Math.sign(b - a);
    const y0 = this.screenY(events[arrow.begin].at);
    const full = arrow.end < 0 ? y0 : this.screenY(events[arrow.end].at);
    let part = 1;
    if (arrow.fate === 'lost') part = events[arrow.end].text === 'nobody there' ? 0.93 : 0.6;
    if (arrow.fate === 'open') part = 0.3;
    const drop = Math.max(full - y0, 4);
    return {x0: a + side * 5, y0, x1: a + side * 5 + part * (b - a - side * 10), y1: y0 + (part < 1 ? part : 1) * drop};
  }

  drawArrows() {
    if (this.rows.length === 0) return;
    const {model} = this;
    const first = firstAbove(model.at, this.from - 1, (time) => time);
    const last = firstAbove(model.at, this.to, (time) => time) - 1;
    const visible = model.arrowsBetween(Math.min(first, model.events.length - 1), last).filter((n) => {
      const arrow = model.arrows[n];
      return this.passes(arrow.begin) && (arrow.end < 0 ? arrow.begin >= first : arrow.end >= first);
    });
    this.drawn.arrows = visible.length;
    for (const n of visible) this.drawArrow(model.arrows[n]);
    for (const n of visible) this.labelArrow(model.arrows[n]);
    for (const [x, y] of this.crosses) this.drawCross(x, y, 4.5, bad);
  }

  isSelected(arrow) { return this.selected >= 0 && (arrow.begin === this.selected || arrow.end === this.selected); }

  drawArrow(arrow) {
    const {context} = this;
    const line = this.line(arrow);
    const {x0, y0, x1, y1} = line;
    const refused = /^\S+-/.test(this.model.events[arrow.begin].message);
    context.strokeStyle = context.fillStyle = groups[arrow.group].color;
    context.lineWidth = this.isSelected(arrow) ? 3 : 1.2;
    if (refused) context.setLineDash([2, 3]);
    if (arrow.copy) context.setLineDash([8, 3]);
    this.stroke([[x0, y0], [x1, y1]]);
    context.setLineDash([]);
    if (arrow.fate === 'delivered') this.drawPoint(line);
    if (arrow.fate === 'lost') this.drawLoss(arrow, line);
    if (arrow.fate === 'open') context.fillText('…', x1 + (x1 < x0 ? -10 : 2), y1);
    context.globalAlpha = 1;
    context.lineWidth = 1;
    this.hits.push({i: arrow.begin, end: arrow.end, line});
  }

  drawPoint({x0, y0, x1, y1}) {
    const angle = Math.atan2(y1 - y0, x1 - x0);
    const at = (turn, size) => [x1 - size * Math.cos(angle + turn), y1 - size * Math.sin(angle + turn)];
    this.context.beginPath();
    this.context.moveTo(x1, y1);
    this.context.lineTo(...at(0.4, 8));
    this.context.lineTo(...at(-0.4, 8));
    this.context.fill();
  }

  // Where it would have gone, and where that ended.
  drawLoss(arrow, {x0, y0, x1, y1}) {
    const {context} = this;
    const whole = this.laneOf(arrow.to) - x0;
    context.globalAlpha = 0.35;
    context.setLineDash([2, 5]);
    this.stroke([[x1, y1], [x0 + whole, y0 + (y1 - y0) * whole / (x1 - x0)]]);
    context.setLineDash([]);
    context.globalAlpha = 1;
    this.crosses.push([x1, y1]);
    this.room.take(x1 - 5, y1 + 2, 10, 4);
  }

  drawCross(x, y, size, color) {
    const {context} = this;
    context.strokeStyle = color;
    context.lineWidth = 2;
    this.stroke([[x - size, y - size], [x + size, y + size]]);
    this.stroke([[x - size, y + size], [x + size, y - size]]);
    context.lineWidth = 1;
  }

  // Near where it leaves, so that several from one node do not meet.
  labelArrow(arrow) {
    const {context, model} = this;
    const {x0, y0, x1, y1} = this.line(arrow);
    const lost = arrow.fate === 'lost' ? ` (${model.events[arrow.end].text})` : '';
    const text = withoutWay(model.events[arrow.begin]) + lost + (arrow.copy ? ' (again)' : '');
    context.font = font(10);
    const width = context.measureText(text).width;
    const part = Math.abs(x1 - x0) > this.laneWidth ? 0.3 : 0.5;
    const x = x0 + part * (x1 - x0) - width / 2;
    const y = y0 + part * (y1 - y0) - (lost === '' ? 2 : 7);
    if (y < headHeight + 10 || !this.room.take(x, y, width)) return;
    context.fillStyle = 'rgba(255,255,255,.75)';
    context.fillRect(x - 1, y - 9, width + 2, 11);
    context.fillStyle = lost === '' ? groups[arrow.group].color : bad;
    context.fillText(text, x, y);
  }

  // What stands on a lane: its text and colour, or nothing.
  pillOf(event, i) {
    if (event.kind === 'life') return this.lifePill(event);
    if (event.kind !== 'state' || event.role === 'down') return null;
    if (this.model.group[i] !== groupOf.roles) return null;
    if (event.term === undefined) return {text: event.role, color: roleColor[event.role], light: true};
    const before = this.model.stateBefore(event.node, i);
    if (before !== undefined && before.role === event.role && before.term === event.term) return null;
    const light = event.role === 'leader';
    return {text: `${event.role.replace('_', '-')} t${event.term}`, color: roleColor[event.role], light};
  }

  lifePill(event) {
    const words = {crash: '✕ crash', stop: '■ stop', start: '▶ start', pause: '‖ paused', resume: '▶ goes on',
      start_refused: '✕ does not start', clock: `clock ${event.text}`};
    if (words[event.type] === undefined) return null;
    const dark = event.type === 'crash' || event.type === 'start_refused';
    return {text: words[event.type], color: dark ? bad : '#e4e9ef', light: dark};
  }

  // Pills come over arrows, and take their room first.
  reservePills() {
    const {context} = this;
    const lowest = {};
    this.pills = [];
    context.font = font(11, '600');
    for (const i of this.rowsOnScreen()) {
      const event = this.model.events[i];
      const pill = event.node > 0 ? this.pillOf(event, i) : null;
      if (pill === null) continue;
      const y = Math.max(this.screenY(event.at), lowest[event.node] ?? 0);
      if (y > this.screenY(event.at) + 48) continue;
      lowest[event.node] = y + 17;
      const width = context.measureText(pill.text).width + 12;
      const x = this.laneOf(event.node) - width / 2;
      this.room.take(x, y + 8, width, 16);
      this.pills.push({...pill, i, x, y, width});
    }
  }

  drawMarks() {
    const {context, model} = this;
    const slots = new Map();
    for (const i of this.rowsOnScreen()) {
      const event = model.events[i];
      if (messageKinds.has(event.kind) || event.kind === 'life') continue;
      if (event.node === 0) this.drawRemark(event, i);
      else if (event.kind === 'state') this.drawCommit(event, i);
      else if (event.to === undefined) this.drawDot(event, i, slots);
    }
    for (const {i, x, y, width, text, color, light} of this.pills) {
      context.fillStyle = color;
      context.beginPath();
      context.roundRect(x, y - 8, width, 16, 6);
      context.fill();
      context.strokeStyle = i === this.selected ? ink : 'rgba(0,0,0,.25)';
      context.lineWidth = i === this.selected ? 2.5 : 1;
      context.stroke();
      context.lineWidth = 1;
      context.font = font(11, '600');
      context.fillStyle = light ? '#fff' : ink;
      context.fillText(text, x + 6, y + 4);
      this.hits.push({i, x, y: y - 8, width, height: 16});
      ++this.drawn.marks;
    }
  }

  // Of the whole world: weather, what the storm does, the end.
  drawRemark(event, i) {
    const {context} = this;
    const y = this.screenY(event.at);
    const end = event.kind === 'end';
    const verdict = this.model.failure === '' ? 'the run ended well' : `FAILED — ${this.model.failure.split('\n')[0]}`;
    const text = end ? verdict : [event.type, event.text].filter(Boolean).join(' ');
    context.strokeStyle = end && this.model.failure !== '' ? bad : '#aab4bf';
    context.lineWidth = end || i === this.selected ? 2 : 1;
    context.setLineDash(end ? [] : [1, 3]);
    const low = end ? y + 14 : y;
    this.stroke([[rulerWidth, low], [this.canvas.clientWidth, low]]);
    context.setLineDash([]);
    context.lineWidth = 1;
    context.font = font(end ? 13 : 11, end ? '700' : 'italic');
    const width = context.measureText(text).width + 8;
    const x = end ? rulerWidth + 10 : this.canvas.clientWidth - width - 8;
    const base = end ? y + 32 : y - 3;
    if (!end && !this.room.take(x, base, width)) return;
    context.fillStyle = 'rgba(255,255,255,.9)';
    context.fillRect(x - 2, base - 11, width, 14);
    context.fillStyle = end ? (this.model.failure === '' ? '#1f7a43' : bad) : '#8a4b2f';
    context.fillText(text, x + 2, base);
    this.hits.push({i, x, y: base - 12, width, height: 16});
    ++this.drawn.marks;
  }

  drawCommit(event, i) {
    if (this.model.group[i] !== groupOf.commits) return;
    const before = this.model.stateBefore(event.node, i);
    const grew = before !== undefined && event.commit > before.commit;
    const text = grew ? `commit ${event.commit}` : `last ${event.last}`;
    this.drawSide(event, i, text, groups[groupOf.commits].color, 0);
  }

  drawDot(event, i, slots) {
    const key = `${event.node} ${event.at}`;
    const slot = slots.get(key) ?? 0;
    slots.set(key, slot + 1);
    const said = event.event?.replace(/^#\d+ [\d.]+ /, '');
    const number = event.number === undefined ? '' : `#${event.number}`;
    const what = event.kind === 'client' || event.kind === 'fault' ? '' : event.kind;
    const text = said ?? [what, number, event.type, event.text].filter(Boolean).join(' ').slice(0, 40);
    this.drawSide(event, i, text, groups[this.model.group[i]].color, slot);
  }

  // A dot beside the lane, with its text where there is room.
  drawSide(event, i, text, color, slot) {
    const {context} = this;
    const x = this.laneOf(event.node) + 10 + 7 * slot;
    const y = this.screenY(event.at);
    context.fillStyle = color;
    context.beginPath();
    context.arc(x, y, i === this.selected ? 5 : 2.5, 0, 7);
    context.fill();
    this.hits.push({i, x: x - 4, y: y - 4, width: 8, height: 8});
    ++this.drawn.marks;
    context.font = font(10);
    const width = context.measureText(text).width;
    if (slot > 0 || y < headHeight + 10 || !this.room.take(x + 5, y + 4, width)) return;
    context.fillText(text, x + 5, y + 3);
  }

  drawHeads(width) {
    const {context} = this;
    context.fillStyle = '#fff';
    context.fillRect(0, 0, width, headHeight);
    context.fillStyle = '#d8dee5';
    context.fillRect(0, headHeight - 1, width, 1);
    context.font = font(10);
    context.fillStyle = soft;
    context.fillText('seconds', rulerWidth - 52, 22);
    context.textAlign = 'center';
    for (const node of this.model.nodes) {
      const x = this.laneOf(node);
      const i = this.model.stateEventAt(node, this.from);
      const state = i === undefined ? undefined : this.model.events[i];
      context.globalAlpha = this.shownNodes.has(node) ? 1 : 0.4;
      context.font = font(13, '700');
      context.fillStyle = ink;
      context.fillText(`node ${node}`, x, 15);
      context.font = font(11);
      context.fillStyle = soft;
      if (state !== undefined) context.fillText(this.headText(state), x, 30, this.laneWidth - 10);
      context.globalAlpha = 1;
    }
    context.textAlign = 'left';
  }

  headText(state) {
    if (state.term === undefined) return state.role;
    return `${state.role.replace('_', '-')} · term ${state.term} · commit ${state.commit}`;
  }

  // What was clicked: the last drawn of what is under the pointer, lines last.
  hit(x, y) {
    const over = this.hits.filter((hit) => hit.line === undefined && x >= hit.x && x <= hit.x + hit.width &&
      y >= hit.y && y <= hit.y + hit.height);
    const small = over.filter((hit) => hit.height <= 18);
    if (small.length > 0) return small.at(-1).i;
    let best = null;
    let nearest = 6;
    for (const hit of this.hits) {
      if (hit.line === undefined) continue;
      const distance = distanceTo(hit.line, x, y);
      if (distance < nearest) [nearest, best] = [distance, hit];
    }
    if (best !== null) return best.i;
    return over.length > 0 ? over.at(-1).i : -1;
  }
}

function distanceTo({x0, y0, x1, y1}, x, y) {
  const length = (x1 - x0) ** 2 + (y1 - y0) ** 2;
  const part = length === 0 ? 0 : Math.max(0, Math.min(1, ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length));
  return Math.hypot(x - x0 - part * (x1 - x0), y - y0 - part * (y1 - y0));
}
