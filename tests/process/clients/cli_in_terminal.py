"""redis-cli as a person uses it, in a terminal: cli_in_terminal.py PORT [flag ...]."""
import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time

DEADLINE = time.monotonic() + 60
child, terminal = pty.fork()
if child == 0:
    os.environ["TERM"] = "xterm"
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 200, 0, 0))  # or it would ask the terminal
    os.execvp("redis-cli", ["redis-cli", "-p", *sys.argv[1:]])
said = b""


def read_until(wanted):
    """What came up to `wanted`, which is taken too."""
    global said
    while wanted not in said:
        ready, _, _ = select.select([terminal], [], [], max(0, DEADLINE - time.monotonic()))
        if not ready:
            raise SystemExit(f"waited for {wanted!r} behind {said!r}")
        try:
            said += os.read(terminal, 65536)
        except OSError:  # Linux's way to say that the other side has gone
            raise SystemExit(f"ended before {wanted!r} behind {said!r}")
    before, said = said.split(wanted, 1)
    return before


def say(line, *answers):
    os.write(terminal, line.encode() + b"\r")
    for answer in answers:
        read_until(answer)
    read_until(b"> ")  # what is typed before the next prompt would be thrown away


read_until(b"> ")
say("del t:k t:n", b"(integer)")
say("set t:k value", b"OK")
say("get t:k", b'"value"')
say("incr t:n", b"(integer) 1")
say("hset", b"wrong number of arguments for 'hset' command")
say("get", b"wrong number of arguments for 'get' command")
say("multi", b"OK")
say("get t:k", b"QUEUED")
say("exec", b'1) "value"')
os.write(terminal, b"quit\r")
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
assert status == 0, status
print("ok")
