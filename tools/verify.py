#!/usr/bin/env python3
"""The second reader of Hinomi's evidence, written from docs/formats/ alone.
    verify.py PATH [--keys DIR]     a data directory: PATH/archive, keys in PATH.keys
    verify.py --delivery FILE       lines, salts and proofs that a client was given
It checks all that needs no decryption: frame headers, their chain, the hashes of payloads, leaves
into Merkle roots, heads with their signatures and keys; from a delivery, leaves from the lines.
Exit code 0: sound, 1: damaged (each place is named), 2: it cannot be read.
"""
import base64, hashlib, json, os, struct, sys
FRAME = struct.Struct("<8sHBBIQQQQQIIQIIQQq16sQIIQ32s32s32s32s32s")  # 304 bytes
HEAD = struct.Struct("<8sHHIIIQqQQQQ32s32s32s32s32s")  # 232 bytes
EVENTS_MAX, BATCH_MAX = 4000, 8 << 20
PAYLOAD_MAX = BATCH_MAX + BATCH_MAX // 64

def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()
def contents(path):
    return open(path, "rb").read() if os.path.exists(path) else None
# ---- Ed25519 (RFC 8032), verification only, in extended coordinates.
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P

def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P

def times(s, p):
    q = (0, 1, 1, 0)
    while s > 0:
        if s & 1:
            q = add(q, p)
        p, s = add(p, p), s >> 1
    return q

def point(text):
    y = int.from_bytes(text, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if y >= P or (x * x - x2) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P

BASE = point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))

def affine(p):
    return p[0] * pow(p[2], P - 2, P) % P, p[1] * pow(p[2], P - 2, P) % P

def signed(key, message, signature):
    a, r, s = point(key), point(signature[:32]), int.from_bytes(signature[32:], "little")
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    return bool(a and r and s < L and affine(times(s, BASE)) == affine(add(r, times(h, a))))

def public_key(seed):
    h = int.from_bytes(hashlib.sha512(seed).digest()[:32], "little") & (1 << 254) - 8 | 1 << 254
    x, y = affine(times(h, BASE))
    return (y | (x & 1) << 255).to_bytes(32, "little")
# ---- The tree of RFC 6962, as the roots of its full subtrees.
class Tree:
    def __init__(self, size=0, peaks=()):
        self.size, self.peaks = size, list(peaks)
    def add(self, leaf):
        size = self.size
        while size & 1:
            leaf, size = sha(b"\1", self.peaks.pop(), leaf), size >> 1
        self.peaks.append(leaf)
        self.size += 1
    def root(self):
        node = self.peaks[-1] if self.peaks else sha()
        for peak in reversed(self.peaks[:-1]):
            node = sha(b"\1", peak, node)
        return node

def path_root(leaf, index, size, path):
    """RFC 6962, 2.1.1: the root that an audit path leads to, or None."""
    node, last = leaf, size - 1
    for other in path:
        if last == 0:
            return None
        if index & 1 or index == last:
            node = sha(b"\1", other, node)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            node = sha(b"\1", node, other)
        index, last = index >> 1, last >> 1
    return node if last == 0 else None
# ---- Frames and heads.
class Frame:
    def __init__(self, data, journal, at):
        (magic, version, self.kind, _, size, number, offset, self.group, self.before, self.before_end,
         self.client, self.source, self.first, self.events, plain, _, _, self.wall, _, _, _, _, self.index,
         _, self.leaf, self.chain, self.payload, self.hash) = FRAME.unpack_from(data, at)
        self.at, self.end = at, at + FRAME.size + size
        self.valid = (magic == b"HINOMIjf" and version in (1, 2) and number == journal and offset == at
                      and self.hash == sha(data[at:at + 272]) and 48 <= size <= PAYLOAD_MAX
                      and 0 < plain <= BATCH_MAX and self.client and 0 < self.first < 2**63 - 1
                      and self.index < 2**63 - 1 and self.group <= at
                      and (self.kind == 1 and 0 < self.events <= EVENTS_MAX or self.kind == 2 and self.events == 0))

def frames(data, journal, end):
    """(skipped, frame) for each frame; a last (skipped, None) if bytes are left."""
    at = start = 0
    while at < end:
        frame = Frame(data, journal, at) if end - at >= FRAME.size else None
        if frame and frame.valid and frame.end <= end:
            yield at - start, frame
            at = start = frame.end
        else:
            found = data.find(b"HINOMIjf", at + 1, end)
            at = end if found < 0 else found
    if start < end:
        yield end - start, None

class Head:
    def __init__(self, data, client, at=0):
        self.at, self.valid = at, False
        if len(data) - at < HEAD.size + 64:
            return
        (magic, version, _, size, who, peaks, self.epoch, self.wall, self.leaves, self.events, self.journal,
         self.journal_end, self.chain, self.root, self.before, self.key, self.next) = HEAD.unpack_from(data, at)
        body = data[at:at + size]
        if (magic != b"HINOMIhd" or version != 1 or who != client or peaks != bin(self.leaves).count("1")
                or size != HEAD.size + 32 * peaks + 64 or len(body) != size):
            return
        self.peaks = [body[HEAD.size + 32 * i:HEAD.size + 32 * i + 32] for i in range(peaks)]
        self.hash, self.end = sha(body), at + size
        self.valid = (Tree(self.leaves, self.peaks).root() == self.root
                      and signed(self.key, body[:-64], body[-64:]))
    def follows(self, last):
        if self.epoch != last.epoch + 1:
            return "epoch %d follows epoch %d" % (self.epoch, last.epoch)
        if self.key != last.next:
            return "not signed with the key that the head before announced"
        return None if self.before == last.hash else "does not name the head before it"

class Judge:
    def __init__(self, folder, keys):
        self.folder, self.keys, self.places, self.heads = folder, keys, [], {}
        self.clients = {}  # client: [next sequence, leaves, Tree or None, heads passed]
    def say(self, file, at, what):
        self.places.append((file, at, what))
        print("damaged: %s at byte %d: %s" % (file, at, what))
    def key_file(self, client, kind, magic):
        name = "keys/%d.%s" % (client, kind)
        data = contents(os.path.join(self.keys, "%d.%s" % (client, kind))) or b""
        if len(data) < 48 or data[:16] != magic + struct.pack("<II", 1, client) or sha(data[:-32]) != data[-32:]:
            return self.say(name, 0, "damaged" if data else "missing")
        return data[16:-32]
    def chain(self, client):
        name, heads, last, at, broken = "heads/%d.heads" % client, [], None, 0, False
        anchor = self.keys and self.key_file(client, "anchor", b"HINOMIan")
        signer = self.keys and self.key_file(client, "sign", b"HINOMIss")
        if self.keys and os.path.exists(os.path.join(self.keys, "%d.key" % client)):
            self.key_file(client, "key", b"HINOMIck")
        self.heads[client] = heads
        data = contents(os.path.join(self.folder, name))
        if data is None:
            return self.say(name, 0, "missing")
        epoch = struct.unpack_from("<Q", signer)[0] if signer else None
        while at < len(data):
            head = Head(data, client, at)
            if not head.valid:
                found = data.find(b"HINOMIhd", at + 1)
                if found >= 0 or epoch is None or epoch > (last.epoch + 1 if last else 0):
                    self.say(name, at, "a head is damaged")
                at, broken = (found if found >= 0 else len(data)), True
                continue
            if last is None and not broken:
                if head.epoch or head.before != bytes(32) or anchor and anchor != head.key:
                    self.say(name, at, "the first head is not that of the anchor")
            elif last is not None and not broken and head.follows(last):
                self.say(name, at, head.follows(last))
            if last and (head.leaves < last.leaves or head.events < last.events or head.epoch <= last.epoch):
                self.say(name, at, "the tree or the epoch went back")
            heads.append(head)
            last, at, broken = head, head.end, False
        if signer and last and not broken:
            key = public_key(signer[8:40])
            if (epoch > last.epoch + 1 or epoch == last.epoch + 1 and key != last.next
                    or epoch == last.epoch and key != last.key):
                self.say(name, at, "heads are missing, or the signing key is not the announced one")
        elif signer and not last and not broken and epoch:
            self.say(name, at, "all heads are missing")
    def passed(self, client):
        state, heads = self.clients[client], self.heads[client]
        while state[3] < len(heads) and heads[state[3]].leaves <= state[1]:
            head, state[3] = heads[state[3]], state[3] + 1
            if head.leaves < state[1]:
                continue
            state[2] = state[2] or Tree(head.leaves, head.peaks)
            if state[2].root() != head.root or head.events + 1 != state[0]:
                self.say("heads/%d.heads" % client, head.at, "leaves do not give the signed root")
                state[2] = None
    def leaf(self, name, frame):
        if frame.client not in self.heads:
            self.chain(frame.client)
        state = self.clients.setdefault(frame.client, [1, 0, Tree(), 0])
        self.passed(frame.client)
        if frame.first < state[0] or frame.index < state[1]:
            return self.say(name, frame.at, "events are there twice")
        if frame.first > state[0] or frame.index > state[1]:
            self.say(name, frame.at, "before this, events %d to %d of client %d are lost"
                     % (state[0], frame.first - 1, frame.client))
        if frame.index > state[1]:
            state[:3] = frame.first, frame.index, None
            self.passed(frame.client)
        if state[2]:
            state[2].add(frame.leaf)
        state[0], state[1] = frame.first + frame.events, state[1] + 1
        self.passed(frame.client)
    def journals(self):
        names = sorted(n for n in os.listdir(self.folder) if n.endswith(".journal"))
        files = [[int(n[:-8]), n, open(os.path.join(self.folder, n), "rb").read(), None] for n in names]
        for i, (number, _, data, _) in enumerate(files):
            first = next((f for _, f in frames(data, number, len(data)) if f), None)
            for earlier in files[:i]:
                if first and earlier[0] >= first.before:
                    earlier[3] = first.before_end if earlier[0] == first.before else 0
        marks = {(h.journal, h.journal_end): h for heads in self.heads.values() for h in heads if h.journal_end}
        ends, last, far = {}, None, max(marks, default=(0, 0))
        for i, (number, name, data, end) in enumerate(files):
            if end is not None and end > len(data):
                self.say(name, len(data), "the journal ends too early")
            for skipped, frame in frames(data, number, len(data) if end is None else min(end, len(data))):
                if frame is None:
                    at = len(data[:end]) - skipped
                    rest, whole = data[at:end], len(data) - at >= FRAME.size
                    cut = (not whole and rest[:8] == b"HINOMIjf"[:len(rest)] or not any(rest)
                           or whole and Frame(data, number, at).valid)
                    if i + 1 < len(files) or far > (number, at) or not cut:
                        self.say(name, at, "%d bytes are no frame" % skipped)
                    continue
                if skipped:
                    self.say(name, frame.at - skipped, "%d bytes are no frame" % skipped)
                before = last[:2] if last else (0, 0)
                if before[0] != number and (frame.before, frame.before_end) != before:
                    self.say(name, frame.at, "a journal before this one is missing or cut")
                elif last and not skipped and frame.chain != last[2]:
                    self.say(name, frame.at, "the frame does not follow the one before it")
                last = (number, frame.end, frame.hash)
                ends[number, frame.end] = frame.hash
                if sha(data[frame.at + FRAME.size:frame.end]) != frame.payload:
                    self.say(name, frame.at, "payload damaged: %d events from %d of client %d are lost"
                             % (frame.events, frame.first, frame.client))
                if frame.kind == 1:
                    self.leaf(name, frame)
        for place, head in sorted(marks.items()):
            if ends.get(place) != head.chain and not self.places:
                self.say("%010d.journal" % place[0], place[1], "a head was signed over another frame")
    def run(self):
        names = os.listdir(os.path.join(self.folder, "heads")) + (os.listdir(self.keys) if self.keys else [])
        for client in sorted({int(n.split(".")[0]) for n in names if n.endswith((".heads", ".sign"))}):
            self.chain(client)
        self.journals()
        for client, heads in self.heads.items():
            state = self.clients.setdefault(client, [1, 0, Tree(), 0])
            self.passed(client)
            if heads and heads[-1].leaves > state[1]:
                self.say("heads/%d.heads" % client, heads[-1].at, "events %d to %d of client %d are lost"
                         % (state[0], heads[-1].events, client))

def delivery(text):
    """See docs/formats/heads.md, "Delivery"."""
    given, wrong, last = json.loads(text), [], None
    for i, line in enumerate(given["heads"]):
        head = Head(base64.b64decode(line, validate=True), given["client"])
        if not head.valid or (head.follows(last) if last else head.key != bytes.fromhex(given["anchor"])):
            wrong.append("head %d does not hold" % i)
            break
        last = head
    for leaf in given["leaves"]:
        records = [(r["received"], base64.b64decode(r["bytes"], validate=True)) for r in leaf["records"]]
        start = struct.pack("<BIIQI", 0, given["client"], leaf["source"], leaf["first"], len(records))
        node = sha(start, bytes.fromhex(leaf["salt"]), *(struct.pack("<Iq", len(b), t) + b for t, b in records))
        path = [bytes.fromhex(p) for p in leaf["path"]]
        if not last or path_root(node, leaf["index"], last.leaves, path) != last.root:
            wrong.append("events from %d are not under the signed head" % leaf["first"])
    print("\n".join("damaged: " + w for w in wrong) or "sound: %d leaves" % len(given["leaves"]))
    return 1 if wrong else 0

def main(arguments):
    try:
        if arguments[:1] == ["--delivery"]:
            return delivery(open(arguments[1]).read())
        keys = arguments[2] if arguments[1:2] == ["--keys"] else arguments[0].rstrip("/") + ".keys"
        judge = Judge(os.path.join(arguments[0], "archive"), keys if os.path.isdir(keys) else None)
        judge.run()
    except (OSError, IndexError, ValueError, KeyError, TypeError) as error:
        print("cannot be read: %r" % error, file=sys.stderr)
        return 2
    print("%s: %d clients" % ("damaged" if judge.places else "sound", len(judge.clients)))
    return 1 if judge.places else 0
if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
