"""quickstart.py - what tools/quickstart shows once everything is built.

Machines are namespaces of tests/system/netns.py: each has a network, /etc and /run of its own, so
the commands below are the ones that an administrator types, with default paths.
"""

import collections
import json
import os
import shutil
import sys
import time
from shlex import quote

TOP = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
sys.path.insert(0, os.path.join(TOP, 'tests', 'system'))

import harness  # noqa: E402
from netns import Machine, Network  # noqa: E402

POLICY = 'policies/canary.yaml'
PATH = ':'.join([os.path.dirname(program) for program in
                 (harness.MESHCTL, harness.SYNCD, harness.CONTROLLER)] + [os.environ['PATH']])
STATES = '/run/states'  # /var is this machine's own; /run is a namespace's

# A server that tells which of its addresses was asked.
SERVER = '''
import http.server, socket, sys
class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = (sys.argv[1] + '\\n').encode()
        self.send_response(200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words): pass
server = Server((sys.argv[1], int(sys.argv[2])), Answer)
print('ready', flush=True)
server.serve_forever()
'''

GETENT = 'i=0; while [ $i -lt %d ]; do getent ahostsv4 %s | head -n 1; i=$((i+1)); done'
CURL = 'i=0; while [ $i -lt %d ]; do curl -s %s; i=$((i+1)); done'

PYTHON = '''
import sys, urllib.request
for i in range(int(sys.argv[1])):
    print(urllib.request.urlopen(sys.argv[2]).read().decode().strip())
'''

NODE = '''
const http = require('http');
let left = Number(process.argv[1]);
const next = () => { if (left-- > 0) http.get(process.argv[2], {agent: false}, (answer) => {
  answer.on('data', (data) => process.stdout.write(data)); answer.on('end', next); }); };
next();
'''

JAVA = '''
import java.net.*; import java.io.*;
public class Draw { public static void main(String[] words) throws Exception {
  java.security.Security.setProperty("networkaddress.cache.ttl", "0");
  for (int i = 0; i < Integer.parseInt(words[0]); i++) {
    URLConnection c = new URL(words[1]).openConnection();
    c.setRequestProperty("Connection", "close");
    System.out.println(new BufferedReader(new InputStreamReader(c.getInputStream())).readLine());
  } } }
'''

# Looks a name up for ever; says when it last met the destination that a change took out.
WATCH = '''
import socket, sys, time
name, old = sys.argv[1:]
last, since = 0, 0
print('ready', flush=True)
while since < 200:
    if socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)[0][4][0] == old:
        last, since = time.monotonic(), 0
    elif last:
        since += 1
    time.sleep(0.0005)
print('last', last, flush=True)
'''


def heading(text):
    print(f'\n{text}\n{"-" * len(text)}')


def tell(text):
    print(f'  {text}')


class Host(Machine):
    """A machine at which commands are typed, and shown."""

    def type(self, line, quiet=False, env=None, **keywords):
        """Runs a shell line with our programs in PATH, in the project's folder; shows both."""
        print(f'  {self.name}# {line}')
        done = self.sh(line, env=env, **keywords)
        if not quiet:
            for shown in (done.out + done.err).rstrip().split('\n'):
                tell(f'  {shown}' if shown else '')
        return done

    def sh(self, line, env=None, **keywords):
        return self.run(['env', '-C', TOP, 'sh', '-c', line], env=self.env(env), **keywords)

    def daemon(self, *argv):
        print(f'  {self.name}# {" ".join(argv)} &')
        return self.start(['env', '-C', TOP, *argv], env=self.env()).wait_for(r'^(<\d>)?ready\b')

    @staticmethod
    def env(more=None):
        return {'PATH': PATH, 'MESHDNS_CONFIG': '/run/admin/config.yaml', 'HOME': '/run/admin',
                **(more or {})}


class Show:
    """The steps, in their order; what one finds the next one uses."""

    def __init__(self):
        self.started = time.monotonic()
        network = Network()
        self.control, self.node1, self.node2, self.servers = (
            Host(network, name) for name in ('control', 'node-1', 'node-2', 'servers'))
        self.rows = []
        self.facts = []

    def make_the_mesh(self):
        heading('1. A controller and two nodes')
        control = self.control
        os.makedirs(control.path('/etc/meshdns'), exist_ok=True)
        os.makedirs(control.path('/run/admin'), 0o700)
        control.write('/etc/meshdns/controller.yaml',
                      f'mesh: demo\nstate: {STATES}/controller\nadvertise: {control.address}\n'
                      'heartbeat: 1s\n')
        made = json.loads(control.sh('meshdns-controller init --json').out)
        print('  control# meshdns-controller init')
        tell(f'  mesh {made["mesh"]}, its key pinned as {made["pin"]}')
        control.write('/run/admin/token', made['token'] + '\n', 0o600)
        control.write('/run/admin/config.yaml',
                      f'current: demo\ncontexts:\n  demo:\n    server: "{made["server"]}"\n'
                      f'    pin: "{made["pin"]}"\n    token_file: /run/admin/token\n')
        self.controller = control.daemon('meshdns-controller', 'run')
        self.agents = [self.join(node) for node in (self.node1, self.node2)]
        control.type('meshctl node list')

    def join(self, node):
        os.makedirs(node.path('/etc/meshdns'), exist_ok=True)
        node.write('/etc/meshdns/syncd.yaml',
                   f'state: {STATES}/syncd\nreport_interval: 1s\nreconnect: 1s\n')
        invitation = f'/run/admin/{node.name}.json'
        self.control.type(f'meshctl node invite {node.name} -o {invitation}', quiet=True)
        node.write('/run/invitation.json', self.control.read(invitation), 0o600)
        node.type('meshdns-syncd join /run/invitation.json', quiet=True)
        return node.daemon('meshdns-syncd', 'run')

    def apply_the_policy(self):
        heading('2. A policy, and real servers behind its name')
        print('\n'.join(f'    {line}' for line in harness.read(
            os.path.join(TOP, POLICY)).rstrip().split('\n')))
        self.control.type(f'meshctl policy apply {POLICY}')
        name = json.loads(self.control.sh('meshctl policy list --json').out)['policies'][0]['name']
        self.document = json.loads(
            self.control.sh(f'meshctl policy get {name} --json').out)['document']
        self.name = self.document['domains'][0]
        self.weights = {}
        for destination in self.document['destinations']:
            address, _, port = destination['address'].partition(':')
            self.weights[address] = destination.get('weight', 1)
            self.servers.add_address(address)
            self.port = int(port or destination.get('port', 80))
            self.servers.start([sys.executable, '-c', SERVER, address, self.port],
                               name=f'server {address}').wait_for('^ready')
            for host in (self.node1, self.node2):
                host.route(f'{address}/32', self.servers)
            tell(f'a web server listens on {address}, port {self.port}')
        self.url = f'http://{self.name}:{self.port}/'
        self.wait_for_nodes()

    def wait_for_nodes(self):
        def are_current():
            nodes = json.loads(self.control.sh('meshctl node list --json').out)['nodes']
            return all(node['is_current'] for node in nodes)
        harness.wait(are_current, 30, 'both nodes have the policy')

    def draw(self, program, way, out, weights=None):
        """Counts the addresses of an output, one a line, and adds a row to the table."""
        weights = weights or self.weights
        counts = collections.Counter(line.split()[0] for line in out.split('\n') if line.strip())
        harness.shares(counts, weights)
        total, asked = sum(counts.values()), sum(weights.values())
        row = (program, way, str(total),
               ' / '.join(f'{100 * weight / asked:.0f}' for weight in weights.values()),
               ' / '.join(f'{100 * counts[address] / total:.1f}' for address in weights))
        self.rows.append(row)
        print('  {:<22}{:<12}{:>7}   {:<12}{:<12}'.format(*row))

    def draw_by_many(self):
        heading('3. Real programs draw by the weights')
        tell('node-1 has the NSS module: "hosts: meshdns [NOTFOUND=return] files dns" in '
             'nsswitch.conf.')
        tell('node-2 has it not; there "meshctl run -- PROGRAM" preloads the shim.\n')
        self.node1.install_nss()
        self.node1.nsswitch('meshdns [NOTFOUND=return] files dns')
        print('  {:<22}{:<12}{:>7}   {:<12}{:<12}'.format('program', 'through', 'draws',
                                                        'asked (%)', 'came out (%)'))
        nss, shim = self.node1, self.node2
        self.draw('getent ahostsv4', 'NSS', nss.sh(GETENT % (1000, self.name)).out)
        self.draw('curl', 'NSS', nss.sh(CURL % (500, self.url)).out)
        self.draw('python3, urllib', 'the shim', shim.sh(
            f'meshctl run -- python3 -c {quote(PYTHON)} 1000 {self.url}').out)
        self.draw('curl', 'the shim', shim.sh(
            f'meshctl run -- sh -c {quote(CURL % (500, self.url))}').out)
        if shutil.which('node'):
            self.draw('node, http.get', 'the shim', shim.sh(
                f'meshctl run -- node -e {quote(NODE)} 1000 {self.url}').out)
        else:
            shim.write('/run/Draw.java', JAVA)
            self.draw('java, URLConnection', 'the shim',
                      shim.sh(f'meshctl run -- java /run/Draw.java 500 {self.url}').out)

    def change_a_weight(self):
        heading('4. A weight changes while a program runs')
        old, new = list(self.weights)[:2]
        watcher = self.node2.start(['env', '-C', TOP, 'meshctl', 'run', '--', sys.executable, '-c',
                                    WATCH, self.name, old], env=Host.env(), name='watch')
        watcher.wait_for('^ready')
        self.document['destinations'][0]['weight'] = 0
        self.control.write('/run/admin/changed.json', json.dumps(self.document))
        tell(f'python3 looks {self.name} up in a loop on node-2; {old} gets weight 0:')
        entered = time.monotonic()
        self.control.type('meshctl policy apply /run/admin/changed.json')
        committed = time.monotonic()
        watcher.wait_for(r'^last ')
        last = float(watcher.out.split('last ')[1])
        took = f'{1000 * (last - entered):.0f} ms'
        tell(f'{took} after Enter it drew {old} for the last time; meshctl itself took '
             f'{1000 * (committed - entered):.0f} ms.')
        self.facts.append(f'a program that was running took a new weight up within {took}')
        self.wait_for_nodes()
        self.weights = {old: 0, new: self.weights[new],
                        **{address: weight for address, weight in list(self.weights.items())[2:]}}

    def kill_them(self):
        heading('5. The controller dies, then the agents')
        rows = (('the controller', [self.controller]), ('syncd on both nodes', self.agents))
        for what, processes in rows:
            for process in processes:
                process.kill()
            tell(f'kill -9: {what}')
            self.draw('getent ahostsv4', 'NSS', self.node1.sh(GETENT % (100, self.name)).out)
            self.draw('curl', 'the shim', self.node2.sh(
                f'meshctl run -- sh -c {quote(CURL % (100, self.url))}').out)
        self.facts.append('with the controller and both agents killed, new programs went on alike')

    def pass_others_on(self):
        heading('6. Other names go where they always went')
        server = self.node1.dns(**{'www.example.org': '192.0.2.80'})
        out = self.node1.type('getent ahostsv4 www.example.org | head -n 1').out
        harness.contains(out, '192.0.2.80')
        server.wait_for(r'^A www\.example\.org$')
        queries = len(server.out.split('\n'))
        self.node1.sh(f'getent ahostsv4 {self.name}')
        harness.equal(len(server.out.split('\n')), queries, 'the number of DNS queries')
        tell(f'DNS was asked for www.example.org, and not for {self.name}.')
        self.facts.append('a name without a policy went to DNS as ever; one with a policy did not')

    def sum_up(self):
        heading('What you have seen')
        draws = sum(int(row[2]) for row in self.rows)
        programs = sorted({row[0].split(',')[0].split()[0] for row in self.rows})
        for fact in (f'{", ".join(programs)} drew {self.name} {draws} times, by the weights asked '
                     'for', 'none of them was changed, and none asked a server: each answered '
                     'itself, from memory', *self.facts):
            tell(f'* {fact}')
        tell(f'{time.monotonic() - self.started:.0f} seconds; nothing is left behind. '
             'Next: README.md, "On a real machine".')


def main():
    try:
        show = Show()
        show.make_the_mesh()
        show.apply_the_policy()
        show.draw_by_many()
        show.change_a_weight()
        show.kill_them()
        show.pass_others_on()
        show.sum_up()
    except harness.Failure as failure:
        print(f'\nquickstart: this is not as it should be:\n{failure}', file=sys.stderr)
        for process in harness.watched():
            print(f'--- {process.name}:\n{(process.out + process.err)[-2000:]}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(harness.alone(main))
