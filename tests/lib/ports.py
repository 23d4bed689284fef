"""Free loopback ports for servers that a test starts.  Python's standard library only."""

import os
import pathlib
import random
import socket


def _range():
    """Where the kernel takes no port from for sockets that name none: nobody gets one of these by accident between
    our asking and the server's binding, nor while a service that is started again is down."""
    first, last = map(int, pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    outside = [port for port in range(10000, 65536) if not first <= port <= last]
    return outside if len(outside) >= 1000 else list(range(10000, 65536))


_left = _range()
random.Random(os.urandom(8)).shuffle(_left)


def free_port():
    """A port of 127.0.0.1, free for TCP and for UDP, that this process was never given before."""
    while _left:
        port = _left.pop()
        try:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                with socket.socket(socket.AF_INET, kind) as s:
                    s.bind(("127.0.0.1", port))
            return port
        except OSError:
            continue
    raise RuntimeError("no port is free")
