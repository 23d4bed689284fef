"""Heads of HTTP/1.1 read by our door, by nginx and by Node (llhttp): nobody takes for the next request what
another took for this one's body (R-E3).

    http_oracle.py HTTP_HEADS [COUNT]

COUNT streams from a fixed seed go to each server as they are, on a connection of their own: a request whose
length is said in odd ways (two lengths, lengths and codings at once, signs, blanks, folded lines, bare line
feeds, NUL, chunks of odd size), a body that is a request itself, and a plain request behind.  What a server
answers says which requests it saw.

Two servers disagree in a way that matters if they see different requests, or if one waits for more of a body
where the other saw another request.  They may well differ in what they refuse: who refuses closes, and
nothing behind it is a request to anybody.  Agreed besides:

- nginx takes a scheme and a host off a target, we and Node leave it;
- nginx lets the answer of `return` go before it has read the body: how long a body was is compared with Node
  alone, and nginx may have answered what we still wait for the end of.
"""

import collections
import concurrent.futures
import os
import pathlib
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

COUNT = int(sys.argv[2]) if len(sys.argv) > 2 else 1500
PATIENCE = (0.5, 5)  # seconds without a byte, then a server waits for more; the second if it matters
SHOWN = 5
chance = random.Random(20261122)

NODE = """
const server = require('http').createServer({keepAliveTimeout: 60000}, (request, response) => {
    let size = 0;
    request.on('data', part => { size += part.length; });
    request.on('end', () => {
        const text = Buffer.from(`${request.method} ${request.url} ${size}`, 'latin1');
        response.writeHead(200, {'Content-Length': text.length});
        response.end(text);
    });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.resume().on('end', () => process.exit(0));
"""

NGINX = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off; client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
    uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e; default_type text/plain; keepalive_requests 100000;
    server {{
        listen 127.0.0.1:{port};
        location / {{ return 200 "$request_method $request_uri ?"; }}
    }}
}}
"""


# ---- streams

INNER = b"GET /inner HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


odd = 0.0  # how often a part of the stream at hand is odd


def sometimes(usual, *others):
    return chance.choice(others) if chance.random() < odd else usual


def length_line(size):
    text = sometimes(b"%d" % size, b"+%d" % size, b"0%d" % size, b"%d " % size, b"%d\t" % size, b"0x%x" % size, b"-1", b"",
                     b"%d,%d" % (size, size), b"%d, 0" % size, b"%d\x0b" % size, b"%d\x00" % size, b"0", b"%d.0" % size,
                     b"18446744073709551616", b"%d" % (2**64 + size), b"1 %d" % size, b"%d;" % size, b"\x0c%d" % size,
                     b"%de0" % size, b"\"%d\"" % size)
    return sometimes(b"Content-Length: ", b"Content-Length:", b"content-length:\t", b"Content-Length : ",
                     b"Content-Length\t: ", b" Content-Length: ", b"Content_Length: ", b"Content-Length:\r\n ", b"Content-Length\x00: ",
                     b"X: y\rContent-Length: ", b"X: y\nContent-Length: ", b"Content-Length\r\n: ", b"\x0bContent-Length: ",
                     b"Content-Length: \n") + text


def coding_line():
    text = sometimes(b"chunked", b"Chunked", b"xchunked", b"chunked, identity", b"identity", b"gzip, chunked", b"chunked\x0b",
                     b"chunked ", b"\x0bchunked", b"\tchunked", b"chunked;q=1", b"\"chunked\"", b"chunked\x00", b"chunke", b"",
                     b"chunked, chunked", b",chunked", b"chunked,", b"\x85chunked", b"ch\xc3\xbcnked", b"identity, chunked")
    return sometimes(b"Transfer-Encoding: ", b"Transfer-Encoding:", b"transfer-encoding: ", b"Transfer-Encoding : ",
                     b" Transfer-Encoding: ", b"Transfer_Encoding: ", b"Transfer-Encoding:\r\n ", b"Transfer-Encoding\x00: ",
                     b"X: y\rTransfer-Encoding: ", b"X: y\nTransfer-Encoding: ", b"Transfer-Encoding\r\n: ", b"TE: ") + text


def chunks(body):
    out = b""
    while body:
        size = chance.choice([1, 5, 16, 40, len(body)])
        part, body = body[:size], body[size:]
        size = len(part)
        out += sometimes(b"%x" % size, b"%X" % size, b"0%x" % size, b"%x " % size, b"%x;a=b" % size, b"%x ;a" % size,
                         b"0x%x" % size, b"+%x" % size, b"-%x" % size, b"%x\t" % size, b"1%016x" % size, b"%x;a\n" % size,
                         b"%x;\"\r\n\"" % size, b" %x" % size, b"%x\x00" % size, b"%xg" % size, b"f" * 16, b"")
        out += sometimes(b"\r\n", b"\n", b"\r", b"\r\r\n", b"\n\r\n") + part + sometimes(b"\r\n", b"\n", b"", b"\r", b"xx", b"\r\nx")
    return out + sometimes(b"0", b"00", b"0;a=b", b"-0", b"0 ", b"0x0", b"") + sometimes(
        b"\r\n\r\n", b"\n\n", b"\r\n", b"\r\nX: y\r\n\r\n", b"\r\nContent-Length: 9\r\n\r\n", b"\r\n\n", b"\r\n\r\r\n")


def stream():
    global odd
    odd = chance.choice([0.02, 0.06, 0.15])
    body = sometimes(INNER, b"", b"hello", INNER + INNER, b"0\r\n\r\n" + INNER, b"a" * 70000)
    method = sometimes(b"POST", b"GET", b"PUT", b"HEAD", b"OPTIONS", b"post", b"P(ST", b"TRACE")
    version = sometimes(b"HTTP/1.1", b"HTTP/1.0", b"HTTP/1.2", b"HTTP/2.0", b"http/1.1", b"HTTP/1.10", b"HTTP/01.1", b"")
    lines = [sometimes(b"", b"\r\n", b"\n", b" ", b"\r\n\r\n") + method + sometimes(b" ", b"  ", b"\t") +
             sometimes(b"/odd", b"http://x/odd", b"/odd?a b", b"/o\x00dd", b"*", b"//odd", b"/odd#x", b"/\xc3\xb6dd") +
             sometimes(b" ", b"  ", b"\t") + version]
    heads = [sometimes(b"Host: x", b"Host: x\r\nHost: y", b"", b"Host : x", b"Host:", b"Host: x, y", b"X\r\nHost: x")]
    coded = chance.random()
    if coded < 0.55:
        heads += [length_line(len(body)) for _ in range(sometimes(1, 2))]
    if coded > 0.4:
        heads += [coding_line() for _ in range(sometimes(1, 2))]
        body = chunks(body)
        if coded < 0.55:
            heads[1] = length_line(len(body)) if chance.random() < 0.5 else heads[1]
    heads += [chance.choice([b"Connection: close", b"Connection: keep-alive", b"Connection: Content-Length", b"X y: z", b"X: \x01",
                             b"Expect: 100-continue", b"Upgrade: h2c", b": x", b"X", b"X: " + b"y" * 9000, b"X: a\r\n b"])
              ] * (chance.random() < 0.2)
    chance.shuffle(heads)
    end = sometimes(b"\r\n", b"\n", b"\r")
    whole = end.join(line for line in lines + heads if line) + end + sometimes(end, b"\r\n", b"\n", b"\r\n ", b"")
    if chance.random() < 0.15:
        at = chance.randrange(len(whole))
        whole = whole[:at] + bytes([chance.choice(b"\r\n\t \0:,;\x0b\x80\xff0x")]) + whole[at + chance.randint(0, 1):]
    return whole + body + LAST


# ---- servers

ANSWER = re.compile(rb"HTTP/1\.[01] ([0-9]{3})[^\n]*\r\n(.*?)\r\n\r\n", re.DOTALL)


def answers(bytes_):
    """What the server saw, and whether it refused something."""
    seen, at = [], 0
    while match := ANSWER.match(bytes_, at):
        size = re.search(rb"(?i)^content-length: *([0-9]+)", match.group(2), re.MULTILINE)
        at = match.end()
        if match.group(1) == b"100":
            continue
        if match.group(1) != b"200":
            return seen, True
        text = bytes_[at:at + int(size.group(1))] if size else b""
        if text[:3] not in (b"GET", b"POS", b"PUT", b"OPT", b"P(S", b"pos", b"TRA"):
            text = b"HEAD"  # which has no body
        else:
            at += len(text)
        seen.append(tuple(re.sub(rb"^([^ ]+) (?i:[a-z0-9+.-]+)://[^/? ]*/?", rb"\1 /", text).split(b" ")))
    return seen, False


def ask(port, bytes_, patience):
    """(requests seen, how it ended): "refused", "closed" or "waits"."""
    got, end = b"", "closed"
    with socket.create_connection(("127.0.0.1", port), 10) as s:
        s.settimeout(patience)
        try:
            s.sendall(bytes_)
            while part := s.recv(65536):
                got += part
        except socket.timeout:
            end = "waits"
        except OSError:
            pass
    seen, refused = answers(got)
    return seen, "refused" if refused else end


def differ(ours, theirs, sizes):
    """What matters about a difference, or None."""
    (mine, my_end), (other, other_end) = ours, theirs
    for a, b in zip(mine, other):
        if a == (b"HEAD",) or b == (b"HEAD",):
            continue
        if a[:-1] != b[:-1]:
            return "different requests"
        if sizes and a[-1] != b[-1]:
            return "bodies of different size"
    if not sizes and my_end == other_end == "waits" and len(other) == len(mine) + 1:
        return None
    if len(mine) < len(other) and my_end == "waits":
        return "we wait"
    if len(other) < len(mine) and other_end == "waits":
        return "the other waits"
    return None


def started(command, **more):
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, **more)


def nginx_started(folder):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    config = pathlib.Path(folder) / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, port=port))
    process = started(["nginx", "-c", str(config), "-p", folder, "-e", f"{folder}/error.log"])
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            time.sleep(0.05)
    return process, port


def main():
    os.environ["PATH"] += ":/usr/sbin"
    if not shutil.which("nginx") or not shutil.which("node"):
        print("skipped: nginx or Node is not installed\n0 passed, 0 failed, 1 skipped")
        return 0
    folder = tempfile.mkdtemp(prefix="hinomi-http-")
    ours, node = started([sys.argv[1]]), started(["node", "-e", NODE])
    nginx, nginx_port = nginx_started(folder)
    ports = {"we": int(ours.stdout.readline()), "nginx": nginx_port, "node": int(node.stdout.readline())}
    failed, taken, ends = collections.Counter(), collections.Counter(), collections.Counter()
    try:
        def judge(bytes_):
            for patience in PATIENCE:
                said = {name: ask(port, bytes_, patience) for name, port in ports.items()}
                found = {name: differ(said["we"], said[name], name == "node") for name in ("nginx", "node")}
                if not any(found.values()):
                    break
            return bytes_, said, found

        with concurrent.futures.ThreadPoolExecutor(24) as pool:
            for bytes_, said, found in pool.map(judge, (stream() for _ in range(COUNT))):
                for name, (seen, end) in said.items():
                    taken[name] += len(seen) > 1
                    ends[name, end] += 1
                for name, what in found.items():
                    if what:
                        failed[name] += 1
                        if failed[name] <= SHOWN:
                            print(f"DIFFERS: {what}: {bytes_[:600]!r}\n    we {said['we']}\n    {name} {said[name]}")
    finally:
        for process in (ours, node, nginx):
            process.terminate()
            process.wait(10)
        shutil.rmtree(folder)
    for name in ports:
        print(f"{name}: {taken[name]} of {COUNT} streams with more than one request; {ends[name, 'refused']} refused, "
              f"{ends[name, 'closed']} closed, {ends[name, 'waits']} wait")
    wrong = sum(1 for name in ("nginx", "node") if failed[name])
    print(f"{dict(failed)} differ\n{2 - wrong} passed, {wrong} failed")
    return wrong > 0


sys.exit(main())
