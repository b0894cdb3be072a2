"""rows.py - what is measured, and what each measure must reach.

A row is a dictionary: key, what is measured, the value, the aim, and is_met, which is None where
this machine cannot tell. Every measure of a set of names is taken in the same interleaved rounds.
"""

import os
import statistics

import harness
import ways
from harness import Failure
from modules import preload
from ways import ratio

SMALL_NS, LARGE_NS = 20e6, 80e6  # what a batch takes; large sets have to come into the caches
DEPTHS = ['*.one', '*.two.example', '*.three.example.one']  # wildcards of 1, 2 and 3 labels
FREE = 1.95  # two spinning threads do so many times the work of one where both cores are free


def row(key, measure, value, most=None, least=None, unit='x', note=''):
    aim = most if least is None else least
    is_met = None if value is None or aim is None else \
        value <= most if least is None else value >= least
    return {'key': key, 'measure': measure, 'value': value, 'unit': unit, 'note': note,
            'aim': None if aim is None else f'{"<=" if least is None else ">="} {aim:g}',
            'is_met': is_met}


def _names(count):
    return f'{count:,} name{"s" * (count != 1)}'


class Size:
    """The ways that answer for a set of so many names, and their times."""

    def __init__(self, names):
        self.names = names
        self.tasks, self.made = [], {}

    def add(self, key, kind, make, *arguments, **keywords):
        if key not in self.made:
            self.made[key] = make(*arguments, **keywords)
        self.tasks.append((self.made[key], kind))
        return self.tasks[-1]

    def measure(self, rounds):
        ways.rounds(self.tasks, rounds, LARGE_NS if self.names >= ways.LARGE else SMALL_NS)

    def times(self):
        """For the table of times and the plot."""
        for key, way in self.made.items():
            for kind in way.times:
                yield {'way': key, 'kind': kind, 'names': self.names,
                       'destinations': way.argv[3], 'ns': round(way.ns(kind), 1),
                       'least_ns': round(min(way.times[kind]), 1)}

    def changes(self):
        """What one change of one name costs where it is a way's own business. Comes last: nothing
        answers as before behind it."""
        if 'bare' in self.made:
            took, failed = self.made['bare'].order('change', 100000)
            harness.equal(failed, '0', 'failed changes of the bare table')
            yield {'way': 'bare', 'names': self.names, 'ns': float(took)}
        if 'nscd' in self.made:
            yield {'way': 'nscd', 'names': self.names, 'ns': self.made['nscd'].changes_ns()}

    def end(self):
        for way in self.made.values():
            way.end()


def hits(size):
    """One address, through the shim and from the bare table."""
    names = size.names
    bare, shim = size.add('bare', 'v4', ways.bare, names), size.add('shim', 'v4', ways.shim, names)

    def rows():
        yield row(f'hit-{names}', f'hit, 1 address, {_names(names)}, to the bare table',
                  ratio(shim, bare), most=1.5 if names < ways.LARGE else 1.15)
        if names == 1000:
            yield row('hit-instructions', 'hit, user instructions, the loop subtracted',
                      shim[0].instructions('v4'), most=700, unit='',
                      note=f'bare table {bare[0].instructions("v4"):.0f}')
            yield row('hit-calls', 'hit, system calls', shim[0].system_calls_each('v4'), most=0,
                      unit='')
    return rows


def lists(size):
    bare = size.add('bare-4', 'v4', ways.bare, size.names, 4, 4)
    shim = size.add('shim-4', 'v4', ways.shim, size.names, 4, 4)

    def rows():
        yield row(f'list-{size.names}',
                  f'hit, 4 addresses, {size.names:,} names, to a bare table with 4',
                  ratio(shim, bare), most=1.35)
    return rows


def misses(size):
    """In front of a stub, with 0 to 3 depths of wildcards in use."""
    names = size.names
    floor = size.add('bare', 'miss', ways.bare, names)
    tried = [size.add(f'shim-depths-{depth}', 'miss', ways.shim, names,
                      wildcards=DEPTHS[:depth], behind=[ways.STUB]) for depth in range(4)]

    def rows():
        none = ratio(tried[0], floor)
        yield row('miss', f'miss, {names:,} names, to the bare table', none, most=1.5)
        for depth in range(1, 4):
            more = ratio(tried[depth], floor) - none
            yield row(f'miss-depths-{depth}',
                      f'miss, added by {depth} wildcard depth{"s" * (depth > 1)} in use', more,
                      most=depth)
    return rows


def against_nscd(size):
    import nscd
    shim = size.add('shim', 'any', ways.shim, size.names)
    try:
        cache = size.add('nscd', 'any', nscd.Nscd, size.names)
    except Failure as failure:
        reason = str(failure).splitlines()[0]
        return lambda: [row(f'nscd-{size.names}', f'nscd, {_names(size.names)}, to the shim', None,
                            least=1.5, note=reason)]

    def rows():
        yield row(f'nscd-{size.names}',
                  f'nscd\'s shared mapping, {_names(size.names)}, AF_UNSPEC, to the shim',
                  ratio(cache, shim), least=1.5)
    return rows


def through_nss(size):
    module = size.add('nss', 'v4', ways.nss, size.names)
    constant = size.add('nss-constant', 'v4', ways.nss_constant, size.names)

    def rows():
        yield row('nss', f'through NSS, {size.names:,} names, to a module that returns a constant',
                  ratio(module, constant), most=1.1)
        more = module[0].system_calls_each('v4') - constant[0].system_calls_each('v4')
        yield row('nss-calls', 'through NSS, system calls more than with that module', more, most=0,
                  unit='', note=f'{constant[0].system_calls_each("v4"):g} with it')
    return rows


def threads(rounds, names=1000):
    """By the clock on the wall, so only rounds count in which both cores were free."""
    shim = ways.shim(names)
    calls, spins = shim.ready('v4', 50e6), shim.ready('spin', 20e6)

    def rate(kind, count):
        return 2 * shim.call(kind, count, 1) / shim.call(kind, count, 2)
    gains, controls = [], []
    for _ in range(6 * rounds):
        before, gain, behind = rate('spin', spins), rate('v4', calls), rate('spin', spins)
        controls.append(min(before, behind))
        if controls[-1] >= FREE:
            gains.append(gain)
        if len(gains) == rounds:
            break
    note = f'{len(gains)} rounds of {len(controls)} had both cores'
    enough = len(gains) >= min(3, rounds)
    yield row('threads', f'2 threads, {names:,} names, to one', statistics.median(gains) if enough
              else None, least=1.9, note=note if enough else
              f'{note}: the cores are not free, two spinning threads do '
              f'{statistics.median(controls):.2f} x one')
    yield row('threads-written', 'parts of the shim that look-ups write and threads share',
              _written(shim), most=0, unit='')
    shim.end()


def _written(shim):
    """Looks up with all data of the shim read-only: whoever writes there is killed."""
    sealed = shim.order('seal', shim.env['LD_PRELOAD'])
    harness.check(sealed != ['0'], 'nothing was sealed')
    try:
        for kind in ('v4', 'any'):
            shim.call(kind, 10000, 2)
            shim.check(kind)
    except Failure:
        return 1
    return 0


def start(names):
    """What preloading costs a program that looks nothing up, beside a library that does nothing."""
    on, folder = ways.machine(), harness.folder()
    ways.fill(on, names)
    libraries = {}
    for title, library in (('shim', preload()), ('none', ways.EMPTY)):
        libraries[title] = os.path.join(folder, title + '.so')  # names of one length
        os.symlink(os.path.realpath(library), libraries[title])

    def run(title, *before, program=('/bin/true',)):
        words = [f'LD_PRELOAD={libraries[title]}'] if title in libraries else []
        return harness.run(['env', *words, *before, *program], machine=on, limit=300)

    def instructions(title):
        done = run(title, 'valgrind', '--tool=callgrind', '--callgrind-out-file=/dev/null')
        return int(harness.matches(done.err, r'Collected : (\d+)').group(1))

    def trace(title, *program):
        path = os.path.join(folder, 'trace')
        words = [f'--env=LD_PRELOAD={libraries[title]}'] if title in libraries else []
        harness.run(['strace', '-f', '-qq', *words, '-o', path, *program], machine=on, limit=300)
        return harness.read(path).splitlines()

    alone = instructions('alone')
    added = {title: instructions(title) - alone for title in libraries}
    shim, none = (len(trace(title, '/bin/true')) for title in ('shim', 'none'))
    note = f'{names:,} policies'
    yield row('start-calls', 'process start, system calls more than with an empty library',
              shim - none, most=0, unit='', note=note)
    yield row('start-instructions', 'process start, instructions added, to an empty library',
              added['shim'] / added['none'], most=1.2,
              note=f'{added["shim"]} to {added["none"]}')

    def opened(calls):
        return sum('/meshdns/' in line for line in
                   trace('shim', ways.CALLS, 'libc', '1', '1', '1', 'v4', calls))
    harness.check(opened(1) > 0, 'the first look-up opens the snapshot')
    yield row('start-opened', 'process start, files of ours opened before the first look-up',
              opened(0), most=0, unit='')
    ways.empty(on)
