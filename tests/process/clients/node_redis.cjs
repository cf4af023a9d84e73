// npm's redis, with its defaults: node_redis.cjs PORT, or node_redis.cjs PORT cluster.
const assert = require('node:assert/strict');
const { createClient, createCluster } = require('redis');

const url = `redis://127.0.0.1:${process.argv[2]}`;
const inCluster = process.argv[3] === 'cluster';

async function main() {
  const client = inCluster ? createCluster({ rootNodes: [{ url }] }) : createClient({ url });
  client.on('error', (error) => {
    console.error(error);
    process.exit(1);
  });
  await client.connect();
  assert.equal(await client.set('r:k', 'v'), 'OK');
  assert.equal(await client.get('r:k'), 'v');
  assert.equal(await client.get('r:none'), null);
  assert.equal(await client.set('r:e', 'v', { EX: 100 }), 'OK');
  assert.ok((await client.ttl('r:e')) > 90);
  await client.del('r:n');
  const counts = await Promise.all(Array.from({ length: 100 }, () => client.incr('r:n')));
  assert.deepEqual(counts, Array.from({ length: 100 }, (_, i) => i + 1));
  await client.del(['r:h', 'r:l', 'r:s', 'r:z']);
  assert.equal(await client.hSet('r:h', { a: '1', b: '2' }), 2);
  assert.deepEqual({ ...(await client.hGetAll('r:h')) }, { a: '1', b: '2' });
  assert.equal(await client.rPush('r:l', ['a', 'b']), 2);
  assert.deepEqual(await client.lRange('r:l', 0, -1), ['a', 'b']);
  assert.equal(await client.sAdd('r:s', 'm'), 1);
  assert.equal(await client.sIsMember('r:s', 'm'), 1);
  assert.equal(await client.zAdd('r:z', { score: 1.5, value: 'm' }), 1);
  assert.equal(await client.zScore('r:z', 'm'), 1.5);
  assert.deepEqual(await client.multi().set('r:k', '2').incr('r:k').get('r:k').exec(), ['OK', 3, '3']);
  await assert.rejects(client.incr('r:h'), /WRONGTYPE/);
  if (!inCluster) {
    assert.match(await client.info('raft'), /raft_role:/);
    const seen = new Set();
    for await (const keys of client.scanIterator({ MATCH: 'r:*' })) keys.forEach((key) => seen.add(key));
    assert.ok(seen.has('r:k') && seen.has('r:z'));
  }
  await client.close();
  console.log('ok');
}
main().catch((error) => {
  console.error(error);
  process.exit(1);
});
