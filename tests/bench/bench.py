"""bench.py - every row of the table of speed, measured in one interleaved run.

    bench.py [ROUNDS [GROUP|SIZE...]]

Each way of answering is a process of its own that waits for orders (calls.c). A round orders one
batch from each in turn, so that whatever else the machine does meets all of them. A ratio is the
median of the rounds' ratios: what disturbs one round disturbs both of its sides. Times are of the
processor that the calling thread had, so a batch that was interrupted is not a slow one.
Instructions come from callgrind, as the difference of two runs. Answers are checked before they are
timed.

Start at rows.py (what is measured, the aims), then ways.py (who answers), report.py and plot.py.
"""

import os
import sys

TOP = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..'))
sys.path.insert(0, os.path.join(TOP, 'tests', 'system'))

import harness  # noqa: E402
import report  # noqa: E402
import rows  # noqa: E402

OUT = os.environ.get('MESHDNS_BENCH', os.path.join(harness.BUILD, 'bench'))
SIZES = [1, 1000, 100000, 1000000]  # names; the aims are for these
BETWEEN = [10, 100, 10000]  # for the plot
SIZED = {'hit': rows.hits, 'list': rows.lists, 'miss': rows.misses, 'nscd': rows.against_nscd,
         'nss': rows.through_nss}
AT_1000 = ('list', 'miss', 'nss')
GROUPS = [*SIZED, 'threads', 'start', 'grow']


def sized(names, groups, rounds):
    """All that is asked about one set of names. Returns rows and times."""
    size = rows.Size(names)
    found = [SIZED[group](size) for group in groups
             if group in SIZED and (group not in AT_1000 or names == 1000)]
    if not found:
        return [], []
    size.measure(rounds)
    made = [row for finish in found for row in finish()]
    times = list(size.times())
    size.end()
    return made, times


def measure(groups, sizes, rounds):
    made, times = [], []
    for names in sizes:
        report.progress(f'{names:,} names')
        new_rows, new_times = sized(names, groups, rounds)
        made += new_rows
        times += new_times
    if 'grow' in groups:
        for names in BETWEEN:
            report.progress(f'{names:,} names, for the plot')
            times += sized(names, ('hit', 'nscd'), max(3, rounds // 2))[1]
    if 'threads' in groups:
        report.progress('threads')
        made += rows.threads(rounds)
    if 'start' in groups:
        report.progress('process start')
        made += rows.start(max(sizes))
    return made, times


def main():
    harness.needs_root()
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    sizes = [int(word) for word in sys.argv[2:] if word.isdigit()] or SIZES
    groups = [word for word in sys.argv[2:] if not word.isdigit()] or GROUPS
    unknown = set(groups) - set(GROUPS)
    if unknown:
        print(f'bench: {", ".join(unknown)}: none of {", ".join(GROUPS)}', file=sys.stderr)
        return 64
    machine = report.machine()
    made, times = measure(groups, sizes, rounds)
    machine['load_at_end'] = report.load()
    report.write(OUT, {'machine': machine, 'rounds': rounds, 'rows': made, 'times': times,
                       'changes': []})
    return 1 if any(row['is_met'] is False for row in made) else 0


if __name__ == '__main__':
    sys.exit(harness.alone(main))
