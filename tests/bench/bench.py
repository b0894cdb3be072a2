"""bench.py - what a look-up costs: the shim, NSS and glibc's files, next to a bare table.

Each way of answering is a process of its own that waits for orders (calls.c). A round orders one
batch from each in turn, so that whatever else the machine does meets all of them. A ratio is the
median of the rounds' ratios: what disturbs one round disturbs both of its sides.
Instructions come from callgrind: the difference of two runs, so that starting a process costs
nothing.

NSS is measured in machines of their own (tests/system/netns.py), with its module alone on the
hosts: line; beside it stands a module that does nothing, which shows what glibc itself takes.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys

TOP = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..'))
sys.path.insert(0, os.path.join(TOP, 'tests', 'system'))

import harness  # noqa: E402
from netns import Machine, Network  # noqa: E402

CALLS = os.path.join(harness.BUILD, 'tests', 'bench', 'bench_calls')
CONSTANT = os.path.join(harness.BUILD, 'tests', 'programs', 'libnss_constant.so.2')
OUT = os.environ.get('MESHDNS_BENCH', os.path.join(harness.BUILD, 'bench'))
ROUND_NS = 20e6  # what a batch should take
MOST_RATIO, MOST_INSTRUCTIONS = 2.0, 900  # the aims, for a hit through the shim


def name(number):
    return f'svc{number:07}.team26.mesh.internal'


def address(number):
    return f'10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}'


def policies(names, destinations):
    """One policy a name, each with so many destinations."""
    for number in range(names):
        yield f'---\npolicy: svc{number:07}\ndomains: [{name(number)}]\ndestinations:\n'
        for one in range(destinations):
            yield f'  - {{address: {address(number * destinations + one)}, weight: {10 + one}}}\n'


def compile_snapshot(folder, names, destinations):
    source = os.path.join(folder, 'policies.yaml')
    with open(source, 'w') as file:
        file.writelines(policies(names, destinations))
    snapshot = os.path.join(folder, 'snapshot')
    harness.run([harness.MESHCTL, 'snapshot', 'compile', source, '-o', snapshot], limit=1800)
    os.chmod(folder, 0o755)
    return snapshot


def machine(network, sources, snapshot, names):
    """A machine whose hosts: line is `sources`."""
    made = Machine(network, sources)
    made.install_nss()
    made.install_nss(CONSTANT, 'libnss_constant.so.2')
    made.nsswitch(sources)
    os.makedirs(made.path('/run/meshdns/v1'))
    shutil.copyfile(snapshot, made.path('/run/meshdns/v1/snapshot'))
    if sources == 'files':
        made.hosts(''.join(f'{address(number)} {name(number)}\n' for number in range(names)))
    return made


class Way:
    """One way to answer: a process that makes calls when told to."""

    def __init__(self, title, names, destinations, mode='libc', preload=None, machine=None):
        self.title, self.machine = title, machine
        self.argv = [CALLS, mode, names, destinations]
        self.env = preload or {}
        self.rounds = []
        self.child = subprocess.Popen(harness._command(self.argv, machine),
                                      env=harness._environment(self.env), text=True, bufsize=1,
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        harness.defer(self._end)
        self.batch = max(1, round(ROUND_NS / self._call(self._call_until_warm(names))))

    def _call(self, count):
        self.child.stdin.write(f'{count}\n')
        took, failed = self.child.stdout.readline().split()
        harness.equal(failed, '0', f'failed look-ups, {self.title}')
        return float(took)

    def _call_until_warm(self, names):
        """Returns a count that takes about a millisecond, with every page touched before."""
        if self._call(1) < 1e6:
            self._call(min(3 * names, 300000) if self.machine is None else min(names, 20000))
        return max(1, round(1e6 / self._call(1)))

    def round(self):
        self.rounds.append(self._call(self.batch))

    @property
    def median(self):
        return statistics.median(self.rounds)

    def ratio(self, floor):
        return statistics.median(mine / its for mine, its in zip(self.rounds, floor.rounds))

    def instructions(self, few, many):
        """User instructions of one call."""
        counts = []
        for calls in (few, many):
            done = harness.run(['valgrind', '--tool=callgrind', '--callgrind-out-file=/dev/null',
                                *self.argv, calls], machine=self.machine, env=self.env, limit=600)
            counts.append(int(harness.matches(done.err, r'Collected : (\d+)').group(1)))
        return (counts[1] - counts[0]) / (many - few)

    def _end(self):
        self.child.stdin.close()
        self.child.wait()
        self.child.stdout.close()


def ways(network, names, destinations):
    snapshot = compile_snapshot(harness.folder(), names, destinations)
    shim = {'LD_PRELOAD': preload_path(), 'MESHDNS_SNAPSHOT': snapshot}
    made = [Way('bare', names, destinations, mode='bare'),
            Way('shim', names, destinations, preload=shim)]
    for title, sources in (('nss', 'meshdns'), ('constant', 'constant'), ('files', 'files')):
        made.append(Way(title, names, destinations,
                        machine=machine(network, sources, snapshot, names)))
    return made


def preload_path():
    """LD_PRELOAD splits at spaces and colons: a link stands in."""
    link = os.path.join(harness.folder(), 'preload.so')
    os.symlink(harness.PRELOAD, link)
    return link


def measure(network, names, destinations, rounds):
    compared = ways(network, names, destinations)
    for number in range(rounds):
        for way in compared:
            if way.title != 'files' or names < 100000 or number < 3:
                way.round()
    rows = []
    for way in compared:
        slow = way.title == 'files'
        row = {'way': way.title, 'names': names, 'destinations': destinations,
               'ns': round(way.median, 1), 'least_ns': round(min(way.rounds), 1),
               'ratio': round(way.ratio(compared[0]), 2)}
        if not (slow and names >= 100000):
            row['instructions'] = round(way.instructions(*((5, 25) if slow else (1000, 3000))))
        rows.append(row)
    return rows


TITLES = {'bare': 'bare table', 'shim': 'shim', 'nss': 'NSS module',
          'constant': 'NSS, empty module', 'files': 'glibc files'}


def table(rows):
    yield (f'{"names":>7} {"dest.":>5}  {"answered by":<18} {"ns/call":>11} {"x bare":>9} '
           f'{"instructions":>12}')
    for row in rows:
        yield (f'{row["names"]:>7} {row["destinations"]:>5}  {TITLES[row["way"]]:<18} '
               f'{row["ns"]:>11,.0f} {row["ratio"]:>9,.2f} {row.get("instructions", "-"):>12}')


def verdict(rows):
    """The aims, against all of the shim's rows."""
    hits = [row for row in rows if row['way'] == 'shim']
    ratio, instructions = max(r['ratio'] for r in hits), max(r['instructions'] for r in hits)
    yield f'shim, hit: at most {ratio:.2f} x bare (aim {MOST_RATIO:.2f})', ratio <= MOST_RATIO
    yield (f'shim, hit: at most {instructions} instructions (aim {MOST_INSTRUCTIONS})',
           instructions <= MOST_INSTRUCTIONS)


def main():
    sizes = [int(word) for word in sys.argv[2:]] or [1, 1000, 100000]
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    network, rows = Network(), []
    for names in sizes:
        for destinations in (1, 4):
            rows += measure(network, names, destinations, rounds)
            print(f'measured: {names} names, {destinations} destinations', file=sys.stderr)
    lines = [*table(rows), '']
    verdicts = list(verdict(rows))
    lines += [f'{"met   " if is_met else "MISSED"} {text}' for text, is_met in verdicts]
    os.makedirs(OUT, exist_ok=True)
    harness.write(os.path.join(OUT, 'bench.txt'), '\n'.join(lines) + '\n')
    harness.write(os.path.join(OUT, 'bench.json'), json.dumps(rows, indent=1) + '\n')
    print('\n'.join(lines))
    return 0 if all(is_met for _, is_met in verdicts) else 1


if __name__ == '__main__':
    with harness._file_scope:
        code = main()
    sys.exit(code)
