"""A libsnap7 server with data blocks that a test changes while clients read them.

argv: port, then NUMBER:SIZE for each data block.
stdin, one command a line; each is answered by one line:
  write DB OFFSET HEX [OFFSET HEX ..]  -> ok BEFORE_NS AFTER_NS    (all in one locked change)
  read DB OFFSET LENGTH                -> ok HEX
"""

import ctypes
import sys
import time

import snap7
from snap7.types import LocalPort, srvAreaDB

server = snap7.server.Server(log=False)
areas = {}
for spec in sys.argv[2:]:
    number, size = map(int, spec.split(":"))
    areas[number] = (ctypes.c_uint8 * size)()
    server.register_area(srvAreaDB, number, areas[number])
server.set_param(LocalPort, int(sys.argv[1]))
server.start_to("127.0.0.1", int(sys.argv[1]))
print("ready", flush=True)

for line in sys.stdin:
    words = line.split()
    if not words:
        continue
    number = int(words[1])
    area = areas[number]
    if words[0] == "write":
        changes = [(int(o), bytes.fromhex(h)) for o, h in zip(words[2::2], words[3::2])]
        before = time.time_ns()
        server.lock_area(srvAreaDB, number)
        for offset, data in changes:
            ctypes.memmove(ctypes.addressof(area) + offset, data, len(data))
        server.unlock_area(srvAreaDB, number)
        print(f"ok {before} {time.time_ns()}", flush=True)
    elif words[0] == "read":
        offset, length = int(words[2]), int(words[3])
        print("ok " + bytes(area[offset : offset + length]).hex(), flush=True)
    else:
        print(f"error unknown command {words[0]}", flush=True)
server.stop()
