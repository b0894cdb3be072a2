"""mesh.py - a whole mesh for a test: controller, nodes, and the tools that people use on it.

    mesh = Mesh()                              # on loopback, with free ports; or Mesh(machine)
    node = mesh.join('web-1', zone='eu-1')     # invited, joined, running; or join(..., machine=m)
    mesh.apply({'policy': 'shop', 'domains': ['shop.mesh'], 'destinations': [...]})
    mesh.wait_current()                        # every running node has the controller's revision
    node.meshctl('resolve', 'shop.mesh')

Everything lies in temporary folders. On a Machine a node publishes at the default path, so that the
NSS module finds it; elsewhere MESHDNS_SNAPSHOT (node.env) names its snapshot.
"""

import http.client
import json
import os
import ssl

import harness
from harness import Failure


class Refused(Failure):
    """The API said no: status and the problem document."""

    def __init__(self, status, problem):
        super().__init__(f'HTTP {status}: {problem}')
        self.status, self.problem = status, problem


class Mesh:
    """One controller. heartbeat is short, so that tests wait for events and not for defaults."""

    def __init__(self, machine=None, heartbeat='200ms', start=True, name='test'):
        self.machine = machine
        self.heartbeat = heartbeat
        self.folder = harness.folder()
        self.state = os.path.join(self.folder, 'controller')
        self.host = machine.address if machine else '127.0.0.1'
        ports = (7443, 7440, 7441) if machine else [harness.free_port() for _ in range(3)]
        self.api_port, self.node_port, self.broadcast_port = ports
        self.nodes = {}
        self.controller = None
        done = self._controller('init', '--mesh', name, '--json')
        self.made = json.loads(done.out)
        self.token = self.made['token']
        self._write_context()
        if start:
            self.start()

    def _flags(self):
        return ['--state', self.state, '--advertise', self.host,
                '--listen-api', f'{self.host}:{self.api_port}',
                '--listen-node', f'{self.host}:{self.node_port}',
                '--listen-broadcast', f'{self.host}:{self.broadcast_port}',
                '--heartbeat', self.heartbeat]

    def _controller(self, verb, *words, **keywords):
        return harness.run([harness.CONTROLLER, verb, *self._flags(), *words],
                           machine=self.machine, **keywords)

    def _write_context(self):
        token = harness.write(os.path.join(self.folder, 'token'), self.token + '\n', 0o600)
        self.config = harness.write(
            os.path.join(self.folder, 'meshctl.yaml'),
            'current: test\ncontexts:\n  test:\n'
            f'    server: {json.dumps(self.made["server"])}\n'
            f'    pin: {json.dumps(self.made["pin"])}\n'
            f'    token_file: {json.dumps(token)}\n')

    def start(self, *words):
        """Starts the controller and waits until it serves. words are further flags."""
        self.controller = harness.Process([harness.CONTROLLER, 'run', *self._flags(), *words],
                                          machine=self.machine)
        self.controller.wait_for(r'^(<\d>)?ready\b')
        return self.controller

    def recover(self, *words, **keywords):
        return self._controller('recover', *words, **keywords)

    def kill(self):
        self.controller.kill()

    def stop(self):
        self.controller.stop()

    def restart(self):
        if self.controller.is_running:
            self.stop()
        return self.start()

    # --- the API

    def request(self, method, path, body=None, token=None, limit=30):
        """One HTTPS request. Returns (status, parsed JSON or text). The certificate is not looked
        at: that is meshctl's and syncd's business, and tested there."""
        tls = ssl._create_unverified_context()
        headers = {'Authorization': f'Bearer {token or self.token}'}
        data = None
        if body is not None:
            data = body if isinstance(body, (bytes, str)) else json.dumps(body)
            headers['Content-Type'] = 'application/json'
        if self.machine:
            return self._request_inside(method, path, data, headers)
        connection = http.client.HTTPSConnection(self.host, self.api_port, context=tls,
                                                 timeout=limit)
        try:
            connection.request(method, path, data, headers)
            answer = connection.getresponse()
            return answer.status, _parsed(answer.read().decode())
        finally:
            connection.close()

    def _request_inside(self, method, path, data, headers):
        words = ['curl', '-sk', '-X', method, '-w', r'\n%{http_code}',
                 f'https://{self.host}:{self.api_port}{path}']
        for name, value in headers.items():
            words += ['-H', f'{name}: {value}']
        if data is not None:
            words += ['--data-binary', '@-']
        out = harness.run(words, machine=self.machine, stdin=data or '').out
        text, status = out.rsplit('\n', 1)
        return int(status), _parsed(text)

    def api(self, method, path, body=None):
        """As request(), but 2xx is expected; anything else raises Refused."""
        status, answer = self.request(method, path, body)
        if not 200 <= status < 300:
            raise Refused(status, answer)
        return answer

    @property
    def status(self):
        return self.api('GET', '/v1/status')

    def apply(self, *documents, deletes=()):
        """Commits documents (dictionaries) and deletes (names) as one change. Returns the
        answer; its revision is what nodes will have."""
        return self.api('POST', '/v1/changes',
                        {'upserts': list(documents), 'deletes': list(deletes)})

    # --- people

    def meshctl(self, *words, expect=0, stdin='', env=None, machine=None):
        return harness.run([harness.MESHCTL, *words], machine=machine or self.machine,
                           env={'MESHDNS_CONFIG': self.config, **(env or {})},
                           expect=expect, stdin=stdin)

    # --- nodes

    def invite(self, name, zone=None, labels=None):
        body = {'node': name}
        if zone:
            body['zone'] = zone
        if labels:
            body['labels'] = labels
        return self.api('POST', '/v1/invitations', body)

    def join(self, name, zone=None, labels=None, machine=None, start=True):
        """Invites, joins and starts a node. Returns it."""
        node = Node(self, name, machine or self.machine)
        node.join(self.invite(name, zone, labels))
        self.nodes[name] = node
        if start:
            node.start()
        return node

    def wait_current(self, limit=60):
        """Until every running node's snapshot is whole at the controller's revision."""
        revision = self.status['revision']
        for node in self.nodes.values():
            if node.syncd and node.syncd.is_running:
                node.wait_revision(revision, limit)
        return revision


class Node:
    """One machine's syncd."""

    def __init__(self, mesh, name, machine=None):
        self.mesh, self.name, self.machine = mesh, name, machine
        self.folder = harness.folder()
        self.state = os.path.join(self.folder, 'state')
        if machine:
            self.snapshot = '/run/meshdns/v1/snapshot'
            self.socket = '/run/meshdns/syncd.sock'
        else:
            self.snapshot = os.path.join(self.folder, 'run', 'v1', 'snapshot')
            self.socket = os.path.join(self.folder, 'run', 'syncd.sock')
            os.mkdir(os.path.join(self.folder, 'run'), 0o755)
            os.chmod(self.folder, 0o755)
        self.config = harness.write(os.path.join(self.folder, 'syncd.yaml'), '')
        self.syncd = None

    @property
    def env(self):
        """For programs under the shim."""
        return {'LD_PRELOAD': self.preload, 'MESHDNS_SNAPSHOT': self.snapshot}

    @property
    def preload(self):
        """The shim by a path without a space: LD_PRELOAD splits at them."""
        if ' ' not in harness.PRELOAD and ':' not in harness.PRELOAD:
            return harness.PRELOAD
        link = os.path.join(self.folder, 'preload.so')
        if not os.path.islink(link):
            os.symlink(harness.PRELOAD, link)
        return link

    def configure(self, text):
        """Replaces this node's syncd.yaml; the next start reads it."""
        harness.write(self.config, text)

    def join(self, invitation, expect=0):
        """invitation is what the API gave, or its text."""
        text = invitation if isinstance(invitation, str) else json.dumps(invitation)
        return harness.run([harness.SYNCD, 'join', '--config', self.config, '--state', self.state,
                            '-'], machine=self.machine, stdin=text, expect=expect)

    def start(self, *words, wait=True):
        """Starts syncd; ready means that the last good state is published."""
        self.syncd = harness.Process(
            [harness.SYNCD, 'run', '--config', self.config, '--state', self.state,
             '--snapshot', self.snapshot, '--socket', self.socket, '--report-interval', '100ms',
             '--reconnect', '100ms', '--reconnect-max', '500ms', *words],
            machine=self.machine, name=f'syncd {self.name}')
        if wait:
            self.syncd.wait_for(r'^(<\d>)?ready\b')
        return self.syncd

    def kill(self):
        self.syncd.kill()

    def stop(self):
        self.syncd.stop()

    def ask(self, **request):
        """One request to the local socket, as an object; None while it does not answer."""
        program = ('import socket,sys\n'
                   's=socket.socket(socket.AF_UNIX); s.settimeout(10); s.connect(sys.argv[1])\n'
                   's.sendall(sys.argv[2].encode()+b"\\n")\n'
                   'while True:\n d=s.recv(65536)\n'
                   ' if not d: break\n sys.stdout.buffer.write(d)\n')
        done = harness.run([harness.sys.executable, '-c', program, self.socket,
                            json.dumps(request)], machine=self.machine, expect=None)
        return json.loads(done.out) if done.code == 0 and done.out else None

    @property
    def status(self):
        return self.ask(request='status')

    def wait_revision(self, revision, limit=60):
        """Until the snapshot of this node is whole at a revision, or a later one."""
        def is_there():
            status = self.status
            return status and status['revision'] >= revision
        harness.wait(is_there, limit, f'node {self.name} has revision {revision}')

    def meshctl(self, *words, expect=0, env=None):
        """meshctl on this node: its snapshot, its syncd."""
        return self.mesh.meshctl(*words, expect=expect, machine=self.machine,
                                 env={'MESHDNS_SNAPSHOT': self.snapshot, **(env or {})})

    def run(self, argv, shim=True, env=None, **keywords):
        """A program on this node, under the shim or (on a Machine) through NSS."""
        return harness.run(argv, machine=self.machine,
                           env={**(self.env if shim else {}), **(env or {})}, **keywords)


def _parsed(text):
    try:
        return json.loads(text)
    except ValueError:
        return text
