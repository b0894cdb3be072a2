"""ways.py - the ways to answer a look-up, each a process that waits for orders (calls.c), on a
machine of its own (tests/system/netns.py): nothing of this machine's resolver is touched or asked.
"""

import contextlib
import itertools
import os
import re
import shutil
import statistics
import subprocess

import harness
from modules import CONSTANT, preload
from netns import Machine, Network

FOLDER = os.path.join(harness.BUILD, 'tests', 'bench')
CALLS = os.path.join(FOLDER, 'bench_calls')
FILL = os.path.join(FOLDER, 'bench_fill')
STUB = os.path.join(FOLDER, 'libbench_stub.so')
EMPTY = os.path.join(FOLDER, 'libbench_empty.so')
SNAPSHOT = '/run/meshdns/v1/snapshot'
LARGE = 100000  # names that do not fit into a core's own caches
CHECKED = 20000  # answers that are looked at before anything is timed


@harness.once
def network():
    return Network()


_numbers = itertools.count(1)


def machine(sources='files'):
    made = Machine(network(), f'bench-{next(_numbers)}')
    made.nsswitch(sources)
    return made


def fill(on, names, destinations=1, answers=1, wildcards=()):
    """Puts a snapshot in place on a machine. Its /run is a tmpfs, as on a real one."""
    path = on.path(SNAPSHOT)
    empty(on)
    os.makedirs(os.path.dirname(path))
    harness.run([FILL, path, names, destinations, answers, *wildcards], limit=600)
    return path


def empty(on):
    """Takes the snapshot away: a machine stays until the end, and its memory with it."""
    shutil.rmtree(on.path(os.path.dirname(SNAPSHOT)), ignore_errors=True)


class Way:
    """One process. title is what tables call it; env adds to its environment."""

    def __init__(self, title, names, destinations=1, answers=1, mode='libc', on=None, env=None):
        self.title, self.on, self.names = title, on or machine(), names
        self.argv = [CALLS, mode, names, destinations, answers]
        self.env = env or {}
        self.times = {}  # by kind of call: nanoseconds, one for each round
        self.batch = {}
        self._start()
        harness.defer(self.end)

    def _start(self):
        self.child = subprocess.Popen(
            harness._command(self._argv(self.argv), self.on), env=harness._environment({}),
            text=True, bufsize=1, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        with contextlib.suppress(PermissionError):  # before all others, where that is allowed
            os.sched_setscheduler(self.child.pid, os.SCHED_RR, os.sched_param(1))

    def _stop(self):
        self.child.stdin.close()
        self.child.wait()
        self.child.stdout.close()

    def restart(self):
        """Where a process's stack and heap happen to lie changes 20 ns by 3: each round has others.
        """
        self._stop()
        self._start()

    def _argv(self, argv, before=()):
        """The environment is set behind all helpers that start the program."""
        return ['env', *(f'{key}={value}' for key, value in self.env.items()), *before, *argv]

    def order(self, *words):
        self.child.stdin.write(' '.join(map(str, words)) + '\n')
        answer = self.child.stdout.readline().split()
        harness.check(answer, f'{self.title} died of {words}')
        return answer

    def check(self, kind, count=CHECKED):
        """Claims that this way answers as it should: what a wrong answer takes is no measure."""
        wrong, first = self.order('check', kind, count)
        harness.equal(wrong, '0', f'wrong answers by {self.title}, {kind}, the first for {first}')
        return self

    def call(self, kind, count, threads=None):
        took, failed = self.order(kind, count, *([] if threads is None else [threads]))
        harness.equal(failed, '0', f'failed look-ups by {self.title}, {kind}')
        return float(took)

    def ready(self, kind, batch_ns):
        """Finds out how many calls take batch_ns, once all is warm."""
        if kind not in self.batch:
            took, count = self.call(kind, 1), 1
            while count < 3 * self.names and took * count < 1e9:
                count *= 4
                took = self.call(kind, count)
            self.batch[kind] = max(1, round(batch_ns / took))
        return self.batch[kind]

    def round(self, kind):
        """One batch that counts, behind one that warms what the others cooled."""
        count = self.batch[kind]
        self.call(kind, count)
        self.times.setdefault(kind, []).append(self.call(kind, count))

    def ns(self, kind):
        return statistics.median(self.times[kind])

    def _callgrind(self, kind, count):
        done = harness.run(self._argv([*self.argv, kind, count], [
            'valgrind', '--tool=callgrind', '--callgrind-out-file=/dev/null']),
            machine=self.on, limit=900)
        return int(harness.matches(done.err, r'Collected : (\d+)').group(1))

    def instructions(self, kind, few=1000, many=3000):
        """User instructions of one call, without the loop around it."""
        bare_loop = self._callgrind('empty', many) - self._callgrind('empty', few)
        return (self._callgrind(kind, many) - self._callgrind(kind, few) - bare_loop) / (many - few)

    def system_calls(self, kind, count):
        """The system calls of a process that makes so many look-ups, one line each."""
        trace = os.path.join(harness.folder(), 'trace')
        harness.run(['strace', '-f', '-qq', '-e', 'signal=none', '-o', trace,
                     *self._argv([*self.argv, kind, count])], machine=self.on, limit=300)
        return harness.read(trace).splitlines()

    def system_calls_each(self, kind, few=10, many=1010):
        """Of one call, start and end of the process not counted."""
        return (len(self.system_calls(kind, many)) - len(self.system_calls(kind, few))) / \
            (many - few)

    def end(self):
        """Gives back the process and its snapshot; the machine goes with the others."""
        if not self.child.stdin.closed:
            self._stop()
            empty(self.on)


def rounds(tasks, count, batch_ns):
    """Interleaves (way, kind) tasks; every second round goes backwards, so that what drifts meets
    both sides of a ratio alike."""
    for way, kind in tasks:
        way.ready(kind, batch_ns)
    for number in range(count):
        for way in {way for way, _ in tasks if way.names <= LARGE}:
            way.restart()
        for way, kind in tasks if number % 2 == 0 else reversed(tasks):
            way.round(kind)


def ratio(mine, its):
    """The median of the rounds' ratios of two (way, kind)."""
    pairs = zip(mine[0].times[mine[1]], its[0].times[its[1]])
    return statistics.median(left / right for left, right in pairs)


def bare(names, destinations=1, answers=1):
    return Way('bare table', names, destinations, answers, mode='bare').check('v4').check('miss')


def shim(names, destinations=1, answers=1, wildcards=(), behind=()):
    """Programs under the shim; behind it other preloaded libraries."""
    on = machine()
    fill(on, names, destinations, answers, wildcards)
    env = {'LD_PRELOAD': ' '.join([preload(), *map(_without_spaces, behind)])}
    made = Way('shim', names, destinations, answers, on=on, env=env).check('v4').check('any')
    return made.check('miss') if behind else made


def nss(names):
    on = machine('meshdns')
    on.install_nss()
    fill(on, names)
    return Way('NSS module', names, on=on).check('v4')


def nss_constant(names):
    on = machine('constant')
    on.install_nss(CONSTANT, 'libnss_constant.so.2')
    return Way('NSS, constant', names, destinations=0, on=on).check('v4')


def _without_spaces(library):
    """LD_PRELOAD splits at spaces and colons: a link stands in."""
    if not re.search('[ :]', library):
        return library
    link = os.path.join(harness.folder(), os.path.basename(library))
    os.symlink(library, link)
    return link
