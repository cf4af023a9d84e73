// Makes docs/scenarios/ of the scenario tests: node pages.mjs <scenario's program> <folder of the tests> <folder to write>
// Each test that names a scenario, a hazard or what it shows becomes a section: the comment over it, and a diagram of what happens in it.
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';

const [program, sources, out] = process.argv.slice(2);

// In the order in which they are best read.
const pages = [
  ['election', 'Elections', 'How a leader comes about, and why there is never a second one in a term.'],
  ['prevote', 'PreVote', 'A node that cannot win finds out before it raises its term.'],
  ['partition', 'Partitions', 'Who goes on when the network falls apart, and what happens when it heals.'],
  ['command', 'Commands', 'The way of a command through the log, and what can come between.'],
  ['outcome', 'Outcomes', 'What a caller is told, and what it may rely on.'],
  ['read', 'Reads', 'Reads that see every write acknowledged before them, without a write of their own.'],
  ['transfer', 'Leadership transfer', 'A leader hands over, without anybody waiting for a timeout.'],
  ['message', 'Messages', 'Loss, repetition, reordering, and messages from long ago.'],
  ['time', 'Time', 'Clocks that differ, timers, processes that stand still.'],
  ['disk', 'Disks', 'Slow disks, failing disks, and what a power cut leaves.'],
  ['event', 'Events', 'What a node tells those who watch it.'],
  ['term_inflation', 'Terms that run away', 'One story, with each extension on and off: what PreVote and CheckQuorum are for.'],
  ['figures', 'The figures of the paper', 'Figures 7 and 8 of the Raft paper, with real nodes.'],
];
const [most, first, last] = [56, 36, 16];  // lines of a diagram; of a longer one so many from both ends
const mostBytes = 512 << 10;

// What the comments over tests say, in order: {suite, test, text, scenarios, hazards}.
function stories(source) {
  const found = [];
  let comment = [];
  for (const line of source.split('\n')) {
    if (line.startsWith('// ')) {
      comment.push(line.slice(3));
      continue;
    }
    const test = line.match(/^TEST_P\((\w+), (\w+)\)/);
    if (test !== null) {
      const ids = (tag) => comment.filter((each) => each.startsWith(`${tag}: `)).map((each) => each.slice(tag.length + 2));
      const text = comment.filter((each) => !/^(scenario|hazard|mission): /.test(each)).join('\n');
      const tagged = ['scenario', 'hazard', 'mission'].some((tag) => ids(tag).length > 0);
      const story = {name: `${test[1]}.${test[2]}`, title: titleOf(test[2]), text, scenarios: ids('scenario'), hazards: ids('hazard')};
      assert.ok(!tagged || text !== '', `${story.name} has no comment that tells its story`);
      if (tagged) found.push(story);
    }
    comment = [];
  }
  return found;
}

// TheLeadersMachineBreaks: "The leader's machine breaks".
function titleOf(name) {
  const words = name.replace(/([A-Z])/g, ' $1').trim().toLowerCase()
    .replace(/\b((?:an?|the)(?: \w+)? (?:leader|follower|node|term))s\b/, "$1's");
  return words[0].toUpperCase() + words.slice(1);
}

// A long diagram's ends. Blocks stay closed, and those with nothing left in them go.
function shortened(text) {
  const lines = text.trimEnd().split('\n');
  const head = lines.findIndex((line, i) => i > 0 && !line.startsWith('participant '));
  const story = lines.slice(head);
  if (head < 0 || story.length <= most) return lines;
  const isBlock = (line) => line.startsWith('rect ') || line === 'end';
  const middle = story.slice(first, -last);
  const over = lines.slice(1, head).map((line) => line.split(' ')[1]);
  const left = `Note over ${over.length > 1 ? `${over[0]},${over.at(-1)}` : over[0]}: … ${middle.filter((line) => !isBlock(line)).length} lines …`;
  const kept = [...story.slice(0, first), left, ...middle.filter(isBlock), ...story.slice(-last)];
  for (let i = 1; i < kept.length; ++i) {
    if (kept[i] === 'end' && kept[i - 1].startsWith('rect ')) {
      kept.splice(i - 1, 2);
      i = Math.max(0, i - 2);
    }
  }
  return [...lines.slice(0, head), ...kept];
}

const anchorOf = (title) => title.toLowerCase().replace(/[^\w -]/g, '').replaceAll(' ', '-');
const made = '<!-- Made by ./dev scenarios from tests/scenario/; changes belong there. -->\n';

function section({title, text, name, scenarios, hazards}, source, diagram) {
  return `## ${title}\n\n${text}\n\n` +
    `<sub>${[...scenarios, ...hazards].map((id) => `${id} · `).join('')}` +
    `\`${name}\` in [${source}](../../tests/scenario/${source})</sub>\n\n` +
    `\`\`\`mermaid\n${diagram.join('\n')}\n\`\`\`\n`;
}

const drawn = mkdtempSync(`${tmpdir()}/keel-scenarios-`);
try {
  execFileSync(program, ['--gtest_brief=1', '--gtest_filter=*/PreVoteCheckQuorum:*/Disks.*/PreVoteCheckQuorumOnDisk'],
    {env: {...process.env, KEEL_SCENARIO_DIAGRAMS: drawn}, stdio: ['ignore', 'ignore', 'inherit']});
  const files = {};
  const index = [];
  const known = new Set(pages.map(([key]) => `${key}_test.cpp`));
  for (const source of readdirSync(sources).filter((name) => name.endsWith('_test.cpp') && !known.has(name))) {
    assert.equal(stories(readFileSync(`${sources}/${source}`, 'utf8')).length, 0, `${source} has scenarios and no page`);
  }
  for (const [key, title, about] of pages) {
    const source = `${key}_test.cpp`;
    const told = stories(readFileSync(`${sources}/${source}`, 'utf8'));
    const parts = told.map((story) => section(story, source, shortened(readFileSync(`${drawn}/${story.name}.mmd`, 'utf8'))));
    files[`${key}.md`] = `${made}\n# ${title}\n\n${about} [How to read this](README.md).\n\n${parts.join('\n')}`;
    const links = told.map((story) => `- [${story.title}](${key}.md#${anchorOf(story.title)})`);
    index.push(`## [${title}](${key}.md)\n\n${about}\n\n${links.join('\n')}\n`);
  }
  files['README.md'] = made + '\n' + readFileSync(`${sources}/pages.md`, 'utf8').trimEnd() + '\n\n' + index.join('\n');

  mkdirSync(out, {recursive: true});
  for (const old of readdirSync(out)) rmSync(`${out}/${old}`);
  for (const [name, text] of Object.entries(files)) writeFileSync(`${out}/${name}`, text);
  const bytes = Object.values(files).reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  assert.ok(bytes <= mostBytes, `${out} has ${bytes} bytes; at most ${mostBytes} are wanted`);
} finally {
  rmSync(drawn, {recursive: true});
}
