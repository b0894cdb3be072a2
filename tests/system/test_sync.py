"""test_sync.py - the agent: what it brings into the snapshot, and what it survives."""

import json
import os
import random
import socket
import stat
import subprocess
import threading

import harness
from harness import check, contains, equal, matches, run, wait
from mesh import Mesh, Node, Refused
from netns import Machine, Network

KILLS = 50 if harness.LONG else 8


def policy(name, *addresses, **more):
    return {'policy': name, 'domains': [f'{name}.shop.mesh'],
            'destinations': [{'address': address} for address in addresses], **more}


def answers(node, name):
    """The address that the snapshot gives for a name; '' when none."""
    done = node.meshctl('resolve', '--json', name, expect=None)
    check(done.code in (0, 1), f'meshctl resolve {name}: {done.code} {done.err}')
    found = json.loads(done.out) if done.out.strip().startswith('{') else {}
    return ' '.join(sorted(addresses_of(found)))


def addresses_of(answer):
    """Every address in an answer of `meshctl resolve --json`."""
    found = []
    stack = [answer]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            stack += item.values()
        elif isinstance(item, list):
            stack += item
        elif isinstance(item, str) and (item.count('.') == 3 or item.startswith('fd')):
            if not item.endswith('mesh'):
                found.append(item)
    return set(found)


def current(mesh, node):
    """Whether a node has exactly what the controller has, on disk and in the snapshot."""
    status, there = node.status, mesh.status
    return (status and status['digest'] == there['digest'] and
            status['revision'] == there['revision'] == status['snapshot']['revision'])


def wait_same(mesh, *nodes, limit=60):
    for node in nodes:
        wait(lambda: current(mesh, node), limit, f'{node.name} has what the controller has')


class Load:
    """Changes without pause, in a thread; remembers what was acknowledged."""

    def __init__(self, mesh, names=60):
        self.mesh, self.names = mesh, names
        self.acknowledged, self.stops, self.failure = 0, False, None
        self.random = random.Random(7)
        self.thread = threading.Thread(target=self._run)
        self.thread.start()
        harness.defer(self.end)

    def _change(self):
        names = self.random.sample(range(self.names), 4)
        put = [policy(f'p{n}', f'10.1.{self.random.randrange(250)}.{n}') for n in names[:3]]
        try:
            self.mesh.apply(*put, deletes=[f'p{names[3]}'])
        except Refused as refused:
            if refused.status != 404 and refused.status != 422:
                raise
            self.mesh.apply(*put)  # the name to delete was not there
        self.acknowledged += 1

    def _run(self):
        while not self.stops:
            try:
                self._change()
            except Exception as failure:  # told by end()
                self.failure = failure
                return

    def end(self):
        self.stops = True
        self.thread.join()
        if self.failure:
            failure, self.failure = self.failure, None
            raise failure


def test_a_change_reaches_programs_and_files_have_their_modes():
    mesh = Mesh()
    node = mesh.join('web-1', zone='eu-1', labels={'tier': 'web'})
    mesh.apply(policy('checkout', '10.0.0.1'),
               policy('zoned', '10.0.0.2', when={'node': {'zone': 'eu-1'}}),
               policy('other', '10.0.0.3', when={'node': {'zone': 'us-1'}}))
    wait_same(mesh, node)
    equal(answers(node, 'checkout.shop.mesh'), '10.0.0.1')
    equal(answers(node, 'zoned.shop.mesh'), '10.0.0.2')
    equal(answers(node, 'other.shop.mesh'), '', 'a rule for other nodes')

    mesh.apply(policy('checkout', '10.0.0.9'), deletes=['zoned'])
    wait_same(mesh, node)
    equal(answers(node, 'checkout.shop.mesh'), '10.0.0.9')
    equal(answers(node, 'zoned.shop.mesh'), '')
    mesh.apply(policy('back', '10.0.0.7', reverse=True))
    wait_same(mesh, node)
    equal(node.ask(request='explain', name='10.0.0.7')['matched'], '10.0.0.7')
    equal(node.ask(request='explain', name='10.0.0.8')['matched'], '')

    for path, mode in ((os.path.join(node.state, 'node.key'), 0o600), (node.state, 0o700),
                       (os.path.join(node.state, 'state.db'), 0o600), (node.snapshot, 0o644),
                       (os.path.dirname(node.snapshot), 0o755), (node.socket, 0o666)):
        equal(oct(stat.S_IMODE(os.stat(path).st_mode)), oct(mode), path)

    said = node.ask(request='explain', name='Checkout.Shop.Mesh.')
    equal(said['matched'], 'checkout.shop.mesh')
    equal(said['protected'], False)
    contains(json.dumps(said['explanation']), '"policy": "checkout"')
    equal(node.ask(request='explain', name='nobody.knows')['matched'], '')
    equal(node.ask(request='sing')['error']['code'], 'usage')
    mesh.apply(policy('whose', '10.0.0.5', when={'uid': ['root', 'no-such-user-here']}))
    wait_same(mesh, node)
    status = node.status
    contains(' '.join(status['warnings']), "user 'no-such-user-here' is not known")
    equal(len(status['warnings']), 1, 'the number of warnings')
    equal((status['node'], status['connected'], status['fresh'], status['documents']),
          ('web-1', True, True, 4))
    status['counters'].pop('overtaken')  # by the welcome: no fault, and up to the scheduler
    equal({key: count for key, count in status['counters'].items() if count}, {}, 'the counters')
    node.stop()
    check(not os.path.exists(node.socket), 'the socket is still there after the end')


def test_the_last_good_state_serves_without_a_controller_even_after_a_reboot():
    mesh = Mesh()
    node = mesh.join('web-1')
    mesh.apply(policy('checkout', '10.0.0.1'))
    wait_same(mesh, node)
    mesh.kill()
    wait(lambda: not node.status['fresh'], what='the node notices')
    equal(node.status['connected'], False)
    contains(' '.join(node.status['warnings']), 'not known to be')
    node.kill()
    equal(answers(node, 'checkout.shop.mesh'), '10.0.0.1', 'with the agent killed')
    os.unlink(node.snapshot)  # /run is empty after a reboot
    node.start()
    equal(answers(node, 'checkout.shop.mesh'), '10.0.0.1', 'at start, before any controller')
    mesh.start()
    mesh.apply(policy('checkout', '10.0.0.2'))
    wait_same(mesh, node)
    equal(answers(node, 'checkout.shop.mesh'), '10.0.0.2')
    check(node.status['fresh'], 'the node is not fresh again')


def test_a_frozen_controller_makes_nodes_stale_and_they_serve_on():
    mesh = Mesh()
    node = mesh.join('web-1')
    mesh.apply(policy('checkout', '10.0.0.1'))
    wait_same(mesh, node)
    mesh.controller.signal(harness.signal.SIGSTOP)
    wait(lambda: not node.status['fresh'], what='the node is stale')
    node.syncd.wait_for(r'\bstale revision=')
    equal(answers(node, 'checkout.shop.mesh'), '10.0.0.1')
    node.syncd.signal(harness.signal.SIGSTOP)
    equal(answers(node, 'checkout.shop.mesh'), '10.0.0.1', 'with the agent frozen too')
    node.syncd.signal(harness.signal.SIGCONT)
    mesh.controller.signal(harness.signal.SIGCONT)
    wait(lambda: node.status['fresh'], what='the node is fresh again')


def silence_broadcasts(node):
    """Lets the node look for broadcasts where nobody speaks."""
    path = os.path.join(node.state, 'mesh.json')
    joined = json.loads(harness.read(path))
    joined['endpoints']['broadcast'] = f'tcp://127.0.0.1:{harness.free_port()}'
    harness.write(path, json.dumps(joined), 0o600)


# Resolves a name that is always there until the file is gone; says how often, and what went wrong.
STEADY = """
import os, socket, sys
found, wrong = 0, set()
while os.path.exists(sys.argv[1]):
    for _ in range(200):
        try:
            answer = socket.getaddrinfo('steady.shop.mesh', 80, type=socket.SOCK_STREAM)
            wrong |= {entry[4][0] for entry in answer} - {'10.7.7.7'}
        except OSError as failure:
            wrong.add(str(failure))
        found += 1
print(found, sorted(wrong))
"""


def kill_under_load(is_silent):
    mesh = Mesh()
    node = mesh.join('web-1', start=False)
    if is_silent:
        silence_broadcasts(node)
    node.start()
    mesh.apply(policy('steady', '10.7.7.7'))
    wait_same(mesh, node)
    goes_on = harness.write(os.path.join(node.folder, 'goes-on'), '')
    reader = harness.Process([harness.sys.executable, '-c', STEADY, goes_on], env=node.env)
    load = Load(mesh)
    moments = random.Random(11)
    for _ in range(KILLS):
        harness.time.sleep(moments.random() * 0.4)
        node.kill()
        run([harness.MESHCTL, 'snapshot', 'verify', '--snapshot', node.snapshot])
        node.start(wait=False)
    os.unlink(goes_on)
    reader.wait()
    found, wrong = reader.out.split(' ', 1)
    equal(wrong.strip(), '[]', 'what a program that ran all the time has met')
    check(int(found) > 1000, f'it has only asked {found} times')
    load.end()
    check(load.acknowledged > KILLS, f'only {load.acknowledged} changes were made')
    wait_same(mesh, node)

    # What programs see is what a node that was never killed compiles.
    other = mesh.join('web-2')
    wait_same(mesh, other)
    for number in range(load.names):
        name = f'p{number}.shop.mesh'
        equal(answers(node, name), answers(other, name), name)


def test_killed_at_random_moments_under_load_it_converges_to_the_same_digest():
    kill_under_load(False)


def test_the_same_with_broadcasts_that_never_come():
    kill_under_load(True)


def test_the_controller_is_killed_under_load_and_every_node_converges():
    mesh = Mesh()
    nodes = [mesh.join('web-1'), mesh.join('web-2', start=False)]
    silence_broadcasts(nodes[1])
    nodes[1].start()
    moments = random.Random(5)
    for round_ in range(KILLS // 4 + 1):
        for change in range(5):
            mesh.apply(policy(f'p{change}', f'10.2.{round_}.{change}'))
        harness.time.sleep(moments.random() * 0.2)
        mesh.kill()
        mesh.start()
    wait_same(mesh, *nodes)
    for node in nodes:
        equal(answers(node, 'p4.shop.mesh'), f'10.2.{KILLS // 4}.4')


def test_a_large_state_is_pulled_in_chunks():
    mesh = Mesh()
    fat = [{'address': f'10.{n // 250}.{n % 250}.7', 'labels': {'note': 'x' * 60}}
           for n in range(200)]
    for part in range(4):
        mesh.apply(*[{'policy': f'fat-{part}-{n}', 'domains': [f'fat-{part}-{n}.mesh'],
                      'destinations': fat} for n in range(60)])
    node = mesh.join('web-1')
    wait_same(mesh, node)
    equal(node.status['documents'], 240)
    check(answers(node, 'fat-3-59.mesh').endswith('.7'), 'the last one is not there')


def test_edits_of_the_hosts_file_and_the_search_list_take_effect():
    mesh = Mesh()
    node = mesh.join('web-1', start=False)
    hosts = harness.write(os.path.join(node.folder, 'hosts'), '127.0.0.1 localhost\n')
    resolv = harness.write(os.path.join(node.folder, 'resolv.conf'), 'nameserver 127.0.0.1\n')
    node.configure(f'hosts: {json.dumps(hosts)}\nresolv_conf: {json.dumps(resolv)}\n'
                   'protect: [safe.shop.mesh, "*.inner.mesh"]\n')
    node.start()
    mesh.apply(policy('checkout', '10.0.0.1'), policy('safe', '10.0.0.2'),
               policy('local', '10.0.0.3', domains=['localhost', 'a.localhost', 'a.inner.mesh']),
               policy('back', '10.0.0.4', reverse=True))
    wait_same(mesh, node)
    equal(answers(node, 'checkout.shop.mesh'), '10.0.0.1')
    for name in ('safe.shop.mesh', 'localhost', 'a.localhost', 'a.inner.mesh'):
        equal(answers(node, name), '', name)

    def becomes(name, address, why):
        wait(lambda: answers(node, name) == address, 20, why)

    with open(hosts, 'a') as file:  # in place
        file.write('192.0.2.1 Checkout.shop.mesh\n')
    becomes('checkout.shop.mesh', '', 'the name in the hosts file is protected')
    equal(node.ask(request='explain', name='checkout.shop.mesh')['protected'], True)
    harness.write(hosts, '127.0.0.1 localhost\n')  # by rename
    becomes('checkout.shop.mesh', '10.0.0.1', 'the name is free again')
    os.unlink(hosts)
    equal(answers(node, 'localhost'), '')
    harness.write(hosts, '10.0.0.4 somebody.else\n')
    wait(lambda: node.ask(request='explain', name='somebody.else')['protected'], 20,
         'the new file is read')

    equal(answers(node, 'checkout'), '')
    harness.write(resolv, 'search shop.mesh\noptions ndots:1\n')
    becomes('checkout', '10.0.0.1', 'the search list is in force')
    harness.write(resolv, 'search nowhere.mesh\n')
    becomes('checkout', '', 'the search list has changed')


def small_disk(size):
    """A tmpfs of `size`, and a way to fill it and free it again."""
    harness.needs_root()
    path = harness.folder()
    run(['mount', '-t', 'tmpfs', '-o', f'size={size},mode=0755', 'small', path])
    harness.defer(run, ['umount', '-l', path])
    return path


def fill(path):
    ballast = os.path.join(path, 'ballast')
    with open(ballast, 'wb', buffering=0) as file:
        try:
            while True:
                file.write(b'x' * 4096)
        except OSError:
            pass
    return ballast


def test_a_full_disk_refuses_the_change_and_the_old_state_serves():
    mesh = Mesh()
    node = mesh.join('web-1', start=False)
    disk = small_disk('4m')
    run(['cp', '-a', node.state, os.path.join(disk, 'state')])
    node.state = os.path.join(disk, 'state')
    node.start()
    mesh.apply(policy('checkout', '10.0.0.1'))
    wait_same(mesh, node)
    ballast = fill(disk)
    mesh.apply(*[policy(f'many-{n}', '10.0.0.2') for n in range(200)],
               policy('checkout', '10.0.0.9'))
    node.syncd.wait_for(r'\bnot-stored\b.*reason=')
    equal(node.status['revision'], 1)
    equal(answers(node, 'checkout.shop.mesh'), '10.0.0.1')
    os.unlink(ballast)
    wait_same(mesh, node)
    equal(answers(node, 'checkout.shop.mesh'), '10.0.0.9')


def test_a_full_tmpfs_keeps_the_old_records_and_is_mended():
    mesh = Mesh()
    node = mesh.join('web-1', start=False)
    disk = small_disk('2m')
    node.snapshot = os.path.join(disk, 'v1', 'snapshot')
    node.start()
    mesh.apply(policy('checkout', '10.0.0.1'))
    wait_same(mesh, node)
    ballast = fill(disk)
    fat = [{'address': f'10.9.{n // 250}.{n % 250}'} for n in range(1000)]
    for part in range(3):
        mesh.apply(*[{'policy': f'fat-{part}-{n}', 'domains': [f'fat-{part}-{n}.mesh'],
                      'destinations': fat} for n in range(8)])
    node.syncd.wait_for(r'\bnot-published\b.*reason=')
    contains(' '.join(node.status['warnings']), 'not up to date')
    equal(answers(node, 'checkout.shop.mesh'), '10.0.0.1')
    os.unlink(ballast)
    mesh.apply(deletes=[f'fat-{part}-{n}' for part in range(3) for n in range(8)])
    wait_same(mesh, node)
    node.syncd.wait_for(r'\bpublished revision=')


def test_a_revoked_node_is_refused_serves_on_and_asks_rarely():
    mesh = Mesh()
    node, other = mesh.join('web-1'), mesh.join('web-2')
    mesh.apply(policy('checkout', '10.0.0.1'))
    wait_same(mesh, node, other)
    mesh.api('DELETE', '/v1/nodes/web-1')
    node.syncd.wait_for(r'controller-refuses .*status=400')
    mesh.apply(policy('checkout', '10.0.0.2'))
    wait_same(mesh, other)
    equal(answers(node, 'checkout.shop.mesh'), '10.0.0.1')
    wait(lambda: not node.status['connected'], what='the revoked node knows that it is cut off')
    other.syncd.wait_for(r'\bepoch epoch=2')


def test_joining_is_refused_where_it_must_be():
    mesh, foreign = Mesh(), Mesh(name='foreign')
    invitation = mesh.invite('web-1')
    node = Node(mesh, 'web-1')

    done = node.join({**invitation, 'pin': foreign.made['pin']}, expect=69)
    check(not os.path.exists(os.path.join(node.state, 'mesh.json')), 'it joined all the same')
    key = harness.read(os.path.join(node.state, 'node.key'))

    open_file = harness.write(os.path.join(node.folder, 'open.json'), json.dumps(invitation), 0o644)
    done = run([harness.SYNCD, 'join', '--state', node.state, open_file], expect=77)
    contains(done.err, 'chmod')

    node.join('{"meshdns_invitation": 2}', expect=65)
    node.join('{}', expect=65)
    node.join({**invitation, 'sign_key': foreign.invite('x')['sign_key']}, expect=77)

    again = mesh.invite('web-2')  # the last one is used up
    other = Node(mesh, 'web-2')
    other.join(again)
    contains(other.join(again, expect=65).err, 'member of a mesh already')
    third = Node(mesh, 'web-3')
    contains(third.join(again, expect=77).err, 'hint:')
    equal(harness.read(os.path.join(node.state, 'node.key')), key, 'the key of a join')
    node.syncd = None
    done = run([harness.SYNCD, 'run', '--state', node.state, '--snapshot', node.snapshot,
                '--socket', node.socket], expect=78)
    contains(done.err, 'has not joined a mesh')


def test_a_second_agent_is_turned_away():
    mesh = Mesh()
    node = mesh.join('web-1')
    done = run([harness.SYNCD, 'run', '--config', node.config, '--state', node.state, '--snapshot',
                node.snapshot, '--socket', node.socket + '2'], expect=75)
    check(done.err.strip(), 'it says nothing')
    check(node.status, 'the first one does not answer any more')


def talk(node, text, limit=10):
    client = socket.socket(socket.AF_UNIX)
    client.connect(node.socket)
    client.settimeout(limit)
    try:
        client.sendall(text)
    except OSError:
        pass
    return client


def test_the_local_socket_bounds_what_anybody_may_do_to_it():
    mesh = Mesh()
    node = mesh.join('web-1')
    idle = [talk(node, b'{"request":') for _ in range(40)]
    for text in (b'\n', b'{}\n', b'[1]\n', b'x' * 5000 + b'\n', b'[' * 4000 + b'\n', b'\xff\n'):
        client = talk(node, text)
        try:
            client.recv(1 << 16)
        except OSError:
            pass
        client.close()
    wait(lambda: node.status, 30, 'the agent answers beside 40 idle clients')
    for client in idle:
        equal(client.recv(10), b'', 'what an idle client hears')
        client.close()
    check(node.syncd.is_running, 'the agent ended')


def test_a_snapshot_folder_that_others_may_write_is_refused():
    mesh = Mesh()
    node = mesh.join('web-1', start=False)
    open_folder = os.path.join(node.folder, 'open')
    os.mkdir(open_folder)
    os.chmod(open_folder, 0o777)
    done = run([harness.SYNCD, 'run', '--state', node.state, '--socket', node.socket,
                '--snapshot', os.path.join(open_folder, 'snapshot')], expect=77)
    contains(done.err, 'chmod go-w')


def test_its_own_look_ups_pass_meshdns_by_and_reach_a_controller_known_by_name():
    network = Network()
    machine = Machine(network, 'web')
    machine.nsswitch('meshdns [NOTFOUND=return] files dns')
    machine.install_nss()
    machine.hosts(f'{machine.address} boss.test\n')
    mesh = Mesh(machine)
    node = mesh.join('web-1', start=False)
    path = os.path.join(node.state, 'mesh.json')
    joined = json.loads(harness.read(path))
    for channel, port in (('node', 7440), ('broadcast', 7441)):
        joined['endpoints'][channel] = f'tcp://boss.test:{port}'
    harness.write(path, json.dumps(joined), 0o600)
    node.configure('hosts: /etc/hosts-of-nobody\n')  # the file does not protect the name
    mesh.apply({'policy': 'trap', 'domains': ['boss.test', '*.test'], 'action': 'deny'})
    node.start()
    wait(lambda: (node.status or {}).get('revision') == 1, 30, 'the node is connected by name')
    equal(node.ask(request='explain', name='boss.test')['protected'], True)
    harness.equal(run(['getent', 'hosts', 'other.test'], machine=machine, expect=2).out, '')
    maps = harness.read(f'/proc/{node.syncd.pid}/maps')
    check('libnss_meshdns' not in maps, 'the agent has loaded the NSS module')
    contains(run(['getent', 'hosts', 'boss.test'], machine=machine).out, machine.address)


def test_words_and_exit_codes_are_those_of_the_house():
    contains(run([harness.SYNCD, '--help']).out, 'usage: meshdns-syncd COMMAND')
    for words in [], ['join'], ['run']:
        text = run([harness.SYNCD, *words, '--help']).out
        contains(text, ' '.join(['usage: meshdns-syncd', *words, '']))
        check(max(map(len, text.splitlines())) <= 80, f'{words} --help is wider than 80')
    matches(run([harness.SYNCD, '--version']).out, r'^meshdns-syncd \d')
    contains(run([harness.SYNCD, 'rum'], expect=64).err, 'did you mean `meshdns-syncd run`?')
    contains(run([harness.SYNCD, 'run', '--stat3', '/x'], expect=64).err, 'did you mean --state?')
    run([harness.SYNCD], expect=64)
    run([harness.SYNCD, 'run', 'now'], expect=64)
    contains(run([harness.SYNCD, 'join'], expect=64).err, 'join: FILE|- is missing')
    contains(run([harness.SYNCD, 'run', '--reconnect', '5'], expect=64).err, '--reconnect')
    bad = harness.write(os.path.join(harness.folder(), 'syncd.yaml'), 'stat: /x\n')
    contains(run([harness.SYNCD, 'run', '--config', bad], expect=78).err, "did you mean 'state'?")


def test_the_manual_tells_every_counter_option_and_key_and_its_examples_are_read():
    mesh = Mesh()
    node = mesh.join('web-1')
    page = harness.read(os.path.join(harness.SOURCE, 'man', 'meshdns-syncd.8'))
    for counter in node.status['counters']:
        contains(page, f'.It {counter}\n', 'the manual')
    options = harness.re.findall(r'^  --([a-z-]+) ', run([harness.SYNCD, 'run', '--help']).out,
                                 harness.re.M)
    equal(len(options), 7, 'the number of options')
    for option in options:
        contains(page, f'.It Fl -{option} ', 'the manual')

    page = harness.read(os.path.join(harness.SOURCE, 'man', 'meshdns.conf.5'))
    blocks = harness.re.findall(r'^\.Bd -literal.*?\n(.*?)^\.Ed', page, harness.re.M | harness.re.S)
    node.stop()
    node.configure(blocks[1])
    node.start()
    equal(node.ask(request='explain', name='a.corp.example')['protected'], True)
    equal(node.ask(request='explain', name='corp.example')['protected'], False)


if __name__ == '__main__':
    harness.main()
