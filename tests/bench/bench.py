"""bench.py - every row of the table of speed, measured in one interleaved run.

    bench.py [ROUNDS [GROUP|SIZE...]]

Each way of answering is a process of its own that waits for orders (calls.c). A round orders one
batch from each in turn, so that whatever else the machine does meets all of them. A ratio is the
median of the rounds' ratios: what disturbs one round disturbs both of its sides. Times are of the
processor that the calling thread had, and it runs before all others where that is allowed, so that
a machine with other work to do shows the same. Instructions come from callgrind, as the difference
of two runs. Answers are checked before they are timed.

Start at rows.py (what is measured, the aims), then ways.py (who answers), report.py and plot.py.
"""

import os
import sys

TOP = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..'))
sys.path.insert(0, os.path.join(TOP, 'tests', 'system'))

import changes  # noqa: E402
import harness  # noqa: E402
import report  # noqa: E402
import rows  # noqa: E402

OUT = os.environ.get('MESHDNS_BENCH', os.path.join(harness.BUILD, 'bench'))
SIZES = [1, 1000, 100000, 1000000]  # names; the aims are for these
BETWEEN = [10, 100, 10000]  # for the plot
SIZED = {'hit': rows.hits, 'list': rows.lists, 'miss': rows.misses, 'nscd': rows.against_nscd,
         'nss': rows.through_nss}
ORDER = ['hit', 'list', 'nscd', 'miss', 'nss', 'threads', 'start', 'change', 'build', 'file',
         'text']  # of the rows, by the first word of their keys
AT_1000 = ('list', 'miss', 'nss')
GROUPS = [*SIZED, 'threads', 'start', 'change', 'build', 'text', 'grow']


class Run:
    """What was measured so far, as report.py writes it."""

    def __init__(self, rounds):
        self.rounds, self.rows, self.times, self.changes = rounds, [], [], []

    def size(self, names, groups, rounds):
        """All that is asked about one set of names, in the same rounds."""
        report.progress(f'{names:,} names')
        size = rows.Size(names)
        finish = [SIZED[group](size) for group in groups
                  if group in SIZED and (group not in AT_1000 or names == 1000)]
        size.measure(rounds)
        for made in finish:
            self.rows += made()
        self.times += size.times()
        self.changes += size.changes() if 'grow' in groups else []
        size.end()

    def sizes(self, groups, sizes):
        for names in sizes:
            self.size(names, groups, self.rounds)
        if 'grow' not in groups:
            return
        aimed, self.rows = self.rows, []
        for names in BETWEEN:
            self.size(names, ('hit', 'nscd', 'grow'), max(3, self.rounds // 2))
        self.rows = aimed
        for names in sorted({*sizes, *BETWEEN}):
            report.progress(f'{names:,} names, changes')
            self.changes.append(changes.until_seen(names))

    def others(self, groups, most):
        """What is asked of the largest set alone, or of none."""
        runs = max(3, self.rounds // 2)
        for group, measure in (('threads', lambda: rows.threads(self.rounds)),
                               ('start', lambda: rows.start(most)),
                               ('change', lambda: changes.change(most, runs)),
                               ('build', lambda: changes.build(most, runs)),
                               ('text', lambda: changes.text(most))):
            if group in groups:
                report.progress(group)
                self.rows += measure()


def main():
    harness.needs_root()
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    sizes = [int(word) for word in sys.argv[2:] if word.isdigit()] or SIZES
    groups = [word for word in sys.argv[2:] if not word.isdigit()] or GROUPS
    unknown = set(groups) - set(GROUPS)
    if unknown:
        print(f'bench: {", ".join(unknown)}: none of {", ".join(GROUPS)}', file=sys.stderr)
        return 64
    if 'grow' in groups:
        groups = [*dict.fromkeys(['hit', 'nscd', *groups])]
    machine = report.machine()
    run = Run(rounds)
    run.sizes(groups, sizes)
    run.others(groups, max(sizes))
    run.rows.sort(key=lambda row: ORDER.index(row['key'].split('-')[0]))
    machine['load_at_end'] = report.load()
    report.write(OUT, {'machine': machine, **vars(run)})
    return 1 if any(row['is_met'] is False for row in run.rows) else 0


if __name__ == '__main__':
    sys.exit(harness.alone(main))
