// Sequence diagrams, given to Mermaid itself in a browser: node mermaid.mjs <keel-sim> <chromedriver> <chromium>
// <mermaid.js> <folder> <folder of pages with diagrams>
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {pathToFileURL} from 'node:url';

import {Browser} from './browser.mjs';

const [simulator, driverPath, browserPath, mermaid, folder, pages] = process.argv.slice(2);
mkdirSync(folder, {recursive: true});

// The diagrams there are: of runs, and of the pages about the scenarios.
function diagrams() {
  const found = {};
  for (const [profile, seed] of [['calm', 3], ['network', 5], ['five', 7], ['storm', 11]]) {
    const file = `${folder}/${profile}.mmd`;
    execFileSync(simulator, ['--seed', `${seed}`, '--profile', profile, '--trace', file]);
    found[`${profile}, seed ${seed}`] = readFileSync(file, 'utf8');
  }
  for (const name of existsSync(pages) ? readdirSync(pages).filter((each) => each.endsWith('.md')) : []) {
    const blocks = readFileSync(`${pages}/${name}`, 'utf8').matchAll(/```mermaid\n(.*?)```/gs);
    let n = 0;
    for (const [, text] of blocks) found[`${name}, diagram ${++n}`] = text;
  }
  return found;
}

writeFileSync(`${folder}/mermaid.html`, `<!doctype html><meta charset="utf-8"><body>
<script src="${pathToFileURL(mermaid).href}"></script>
<script>mermaid.initialize({startOnLoad: false, maxTextSize: 200000});</script>`);
const browser = await Browser.start(driverPath, browserPath);
let failed = 0;
try {
  await browser.open(pathToFileURL(`${folder}/mermaid.html`).href);
  assert.match((await browser.drawMermaid('sequenceDiagram\nnonsense')).error, /Parse error/);
  // Replies may hold anything; as tests/unit/sim/trace_test.cpp has them written, they stay text to the end.
  const {text: said} = await browser.drawMermaid(
    'sequenceDiagram\nparticipant n1 as node 1\nNote over n1: rain#59; wind #35;2 #37;#37; end: "x" {y} #lt;b>--x');
  assert.ok(said.includes('rain; wind #2 %% end: "x" {y} <b>--x'), said);
  for (const [name, text] of Object.entries(diagrams())) {
    try {
      const drawn = await browser.drawMermaid(text);
      assert.equal(drawn.error, undefined, drawn.error);
      const lines = text.split('\n').map((line) => line.trim());
      // Each line is there as something drawn: none was taken for a comment, or for the end of another.
      assert.equal(drawn.actors, lines.filter((line) => line.startsWith('participant ')).length, 'participants');
      assert.equal(drawn.notes, lines.filter((line) => line.startsWith('Note ')).length, 'notes');
      assert.equal(drawn.messages, lines.filter((line) => /^n\d+(->>|--x|--\))n\d+: /.test(line)).length, 'messages');
      console.log(`ok: ${name}: ${drawn.messages} messages, ${drawn.notes} notes`);
    } catch (error) {
      ++failed;
      console.log(`FAILED: ${name}\n${error.stack}`);
    }
  }
  writeFileSync(`${folder}/last.png`, await browser.screenshot());
} finally {
  await browser.stop();
}
process.exitCode = failed === 0 ? 0 : 1;
