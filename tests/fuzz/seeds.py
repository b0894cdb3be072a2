"""seeds.py - what the fuzzers begin with: one file an input, in a folder for each target.

    MESHDNS_BUILD=build seeds.py FOLDER

Policies are those of tests/corpus and policies/; the snapshots are compiled from the latter and
made small; messages, calls and requests are put together here, one of each kind. The same files
come out each time.
"""

import glob
import hashlib
import json
import os
import struct
import subprocess
import sys

SOURCE = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..'))
BUILD = os.environ.get('MESHDNS_BUILD', os.path.join(SOURCE, 'build'))
POLICIES = sorted(glob.glob(os.path.join(SOURCE, 'policies', '*.yaml')))
CORPUS = sorted(glob.glob(os.path.join(SOURCE, 'tests', 'corpus', '*.yaml')))
LONG = '.'.join(['n' * 63] * 3 + ['n' * 8])
NAMES = ['rules', 'stick', 'alias', 'web', 'a.b', 'x.pass.example', '127', 'denied', 'gone', 'six',
         'big', LONG, 'WEB', 'Alias.', 'web.', 'localhost', '127.0.0.1', '0x7f.1', '::1',
         'fe80::1%lo', '', '.', '..', 'a..b', '-a', 'a_b', '*', '@abcd', ':search', 'ä.mesh',
         'a' * 63, 'a' * 64, '.'.join(['a' * 63] * 4)[:253], 'a.' * 126 + 'a', 'a' * 256, 'a b',
         'www.example.org']


def number(value, size):
    return value.to_bytes(size, 'big')


def pack(value):
    """Canonical msgpack of what documents and messages hold."""
    if value is None:
        return b'\xc0'
    if isinstance(value, bool):
        return b'\xc3' if value else b'\xc2'
    if isinstance(value, int):
        if -32 <= value < 128:
            return struct.pack('b', value)
        if value < 0:
            return b'\xd3' + struct.pack('>q', value)
        size = next(size for size in (1, 2, 4, 8) if value < 1 << 8 * size)
        return bytes([0xcc + (size.bit_length() - 1)]) + number(value, size)
    if isinstance(value, str):
        text = value.encode()
        head = [0xa0 + len(text)] if len(text) < 32 else [0xd9, len(text)] \
            if len(text) < 256 else [0xda, *number(len(text), 2)]
        return bytes(head) + text
    if isinstance(value, bytes):
        head = [0xc4, len(value)] if len(value) < 256 else [0xc5, *number(len(value), 2)]
        return bytes(head) + value
    items = value if isinstance(value, list) else \
        [part for key in sorted(value) for part in (key, value[key])]
    count, small, large = (len(value), 0x90, 0xdc) if isinstance(value, list) else \
        (len(value), 0x80, 0xde)
    head = bytes([small + count]) if count < 16 else bytes([large]) + number(count, 2)
    return head + b''.join(map(pack, items))


def documents():
    """The ready-made policies as Python objects."""
    shown = []
    for path in POLICIES:
        lines = subprocess.run([os.path.join(BUILD, 'tests', 'fixture', 'documents'), path],
                               capture_output=True, check=True, text=True).stdout.splitlines()
        shown += [json.loads(line) for line in lines]
    return shown


def names():
    for at, name in enumerate(NAMES):
        for how in (at % 3, 4 + at % 3):
            yield bytes([how, at % 16]) + name.encode()


# Text that looks like something else, and must be quoted to stay text.
ODD = ('null', '~', 'true', 'No', 'y', '12', '-1', '1e3', '0x1f', '10.0.0.1', '', ' a', 'a: b',
       '#x', '- a', '*a', '&a', '!a', '%a', '[', '{a', 'a\n', '\u00e4', '\U0001f40d', "it's",
       '2026-01-02')


def policies():
    for path in CORPUS + POLICIES:
        with open(path, 'rb') as file:
            yield file.read()
    for text in ODD:
        yield f'a: {json.dumps(text)}\n{json.dumps(text)}: [{json.dumps(text)}]\n'.encode()


def words():
    """For libFuzzer's dictionary: the words of the policy language, and of the ready-made ones."""
    found = set(ODD)

    def walk(value):
        if isinstance(value, dict):
            found.update(value)
            value = list(value.values())
        if isinstance(value, list):
            for one in value:
                walk(one)
        elif isinstance(value, str) and len(value) < 40:
            found.add(value)
    walk(documents())
    return found


def trees():
    for document in documents():
        yield json.dumps(document).encode()
        yield pack(document)
    yield pack([1, -1, 127, 128, 65536, 1 << 40, -(1 << 40), None, True, False, '', 'x' * 40])
    for depth in (31, 32, 33):
        yield b'\x91' * depth + b'\x01'
        yield b'\x81\xa1x' * depth + b'\x01'
        yield b'[' * depth + b']' * depth
    yield b'\xdd\x10\x00\x00\x00\x01'
    yield b'\xcb' + bytes(8)


def snapshot_of(text, folder):
    """The file that meshctl compiles, without the empty space of its heap."""
    source, path = os.path.join(folder, 'small.yaml'), os.path.join(folder, 'small')
    with open(source, 'w') as file:
        file.write(text)
    subprocess.run([os.path.join(BUILD, 'ctl', 'meshctl'), 'snapshot', 'compile', source, '-o',
                    path], stdout=subprocess.DEVNULL, check=True)
    with open(path, 'rb') as file:
        whole = file.read()
    for left in (source, path, path + '.lock'):
        if os.path.exists(left):
            os.unlink(left)
    end = struct.unpack_from('<Q', whole, 40)[0] * 64  # heap_end: the block behind the last one
    return whole[:8] + struct.pack('<Q', end) + whole[16:end]


SMALL = '''
policy: shop
domains: [shop.mesh, "*.shop.mesh", alias, stick, web]
answers: 3
destinations:
  - {address: 10.0.0.1, weight: 3}
  - {address: [10.0.0.2, "fd00::2"], weight: 2}
  - {address: "fd00::3", weight: 1}
---
policy: rules
domains: [rules]
when: {app: ["x*", fuzz_snapshot], uid: [0, 2, 3]}
rank: 1
destinations: [{address: 10.0.0.9}]
---
policy: rules-2
domains: [rules]
rank: 2
select: sticky
sticky: {by: app}
destinations: [{address: 10.0.0.10}, {address: 10.0.0.11}]
---
policy: ordered
domains: [a.b]
select: ordered
destinations: [{address: 10.0.0.10}, {address: "fd00::11"}, {address: 10.0.0.12}]
---
policy: denied
domains: [denied]
action: deny
---
policy: big
domains: [big]
alias: shop.mesh
---
policy: named
domains: [host.mesh]
reverse: true
destinations: [{address: 10.1.2.3}]
'''


def snapshots(folder):
    for how in (0xff, 0x21, 0x04, 0x1f):
        yield bytes([how]) + snapshot_of(SMALL, folder)
    for document in SMALL.split('---'):
        if 'alias: ' not in document:
            yield b'\x40' + snapshot_of(document, folder)
    whole = snapshot_of(f'policy: long\ndomains: ["{LONG}"]\naction: deny\n', folder)
    for blocks in range(4):  # the last record's name runs out of the file
        size = len(whole) - 64 * blocks
        yield b'\x41' + whole[:8] + struct.pack('<Q', size) + whole[16:size]


def changes():
    for at in range(24):
        one = bytes([at, at]) + b''.join(
            bytes([(at * 7 + i) % 24, i % 6]) + number(i * 37 % 200, 2) + number(i, 4) + bytes([i])
            for i in range(12))
        yield one
        yield one[:2] + bytes([at, 131]) + one[4:]
    yield bytes([0, 32]) + bytes([3, 1, 0, 9, 0, 0, 0, 1, 0])
    yield bytes([9, 1]) + bytes([255, 4, 0, 9, 0, 0, 0, 1, 0])  # IPv6 only, IPv4 wanted


def messages():
    digest, bin16, document = bytes(range(32)), bytes(16), pack({'policy': 'shop', 'x': 1})
    upserts = [{'revision': 9, 'document': document}, {'revision': 1 << 40, 'document': b'\x80'}]
    said = {'software': 'meshdns 0.1.0', 'nonce': bin16, 'epoch': 3, 'revision': 1 << 33,
            'digest': digest, 'floor': bytes(64)}
    for kind, fields in ((1, said), (2, {'revision': 7, 'digest': digest, 'unsupported': 2,
                                         'stale': True}), (3, {'after': 6}),
                         (4, {'cursor': 'shop'}), (4, {'cursor': 'x' * 63}),
                         (4, {'cursor': 'x' * 64}), (9, {})):
        yield b'\x00\x00' + pack([1, kind, fields])
    bodies = (
        (64, {'nonce': bin16, 'epoch': 2, 'key': digest, 'revision': 1, 'digest': digest,
              'heartbeat_ms': 5000}),
        (65, {'epoch': 2, 'key': digest}),
        (66, {'revision': 3, 'digest': digest, 'later': [1]}),
        (67, {'previous': 1, 'revision': 2, 'digest': digest, 'floor': bytes(64),
              'upserts': upserts, 'deletes': ['gone', 'x']}),
        (68, {'revision': 1}),
        (69, {'revision': 2, 'digest': digest, 'floor': bytes(64), 'upserts': upserts,
              'next': ''}),
        (70, {}))
    for kind, fields in bodies:
        yield bytes([1, kind]) + pack(fields)
        for epoch, flip in ((0, 0), (2, 0), (1, 0), (3, 0), (2, 1)):
            yield bytes([2, kind, epoch, 0, 90, flip]) + pack(fields)
    yield b'\x03\x00' + b'MDNS' + bytes(200)
    yield b'\x03\x00' + b'MDNS\x00\x01\x00\x43' + b'M' * 16 + bytes(200)


def calls():
    for at, name in enumerate(NAMES):
        text = name.encode() + b'\0'
        for which in range(6):
            size = (1024, 512, 0, 200, 800)[(at + which) % 5]
            how = (at & 7) | (at % 2) << 4 | (which >= 4) << 3
            place = number(size, 2) + bytes([at % 16])
            yield bytes([2 * which, how]) + place + bytes(4) + text
            yield bytes([2 * which + 1, how]) + place + bytes([at % 2, 0, 0, 0]) + text
        for service in ('', 'http', '80', '0x50', '*', '99999', 'no-such', ' 80'):
            numbers = number(at % 8 * 2, 2) + bytes([at % 4, 0])
            yield bytes([15, at % 3 << 4]) + bytes(3) + numbers + text + service.encode() + b'\0'
    for size in (255, 100, 4, 0):
        yield bytes([13, 0]) + bytes(3) + bytes([0, 0, 0, size]) + b'x\0'
    yield bytes([13, 16]) + bytes(3) + bytes([128, 0, 28, 99]) + b'x' * 30 + b'\0'


def pieces(data, size):
    """As fuzz_agent reads them: a piece of 1 + 16 n bytes has n before it."""
    cut = [data[i:i + size] for i in range(0, len(data), size)]
    return b''.join(bytes([(len(piece) + 14) // 16]) + piece.ljust(
        (len(piece) + 14) // 16 * 16 + 1) for piece in cut)


def requests():
    for line in ('{"request":"status"}\n', '{"request":"explain","name":"shop.mesh"}\n',
                 '{"request":"explain","name":"a.b.shop.mesh."}\n', '[]\n', 'no json\n',
                 '{"request":"explain","name":"www.mesh"}\n', '{"request":"explain"}\n',
                 '{"request":"explain","name":"*.x"}\n'):
        yield b'\x00' + pieces(line.encode(), 17)
        yield b'\x02' + pieces(line.encode(), 200)
    yield b'\x00' + pieces(b'x' * 5000, 4081)
    keys = {'mesh': 'demo', 'mesh_id': '4d' * 16, 'sign_key': '01' * 32,
            'controller_key': '02' * 32}
    invitation = {'meshdns_invitation': 1, 'server': 'https://127.0.0.1:7443', 'node': 'node-1',
                  'secret': 'mdi_' + 'A' * 43, 'pin': 'sha256//' + 'A' * 43 + '=', **keys}
    answer = {'node': {'name': 'node-1', 'zone': 'z', 'labels': {'a': 'b'}},
              'endpoints': {'node': 'tcp://127.0.0.1:7440', 'broadcast': 'tcp://127.0.0.1:7441'},
              **keys}
    problem = {'title': 'no', 'detail': 'used already', 'hint': 'ask for a new one'}
    for status, one, other in ((201, invitation, answer), (403, invitation, problem),
                               (503, invitation, {}), (0, invitation, {}),
                               (200, invitation, {**answer, 'mesh_id': '4e' * 16}),
                               (201, {**invitation, 'pin': 'sha256//x'}, answer),
                               (201, {}, answer)):
        text = json.dumps(one).encode()
        yield b'\x01' + number(status, 2) + number(len(text), 2) + text + json.dumps(other).encode()


def main():
    top = sys.argv[1]
    os.makedirs(top, exist_ok=True)
    with open(os.path.join(top, 'words'), 'w') as file:
        for word in sorted(words()):
            if word:
                shown = ''.join(chr(byte) if byte not in b'"\\' and 32 <= byte < 127 else
                                f'\\x{byte:02x}' for byte in word.encode())
                file.write(f'"{shown}"\n')
    made = {'name': names(), 'policy': policies(), 'document': trees(), 'snapshot': snapshots(top),
            'changing': changes(), 'message': messages(), 'call': calls(), 'agent': requests()}
    for target, seeds in made.items():
        folder = os.path.join(top, target)
        os.makedirs(folder, exist_ok=True)
        for seed in seeds:
            name = hashlib.sha1(seed).hexdigest()
            with open(os.path.join(folder, name), 'wb') as file:
                file.write(seed)


if __name__ == '__main__':
    main()
