// The page around the picture: filters, steps, the strip of the whole run, and what is told of what was clicked.

const explain = {
  PreVoteRequest: 'A rehearsal: would you vote for me, if I called an election? Nobody changes its term for it.',
  PreVoteReply: 'The answer to a rehearsal.',
  VoteRequest: 'A candidate asks for a vote in its term.',
  VoteReply: 'The vote, or why not. A vote leaves only when it is durable.',
  AppendRequest: 'The leader sends log entries that follow the one it names, and how far all is committed.',
  AppendReply: 'The follower has these entries durably, or does not have the one before them.',
  Heartbeat: 'The leader says that it lives, and how far the log is committed.',
  HeartbeatReply: 'The follower confirms that it still follows.',
  TimeoutNow: 'The leader hands over: call an election at once.',
  ReadIndexRequest: 'A follower asks how far it must have applied to serve a read.',
  ReadIndexReply: 'From there on the read may be served.',
  ForwardRequest: 'A command that a client gave to a node that does not lead.',
  ForwardReply: 'Where the forwarded command was appended, or why not.',
  crash: 'Power loss, or a killed process: what the disk had not made durable may be gone.',
  start: 'The process starts on what its disk has kept.',
  finds: 'What the disk has kept.',
  stop: 'The process ends in good order.',
  pause: 'The process stands still; its clock goes on.',
  resume: 'The process goes on.',
  clock: 'The clock of this node does not go as true time does.',
  connection: 'What became of a connection to a peer.',
  unreachable: 'This end has dropped something on its way to a peer; told once until that is heard again.',
  dropped: 'Lines of this node are missing here: its trace came faster than its disk.',
  cut: 'From now on nothing passes on this way.',
  mended: 'The way is open again.',
};
const lossWords = {
  lost: 'lost by chance', cut: 'lost in a cut', dropped: 'dropped by the script', 'nobody there': 'nobody ran there',
};

const element = (id) => document.getElementById(id);

// Makes a node: its name, its attributes, and what is in it, as text or nodes.
function make(name, attributes = {}, ...children) {
  const made = Object.assign(document.createElement(name), attributes);
  made.append(...children);
  return made;
}

class Page {
  constructor(model) {
    this.model = model;
    this.picture = new Picture(model, element('lanes'));
    this.due = false;
    document.title = model.title;
    element('title').textContent = model.title;
    this.showVerdict();
    this.makeFilters();
    this.listen();
    this.resize();
    this.tell();
    const asked = Number.parseInt(window.location.hash.slice(1), 10);
    if (asked >= 0 && asked < model.events.length) this.select(asked);
    else if (model.failure !== '') this.select(model.ended);
  }

  showVerdict() {
    const verdict = element('verdict');
    const {failure, ended} = this.model;
    verdict.className = failure === '' ? 'good' : 'bad';
    if (ended === undefined) verdict.textContent = 'the trace breaks off';
    else verdict.textContent = failure === '' ? 'ended well' : `failed: ${failure.split('\n')[0]}`;
    verdict.onclick = () => this.select(this.model.events.length - 1);
  }

  makeFilters() {
    const counts = new Array(groups.length).fill(0);
    for (const group of this.model.group) ++counts[group];
    groups.forEach((group, n) => {
      const change = (on) => { this.picture.shownGroups[n] = on; };
      element('kinds').append(this.makeFilter(`kind-${group.key}`, group.name, group.on, change, group.color, counts[n]));
    });
    for (const node of this.model.nodes) {
      const change = (on) => this.picture.shownNodes[on ? 'add' : 'delete'](node);
      element('nodes').append(this.makeFilter(`node-${node}`, `node ${node}`, true, change));
    }
    for (const role of roles) {
      const border = role.key === 'down' ? '1px dotted #98a3af' : 'none';
      const swatch = make('span', {className: 'swatch'});
      swatch.style.cssText = `background: ${role.color}; border: ${border}`;
      element('roles').append(make('div', {}, swatch, role.name));
    }
  }

  makeFilter(id, text, checked, change, color, count) {
    const box = make('input', {type: 'checkbox', id, checked});
    box.onchange = () => {
      change(box.checked);
      this.picture.layOut();
      this.drawOverview();
      this.refresh();
    };
    const label = make('label', {}, box);
    if (color !== undefined) {
      const swatch = make('span', {className: 'swatch'});
      swatch.style.background = color;
      label.append(swatch);
    }
    label.append(text);
    if (count !== undefined) label.append(make('span', {className: 'count'}, count.toLocaleString('en')));
    return label;
  }

  listen() {
    const buttons = {first: () => this.goTo(0), last: () => this.goTo(this.picture.rows.length - 1),
      back: () => this.step(-1), forward: () => this.step(1), 'back-big': () => this.step(-1, true),
      'forward-big': () => this.step(1, true), wider: () => this.zoomBy(1.4), narrower: () => this.zoomBy(1 / 1.4)};
    for (const [id, action] of Object.entries(buttons)) element(id).onclick = action;
    const {canvas} = this.picture;
    canvas.onwheel = (event) => {
      event.preventDefault();
      if (event.ctrlKey) this.zoomBy(Math.exp(-event.deltaY / 300), event.offsetY);
      else this.scrollBy(event.deltaY * (event.deltaMode === 1 ? 18 : 1));
    };
    canvas.onclick = (event) => {
      const i = this.picture.hit(event.offsetX, event.offsetY);
      if (i >= 0) this.select(i, false);
    };
    canvas.onmousemove = (event) => {
      canvas.style.cursor = this.picture.hit(event.offsetX, event.offsetY) >= 0 ? 'pointer' : 'default';
    };
    const overview = element('overview');
    overview.onpointerdown = overview.onpointermove = (event) => {
      if (event.buttons === 0) return;
      const {begin, end} = this.wholeTime();
      const time = begin + event.offsetY / overview.clientHeight * (end - begin);
      this.picture.scrollTo(this.picture.yOf(time) - this.picture.viewHeight / 2);
      this.refresh();
    };
    element('find').onkeydown = (event) => {
      event.stopPropagation();
      if (event.key === 'Enter') this.find(event.target.value, event.shiftKey ? -1 : 1);
      if (event.key === 'Escape') element('lanes').focus();
    };
    window.onkeydown = (event) => this.key(event);
    window.onresize = () => this.resize();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const big = event.shiftKey;
    const keys = {
      ArrowDown: () => this.step(1, big), ArrowRight: () => this.step(1, big), j: () => this.step(1),
      ArrowUp: () => this.step(-1, big), ArrowLeft: () => this.step(-1, big), k: () => this.step(-1),
      n: () => this.step(1, true), p: () => this.step(-1, true), m: () => this.otherEnd(),
      Home: () => this.goTo(0), End: () => this.goTo(this.picture.rows.length - 1),
      PageDown: () => this.scrollBy(0.8 * this.picture.viewHeight),
      PageUp: () => this.scrollBy(-0.8 * this.picture.viewHeight),
      '+': () => this.zoomBy(1.4), '=': () => this.zoomBy(1.4), '-': () => this.zoomBy(1 / 1.4),
      '/': () => element('find').focus(), Escape: () => this.select(-1),
    };
    if (keys[event.key] === undefined) return;
    event.preventDefault();
    keys[event.key]();
  }

  resize() {
    this.picture.layOut();
    this.drawOverview();
    this.refresh();
  }

  scrollBy(distance) {
    this.picture.scrollTo(this.picture.top + distance);
    this.refresh();
  }

  // What is at `y` stays there.
  zoomBy(factor, y = headHeight + this.picture.viewHeight / 2) {
    const {picture} = this;
    const chosen = picture.selected >= 0 ? picture.screenY(this.model.at[picture.selected]) : -1;
    const fixed = chosen > headHeight && chosen < headHeight + picture.viewHeight ? chosen : y;
    const time = picture.timeAt(picture.top + fixed - headHeight);
    picture.zoom = Math.max(0.7, Math.min(60, picture.zoom * factor));
    picture.layOut();
    picture.scrollTo(picture.yOf(time) - fixed + headHeight);
    this.refresh();
  }

  // Draws once, when the browser is ready for it.
  refresh() {
    if (this.due) return;
    this.due = true;
    requestAnimationFrame(() => {
      this.due = false;
      this.picture.draw();
      this.drawStrip();
    });
  }

  // Steps go from the selected event, or from the first on the screen, over those that are shown.
  step(by, big = false) {
    const {rows, selected, top} = this.picture;
    let n;
    if (selected >= 0) {
      n = by > 0 ? firstAbove(rows, selected, (i) => i) : firstAbove(rows, selected - 1, (i) => i) - 1;
    } else {
      n = firstAbove(rows, this.picture.timeAt(top) - 1, (i) => this.model.at[i]);
    }
    while (big && n >= 0 && n < rows.length && !this.isBig(rows[n])) n += by;
    if (n >= 0 && n < rows.length) this.select(rows[n]);
  }
  isBig(i) { return groups[this.model.group[i]].big === true; }

  goTo(n) {
    const {rows} = this.picture;
    if (n >= 0 && n < rows.length) this.select(rows[n]);
  }

  find(text, by) {
    if (text === '') return;
    const {rows, selected} = this.picture;
    const wanted = text.toLowerCase();
    const first = firstAbove(rows, selected - (by < 0 ? 1 : 0), (i) => i) - (by < 0 ? 1 : 0);
    for (let count = 0; count < rows.length; ++count) {
      const i = rows[(((first + by * count) % rows.length) + rows.length) % rows.length];
      if (JSON.stringify(this.model.events[i]).toLowerCase().includes(wanted)) return this.select(i);
    }
  }

  otherEnd() {
    const arrow = this.model.arrows[this.model.arrowsOf.get(this.picture.selected)];
    if (arrow === undefined || arrow.end < 0) return;
    this.select(arrow.begin === this.picture.selected ? arrow.end : arrow.begin);
  }

  select(i, bring = true) {
    const {picture} = this;
    picture.selected = i;
    window.history.replaceState(null, '', i < 0 ? '#' : `#${i}`);  // a link to this page leads to this event
    if (i >= 0 && bring) {
      const y = picture.yOf(this.model.at[i]) - picture.top;
      if (y < 40 || y > picture.viewHeight - 60) {
        picture.scrollTo(picture.yOf(this.model.at[i]) - picture.viewHeight * 0.4);
      }
    }
    this.tell();
    this.refresh();
  }

  wholeTime() {
    const {at} = this.model;
    return {begin: at[0] ?? 0, end: Math.max(at.at(-1) ?? 1, (at[0] ?? 0) + 1)};
  }

  // The whole run in even time: drawn when it changes, and shown with the place of the screen in it.
  drawOverview() {
    const canvas = element('overview');
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(canvas.clientWidth * ratio);
    canvas.height = Math.round(canvas.clientHeight * ratio);
    const still = this.overview = make('canvas', {width: canvas.width, height: canvas.height});
    const context = still.getContext('2d');
    context.scale(ratio, ratio);
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    const {begin, end} = this.wholeTime();
    const y = (time) => (time - begin) / (end - begin) * height;
    const {model} = this;
    const lane = (width - 12) / model.nodes.length;
    const left = (node) => 6 + model.nodes.indexOf(node) * lane;
    context.fillStyle = '#fff';
    context.fillRect(0, 0, width, height);
    for (const phase of model.phases) {
      context.fillStyle = 'rgba(224,122,95,.35)';
      context.fillRect(0, y(phase.begin), width, Math.max(1, y(phase.end) - y(phase.begin)));
    }
    for (const node of model.nodes) {
      const list = model.states[node] ?? [];
      for (let n = 0; n < list.length; ++n) {
        const state = model.events[list[n]];
        if (state.role === 'down') continue;
        context.fillStyle = roleColor[state.role] ?? '#888';
        const until = n + 1 < list.length ? model.at[list[n + 1]] : end;
        const wide = state.role === 'follower' ? 0.34 : 0.62;
        const tall = Math.max(state.role === 'leader' ? 1 : 0.5, y(until) - y(state.at));
        context.fillRect(left(node) + (1 - wide) / 2 * lane, y(state.at), lane * wide, tall);
      }
    }
    context.fillStyle = bad;
    model.events.forEach((event) => {
      if (event.kind === 'life' && event.type === 'crash') {
        context.fillRect(left(event.node) + 1, y(event.at) - 1, lane - 2, 2.5);
      }
    });
    if (model.failure !== '') context.fillRect(0, height - 4, width, 4);
  }

  drawStrip() {
    const canvas = element('overview');
    const context = canvas.getContext('2d');
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(this.overview, 0, 0);
    const ratio = window.devicePixelRatio || 1;
    context.scale(ratio, ratio);
    const {begin, end} = this.wholeTime();
    const y = (time) => (time - begin) / (end - begin) * canvas.clientHeight;
    const top = y(this.picture.from);
    context.fillStyle = 'rgba(20,60,140,.16)';
    context.strokeStyle = '#1a5fb4';
    context.fillRect(0.5, top - 2, canvas.clientWidth - 1, Math.max(4, y(this.picture.to) - top) + 3);
    context.strokeRect(0.5, top - 2, canvas.clientWidth - 1, Math.max(4, y(this.picture.to) - top) + 3);
  }

  // What is known of the selected event.
  tell() {
    const {selected, rows} = this.picture;
    const place = firstAbove(rows, selected, (i) => i);
    const many = rows.length.toLocaleString('en');
    element('place').textContent = selected < 0 ? `${many} events shown of ${this.model.events.length.toLocaleString('en')}`
      : `${place.toLocaleString('en')} of ${many} shown`;
    const details = element('details');
    details.replaceChildren();
    if (selected < 0) return details.append(...this.tellKeys());
    const event = this.model.events[selected];
    details.append(make('h3', {}, this.titleOf(event, selected)));
    details.append(make('p', {}, `at ${seconds(event.at, 9)} s`));
    const words = explain[event.type];
    if (words !== undefined) details.append(make('p', {className: 'words'}, words));
    if (event.kind === 'end') details.append(make('p', {className: 'bad'}, this.model.failure.split('\n')[0]));
    if (messageKinds.has(event.kind)) details.append(...this.tellMessage(event));
    if (event.kind === 'state') details.append(this.tellChange(event, selected));
    if (event.kind === 'end' && this.model.failure !== '') details.append(...this.tellLast(selected));
    details.append(make('h2', {}, 'All nodes then'), this.tellNodes(event, selected));
    const phase = this.model.phases.find((each) => each.begin <= event.at && event.at < each.end);
    if (phase !== undefined) details.append(make('p', {}, `✂ ${phase.label}`));
    const whole = event.kind === 'end' ? this.model.failure : JSON.stringify(event, null, 1);
    details.append(make('h2', {}, event.kind === 'end' ? 'What the simulator says' : 'As it is in the trace'));
    details.append(make('pre', {}, whole));
  }

  // What a failure is most often about, the latest first: not what is always going on.
  tellLast(i) {
    const telling = new Set(['roles', 'life', 'faults', 'votes', 'appends', 'others'].map((key) => groupOf[key]));
    const found = [];
    for (let n = i - 1; n >= 0; --n) {
      if (!telling.has(this.model.group[n])) continue;
      const event = this.model.events[n];
      const fate = messageKinds.has(event.kind) ? ` ${event.kind}` : '';
      const title = this.titleOf(event, n);
      const last = found.at(-1);
      if (last?.title === title && last.fate === fate) {
        ++last.times;  // the same again and again hides what else there was
      } else if (found.length === 10) {
        break;
      } else {
        found.push({title, fate, n, at: event.at, times: 1});
      }
    }
    const rows = found.map(({title, fate, n, at, times}) => make('tr', {}, make('th', {}, seconds(at)), make('td', {},
      make('a', {onclick: () => this.select(n)}, title), `${fate}${times > 1 ? `, ${times} times` : ''}`)));
    return [make('h2', {}, 'Before that, the latest first'), make('table', {className: 'last'}, ...rows)];
  }

  tellKeys() {
    const keys = [['↓ ↑', 'next event, event before'], ['Shift+↓ ↑, n p', 'next turning point, the one before'],
      ['m', 'the other end of a message'], ['+ −, Ctrl+wheel', 'more or less room'], ['/', 'find'],
      ['Home End', 'begin, end'], ['Esc', 'nothing selected']];
    return [make('h3', {}, 'Nothing is selected'), make('p', {className: 'words'}, 'Click a message, a label or a lane.'),
      make('table', {}, ...keys.map(([key, what]) => make('tr', {}, make('th', {}, key), make('td', {}, what))))];
  }

  titleOf(event, i) {
    if (event.message !== undefined) return event.message;
    if (event.kind === 'end') return this.model.failure === '' ? 'The run ended well' : 'The run failed';
    if (event.kind === 'state') return `node ${event.node}: ${this.picture.headText(event)}`;
    if (event.to !== undefined) return `${event.node}→${event.to} ${event.type}`;
    const said = event.event?.replace(/^#\d+ [\d.]+ /, '');
    const number = event.number === undefined ? '' : `#${event.number}`;
    const kind = ['life', 'fault'].includes(event.kind) ? '' : event.kind;
    const what = said ?? [kind, number, event.type, event.text].filter(Boolean).join(' ');
    return event.node > 0 ? `node ${event.node}: ${what}` : what;
  }

  tellMessage(event) {
    const {sent, ends} = this.model.messages.get(event.id);
    const link = (i, text) => make('a', {onclick: () => this.select(i)}, text);
    const rows = [];
    if (sent >= 0) rows.push(['sent', link(sent, `${seconds(this.model.at[sent])} s by node ${event.from}`)]);
    for (const i of ends) {
      const end = this.model.events[i];
      const passed = sent >= 0 ? end.at - this.model.at[sent] : 0;
      const took = passed > 0 ? `, ${span(passed)} later` : ', at once';
      const why = end.kind === 'lost' ? `: ${lossWords[end.text] ?? end.text}` : '';
      rows.push([end.kind, link(i, `${seconds(end.at)} s${took}${why}`)]);
    }
    if (ends.length === 0) rows.push(['then', 'nothing: on its way at the end, or gone with a process that stood still']);
    const whole = sent >= 0 ? this.model.events[sent].whole : undefined;
    for (const part of whole?.split(' ').slice(1) ?? []) {
      const at = part.indexOf('=');
      if (at > 0) rows.push([part.slice(0, at), part.slice(at + 1)]);
      else rows.at(-1)[1] += ` ${part}`;
    }
    return [make('table', {}, ...rows.map(([name, value]) => make('tr', {}, make('th', {}, name), make('td', {}, value))))];
  }

  // What is new in a state.
  tellChange(event, i) {
    const before = this.model.stateBefore(event.node, i) ?? {};
    const names = ['role', 'paused', 'ready', 'term', 'vote', 'leader', 'last', 'stable', 'commit', 'applied'];
    const rows = names.filter((name) => event[name] !== undefined || before[name] !== undefined).map((name) => {
      const now = `${event[name] ?? '–'}`;
      const was = `${before[name] ?? '–'}`;
      const text = now === was ? now : `${now}  (was ${was})`;
      return make('tr', {className: now === was ? '' : 'here'}, make('th', {}, name), make('td', {}, text));
    });
    return make('table', {}, ...rows);
  }

  tellNodes(event, i) {
    const head = make('tr', {}, ...['', 'role', 'term', 'vote', 'leader', 'last', 'commit'].map((name) => make('th', {}, name)));
    const rows = this.model.nodes.map((node) => {
      const state = this.model.stateAt(node, i) ?? {};
      const role = `${(state.role ?? '?').replace('_', '-')}${state.paused ? ', paused' : ''}`;
      const cells = [node, role, state.term, state.vote, state.leader, state.last, state.commit];
      const here = node === event.node || node === event.from || node === event.to;
      return make('tr', {className: here ? 'here' : ''}, ...cells.map((cell) => make('td', {}, `${cell ?? ''}`)));
    });
    return make('table', {className: 'nodes'}, head, ...rows);
  }
}

window.page = new Page(new Model(element('trace').textContent));
