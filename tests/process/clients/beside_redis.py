"""The same commands to keelkv and to a real Redis, and every answer compared: beside_redis.py PORT [SEED [SEEDS]].

Of a difference it prints the shortest run of commands that still shows it. Debian's redis-tools brings the server along,
under the name of redis-check-rdb. It is a 7.0, while keelkv answers as 7.2: where these differ is in `excused`.
"""
import ctypes
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

# As Redis's documentation writes it; lower-case words are from WORDS, `...` is one to three times, `[]` may be left out.
GRAMMAR = """
SET string value [NX|XX] [EX ttl|PX ttl|EXAT far|PXAT far-ms|KEEPTTL] [GET]
GET string
GETDEL string
GETSET string value
SETNX string value
SETEX string ttl value
PSETEX string ttl value
GETEX string [EX ttl|PX ttl|EXAT when|PXAT when-ms|PERSIST|KEEPTTL]
MSET (string value)...
MSETNX (string value)...
MGET string...
APPEND string value
STRLEN string
GETRANGE string integer integer
SUBSTR string integer integer
SETRANGE string offset value
SETBIT string offset bit
GETBIT string offset
BITCOUNT string [integer integer [BYTE|BIT|NIBBLE]]
INCR string
INCRBY string integer
DECR string
DECRBY string integer
INCRBYFLOAT string float
LCS string string [LEN] [IDX] [MINMATCHLEN integer] [WITHMATCHLEN]
DEL any...
UNLINK any...
EXISTS any...
TYPE any
KEYS pattern
RENAME any any
RENAMENX any any
COPY any any [DB database] [REPLACE]
TOUCH any...
EXPIRE any ttl [NX|XX|GT|LT|YY] [NX|XX|GT|LT]
PEXPIRE any ttl [NX|XX|GT|LT]
EXPIREAT any when [NX|XX|GT|LT]
PEXPIREAT any when-ms [NX|XX|GT|LT]
EXPIRETIME any
PEXPIRETIME any
TTL any
PTTL any
PERSIST any
DBSIZE
OBJECT FREQ any
OBJECT NOSUCH any
SELECT database
ECHO value
PING [value]
NOSUCH string value
HSET hash (field value)...
HMSET hash (field value)...
HSETNX hash field value
HGET hash field
HDEL hash field...
HGETALL hash
HMGET hash field...
HINCRBY hash field integer
HINCRBYFLOAT hash field float
HLEN hash
HEXISTS hash field
HKEYS hash
HVALS hash
HSTRLEN hash field
HRANDFIELD hash everything [WITHVALUES|NOSUCH]
HSCAN hash 0 COUNT 1000
SADD set field...
SREM set field...
SMEMBERS set
SISMEMBER set field
SMISMEMBER set field...
SCARD set
SMOVE set set field
SINTER set...
SUNION set...
SDIFF set...
SINTERSTORE set set...
SUNIONSTORE set set...
SDIFFSTORE set set...
SINTERCARD sets [LIMIT integer] [LIMIT integer]
SPOP set everything
SRANDMEMBER set everything
SSCAN set 0 COUNT 1000 [MATCH pattern]
LPUSH list field...
RPUSH list field...
LPUSHX list field...
RPUSHX list field...
LPOP list [integer]
RPOP list [integer]
LLEN list
LRANGE list integer integer
LINDEX list integer
LSET list integer field
LINSERT list BEFORE|AFTER|BESIDE field field
LREM list count field
LTRIM list integer integer
RPOPLPUSH list list
LMOVE list list LEFT|RIGHT LEFT|RIGHT|NOSUCH
LPOS list field [RANK integer] [COUNT integer] [MAXLEN integer]
ZADD sorted [NX|XX] [GT|LT] [CH] [INCR] (score field)...
ZADD even (0 field)...
ZREM sorted field...
ZSCORE sorted field
ZMSCORE sorted field...
ZINCRBY sorted score field
ZCARD sorted
ZCOUNT sorted score score
ZLEXCOUNT even lex lex
ZRANK sorted field
ZREVRANK sorted field
ZRANGE sorted integer integer [REV] [WITHSCORES] [LIMIT integer integer]
ZRANGE sorted score score BYSCORE [REV] [WITHSCORES] [LIMIT integer integer]
ZRANGE even lex lex BYLEX [REV] [WITHSCORES] [LIMIT integer integer]
ZREVRANGE sorted integer integer [WITHSCORES]
ZRANGEBYSCORE sorted score score [WITHSCORES] [LIMIT integer integer]
ZREVRANGEBYSCORE sorted score score [WITHSCORES] [LIMIT integer integer]
ZRANGEBYLEX even lex lex [LIMIT integer integer]
ZREVRANGEBYLEX even lex lex [LIMIT integer integer]
ZPOPMIN sorted [integer]
ZPOPMAX sorted [integer]
ZREMRANGEBYSCORE sorted score score
ZREMRANGEBYRANK sorted integer integer
ZREMRANGEBYLEX even lex lex
ZRANDMEMBER sorted everything [WITHSCORES|NOSUCH]
ZSCAN sorted 0 COUNT 1000
SCAN 0 COUNT 1000 [MATCH pattern] [TYPE type]
MULTI
MULTI
MULTI
MULTI
EXEC
EXEC
EXEC
EXEC
EXEC
EXEC
EXEC
EXEC
DISCARD
WATCH any...
UNWATCH
"""

ODD_INTEGERS = ["abc", "", "1.5", "+3", " 3", "-0", "9223372036854775807", "-9223372036854775808", "9223372036854775808"]
WORDS = {  # how it is mostly, and now and then
    "string": (["k0", "k1", "k2"], ["h0", "s0", "l0", "z0"]),  # mostly of its own type
    "hash": (["h0", "h1"], ["k0", "s1", "l1", "z1"]),
    "set": (["s0", "s1", "s2"], ["k1", "h0", "l0", "z0"]),
    "list": (["l0", "l1"], ["k2", "h1", "s2", "z1"]),
    "sorted": (["z0", "z1"], ["k0", "h0", "s0", "l0"]),
    "any": (["k0", "k1", "k2", "h0", "h1", "s0", "s1", "s2", "l0", "l1", "z0", "z1"], []),
    "even": (["e0", "e1"], []),  # sorted sets with one score: only these have an order by member
    "value": (["", "a", "abc", "10", "-5", "1.5", "hello world", "ohmytext", "mynewtext", "\u00fc\x01\xff"],
              ["9223372036854775807", "-9223372036854775808", "nan", "inf", " 12", "012", "+5", "3.0e3", "1e400", "x" * 60]),
    "field": (["f1", "f2", "f3", "a", "b", "c", "5", "10"], ["", "x" * 70]),
    "integer": ([str(i) for i in range(-4, 12)], ODD_INTEGERS),
    "count": ([str(i) for i in range(-4, 5)], ["abc", "", "1.5", "9223372036854775807"]),
    "offset": ([str(i) for i in range(40)], ODD_INTEGERS),
    "bit": (["0", "1"], ["2", "x"]),
    "float": (["1", "0.1", "-2.5", "3.0e-3", "5.0"], ["nan", "inf", "abc", "", " 1", "1e308", "123456789012345678"]),
    "score": ([str(i) for i in range(-3, 9)], ["-inf", "+inf", "(1", "(5", "1.5", "nan", "abc", "", "(", "1e-5", "0.1"]),
    "lex": (["-", "+", "[a", "(b", "[c", "(f1", "[f3"], ["a", "", "[", "(", "[z"]),
    "ttl": ([], ["-1", "0", "abc", "9223372036854775807", "-9223372036854775808", "9223372036854775"]),
    "far": (["4102444800"], []),
    "far-ms": (["4102444800000"], []),
    "when": (["4102444800", "4202444800"], ["1000", "-5", "0", "abc", "9223372036854775807"]),
    "when-ms": (["4102444800000", "4202444800000"], ["1000", "-5", "abc", "9223372036854775807"]),
    "database": (["0"], ["abc", "-1", "1000", "99999999999"]),
    "everything": (["100"], ["0", "abc", "9223372036854775808"]),
    "pattern": (["*", "k*", "[h-l][1-3]", "?1", "[^k]*", "k\\1"], []),
    "type": (["string", "list", "hash", "set", "zset"], ["nosuch"]),
}
# Redis promises no order.
UNORDERED = {"smembers", "sinter", "sunion", "sdiff", "hkeys", "hvals", "keys", "spop", "srandmember", "scan", "sscan",
             "hrandfield", "zrandmember"}
PAIRS = {"hgetall", "hscan", "zscan"}
# With a word more or less these are left to chance, or 7.0 does otherwise.
FIXED_SIZE = {"select", "zrank", "zrevrank", "hrandfield", "zrandmember", "srandmember", "spop", "lrem", "nosuch"}


class Grammar:
    """Lines of GRAMMAR as trees: a word, or ("all" | "any" | "maybe" | "many", parts)."""

    def __init__(self, text):
        self.commands = [self.line(line) for line in text.strip().split("\n")]

    def line(self, line):
        self.tokens = re.findall(r"\.\.\.|[][()|]|[^][()|\s.]+", line)
        return self.sequence()

    def sequence(self):
        parts = []
        while self.tokens and self.tokens[0] not in "])":
            parts.append(self.choice())
        return ("all", parts)

    def choice(self):  # words with | between, without white space; in brackets also sequences
        options = [self.item()]
        while self.tokens[:1] == ["|"]:
            self.tokens.pop(0)
            options.append(self.item())
        return options[0] if len(options) == 1 else ("any", options)

    def item(self):
        token = self.tokens.pop(0)
        if token in "[(":
            part = self.bracket(token)
        else:
            part = token
        if self.tokens[:1] == ["..."]:
            self.tokens.pop(0)
            part = ("many", [part])
        return part

    def bracket(self, opened):
        options = [[]]
        while self.tokens[0] not in "])":
            if self.tokens[0] == "|":
                self.tokens.pop(0)
                options.append([])
            options[-1].append(self.item())
        self.tokens.pop(0)
        inner = ("any", [("all", option) for option in options])
        return ("maybe", [inner]) if opened == "[" else inner

    def draw(self, rng):
        words = self.words(rng.choice(self.commands), rng)
        if words[0].lower() not in FIXED_SIZE:  # now and then too many or too few
            if len(words) > 1 and rng.random() < 0.03:
                words.pop(rng.randrange(1, len(words)))
            if rng.random() < 0.03:
                words.insert(rng.randint(1, len(words)), self.word("field", rng))
        return [word.encode("latin-1", "replace") for word in words]

    def words(self, part, rng):
        if isinstance(part, str):
            if part == "sets":
                return self.counted_sets(rng)
            return [self.word(part, rng)]
        kind, parts = part
        if kind == "any":
            return self.words(rng.choice(parts), rng)
        if kind == "maybe" and rng.random() < 0.6:
            return []
        times = rng.randint(1, 3) if kind == "many" else 1
        return [word for _ in range(times) for inner in parts for word in self.words(inner, rng)]

    def word(self, name, rng):
        if name == "ttl" and rng.random() < 0.7:  # never the same twice: which of two is later is not a race then
            return str(rng.randint(100000, 900000))
        if name not in WORDS:
            return name if rng.random() < 0.7 else name.lower()
        usual, odd = WORDS[name]
        return rng.choice(usual if usual and (not odd or rng.random() < 0.85) else odd)

    def counted_sets(self, rng):
        names = [self.word("set", rng) for _ in range(rng.randint(1, 3))]
        return [str(len(names)) if rng.random() < 0.85 else rng.choice(["0", "-1", "abc", "5"])] + names


class Connection:
    """Replies as (type, value), so that nothing of them is lost."""

    def __init__(self, address):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.settimeout(60)
        self.socket.connect(address)
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def call_all(self, commands):
        for command in commands:
            self.socket.sendall(b"*%d\r\n" % len(command) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in command))
        return [self.read() for _ in commands]

    def read(self):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise EOFError("the connection was closed")
        kind, rest = chr(line[0]), line[1:-2]
        if kind in "+-:,#(_":
            return kind, rest
        size = int(rest)
        if size < 0:
            return kind, None
        if kind == "$":
            return kind, self.file.read(size + 2)[:-2]
        return kind, [self.read() for _ in range(2 * size if kind == "%" else size)]


def as_number(text):
    try:
        return float(text)
    except ValueError:
        return None


def plain(reply):
    """7.0 writes 0.1 as 0.10000000000000001: such numbers are compared as numbers."""
    kind, value = reply
    if isinstance(value, list):
        return kind, [plain(part) for part in value]
    if (kind == "," or (kind == "$" and value and b"." in value)) and as_number(value) is not None:
        return kind, as_number(value)
    return reply


def in_order(command, reply):
    name = command[0].decode().lower()
    kind, value = reply
    if not isinstance(value, list):
        return reply
    if name.endswith("scan"):
        kind, value = (kind, value[0]), value[1][1]
    with_values = name in PAIRS or (len(command) == 4 and name.endswith(("randfield", "randmember")))
    if with_values and not (value and isinstance(value[0][1], list)):  # RESP2 has no pairs of its own
        value = list(zip(value[::2], value[1::2]))
    return kind, sorted(value, key=repr) if name in UNORDERED | PAIRS else value


def excused(name, ours, theirs):
    if name in ("ttl", "pttl", "expiretime", "pexpiretime") and ours[0] == theirs[0] == ":":
        return abs(int(ours[1]) - int(theirs[1])) <= (60000 if name.startswith("p") else 60)  # the clock goes on
    if ours[0] != "-":
        return False
    error, other = ours[1], theirs[1] if isinstance(theirs[1], bytes) else b""
    if name == "bitcount":  # 7.0 does not look at the range first
        return theirs == (":", b"0") or other.startswith(b"WRONGTYPE")
    if name.endswith("scan"):  # 7.0 takes cursors that are no numbers
        return error == b"ERR invalid cursor"
    if name == "lpos":  # 7.0 takes the one number that has no magnitude
        return b"-9223372036854775807" in error
    return name == "setrange" and b"maximum allowed size" in error and b"maximum allowed size" in other  # 8 MiB


def same(command, ours, theirs):
    name = command[0].decode().lower()
    if excused(name, ours, theirs):
        return True
    if ours[0] == "-" or theirs[0] == "-":
        return ours == theirs
    return in_order(command, plain(ours)) == in_order(command, plain(theirs))


def first_difference(addresses, commands, resp3):
    """(command, our answer, Redis's), or None."""
    answers = []
    for address in addresses:
        with Connection(address) as connection:
            start = [[b"HELLO", b"3"]] if resp3 else []
            answers.append(connection.call_all(start + [[b"FLUSHALL"]] + commands)[len(start) + 1:])
    queued = []
    for command, ours, theirs in zip(commands, *answers):
        name = command[0].lower()
        if theirs == ("+", b"QUEUED"):
            queued.append(command)
        elif name == b"exec" and ours[0] == theirs[0] == "*" and ours[1] is not None and theirs[1] is not None:
            if len(ours[1]) != len(theirs[1]):
                return command, ours, theirs
            for inner, our_part, their_part in zip(queued, ours[1], theirs[1]):
                if not same(inner, our_part, their_part):
                    return inner, our_part, their_part
            queued = []
            continue
        elif name in (b"exec", b"discard") or (name == b"multi" and theirs[0] == "+"):
            queued = []
        if not same(command, ours, theirs):
            return command, ours, theirs
    return None


def shortest(addresses, commands, resp3, name):
    step = max(1, len(commands) // 2)
    while step:
        at = 0
        while at < len(commands):
            fewer = commands[:at] + commands[at + step:]
            difference = first_difference(addresses, fewer, resp3)
            if difference and difference[0][0].lower() == name:
                commands = fewer
            else:
                at += step
        step //= 2
    return commands


def compare(addresses, grammar, seed):
    rng = random.Random(seed)
    commands = [grammar.draw(rng) for _ in range(250)]
    resp3 = seed % 2 == 1
    difference = first_difference(addresses, commands, resp3)
    if difference is None:
        return True
    commands = shortest(addresses, commands, resp3, difference[0][0].lower())
    print(f"seed {seed}, RESP{3 if resp3 else 2}:", file=sys.stderr)
    for command in commands:
        print("   ", " ".join(repr(word)[1:] for word in command), file=sys.stderr)
    _, ours, theirs = first_difference(addresses, commands, resp3) or difference
    print(f"  keelkv: {ours}\n  Redis:  {theirs}", file=sys.stderr)
    return False


def start_redis(folder):
    path = folder + "/redis.sock"
    words = ["redis-server", "--port", "0", "--unixsocket", path, "--dir", folder, "--save", "", "--databases", "1"]
    server = subprocess.Popen(words, executable="/usr/bin/redis-check-rdb", stdout=subprocess.DEVNULL,
                              preexec_fn=lambda: ctypes.CDLL(None).prctl(1, signal.SIGKILL))  # it ends with this process
    deadline = time.monotonic() + 60
    while not os.path.exists(path):
        if server.poll() is not None or time.monotonic() > deadline:
            sys.exit("there is no Redis to compare with: its server does not start")
        time.sleep(0.01)
    return server, path


def main():
    port, first, count = (int(word) for word in (sys.argv[1:] + ["1", "50"][len(sys.argv) - 2:]))
    grammar = Grammar(GRAMMAR)
    with tempfile.TemporaryDirectory() as folder:
        server, path = start_redis(folder)
        addresses = [("127.0.0.1", port), path]
        try:
            differ = [seed for seed in range(first, first + count) if not compare(addresses, grammar, seed)]
        finally:
            server.kill()
            server.wait()
    if differ:
        sys.exit(f"{len(differ)} of {count} seeds differ")
    print("ok")


main()
