"""hostile.py - two machines for the programs of tests/hostile, and how a case is run on them."""

import os

import harness
from harness import equal
from modules import PUBLISH, SNAPSHOT, Way, compile_to, preload, preloadable

PROGRAMS = os.path.join(harness.BUILD, 'tests', 'hostile')
HOSTILE = os.path.join(PROGRAMS, 'hostile')
BEHIND = os.path.join(PROGRAMS, 'libbehind.so')
CALLER = os.path.join(PROGRAMS, 'libcaller.so')
MODULE = {'HOSTILE_MODULE': '/run/lib/libnss_meshdns.so.2'}
POLICIES = '''
policy: hit
domains: [hit.mesh]
destinations: [{address: 10.0.1.4}]
---
policy: many
domains: [many.mesh]
destinations: [%s]
---
policy: app
domains: [app.mesh]
when: {app: nobody}
destinations: [{address: 10.0.1.1}]
''' % ', '.join(f'{{address: 10.0.2.{i}}}' for i in range(1, 9))
HOSTS = '192.0.2.9 miss.example\n192.0.2.4 hit.mesh\n'  # what libc says for itself


@harness.once
def ways():
    """The shim and NSS, each with /etc/hosts behind it."""
    harness.needs_root()
    return [Way('shim', 'files', {'LD_PRELOAD': preload()}),
            Way('nss', 'meshdns [NOTFOUND=return] files', MODULE)]


@harness.once
def silent_ways():
    """The same, with something behind them that answers without a system call."""
    harness.needs_root()
    return [Way('shim', 'files', {'LD_PRELOAD': f'{preload()}:{preloadable(BEHIND)}'}),
            Way('nss', 'meshdns [NOTFOUND=return] constant', MODULE)]


@harness.once
def elsewhere():
    """A snapshot that some other root has."""
    path = os.path.join(harness.folder(), 'elsewhere')
    os.chmod(os.path.dirname(path), 0o755)
    return compile_to(path, POLICIES.replace('10.0.1.4', '10.0.1.9'))


def fresh(way, names=0):
    """The policies anew, as the agent would have them; with so many names more."""
    way.machine.hosts(HOSTS)
    folder = way.machine.path(os.path.dirname(SNAPSHOT))
    for name in os.listdir(folder):
        os.unlink(os.path.join(folder, name))
    way.publish(POLICIES)
    if names:
        way.machine.run([PUBLISH, SNAPSHOT, 'fill', names])


def environment():
    return {'HOSTILE_PUBLISH': PUBLISH, 'HOSTILE_SNAPSHOT': SNAPSHOT,
            'HOSTILE_ELSEWHERE': elsewhere(), 'HOSTILE_CALLER': CALLER}


def run(case, both, names=0, program=HOSTILE, env=None, prefix=(), limit=100):
    """One case, by each way. Fails with what the program says."""
    for way in both:
        fresh(way, names)
        found = way.run([*prefix, program, case], expect=None, limit=limit,
                        env={**environment(), **(env or {})})
        equal(found.code, 0, f'{case} by {way.title}, which says {found.err!r}: its exit code')
