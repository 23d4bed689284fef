#!/usr/bin/env python3
"""The second reader of segments, written from docs/formats/segment.md, block.md and batch.md alone.
    read_segment.py [--lines] CLIENT.key SEGMENT ...
It opens every piece, unpacks every block, and hashes every leaf from its salt and records; with
--lines the records go to the output, each with a line feed.  libcrypto and libzstd, which the program
itself needs, are borrowed.  Exit code 0: sound, 1: damaged, 2: it cannot be read.
"""
import ctypes, hashlib, hmac, os, struct, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from verify import leaf_hash
ZSTD, CRYPTO, WORD = ctypes.CDLL("libzstd.so.1"), ctypes.CDLL("libcrypto.so.3"), (1 << 64) - 1
ZSTD.ZSTD_decompress.restype = ctypes.c_size_t
ZSTD.ZSTD_decompress.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]
for name in ("EVP_CIPHER_CTX_new", "EVP_aes_256_gcm"):
    getattr(CRYPTO, name).restype = ctypes.c_void_p

class Damaged(Exception):
    pass
def need(holds, what):
    if not holds:
        raise Damaged(what)
def unpack(data, size):
    out = ctypes.create_string_buffer(max(size, 1))
    need(ZSTD.ZSTD_decompress(out, size, data, len(data)) == size, "a pack does not unpack")
    return out.raw[:size]
def opened(key, nonce, beside, data):
    """AES-256-GCM, the tag of 16 bytes last."""
    context, size = ctypes.c_void_p(CRYPTO.EVP_CIPHER_CTX_new()), ctypes.c_int()
    out, tag = ctypes.create_string_buffer(len(data) + 16), ctypes.create_string_buffer(data[-16:], 16)
    good = (CRYPTO.EVP_DecryptInit_ex(context, ctypes.c_void_p(CRYPTO.EVP_aes_256_gcm()), None, key, nonce) == 1
            and CRYPTO.EVP_DecryptUpdate(context, None, ctypes.byref(size), beside, len(beside)) == 1
            and CRYPTO.EVP_DecryptUpdate(context, out, ctypes.byref(size), data, len(data) - 16) == 1
            and CRYPTO.EVP_CIPHER_CTX_ctrl(context, 0x11, 16, tag) == 1
            and CRYPTO.EVP_DecryptFinal_ex(context, ctypes.byref(out, size.value), ctypes.byref(ctypes.c_int())) == 1)
    CRYPTO.EVP_CIPHER_CTX_free(context)
    need(good, "a piece does not open")
    return out.raw[:len(data) - 16]
def signed(n):
    return -(n + 1) // 2 if n & 1 else n // 2
def at_word(n):
    """A number of 64 bits as a time, which is signed."""
    return n - (1 << 64) if n >> 63 else n
# ---- The head of a block tells in one order, and the streams' contents come behind it.  So what is told becomes a
# function of the streams, and is called once these are there.
class Block:
    def __init__(self, data):
        magic, version, zero, self.client, packed, size, packs, _ = struct.unpack_from("<8sHHIIIQQ", data)
        need(magic == b"HINOMIbk" and version == 1 and zero == 0 and len(data) == 40 + packed + packs, "no block of version 1")
        self.head, self.at, self.sizes, self.streams = unpack(data[40:40 + packed], size), 0, [], []
        size = self.number()
        self.text, self.text_at = self.head[self.at + size:], 0
        self.head, self.at = self.head[self.at:self.at + size], 0
        self.leaves = self.leaves_told()
        rows = sum(leaf[2] for leaf in self.leaves)
        self.names = [self.text_take(n) for n in [self.number() for _ in range(self.number())]]
        self.shapes = [self.shape_told() for _ in range(self.number())]
        told = [self.integers(rows) for _ in range(4)]
        uses = {}
        for shape in self.shapes:
            for column in [g for g in shape["gaps"] if isinstance(g, int)] + shape["values"] + shape["derived"]:
                uses[column] = uses.get(column, 0) + shape["rows"]
        columns = [(self.number(), self.number(), self.column(uses.get(i, 0)))[2] for i in range(self.number())]
        _ = [self.number() for _ in range(3)]  # edges: for searches
        self.packs_read(data[40 + packed:])
        self.rows, self.columns = [read() for read in told], [read() for read in columns]
    def number(self):
        value = shift = 0
        while True:
            byte = self.head[self.at]
            self.at, value, shift = self.at + 1, value | (byte & 127) << shift, shift + 7
            if byte < 128:
                return value
    def take(self, size):
        self.at += size
        return self.head[self.at - size:self.at]
    def text_take(self, size):
        self.text_at += size
        return self.text[self.text_at - size:self.text_at]
    def stream(self):
        self.sizes.append(None)
        return len(self.sizes) - 1
    def leaves_told(self):
        leaves, behind = [], 0
        for _ in range(self.number()):
            source, first, events, whole = self.number(), behind + self.number() & WORD, self.number(), self.number()
            leaves.append((source, first, events, self.stream() if whole else None))
            behind = first + events
        return leaves
    def shape_told(self):
        _, _, _, _, rows, values, derived, spans = [self.number() for _ in range(8)]
        values, derived = [self.number() for _ in range(values)], [self.number() for _ in range(derived)]
        gaps = [self.number() for _ in range(len(values) + 1)]
        gaps = [n // 2 if n & 1 else self.text_take(n // 2) for n in gaps]
        for _ in range(spans):
            _, how = self.number(), self.number()
            if how // 4 == 3:
                _ = self.number(), self.number()
        return {"rows": rows, "values": values, "derived": derived, "gaps": gaps}
    def packs_read(self, packs):
        need(self.number() == len(self.sizes), "streams are missing")
        parts, small = [], 0
        for _ in self.sizes:
            size = self.number()
            parts.append((size, self.number() if size >= 1024 else None))
            small += size if size < 1024 else 0
        rest, at = self.number() if small else 0, 0
        need(self.at == len(self.head) and self.text_at == len(self.text), "the head says more than it should")
        def pack(size, packed):
            nonlocal at
            at += packed or size
            return unpack(packs[at - packed:at], size) if packed else packs[at - size:at]
        self.streams = [b"" if packed is None else pack(size, packed) for size, packed in parts]
        tiny, place = pack(small, rest) if small else b"", 0
        for i, (size, packed) in enumerate(parts):
            if packed is None:
                self.streams[i], place = tiny[place:place + size], place + size
        need(at == len(packs), "there is more behind the packs")
    def integers(self, count):
        if count == 0:
            return lambda: []
        mode, least, divisor = self.number(), signed(self.number()), self.number()
        first, ranks = self.number() if mode else 0, [self.stream() for _ in range(self.number())]
        def read():
            values, total = [], first
            for i in range(count):
                x = sum(self.streams[stream][i] << 8 * r for r, stream in enumerate(ranks))
                total += signed(x) if mode else 0
                values.append(least + divisor * (total if mode else x) & WORD)
            return values
        return read
    def texts(self, count):
        sizes, stream = self.integers(count), self.stream()
        return lambda: cut(self.streams[stream], sizes())
    def column(self, count):
        kind = self.number()
        if kind == 0:
            words = self.number()
            texts, which = self.texts(words), self.integers(count) if words > 1 else None
            return lambda: [texts()[i] for i in which()] if which else texts() * count
        if kind == 1:
            return self.pattern(count)
        if kind == 2:
            return self.texts(count)
        if kind == 3:
            return self.split(count)
        other, differ = self.number(), self.number()
        which, texts = (self.integers(count), self.column(differ)) if differ else (None, None)
        return lambda: Same(other, which and which(), texts and texts())
    def pattern(self, count):
        numbers = []
        for _ in range(self.number()):
            kind = self.number()
            digits = self.number() if kind % 8 >= 2 else 0
            field = (kind % 8, digits, self.take(self.number()))
            if kind >= 8:
                numbers[-1].append(field)
            else:
                numbers.append([field])
        behind, values = self.take(self.number()), [self.integers(count) for _ in numbers]
        return lambda: [b"".join(map(digits_of, numbers, row)) + behind for row in zip(*[read() for read in values])]
    def split(self, count):
        skeletons, without, pieces, told = self.number(), self.number(), self.stream(), []
        for _ in range(skeletons):
            entries, holes = self.number(), self.number()
            told.append((entries, holes, [self.number() for _ in range(holes + 1)]))
        which, others = self.integers(count), self.column(without)
        holes = [[self.column(entries) for _ in range(n)] for entries, n, _ in told]
        def read():
            parts = iter(cut(self.streams[pieces], [size for _, _, sizes in told for size in sizes]))
            parts = [[next(parts) for _ in sizes] for _, _, sizes in told]
            texts, left = [[iter(hole()) for hole in list_] for list_ in holes], iter(others())
            return [next(left) if n == 0 else parts[n - 1][0] + b"".join(next(hole) + piece for hole, piece
                    in zip(texts[n - 1], parts[n - 1][1:])) for n in which()]
        return read
    def records(self):
        """Of each leaf: source, first number, events, its records (time of arrival, bytes)."""
        reads = [column if isinstance(column, Same) else iter(column) for column in self.columns]
        row = 0
        for source, first, events, whole in self.leaves:
            if whole is not None:
                yield source, first, events, batch_records(self.streams[whole])
            else:
                records = [(at_word(self.rows[1][i]), self.record(i, reads)) for i in range(row, row + events)]
                yield source, first, events, records
            row += events
    def record(self, row, reads):
        shape = self.shapes[self.rows[0][row] - 1]
        asked = [shape["gaps"][0]]
        for value, gap in zip(shape["values"], shape["gaps"][1:]):
            asked += [(value,), gap]
        columns = [(a if isinstance(a, int) else a[0], i) for i, a in enumerate(asked) if not isinstance(a, bytes)]
        columns += [(column, None) for column in shape["derived"]]
        firsts = {}  # a column that is the same as another one has a higher index
        for column, place in sorted(columns, key=lambda each: each[0]):
            text = reads[column].take(firsts) if isinstance(reads[column], Same) else next(reads[column])
            firsts.setdefault(column, text)
            if place is not None:
                asked[place] = text
        return b"".join(asked)
class Same:
    """A column that is another one but where it differs."""
    def __init__(self, other, which, texts):
        self.other, self.which, self.texts = other, iter(which or ()), iter(texts or ())
    def take(self, firsts):
        return next(self.texts) if next(self.which, 0) else firsts[self.other]
def cut(data, sizes):
    places = [0]
    for size in sizes:
        places.append(places[-1] + size)
    need(places[-1] == len(data), "sizes that are not those of the texts")
    return [data[a:b] for a, b in zip(places, places[1:])]
def digits_of(fields, value):
    text = b""
    for kind, digits, before in reversed(fields):
        base, letter = 10 if kind in (0, 2) else 16, "dxdxX"[kind]
        value, here = (0, value) if kind < 2 else divmod(value, base ** digits)
        text = before + format(here, "0%d%s" % (digits, letter) if digits else letter).encode() + text
    return text
def batch_records(batch):
    _, _, _, _, events, spans, _, names = struct.unpack_from("<4sIIIIIII", batch)
    text = 80 + 48 * events + 12 * spans + names
    told = [struct.unpack_from("<qqII", batch, 80 + 48 * i) for i in range(events)]
    return [(received, batch[text + at:text + at + size]) for received, _, at, size in told]
# ---- The segment.
def segment(path, client_key, lines):
    data = open(path, "rb").read()
    head, sha = data[:512], lambda b: hashlib.sha256(b).digest()
    need(len(head) == 512 and head[:12] == b"HINOMIsg\1\0\0\0" and sha(head[:480]) == head[480:], "no head of version 1")
    client, generation = struct.unpack_from("<IQ", head, 12)
    count, blocks, size = struct.unpack_from("<QQQ", head, 144)
    pieces = [struct.unpack_from("<QQQ", head, 168 + 24 * i) for i in range(5)]
    need(size == len(data) and sha(data[512:]) == head[288:320], "the bytes behind the head are others")
    for (at, length, _), place in zip(pieces[3:], (320, 352)):
        need(sha(data[at:at + length]) == head[place:place + 32], "the tables are others")
    mac = lambda key, text: hmac.new(key, text, hashlib.sha256).digest()
    key = mac(client_key, b"hinomi segment 1" + head[12:16] + head[32:64])
    beside = b"HINOMIsg" + head[12:24]
    piece = lambda kind, number, at, length: opened(key, struct.pack("<IQ", kind, number), beside, data[at:at + length])
    salts, directory = (piece(kind, 0, *pieces[i][:2]) for i, kind in ((1, 3), (2, 4)))
    table = unpack(data[pieces[4][0]:pieces[4][0] + pieces[4][1]], 56 * count)
    column = lambda form, at: struct.unpack_from("<%d%s" % (count, form), table, at * count)
    end = at = done = events_all = 0
    leaves = []
    for i, jump, source, events in zip(range(count), column("Q", 8), column("I", 16), column("I", 20)):
        leaves.append((source, end + jump, events, table[24 * count + 32 * i:24 * count + 32 * i + 32]))
        end += jump + events
    for number in range(blocks):
        place, length, _, _, _, summary = struct.unpack_from("<QIIQQI", directory, at)
        at += 36 + summary
        block = Block(piece(1, number, place, length))
        need(block.client == client, "a block of another client")
        for source, first, events, records in block.records():
            need(leaves[done][:3] == (source, first, events), "a block has other leaves than the table")
            salt = salts[32 * done:32 * done + 32]
            need(leaves[done][3] in [leaf_hash(form, client, source, first, salt, records) for form in (1, 2)],
                 "leaf %d is not the hash of its salt and records" % done)
            done, events_all = done + 1, events_all + events
            for _, record in records if lines else ():
                sys.stdout.buffer.write(record + b"\n")
    need(done == count and at == len(directory), "leaves are missing")
    print("sound: client %d, generation %d, %d leaves, %d events" % (client, generation, count, events_all), file=sys.stderr)
def main(arguments):
    lines = arguments[:1] == ["--lines"]
    try:
        key, paths = open(arguments[lines], "rb").read(), arguments[lines + 1:]
        if len(key) != 80 or key[:8] != b"HINOMIck" or not paths:
            raise ValueError("%s: no client's key" % arguments[lines])
    except (OSError, IndexError, ValueError) as error:
        print("cannot be read: %s" % (error,), file=sys.stderr)
        return 2
    damaged = 0
    for path in paths:
        try:
            segment(path, key[16:48], lines)
        except (Damaged, ArithmeticError, LookupError, MemoryError, OSError, RuntimeError, StopIteration, ValueError,
                struct.error) as error:
            damaged += 1
            print("damaged: %s: %s" % (path, error or type(error).__name__), file=sys.stderr)
    return 1 if damaged else 0
if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
