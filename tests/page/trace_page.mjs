// The page that a trace becomes, in a browser: node trace_page.mjs <keel-sim> <chromedriver> <chromium> <folder>
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {pathToFileURL} from 'node:url';

import {Browser, key} from './browser.mjs';

const [simulator, driverPath, browserPath, folder] = process.argv.slice(2);
const many = 100_000;

mkdirSync(folder, {recursive: true});
const whole = `${folder}/whole.html`;
execFileSync(simulator, ['--seed', '7', '--profile', 'five', '--trace', whole]);
const page = readFileSync(whole, 'utf8');
const dataBegin = page.indexOf('{"kind":"begin"');
const dataEnd = page.indexOf('</script>', dataBegin);
const lines = page.slice(dataBegin, dataEnd).trimEnd().split('\n');

// The page with other lines in it.
function write(name, changed) {
  const file = `${folder}/${name}`;
  writeFileSync(file, `${page.slice(0, dataBegin)}${changed.join('\n')}\n${page.slice(dataEnd)}`);
  return pathToFileURL(file).href;
}

// The same run over and over, each time with later moments and other messages, until there is enough of it.
function lengthened() {
  const events = lines.slice(1, -1).map((line) => JSON.parse(line));
  const [length, ids] = [events.at(-1).at, Math.max(...events.map((event) => event.id ?? 0))];
  const all = [];
  for (let round = 0; all.length < many; ++round) {
    for (const event of events) {
      const later = {...event, at: event.at + round * length};
      if (event.id !== undefined) later.id = event.id + round * ids;
      all.push(JSON.stringify(later));
    }
  }
  return [lines[0], ...all, lines.at(-1)];
}

const browser = await Browser.start(driverPath, browserPath);
const drawn = () => browser.until('window.page !== undefined && !page.due && page.picture.hits !== undefined');
const heading = () => browser.value('document.querySelector("#details h3").textContent');
const details = () => browser.value('document.querySelector("#details").textContent');
const selected = () => browser.value('page.picture.selected');
const eventOf = async (i) => browser.value('page.model.events[arguments[0]]', i);

async function open(url) {
  await browser.open('about:blank');
  await browser.open(url);
  await drawn();
}

async function clickOn(id) {
  const rect = await browser.value('(({x, y, width, height}) => ({x: x + width / 2, y: y + height / 2}))(' +
    'document.getElementById(arguments[0]).getBoundingClientRect())', id);
  await browser.click(rect);
  await drawn();
}

async function press(...keys) {
  await browser.press(...keys);
  await drawn();
}

// Brings an event that `test` holds for to the screen, and clicks where the picture has it. Others may lie over it: then
// the next is taken.
async function clickEvent(test) {
  const candidates = await browser.value(`page.picture.rows.filter((i) => {
    const event = page.model.events[i];
    return ${test};
  }).slice(0, 200)`);
  for (const i of candidates) {
    await browser.value('(page.select(arguments[0]), page.select(-1))', i);
    await drawn();
    const at = await browser.value(`(() => {
      const {x, y} = page.picture.where(arguments[0]);
      const rect = page.picture.canvas.getBoundingClientRect();
      const hit = page.picture.hit(x, y);
      const mine = page.model.events[arguments[0]].id;
      const free = hit === arguments[0] || (mine !== undefined && page.model.events[hit]?.id === mine);
      return free ? {x: rect.x + x, y: rect.y + y} : null;
    })()`, i);
    if (at === null) continue;
    assert.equal(await heading(), 'Nothing is selected');
    await browser.click(at);
    await drawn();
    return eventOf(i);
  }
  throw new Error(`nothing on the page for ${test} can be clicked`);
}

const tests = {
  async 'shows the whole run and says how it ended'() {
    assert.equal(await browser.value('document.title'), 'seed 7, profile five');
    assert.equal(await browser.value('document.getElementById("verdict").textContent'), 'ended well');
    assert.equal(await browser.value('page.model.events.length'), lines.length - 1);
    assert.equal(await browser.value('document.querySelectorAll("#nodes input").length'), 5);
  },

  async 'a click on a message shows it whole, from its sending to its arrival'() {
    const event = await clickEvent('event.kind === "delivered" && event.type === "AppendRequest"');
    assert.equal(await heading(), event.message);
    const text = await details();
    for (const part of ['sent', 'delivered', 'later', 'previous', 'commit', `by node ${event.from}`]) {
      assert.ok(text.includes(part), `${part} in ${text}`);
    }
  },

  async 'a click on a lost message says why it was lost'() {
    const event = await clickEvent('event.kind === "lost" && event.text === "cut"');
    assert.equal(await heading(), event.message);
    assert.match(await details(), /lost in a cut/);
    assert.match(await details(), /✂ (cut|partition): /);
  },

  async 'a click on a lane shows the state that was in force there'() {
    await browser.value('page.select(page.model.states[2][20])');
    await drawn();
    const at = await browser.value(`(() => {
      const rect = page.picture.canvas.getBoundingClientRect();
      const x = page.picture.laneOf(2);
      for (let y = 60; y < rect.height; ++y) {
        if (page.model.events[page.picture.hit(x, y)]?.kind === 'state') return {x: rect.x + x, y: rect.y + y};
      }
    })()`);
    await browser.click(at);
    await drawn();
    const event = await eventOf(await selected());
    assert.equal(event.node, 2);
    assert.ok((await heading()).startsWith('node 2: '), await heading());
  },

  async 'a click on a crash says what it was'() {
    const event = await clickEvent('event.kind === "life" && event.type === "crash"');
    assert.equal(await heading(), `node ${event.node}: crash`);
    assert.match(await details(), /Power loss/);
  },

  async 'keys and buttons step forward and back'() {
    await press(key.home);
    const begin = await selected();
    for (let n = 0; n < 12; ++n) await press(key.down);
    const there = await selected();
    assert.ok(there > begin);
    await clickOn('forward');
    assert.ok((await selected()) > there);
    await clickOn('back');
    assert.equal(await selected(), there);
    for (let n = 0; n < 12; ++n) await press(key.up);
    assert.equal(await selected(), begin);
    await press(key.end);
    assert.equal((await eventOf(await selected())).kind, 'end');
  },

  async 'turning points are roles, terms, crashes and faults'() {
    await press(key.home);
    let last = await selected();
    for (let n = 0; n < 20; ++n) {
      await press(key.shift, key.down);
      const now = await selected();
      const event = await eventOf(now);
      assert.ok(now > last && ['state', 'life', 'fault'].includes(event.kind), JSON.stringify(event));
      last = now;
    }
  },

  async 'what a filter leaves out is neither drawn nor stepped on'() {
    const before = await browser.value('page.picture.rows.length');
    const beats = await browser.value('page.model.events.filter((event) => /^Heartbeat/.test(event.type ?? "")).length');
    assert.ok(beats > 1000);
    await clickOn('kind-beats');
    assert.equal(await browser.value('page.picture.rows.length'), before - beats);
    await press(key.home);
    for (let n = 0; n < 60; ++n) {
      await press(key.down);
      assert.doesNotMatch((await eventOf(await selected())).type ?? '', /^Heartbeat/);
    }
    await clickOn('kind-beats');
    assert.equal(await browser.value('page.picture.rows.length'), before);
  },

  async 'a filter of nodes leaves what concerns the others'() {
    await clickOn('node-1');
    await clickOn('node-4');
    const others = await browser.value(`page.picture.rows.every((i) => {
      const event = page.model.events[i];
      const nodes = event.from === undefined ? [event.node] : [event.from, event.to];
      return event.kind === 'end' || nodes.some((node) => ![1, 4].includes(node));
    })`);
    assert.ok(others);
    await clickOn('node-1');
    await clickOn('node-4');
  },

  async 'a role has its colour on the lane'() {
    const color = await browser.value(`(() => {
      const i = page.picture.rows.find((row) => page.model.events[row].role === 'leader');
      page.select(i);
      page.picture.draw();
      const {picture, model} = page;
      const node = model.events[i].node;
      const x = picture.laneOf(node);
      const y = picture.screenY(model.events[i].at) + 9.5;
      return [...picture.context.getImageData(x, y, 1, 1).data].slice(0, 3);
    })()`);
    assert.deepEqual(color, [0x2f, 0x9e, 0x57]);
  },

  async 'text is found'() {
    await press(key.home);
    await browser.value('page.find("commit 40 ", 1)');
    await drawn();
    assert.match(JSON.stringify(await eventOf(await selected())), /commit 40 /);
  },

  async 'the page of a failed run begins with its failure'() {
    await open(write('failed.html', [...lines.slice(0, 3000), '{"kind":"end","failure":"planted: it broke\\nnode 1: so"}']));
    assert.equal(await browser.value('document.getElementById("verdict").textContent'), 'failed: planted: it broke');
    assert.equal(await heading(), 'The run failed');
    assert.match(await details(), /node 1: so/);
    const last = await browser.value('[...document.querySelectorAll("#details table.last a")].map((a) => a.textContent)');
    assert.equal(last.length, 10);
    await browser.value('document.querySelector("#details table.last a").click()');
    await drawn();
    assert.equal(await heading(), last[0]);
  },

  async 'a trace without an end says that it has none'() {
    await open(write('broken.html', lines.slice(0, 500)));
    assert.equal(await browser.value('document.getElementById("verdict").textContent'), 'the trace breaks off');
  },

  // Time is told and bounded generously; what keeps it short is that only what is on the screen is drawn.
  async 'a hundred thousand events scroll and zoom without stutter'() {
    await open(write('long.html', lengthened()));
    assert.ok((await browser.value('page.model.events.length')) >= many);
    for (const zoom of [7, 0.7]) {
      const {most, times} = await browser.value(`(() => {
        const {picture} = page;
        page.zoomBy(arguments[0] / picture.zoom);
        const times = [];
        let most = 0;
        for (let n = 0; n < 40; ++n) {
          picture.scrollTo(picture.height * n / 40);
          const begin = performance.now();
          picture.draw();
          page.drawStrip();
          times.push(performance.now() - begin);
          most = Math.max(most, picture.drawn.arrows + picture.drawn.marks);
        }
        return {most, times: times.sort((a, b) => a - b)};
      })()`, zoom);
      console.log(`   zoom ${zoom}: a frame takes ${times[20].toFixed(1)} ms, at most ${times[39].toFixed(1)}; ${most} things in it`);
      assert.ok(most < many / 10, `${most} things on one screen`);
      assert.ok(times[20] < 250, `${times[20]} ms for a frame`);
    }
  },
};

let failed = 0;
try {
  await open(pathToFileURL(whole).href);
  for (const [name, test] of Object.entries(tests)) {
    try {
      await test();
      assert.deepEqual(await browser.complaints(), []);
      console.log(`ok: ${name}`);
    } catch (error) {
      ++failed;
      console.log(`FAILED: ${name}\n${error.stack}`);
      writeFileSync(`${folder}/failed-${failed}.png`, await browser.screenshot());
    }
  }
} finally {
  await browser.stop();
}
process.exitCode = failed === 0 ? 0 : 1;
