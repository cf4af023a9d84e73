// npm's ioredis, with its defaults: ioredis.cjs PORT, or ioredis.cjs PORT cluster.
const assert = require('node:assert/strict');
const { Redis, Cluster } = require('ioredis');

const port = Number(process.argv[2]);
const inCluster = process.argv[3] === 'cluster';

async function main() {
  const client = inCluster ? new Cluster([{ host: '127.0.0.1', port }]) : new Redis(port, '127.0.0.1');
  client.on('error', (error) => {
    console.error(error);
    process.exit(1);
  });
  assert.equal(await client.set('i:k', 'v'), 'OK');
  assert.equal(await client.get('i:k'), 'v');
  assert.equal(await client.get('i:none'), null);
  assert.equal(await client.set('i:e', 'v', 'PX', 100000), 'OK');
  assert.ok((await client.pttl('i:e')) > 90000);
  await client.del('i:n');
  const counts = await Promise.all(Array.from({ length: 100 }, () => client.incr('i:n')));
  assert.deepEqual(counts, Array.from({ length: 100 }, (_, i) => i + 1));
  await client.del('i:h');
  assert.equal(await client.hset('i:h', 'a', '1', 'b', '2'), 2);
  assert.deepEqual({ ...(await client.hgetall('i:h')) }, { a: '1', b: '2' });
  assert.deepEqual(await client.multi().set('i:k', '2').incr('i:k').get('i:k').exec(), [
    [null, 'OK'],
    [null, 3],
    [null, '3'],
  ]);
  const piped = await client.pipeline().set('i:{p}1', 'a').mget('i:{p}1', 'i:{p}2').exec();
  assert.deepEqual(piped, [
    [null, 'OK'],
    [null, ['a', null]],
  ]);
  await assert.rejects(client.incr('i:h'), /WRONGTYPE/);
  if (!inCluster) {
    assert.match(await client.info('raft'), /raft_role:/);
    const found = [];
    for await (const keys of client.scanStream({ match: 'i:*' })) found.push(...keys);
    assert.ok(found.includes('i:k') && found.includes('i:h'));
  }
  await client.quit();
  console.log('ok');
}
main().catch((error) => {
  console.error(error);
  process.exit(1);
});
