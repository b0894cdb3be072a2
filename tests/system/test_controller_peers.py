"""The node channel against peers that are strangers, revoked, mute or evil."""

import os
import time

import harness
from harness import check, contains, equal, wait
from mesh import Mesh
from peer import EMPTY, Peer, join, keys, policy

DELTA, PULL_NEEDED, CHUNK, EPOCH, HEARTBEAT = '67', '68', '69', '65', '66'


@harness.once
def mesh():
    made = Mesh()
    made.keys = keys(made)
    return made


def refused(kind):
    return mesh().status['refused'][kind]


def node(name):
    """A peer that has joined, connected and said hello."""
    peer = Peer(mesh(), 'new')
    join(mesh(), name, peer)
    peer.connect()
    equal(peer.tell('event', 10000), 'event welcome 0')
    peer.hello()
    return peer


def test_plain():
    """a client that speaks plain ZeroMQ is refused, counted and logged"""
    before = refused('handshake')
    peer = Peer(mesh(), 'plain').connect()
    contains(peer.tell('event', 10000), 'event ')
    wait(lambda: refused('handshake') > before, 20, 'the refusal is counted')
    harness.matches(mesh().controller.err, r'refused kind=handshake from=127\.0\.0\.1 reason=')
    peer.tell('hello', 0, EMPTY)
    equal(peer.receive(300), None, 'what it hears')
    equal(peer.receive(300, 'heard'), None, 'what it is broadcast')


def test_unknown_key():
    """a client with a key of its own is refused, counted and logged, and may join later"""
    before = refused('unknown-key')
    peer = Peer(mesh(), 'new').connect()
    wait(lambda: refused('unknown-key') > before, 20, 'the refusal is counted')
    harness.matches(mesh().controller.err, r'refused kind=unknown-key from=127\.0\.0\.1')
    equal(peer.receive(300, 'heard'), None, 'what it is broadcast')
    join(mesh(), 'late', peer)
    peer.hello()
    check(peer.receive(10000, 'heard'), 'it hears broadcasts once it has joined')


def test_wrong_server_key():
    """a client that expects another controller is refused, counted and logged"""
    before = refused('handshake')
    peer = Peer(mesh(), 'new', server_key='5a' * 32)
    join(mesh(), 'misled', peer)
    peer.connect()
    wait(lambda: refused('handshake') > before, 20, 'the refusal is counted')
    contains(mesh().controller.err, "the peer has another controller's key, or none")
    equal(peer.receive(300), None, 'what it hears')


def test_revoked():
    """a revoked node is cut off at once, hears nothing more, and cannot come back"""
    others, peer = node('stays'), node('goes')
    first_epoch = int(mesh().status['epoch'])
    check(peer.receive(10000, 'heard'), 'it hears broadcasts before')
    equal(mesh().api('DELETE', '/v1/nodes/goes')['epoch'], first_epoch + 1, 'the epoch')
    wait(lambda: 'disconnected' in peer.tell('event', 1000), 20, 'it is disconnected')
    wait(lambda: 'auth 400' in peer.tell('event', 5000), 20, 'it gets 400 when it comes back')
    while peer.receive(200, 'heard'):
        pass
    mesh().apply(policy('after-the-cut', int(time.time()) % 60000))
    equal(peer.receive(1000, 'heard'), None, 'what it still hears')
    peer.tell('fetch', 0)
    equal(peer.receive(500), None, 'what it is answered')
    contains(mesh().controller.err, 'refused kind=revoked')
    listed = {each['name']: each for each in mesh().api('GET', '/v1/nodes')['nodes']}
    check(listed['goes']['revoked'] and not listed['goes']['connected'], 'it is listed as revoked')

    told = others.receive()
    while told and told['kind'] != EPOCH:
        told = others.receive()
    check(told, 'the other node gets the new epoch')
    equal(told['epoch'], str(first_epoch + 1), 'its epoch')
    wait(lambda: (others.receive(1000, 'heard') or {}).get('sealed_epoch') == str(first_epoch + 1),
         20, 'it hears broadcasts of the new epoch')


def test_mute_connection():
    """a connection that has not said who it is yet is cut with a revoked node's, and comes back"""
    peer = Peer(mesh(), 'new')
    join(mesh(), 'shy', peer)
    peer.connect()
    equal(peer.tell('event', 10000), 'event welcome 0')
    node('to-be-revoked')
    mesh().api('DELETE', '/v1/nodes/to-be-revoked')
    wait(lambda: 'disconnected' in peer.tell('event', 1000), 20, 'the mute one is cut too')
    wait(lambda: 'welcome' in peer.tell('event', 1000), 20, 'it comes back by itself')
    peer.hello()


def test_second_connection():
    """only the connection that said hello last is a node's channel"""
    first = node('twin')
    before = refused('no-hello')
    second = node('other')
    mesh().apply(policy('twin-test', int(time.time()) % 60000))
    second.tell('fetch', 0)
    check(second.receive(), 'who said hello is answered')
    peer = Peer(mesh(), 'new')
    join(mesh(), 'silent', peer)
    peer.connect()
    peer.tell('fetch', 0)
    equal(peer.receive(500), None, 'what one without hello is answered')
    wait(lambda: refused('no-hello') > before, 20, 'it is counted')
    first.tell('fetch', 0)
    check(first.receive(), 'the first node is still served')


def test_catching_up():
    """fetch gives a delta, pull the whole state in chunks, ack a heartbeat"""
    peer = node('reader')
    revision = mesh().apply(policy('catching-up', int(time.time()) % 60000))['revision']
    digest = mesh().status['digest']
    wait(lambda: (peer.receive(1000, 'heard') or {}).get('kind'), 20, 'a broadcast')
    peer.tell('fetch', revision - 1)
    delta = peer.receive()
    equal((delta['kind'], delta['revision'], delta['upserts'], delta['digest']),
          (DELTA, str(revision), '1', digest), 'the delta')
    peer.tell('pull')
    chunk = peer.receive()
    equal((chunk['kind'], chunk['revision'], chunk['next'], chunk['digest']),
          (CHUNK, str(revision), '', digest), 'the chunk')
    equal(int(chunk['upserts']), mesh().status['policies'], 'its documents')

    def heartbeat():
        peer.tell('ack', revision, digest)
        answer = peer.receive()
        return answer['kind'] == HEARTBEAT and answer['revision'] == str(revision)
    wait(heartbeat, 20, 'a heartbeat of that revision')
    listed = {each['name']: each for each in mesh().api('GET', '/v1/nodes')['nodes']}
    check(listed['reader']['is_current'], 'the node is listed as current')
    sequences = [int(delta['sequence']), int(chunk['sequence'])]
    check(sequences[0] < sequences[1], 'sequences rise')


def test_forged_floor():
    """a floor that the controller has not signed changes nothing"""
    peer = node('liar')
    before = refused('bad-floor')
    peer.hello(1 << 40, 'ab' * 32, 'cd' * 64)
    wait(lambda: refused('bad-floor') > before, 20, 'it is counted')
    equal(mesh().status['read_only'], False, 'read-only')
    mesh().apply(policy('still-writable', int(time.time()) % 60000))


def test_mutants():
    """12,000 damaged messages of a real node: refused, counted, memory bounded, state untouched"""
    peer = node('evil')

    def memory_kib():
        status = harness.read(f'/proc/{mesh().controller.pid}/status')
        return int(harness.matches(status, r'VmHWM:\s+(\d+)').group(1))
    before, refusals = mesh().status, sum(mesh().status['refused'].values())
    memory = memory_kib()
    for round_ in range(12):
        equal(peer.tell('mutants', 1000, 20261123 + round_), 'ok')
    peer.tell('raw', '93 01 01'.replace(' ', ''))
    peer.tell('raw', 'dd10000000' + '01')
    peer.tell('two', '9301038 1a561667465720'.replace(' ', '') + '6')
    peer.tell('raw', '00' * 60000)
    peer.hello()
    wait(lambda: sum(mesh().status['refused'].values()) - refusals > 5000, 60, 'they are counted')
    after = mesh().status
    for key in 'revision', 'digest', 'epoch', 'policies', 'read_only':
        equal(after[key], before[key], key)
    check(memory_kib() - memory < 64 * 1024, f'memory grew by {memory_kib() - memory} KiB')
    for kind in 'malformed', 'unknown-kind':
        check(after['refused'][kind] > before['refused'][kind], f'{kind} is counted')


def test_topics():
    """a node that names topics, which would fill the memory, is cut"""
    peer = node('chatty')
    check(peer.receive(10000, 'heard'), 'it hears broadcasts before')
    before = refused('topic')
    peer.tell('topics', 1000)
    wait(lambda: refused('topic') > before, 20, 'it is counted')
    contains(mesh().controller.err, 'it subscribes to single topics')


def test_many_connections():
    """one node's connections are few, however often it connects"""
    peer = node('greedy')
    key_file = harness.write(os.path.join(harness.folder(), 'key'),
                             f'meshdns-key curve {peer.tell("secret").split()[1]}\n', 0o600)
    peers = [Peer(mesh(), key_file).connect() for _ in range(12)]
    for each in peers:
        each.tell('hello', 0, EMPTY)
    wait(lambda: any('disconnected' in peer.tell('event', 100) for peer in peers + [peer]), 30,
         'the oldest connection is cut')
    peers[-1].hello()


def test_unknown_kind():
    """a message of a kind that a newer node may send is skipped and counted"""
    peer = node('newer')
    before = refused('unknown-kind')
    peer.tell('raw', '93012a81a16101')
    wait(lambda: refused('unknown-kind') == before + 1, 20, 'it is counted')
    peer.tell('raw', '9301038 2a5616674657200a36e657701'.replace(' ', ''))
    answer = peer.receive()
    check(answer and answer['kind'] in (DELTA, HEARTBEAT), 'an unknown key is ignored')


if __name__ == '__main__':
    harness.main()
