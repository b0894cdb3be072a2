"""The controller dies, or comes back with an older store: what was acknowledged is there, or it
says what is not."""

import json
import os
import random
import shutil
import sqlite3
import threading
import time

import harness
from harness import LONG, check, contains, equal, run, wait
from mesh import Mesh, Refused
from peer import policy

KILLS = 50 if LONG else 8


class Load(threading.Thread):
    """Changes without pause, and a memory of what was acknowledged."""

    def __init__(self, mesh, seed):
        super().__init__(daemon=True)
        self.mesh, self.random = mesh, random.Random(seed)
        self.acknowledged, self.maybe = {}, {}  # name: weight (None = deleted); maybe: since then
        self.revision = self.count = 0
        self.is_over = False
        self.trouble = None

    def run(self):
        while not self.is_over:
            names = self.random.sample([f'load-{n}' for n in range(40)], self.random.randint(1, 5))
            wanted = {name: self.random.choice([None, self.random.randint(1, 60000)])
                      for name in names}
            for name, weight in wanted.items():
                self.maybe.setdefault(name, []).append(weight)
            try:
                answer = self.mesh.apply(*[policy(name, weight) for name, weight in wanted.items()
                                           if weight is not None],
                                         deletes=[name for name in names if wanted[name] is None])
            except (OSError, json.JSONDecodeError, Refused) as trouble:
                if isinstance(trouble, Refused) and trouble.status != 503:
                    self.trouble = trouble
                    return
                time.sleep(0.01)
                continue
            except Exception as trouble:  # http.client's many ways to say "cut off"
                if type(trouble).__module__ != 'http.client':
                    self.trouble = trouble
                    return
                continue
            self.revision, self.count = answer['revision'], self.count + 1
            for name, weight in wanted.items():
                self.acknowledged[name] = weight
                self.maybe[name] = []


def in_force(mesh):
    found, after = {}, ''
    while True:
        page = mesh.api('GET', f'/v1/policies?after={after}')
        for item in page['policies']:
            found[item['name']] = item['document']['destinations'][0]['weight']
        after = page['next']
        if not after:
            return found


def converged(mesh, node):
    """The node has the controller's digest, and its snapshot that revision."""
    def is_same():
        wanted, status = mesh.status, node.status
        return status and (status['revision'], status['digest']) == \
            (wanted['revision'], wanted['digest'])
    wait(is_same, 60, f'{node.name} converges')


def test_killed_under_load():
    """killed by SIGKILL at random moments under load, it has all that was acknowledged"""
    mesh = Mesh()
    nodes = [mesh.join('one'), mesh.join('two')]
    load, dice = Load(mesh, 7), random.Random(20261123)
    load.start()
    for _ in range(KILLS):
        seen = load.count
        wait(lambda: load.count > seen or load.trouble, 30, 'changes are acknowledged')
        time.sleep(dice.random() * 0.4)
        mesh.kill()
        mesh.start()
        known = load.revision
        check(mesh.status['revision'] >= known, f'the acknowledged revision {known} is lost')
    load.is_over = True
    load.join(30)
    check(not load.trouble, f'the load ended with {load.trouble!r}')
    found = in_force(mesh)
    for name, weight in load.acknowledged.items():
        check(found.get(name) in [weight, *load.maybe[name]],
              f'{name} is {found.get(name)}, acknowledged was {weight}, then {load.maybe[name]}')
    for node in nodes:
        converged(mesh, node)
    mesh.stop()
    store = sqlite3.connect(f'{mesh.state}/store.db')
    logged = [row[0] for row in store.execute('SELECT revision FROM log ORDER BY revision')]
    store.close()
    equal(logged, list(range(len(logged))), 'the log of revisions')
    check(load.count >= KILLS, f'only {load.count} changes')
    print(f'# {KILLS} kills, {load.count} acknowledged changes, {len(logged) - 1} revisions')


def test_silent_broadcasts():
    """with broadcasts that reach nobody every node converges by its own reports"""
    mesh = Mesh()
    node = mesh.join('deaf')
    mesh.stop()
    mesh.start('--listen-broadcast', f'{mesh.host}:{harness.free_port()}')
    load = Load(mesh, 11)
    load.start()
    for _ in range(KILLS // 4):
        seen = load.count
        wait(lambda: load.count > seen + 5 or load.trouble, 30, 'changes are acknowledged')
        mesh.kill()
        mesh.start('--listen-broadcast', f'{mesh.host}:{harness.free_port()}')
    load.is_over = True
    load.join(30)
    check(not load.trouble, f'the load ended with {load.trouble!r}')
    converged(mesh, node)
    revision = mesh.apply(policy('last', 1))['revision']
    node.wait_revision(revision, 10)


def copy_store(mesh, name):
    """A copy of the state of a stopped controller."""
    path = os.path.join(mesh.folder, name)
    shutil.copytree(mesh.state, path)
    return path


def restore_store(mesh, path):
    shutil.rmtree(mesh.state)
    shutil.copytree(path, mesh.state)


def test_restored_from_a_copy():
    """a store older than the mesh is noticed; changes are refused until recover"""
    mesh = Mesh()
    node = mesh.join('witness')
    mesh.apply(policy('old', 1))
    mesh.wait_current()
    mesh.stop()
    copy = copy_store(mesh, 'copy')
    mesh.start()
    for weight in range(2, 6):
        mesh.apply(policy('old', weight), policy('new', weight))
    mesh.wait_current()
    ahead = node.status
    mesh.stop()
    restore_store(mesh, copy)
    mesh.start()
    wait(lambda: mesh.status['read_only'], 60, 'the controller turns read-only')
    status = mesh.status
    contains(status['read_only_reason'], f'witness proves revision {ahead["revision"]}')
    contains(mesh.controller.err, 'read-only reason=')
    for call in [lambda: mesh.apply(policy('refused')), lambda: mesh.invite('x'),
                 lambda: mesh.api('DELETE', '/v1/policies/old')]:
        try:
            call()
            check(False, 'a change was taken')
        except Refused as no:
            equal((no.status, no.problem['title']), (503, 'try-again'))
            contains(no.problem['hint'], 'meshdns-controller recover')
    equal(node.status['digest'], ahead['digest'], 'what the node serves meanwhile')
    contains(mesh.recover(expect=75).err, 'another meshdns-controller uses this state folder')
    mesh.restart()
    equal(mesh.status['read_only'], True, 'read-only after a restart')
    mesh.stop()
    told = json.loads(mesh.recover('--json').out)
    equal(told['revision'], ahead['revision'] + 1, 'the recovered revision')
    contains(mesh.recover(expect=77).err, 'nothing to recover')
    mesh.start()
    converged(mesh, node)
    equal(in_force(mesh), {'old': 1}, 'the policies in force')
    check(mesh.status['epoch'] > status['epoch'], 'no new epoch')
    equal(mesh.apply(policy('again', 8))['revision'], told['revision'] + 1, 'the next revision')
    converged(mesh, node)
    equal(mesh.status['read_only'], False)


def test_same_revision_other_content():
    """the same revision with another content is noticed, too"""
    mesh = Mesh()
    node = mesh.join('witness')
    mesh.stop()
    copy = copy_store(mesh, 'copy')
    mesh.start()
    mesh.apply(policy('a', 1))
    mesh.wait_current()
    node.stop()
    mesh.stop()
    restore_store(mesh, copy)
    mesh.start()
    mesh.apply(policy('b', 1))
    equal(mesh.status['read_only'], False)
    node.start()
    wait(lambda: mesh.status['read_only'], 60, 'the controller turns read-only')
    contains(mesh.status['read_only_reason'], 'another content of revision 1')
    mesh.stop()
    mesh.recover()
    mesh.start()
    converged(mesh, node)
    equal(in_force(mesh), {'b': 1})


def test_recover_needs_a_reason():
    """recover on a healthy mesh changes nothing"""
    mesh = Mesh(start=False)
    contains(mesh.recover(expect=77).err, 'nothing to recover')
    run([harness.CONTROLLER, 'recover', '--state', os.path.join(mesh.folder, 'nope')], expect=78)


def test_large_state():
    """a state that fits no message reaches a new node in chunks, and a large change by a pull"""
    mesh = Mesh()
    first = mesh.join('first')
    many = 4000
    for start in range(0, many, 2000):
        mesh.apply(*[{**policy(f'p-{n}'), 'destinations': [{'address': f'10.{n % 250}.{i}.1',
                                                            'weight': n + 1} for i in range(40)]}
                     for n in range(start, start + 2000)])
    late = mesh.join('late')
    converged(mesh, first)
    converged(mesh, late)
    equal(late.status['documents'], many)
    mesh.apply(deletes=[f'p-{n}' for n in range(many)])
    converged(mesh, first)
    converged(mesh, late)
    equal(mesh.status['digest'], '00' * 32, 'the digest of nothing')


if __name__ == '__main__':
    harness.main()
