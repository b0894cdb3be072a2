"""peer.py - drives tests/system/peer.c: a node that does as it is told."""

import os
import re
import subprocess

import harness
from mesh import Refused  # noqa: F401  (for the tests that import from here)

PEER = os.path.join(harness.BUILD, 'tests', 'system', 'peer')
EMPTY = '00' * 32  # the digest of no documents


class Peer:
    """key: 'plain', 'new', or the path of a key file. Every word is answered by one line."""

    def __init__(self, mesh, key, server_key=None):
        self.child = subprocess.Popen(
            [PEER, f'tcp://{mesh.host}:{mesh.node_port}',
             f'tcp://{mesh.host}:{mesh.broadcast_port}', server_key or mesh.keys['controller_key'],
             key],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        harness.defer(self.close)

    def close(self):
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()
        self.child.stdin.close()
        self.child.stdout.close()

    def tell(self, *words):
        self.child.stdin.write(' '.join(str(word) for word in words) + '\n')
        self.child.stdin.flush()
        answer = self.child.stdout.readline().rstrip('\n')
        harness.check(answer, f'the peer died of {words}')
        return answer

    @property
    def public_key(self):
        return self.tell('key').split()[1]

    def connect(self):
        self.tell('connect')
        return self

    def receive(self, limit_ms=10000, verb='recv'):
        """The next message as {field: text}, or None."""
        answer = self.tell(verb, limit_ms)
        if answer == 'none':
            return None
        return dict(re.findall(r'(\w+)=(\S*)', answer))

    def hello(self, revision=0, digest=EMPTY, floor=''):
        """Says hello and returns the welcome."""
        self.tell('hello', revision, digest, floor)
        answer = self.receive()
        while answer and answer['kind'] != '64':
            answer = self.receive()
        harness.check(answer, 'no welcome')
        return answer


def keys(mesh):
    """The public keys of a mesh, from an invitation that is withdrawn at once."""
    invitation = mesh.invite('for-its-keys')
    mesh.api('DELETE', '/v1/invitations/for-its-keys')
    return invitation


def join(mesh, name, peer):
    """Makes the peer's key a node by the API alone."""
    invitation = mesh.invite(name)
    return mesh.api('POST', '/v1/join', {'invitation': invitation['secret'],
                                         'public_key': peer.public_key, 'software': 'peer'})


def policy(name, weight=1, domain=None):
    return {'policy': name, 'domains': [domain or f'{name}.mesh'],
            'destinations': [{'address': '10.0.0.1', 'weight': weight},
                             {'address': '10.0.0.2', 'weight': 7}]}
