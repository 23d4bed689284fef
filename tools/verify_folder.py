#!/usr/bin/env python3
"""The second reader of a whole archive, written from docs/formats/ alone; it stands on verify.py.
    verify_folder.py PATH [--keys DIR]     a data directory: PATH/archive, keys in PATH.keys
    verify_folder.py --delivery FILE       lines, salts and proofs of single leaves
It checks all that needs no decryption: frame headers, their chain, the hashes of payloads, leaves
into Merkle roots, heads and days with their signatures and keys, tombstones; from a delivery, leaves
from the lines.  What lies in segments is sealed: that leaves are there, only `hinomi verify` sees.
Exit code 0: sound, 1: damaged (each place is named), 2: it cannot be read.
"""
import base64, hashlib, json, os, struct, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from verify import BASE, BATCH_MAX, EVENTS_MAX, Days, Head, Tree, affine, gone, leaf_hash, sha, times
FRAME = struct.Struct("<8sHBBIQQQQQIIQIIQQq16sQIIQ32s32s32s32s32s")  # 304 bytes
PAYLOAD_MAX = BATCH_MAX + BATCH_MAX // 64

def contents(path):
    return open(path, "rb").read() if os.path.exists(path) else None
def public_key(seed):
    h = int.from_bytes(hashlib.sha512(seed).digest()[:32], "little") & (1 << 254) - 8 | 1 << 254
    x, y = affine(times(h, BASE))
    return (y | (x & 1) << 255).to_bytes(32, "little")
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
# ---- Frames.
class Frame:
    def __init__(self, data, journal, at):
        (magic, version, self.kind, _, size, number, offset, self.group, self.before, self.before_end,
         self.client, self.source, self.first, self.events, plain, _, _, self.wall, _, _, _, _, self.index,
         _, self.leaf, self.chain, self.payload, self.hash) = FRAME.unpack_from(data, at)
        self.at, self.end = at, at + FRAME.size + size
        self.valid = (magic == b"HINOMIjf" and version in (1, 2, 3, 4) and number == journal and offset == at
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

class Judge:
    def __init__(self, folder, keys):
        self.folder, self.keys, self.places, self.heads, self.gone = folder, keys, [], {}, {}
        self.sealed = any(n.endswith(".segment") for _, _, names in os.walk(folder) for n in names)
        self.clients = {}  # client: [next sequence, leaves, Tree or None, heads passed]
    def say(self, file, at, what):
        self.places.append((file, at, what))
        print("damaged: %s at byte %d: %s" % (file, at, what))
    def key_file(self, client, kind, magic):
        name = "keys/%d.%s" % (client, kind)
        data = contents(os.path.join(self.keys, "%d.%s" % (client, kind))) or b""
        if (len(data) < 48 or data[:8] != magic or struct.unpack_from("<I", data, 8)[0] not in (1, 2)
                or struct.unpack_from("<I", data, 12)[0] != client or sha(data[:-32]) != data[-32:]):
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
        days = Days(lambda at, what: self.say(name, at, what))
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
            elif last and not broken and (head.epoch, head.key, head.before) != (last.epoch + 1, last.next, last.hash):
                self.say(name, at, "epoch %d does not follow epoch %d" % (head.epoch, last.epoch))
            days.whole = days.whole and not broken
            days.follow(head)
            if last and (head.leaves < last.leaves or head.events < last.events or head.epoch <= last.epoch):
                self.say(name, at, "the tree or the epoch went back")
            if head.remains and head.remains not in self.remains(client, head.remains):
                self.say(name, at, "the remains that a tombstone names are not there")
            heads.append(head)
            last, at, broken = head, head.end, False
        if signer and last and not broken:
            key = public_key(signer[8:40])
            if (epoch > last.epoch + 1 or epoch == last.epoch + 1 and key != last.next
                    or epoch == last.epoch and key != last.key):
                self.say(name, at, "heads are missing, or the signing key is not the announced one")
            if len(signer) > 72 and days.last:
                number, key = struct.unpack_from("<Q", signer, 72)[0], public_key(signer[80:112])
                if {days.last.day[0]: days.last.day[4], days.last.day[0] + 1: days.last.day[5]}.get(number) != key:
                    self.say(name, at, "the key of days is not the announced one")
        elif signer and not last and not broken and epoch:
            self.say(name, at, "all heads are missing")
    def remains(self, client, named):
        """What the tombstones of the client left behind; the hashes of those stretches that are there."""
        data = contents(os.path.join(self.folder, "remains", "%d.remains" % client)) or b""
        runs = gone(data, {named})
        self.gone.setdefault(client, {}).update(runs)
        return {named} if runs else ()
    def skip(self, client, state):
        """Over what is gone, from where the leaves are."""
        while state[1] in self.gone.get(client, {}):
            leaves, first, events, nodes = self.gone[client][state[1]]
            for node, level in nodes:
                if state[2]:
                    state[2].add(node, level)
            state[0], state[1] = first + events, state[1] + leaves
            self.passed(client)
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
        self.skip(frame.client, state)
        if frame.first < state[0] or frame.index < state[1]:
            return self.say(name, frame.at, "events are there twice")
        if (frame.first > state[0] or frame.index > state[1]) and not self.sealed:
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
            self.skip(client, state)
            if heads and heads[-1].leaves > state[1] and not self.sealed:
                self.say("heads/%d.heads" % client, heads[-1].at, "events %d to %d of client %d are lost"
                         % (state[0], heads[-1].events, client))

def delivery(text):
    """See docs/formats/heads.md, "Delivery"."""
    given, wrong, last = json.loads(text), [], None
    for i, line in enumerate(given["heads"]):
        head = Head(base64.b64decode(line, validate=True), given["client"])
        before = (last.epoch + 1, last.next, last.hash) if last else (0, bytes.fromhex(given["anchor"]), bytes(32))
        alone = given["version"] == 2 and len(given["heads"]) == 1  # whoever has the heads knows it
        if not head.valid or not alone and (head.epoch, head.key, head.before) != before:
            wrong.append("head %d does not hold" % i)
            break
        last = head
    for leaf in given["leaves"]:
        records = [(r["received"], base64.b64decode(r["bytes"], validate=True)) for r in leaf["records"]]
        nodes = [leaf_hash(form, given["client"], leaf["source"], leaf["first"], bytes.fromhex(leaf["salt"]), records)
                 for form in (1, 2)]
        path = [bytes.fromhex(p) for p in leaf["path"]]
        if not last or last.root not in [path_root(n, leaf["index"], last.leaves, path) for n in nodes]:
            wrong.append("events from %d are not under the signed head" % leaf["first"])
    under = " under the head of epoch %d, whose SHA-256 is %s: is it one of the client's?" % (
        last.epoch, last.hash.hex()) if last and given["version"] == 2 else ""
    print("\n".join("damaged: " + w for w in wrong) or "sound: %d leaves%s" % (len(given["leaves"]), under))
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
