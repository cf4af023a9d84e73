// A headless Chromium, driven through chromedriver's WebDriver protocol. Whoever waits, waits for a condition.
import {spawn} from 'node:child_process';
import {createInterface} from 'node:readline';

const patience = 60_000;

export class Browser {
  static async start(driverPath, browserPath) {
    const driver = spawn(driverPath, ['--port=0'], {stdio: ['ignore', 'pipe', 'inherit']});
    const browser = new Browser(driver);
    try {
      browser.base = `http://127.0.0.1:${await portOf(driver)}`;
      const args = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage',
        '--window-size=1500,950', '--force-device-scale-factor=1'];
      const session = await browser.call('POST', '/session', {capabilities: {alwaysMatch: {
        browserName: 'chrome', timeouts: {script: patience, pageLoad: patience},
        'goog:chromeOptions': {binary: browserPath, args}, 'goog:loggingPrefs': {browser: 'ALL'}}}});
      browser.base += `/session/${session.sessionId}`;
      return browser;
    } catch (error) {
      driver.kill();
      throw error;
    }
  }

  constructor(driver) { this.driver = driver; }

  async call(method, path, body) {
    const response = await fetch(this.base + path, {method, body: body === undefined ? undefined : JSON.stringify(body)});
    const {value} = await response.json();
    if (!response.ok) throw new Error(`${method} ${path}: ${value.error}: ${value.message}`);
    return value;
  }

  open(url) { return this.call('POST', '/url', {url}); }

  // The value of an expression in the page.
  value(expression, ...args) {
    return this.call('POST', '/execute/sync', {script: `return (${expression});`, args});
  }

  // Waits until it is true, looking at each frame.
  until(expression) {
    const script = `const done = arguments[0];
      const look = () => { if (${expression}) done(true); else requestAnimationFrame(look); };
      look();`;
    return this.call('POST', '/execute/async', {script, args: []});
  }

  // On a page that has Mermaid: draws the diagram, and counts what is in the picture. `error` if it does not parse.
  drawMermaid(text) {
    const script = `const [text, done] = arguments;
      document.querySelector('#drawn')?.remove();
      mermaid.parse(text).then(() => mermaid.render('diagram', text)).then(({svg}) => {
        const drawn = document.body.appendChild(document.createElement('div'));
        drawn.id = 'drawn';
        drawn.innerHTML = svg;
        const count = (what) => drawn.querySelectorAll(what).length;
        done({actors: count('rect.actor-top'), notes: count('rect.note'), messages: count('text.messageText'),
          text: drawn.textContent});
      }).catch((error) => done({error: String(error?.message ?? error)}));`;
    return this.call('POST', '/execute/async', {script, args: [text]});
  }

  click({x, y}) {
    const actions = [{type: 'pointerMove', duration: 0, x: Math.round(x), y: Math.round(y)},
      {type: 'pointerDown', button: 0}, {type: 'pointerUp', button: 0}];
    return this.call('POST', '/actions', {actions: [{type: 'pointer', id: 'mouse', actions}]});
  }

  // `keys`: as WebDriver names them; the first may be a modifier that is held.
  press(...keys) {
    const actions = [...keys.map((value) => ({type: 'keyDown', value})),
      ...[...keys].reverse().map((value) => ({type: 'keyUp', value}))];
    return this.call('POST', '/actions', {actions: [{type: 'key', id: 'keys', actions}]});
  }

  async screenshot() { return Buffer.from(await this.call('GET', '/screenshot'), 'base64'); }
  async complaints() {
    const log = await this.call('POST', '/se/log', {type: 'browser'});
    return log.filter(({level}) => level === 'SEVERE').map(({message}) => message);
  }

  async stop() {
    await this.call('DELETE', '').catch(() => {});
    this.driver.kill();
  }
}

async function portOf(driver) {
  for await (const line of createInterface({input: driver.stdout})) {
    const found = line.match(/started successfully on port (\d+)/);
    if (found !== null) {
      driver.stdout.resume();
      return found[1];
    }
  }
  throw new Error('chromedriver ended before it listened');
}

export const key = {down: '\uE015', up: '\uE013', shift: '\uE008', end: '\uE010', home: '\uE011', escape: '\uE00C'};
