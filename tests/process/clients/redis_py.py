"""Debian's python3-redis, with its defaults: redis_py.py PORT, or redis_py.py PORT cluster."""
import logging
import sys

import redis

logging.getLogger("redis").addHandler(logging.NullHandler())  # errors that are expected are not news
port = int(sys.argv[1])
in_cluster = sys.argv[2:] == ["cluster"]
client = redis.RedisCluster(host="127.0.0.1", port=port) if in_cluster else redis.Redis(host="127.0.0.1", port=port)

assert client.set("p:k", "v") is True
assert client.get("p:k") == b"v"
assert client.get("p:none") is None
assert client.set("p:e", "v", ex=100) is True
assert client.ttl("p:e") > 90
client.delete("p:n")
assert [client.incr("p:n") for _ in range(10)] == list(range(1, 11))
client.delete("p:h", "p:l", "p:z") if not in_cluster else [client.delete(key) for key in ("p:h", "p:l", "p:z")]
assert client.hset("p:h", mapping={"a": 1, "b": 2}) == 2
assert client.hgetall("p:h") == {b"a": b"1", b"b": b"2"}
assert client.rpush("p:l", "a", "b") == 2
assert client.lrange("p:l", 0, -1) == [b"a", b"b"]
assert client.zadd("p:z", {"m": 1.5}) == 1
assert client.zscore("p:z", "m") == 1.5
try:
    client.incr("p:h")
    raise SystemExit("INCR of a hash went through")
except redis.ResponseError as error:
    assert str(error).startswith("WRONGTYPE"), error
if not in_cluster:
    assert client.pipeline().set("p:k", 2).incr("p:k").get("p:k").execute() == [True, 3, b"3"]
    assert "raft_role" in client.info("raft")
    assert client.info()["loading"] == 0
    assert b"p:k" in set(client.scan_iter(match="p:*"))
print("ok")
