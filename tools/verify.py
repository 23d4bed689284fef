#!/usr/bin/env python3
"""The second reader of Hinomi's packages, written from docs/formats/ alone.
    verify.py [--anchor HEX] [--heads FILE] [--roots FILE] PACKAGE.zip     logs that were handed out
--anchor: the client's, 64 hexadecimal digits, from elsewhere; without it the package's own word is
believed.  --heads: heads that were kept elsewhere.  --roots: the time-stamping authority's.
Exit code 0: sound, 1: damaged (each place is named), 2: it cannot be read."""
import datetime, functools, getopt, hashlib, json, struct, subprocess, sys, tempfile, zipfile
HEAD = struct.Struct("<8sHHIIIQqQQQQ32s32s32s32s32s")  # 232 bytes
DAY = struct.Struct("<QQ32s32s32s32s64s")
TOLD = struct.Struct("<IIQIqq32s")  # a leaf's head: client, source, first, events, oldest, newest, body
EVENTS_MAX, BATCH_MAX, HOUR = 4000, 8 << 20, 3600 * 10**9
sha = lambda *parts: hashlib.sha256(b"".join(parts)).digest()
# ---- Ed25519 (RFC 8032), verification only, in extended coordinates.
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
def add(p, q):
    a, b, c = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P, 2 * p[3] * q[3] * D % P
    d = 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P
def times(s, p, q=(0, 1, 1, 0)):
    while s > 0:
        p, q, s = add(p, p), add(q, p) if s & 1 else q, s >> 1
    return q
def point(text):
    y = int.from_bytes(text, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    x = x * pow(2, (P - 1) // 4, P) % P if (x * x - x2) % P else x
    wrong, x = y >= P or (x * x - x2) % P or (x == 0 and sign), P - x if x & 1 != sign else x
    return None if wrong else (x, y, 1, x * y % P)
BASE = point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))
once = lambda pairs: dict(pairs) if len(dict(pairs)) == len(pairs) else None  # of a name that stands twice neither is true
affine = lambda p: (p[0] * pow(p[2], P - 2, P) % P, p[1] * pow(p[2], P - 2, P) % P)
def signed(key, message, signature):
    a, r, s = point(key), point(signature[:32]), int.from_bytes(signature[32:], "little")
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    return bool(a and r and s < L and affine(times(s, BASE)) == affine(add(r, times(h, a))))
# ---- The tree of RFC 6962, as the roots of its full subtrees.
class Tree:
    def __init__(self, size=0, peaks=()):
        self.size, self.peaks = size, list(peaks)
    def add(self, leaf, level=0):
        size = self.size >> level
        while size & 1:
            leaf, size = sha(b"\1", self.peaks.pop(), leaf), size >> 1
        self.peaks.append(leaf)
        self.size += 1 << level
    def root(self):
        return functools.reduce(lambda node, peak: sha(b"\1", peak, node), self.peaks[-2::-1], (self.peaks or [sha()])[-1])
def leaf_hash(form, client, source, first, salt, records):  # records: (time of arrival, bytes) of each
    rest = b"".join(struct.pack("<Iq", len(b), t) + b for t, b in records)
    if form == 1:
        return sha(struct.pack("<BIIQI", 0, client, source, first, len(records)), salt, rest)
    when = [t for t, _ in records]
    told = TOLD.pack(client, source, first, len(records), min(when), max(when), sha(salt, rest))
    return sha(b"\0\xff\xff\xff\xff\2\0\0\0", told)
# ---- Heads, days, and what is gone.
class Head:
    def __init__(self, data, client, at=0):
        self.at, self.valid, self.leaves, self.day = at, False, 0, None
        data = data if len(data) - at >= HEAD.size else bytes(at + HEAD.size)
        (magic, version, self.kind, size, who, peaks, self.epoch, self.wall, self.leaves, self.events, self.journal,
         self.journal_end, self.chain, self.root, self.before, self.key, self.next) = HEAD.unpack_from(data, at)
        text, start = data[at:at + size], HEAD.size + 32 * peaks
        body, self.end, self.hash = text[start:-64], at + size, sha(text)
        if (magic != b"HINOMIhd" or (version, self.kind) not in ((1, 0), (2, 1), (2, 2), (2, 3)) or who != client
                or peaks != bin(self.leaves).count("1") or len(text) != size or size < start + 64
                or not {2: len(body) == DAY.size, 3: 0 < len(body) <= 2048}.get(self.kind, body == b"")):
            return
        self.peaks = [text[i:i + 32] for i in range(HEAD.size, start, 32)]
        self.valid = Tree(self.leaves, self.peaks).root() == self.root and signed(self.key, text[:-64], text[-64:])
        if self.kind == 2:
            self.day = DAY.unpack(body)
            self.valid = self.valid and signed(self.day[4], text[:-128], self.day[6])
        self.remains = body[112:144] if self.kind == 3 and len(body) >= 152 else None
class Days:  # the chain of day heads within the chain of heads; what does not hold goes to say
    def __init__(self, say):
        self.last, self.whole, self.tree, self.say = None, True, Tree(), say
    def follow(self, head):
        day, last = head.day, self.last
        if day and not last and self.whole and (day[0] or any(day[3])):
            self.say(head.at, "the first day heads are missing")
        elif day and last and (day[0] <= last.day[0] or self.whole and day[0] != last.day[0] + 1):
            self.say(head.at, "day heads are missing")
        elif day and last and day[0] == last.day[0] + 1 and (day[4], day[3]) != (last.day[5], last.hash):
            self.say(head.at, "the day head does not follow the day head before it")
        elif day and last and self.whole and (day[1], day[2]) != (last.epoch, self.tree.root()):
            self.say(head.at, "the day head was not signed over the heads of its day")
        if day:
            self.last, self.whole, self.tree = head, True, Tree()
        if self.last:
            self.tree.add(head.hash)
def gone(remains, named):  # index: (leaves, first, events, subtrees) of each run; named: hashes that tombstones sign
    runs, at, left = {}, 0, 8 * len(remains)  # no more is hashed: what is damaged may nest
    while 0 <= at < len(remains):
        if remains[at:at + 8] == b"HINOMIrm" and len(remains) - at >= 40:
            count, hashes = struct.unpack_from("<II", remains, at + 16)
            start, end = at + 40 + 32 * count, at + 40 + 32 * (count + hashes)
            left -= min(end, len(remains)) - at
            if left > 0 and sha(remains[at:end]) in named:
                for i in range(count):
                    index, leaves, first, events = struct.unpack_from("<QQQQ", remains, at + 40 + 32 * i)
                    nodes, position = [], index
                    while position < index + leaves:
                        level = (index + leaves - position).bit_length() - 1
                        level = min(level, (position & -position).bit_length() - 1) if position else level
                        nodes.append((remains[start:start + 32], level))
                        position, start = position + (1 << level), start + 32
                    runs[index] = (leaves, first, events, nodes)
                at = end
                continue
        at = remains.find(b"HINOMIrm", at + 1)
    return runs
# ---- Packages.
class Package:
    def __init__(self, path, anchor, kept, roots):
        self.zip, self.anchor, self.kept, self.roots, self.leaves = zipfile.ZipFile(path), anchor, kept, roots, None
        self.count = self.hashes = self.told = 0
        self.manifest = json.loads(self.whole("manifest.json", 16 << 20), parse_float=str, object_pairs_hook=once)
        self.asked, self.client = self.manifest["asked"], self.manifest["client"]
        when = [str(datetime.datetime.utcfromtimestamp(t // 10**9)) for t in (
            self.asked["from_ns"], min(self.asked["to_ns"], self.manifest["made_ns"]))]
        self.notes = ["of what arrived from %s until %s" % tuple(when)] + [text for said, text in (
            (not self.asked["proof"], "without proof: its parts are what its own manifest says"),
            (self.asked["proof"] and not anchor, "the anchor is the package's own word: compare it"),
            (self.asked["query"] != "", "which lines fit its query is not judged anew")) if said]
    def say(self, part, what):  # names from the zip must not look like our own word
        self.count += 1
        print("damaged: %s: %s" % (ascii(part)[1:-1], what))
    def whole(self, name, size_max=1 << 30):
        return self.exactly(self.zip.open(name), min(self.zip.getinfo(name).file_size, size_max))
    def exactly(self, stream, size, record=False):
        data = stream.read(size)
        if len(data) != size:
            raise ValueError("a part is cut short")
        return data if stream is not self.leaves or record else self.digest.update(data) or data  # what no leaf's hash holds
    def wants(self, source, oldest, newest):
        return ((self.asked["sources"] is None or source in self.asked["sources"]) and newest >= self.asked["from_ns"] and oldest < self.asked["to_ns"])
    def run(self):
        parts, version = self.manifest["parts"], self.manifest["version"]
        if (self.manifest["hinomi"] != "package" or version not in (1, 2)
                or [type(x) for x in (version, self.client, self.manifest["lines"], self.asked["proof"])] != [int, int, int, bool]):
            raise ValueError("no package of version 1 or 2")
        self.leaved = ("proof/leaves.bin", "lines.raw") if version == 2 and self.asked["proof"] else ()  # by the leaves alone
        if sorted(self.zip.namelist()) != sorted([p["name"] for p in parts] + ["manifest.json"]):
            self.say("manifest.json", "parts are missing, twice there, or not named")
        for part in parts:
            run, stream = hashlib.sha256(), self.zip.open(part["name"])
            for piece in iter(lambda: stream.read(1 << 20), b""):
                run.update(piece)
            digest = None if part["sha256"] is None and part["name"] in self.leaved else run.hexdigest()
            if (digest, stream.tell()) != (part["sha256"], part["size"]):
                self.say(part["name"], "not what the manifest says")
        return self.proof() if self.asked["proof"] else None
    def heads(self):
        data, at, last, walls = self.whole("proof/heads.bin"), 0, None, []
        days, stamps = Days(lambda at, what: self.say("proof/heads.bin", what)), self.stamps()
        while at < len(data):
            head = Head(data, self.client, at)
            if not head.valid:
                return self.say("proof/heads.bin", "a head is damaged")
            jump = bool(last and head.epoch > last.epoch + 1 and head.day and last.day and head.day[0] == last.day[0] + 1)
            if not last and (head.epoch or any(head.before) or head.key != self.anchor):
                self.say("proof/heads.bin", "the first head is not that of the anchor")
            if last and not jump and (head.epoch, head.key, head.before) != (last.epoch + 1, last.next, last.hash):
                self.say("proof/heads.bin", "epoch %d does not follow epoch %d" % (head.epoch, last.epoch))
            if last and (head.leaves < last.leaves or head.events < last.events):
                self.say("proof/heads.bin", "the tree became smaller")
            days.whole = days.whole and not jump
            days.follow(head)
            if self.kept.get(head.epoch, head.hash) != head.hash or stamps.get(head.epoch, head.hash) != head.hash:
                self.say("proof/heads.bin", "epoch %d was another head when it was kept or stamped" % head.epoch)
            self.could_tell = (last or head).kind > 0  # a head of version 2: leaves behind it are of form 2
            yield head, jump
            last, at = head, head.end
    def stamps(self):
        data, at, stamps = self.whole("proof/stamps.bin"), 0, {}
        while at < len(data):
            magic, _, size, client, _, epoch, _, digest = struct.unpack_from("<8sIIIIQq32s", data, at)
            token = data[at + 72:at + 72 + size]
            if magic != b"HINOMIst" or client != self.client or sha(data[at:at + 72 + size]) != data[at + 72 + size:at + 104 + size]:
                self.say("proof/stamps.bin", "this is no stamp")
                break
            stamps[epoch], at = digest, at + 104 + size
            with tempfile.NamedTemporaryFile(buffering=0) as file:
                file.write(token)
                check = ["openssl", "ts", "-verify", "-digest", digest.hex(), "-in", file.name, "-token_in", "-CAfile"]
                if digest not in token or self.roots and subprocess.run(check + [self.roots], capture_output=True).returncode:
                    self.say("proof/stamps.bin", "the stamp of epoch %d does not hold" % epoch)
        return stamps
    def proof(self):
        inside = bytes.fromhex(self.whole("proof/anchor.txt", 4096).decode())
        self.anchor = self.anchor or inside
        if self.anchor != inside:
            self.say("proof/anchor.txt", "not the anchor that was given")
        data, at, named = self.whole("proof/heads.bin"), 0, set()
        while len(data) - at >= HEAD.size and struct.unpack_from("<I", data, at + 12)[0] >= HEAD.size:
            head = HEAD.unpack_from(data, at)
            if head[2] == 3:
                named.add(data[at + HEAD.size + 32 * head[5] + 112:][:32])
            at += head[3]
        self.gone = gone(self.whole("proof/remains.bin"), named)
        self.leaves, self.lines, self.digest = self.zip.open("proof/leaves.bin"), self.zip.open("lines.raw"), hashlib.sha256()
        magic, version, client, first, end, peaks, _ = struct.unpack("<8sIIQQII", self.exactly(self.leaves, 40))
        if magic != b"HINOMIpl" or version != 1 or client != self.client or peaks != bin(first).count("1") or first > end:
            raise ValueError("no leaves of version 1")
        tree, number = Tree(first, [self.exactly(self.leaves, 32) for _ in range(peaks)]), 0
        start = close = None
        for head, jump in self.heads():
            if jump and start and not close:
                self.say("proof/heads.bin", "heads are left out among those that the leaves lie between")
            if head.leaves < tree.size or head.leaves > end or not start and head.leaves > first:
                continue
            while tree.size < head.leaves:
                number = self.leaf(tree, number, end)
            if tree.size == head.leaves and (tree.root() != head.root or number not in (0, head.events + 1)):
                self.say("proof/leaves.bin", "the first %d leaves do not give the signed root" % head.leaves)
                tree = Tree(head.leaves, head.peaks)
            if tree.size == head.leaves:
                start, close, number = start or head, head if head.leaves == end else close, head.events + 1
        until = min(self.asked["to_ns"], self.manifest["made_ns"] - HOUR // 6)
        if not start or not close or close.wall < until or first and start.wall > self.asked["from_ns"]:
            self.say("proof/leaves.bin", "there is no head at the beginning or the end of the time that was asked for")
        if self.leaves.read(1) or self.lines.read(1) or self.told != self.manifest["lines"]:
            self.say("lines.raw", "%d lines are proved; there are more, or the manifest says another number" % self.told)
        if self.leaved and self.digest.hexdigest() != self.manifest["leaves_sha256"]:
            self.say("proof/leaves.bin", "not the leaves that the manifest names")
    def leaf(self, tree, number, end):
        kind, filtered = self.exactly(self.leaves, 1)[0], self.asked["query"] != ""
        if kind == 1:
            form, events, source, first, salt = struct.unpack("<BxxIIQ32s", self.exactly(self.leaves, 51))
            records = []
            if not 0 < events <= EVENTS_MAX or form not in (1, 2):
                raise ValueError("no leaf")
            for i in range(events):
                size, when = struct.unpack("<Iq", self.exactly(self.leaves, 12))
                selected, size = size >> 31, size & 0x7fffffff
                if size > BATCH_MAX:
                    raise ValueError("no record")
                records.append((when, self.exactly(self.lines if selected else self.leaves, size, True)))
                self.told += selected
                if selected and self.exactly(self.lines, 1) != b"\n":
                    raise ValueError("no line feed behind a line")
                if selected != self.wants(source, when, when) and not (filtered and not selected):
                    self.say("lines.raw", "line %d was %s" % (first + i, "not asked for" if selected else "left out"))
            node = leaf_hash(form, self.client, source, first, salt, records)
            self.digest.update(node)
            tree.add(node)
        elif kind == 2:
            told = self.exactly(self.leaves, TOLD.size)
            client, source, first, events, oldest, newest, _ = TOLD.unpack(told)
            if client != self.client or self.wants(source, oldest, newest) and not filtered:
                self.say("lines.raw", "lines of source %d from %d on were left out" % (source, first))
            tree.add(sha(b"\0\xff\xff\xff\xff\2\0\0\0", told))
        elif kind == 3:
            first, events, source, node = struct.unpack("<QII32s", self.exactly(self.leaves, 48))
            if self.could_tell:
                self.say("proof/leaves.bin", "leaf %d is only a hash, and could tell its source and time" % tree.size)
            self.hashes += 1
            if not filtered and self.wants(source, self.asked["from_ns"], self.asked["from_ns"]):
                self.say("lines.raw", "lines of source %d from %d on could not be read" % (source, first))
            tree.add(node)
        elif kind == 4 and tree.size in self.gone:
            leaves, first, events, nodes = self.gone[tree.size]
            if struct.unpack("<QQ", self.exactly(self.leaves, 16))[0] != leaves or leaves > end - tree.size:
                raise ValueError("not what the tombstone says")
            for node, level in nodes:
                tree.add(node, level)
        else:
            raise ValueError("leaves are lost" if kind == 5 else "no leaf")
        if number and first != number:
            self.say("proof/leaves.bin", "number %d follows number %d" % (first, number - 1))
        return first + events
def kept_heads(path, client):
    data, at, kept = open(path, "rb").read() if path else b"", 0, {}
    while at < len(data):
        head = Head(data, client, at)
        if not head.valid:
            raise ValueError("%s: no head at byte %d" % (path, at))
        kept[head.epoch], at = head.hash, head.end
    return kept
def main(arguments):
    try:
        options, paths = getopt.getopt(arguments, "", ["anchor=", "heads=", "roots="])
        options = dict(options)
        package = Package(paths[0], bytes.fromhex(options.get("--anchor", "")), {}, options.get("--roots"))
        package.kept = kept_heads(options.get("--heads"), package.client)
    except Exception as error:
        print("cannot be read: %r" % error if arguments else "usage:" + __doc__[__doc__.index("\n") + 4:], file=sys.stderr)
        return 2
    try:
        package.run()
    except Exception as error:
        package.say("the package", "%r" % error)
    notes = "; ".join(package.notes + (["%d leaves not shown" % package.hashes] if package.hashes else []))
    print("%s: client %d, %d lines; %s" % ("damaged" if package.count else "sound", package.client, package.told, notes))
    return 1 if package.count else 0
if __name__ == "__main__": sys.exit(main(sys.argv[1:]))
