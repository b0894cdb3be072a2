"""changes.py - the writer's side: what a change and a whole build cost (writes.c).

Each run of bench_writes builds its own snapshot, in memory, and takes medians of thousands of
changes; what is reported is the median of several runs.
"""

import json
import os
import statistics

import harness
import ways
from rows import row

WRITES = os.path.join(ways.FOLDER, 'bench_writes')


@harness.once
def _machine():
    """Its /run is a tmpfs, which goes away with it."""
    return ways.machine()


def _writes(mode, names, *more):
    return json.loads(harness.run([WRITES, mode, names, *more], machine=_machine(), limit=1800,
                                  env={'MESHDNS_BENCH_FOLDER': '/run'}).out)


def _medians(rounds, *words):
    """Of each number that so many runs tell."""
    runs = [_writes(*words) for _ in range(rounds)]
    return {key: statistics.median(run[key] for run in runs)
            for key, value in runs[0].items() if isinstance(value, (int, float))}


def change(names, rounds):
    found = _medians(rounds, 'change', names)
    yield row('change-publish', f'change of one weight among {names:,} policies, publishing',
              found['publish_us'], most=5, unit='us', note=f'p99 {found["publish_p99_us"]:.1f}')
    yield row('change-seen', 'the same, until a spinning reader sees it', found['seen_us'], most=2,
              unit='us', note=f'p99 {found["seen_p99_us"]:.1f}')
    yield row('change-stored', 'the same, bytes written at most', found['stored_bytes'], most=512,
              unit='')


def build(names, rounds):
    one, both = _medians(rounds, 'build', names), _medians(rounds, 'build', names, 'both')
    yield row('build', f'building {names:,} policies of 4 IPv4 destinations, to a bare table',
              one['ratio'], most=2, note=f'{one["ours_ns"]:.0f} ns a policy')
    yield row('build-both', 'the same, with both families', both['ratio'], most=2,
              note=f'{both["ours_ns"]:.0f} ns a policy')
    yield row('file', 'file, bytes a policy, IPv4', one['file_bytes'], most=180, unit='')
    yield row('file-both', 'the same, with both families', both['file_bytes'], most=260, unit='')


def text(names):
    """Policies from YAML; in proportion means that 100 times as many take 100 times as long."""
    few, many = _writes('text', max(names // 100, 1)), _writes('text', names)
    yield row('text', f'from YAML text, {names:,} policies, policies a second',
              many['policies_per_s'], unit='')
    yield row('text-grows', f'the same, time for each, to {max(names // 100, 1):,} policies',
              few['policies_per_s'] / many['policies_per_s'], most=2)
    yield row('text-change', f'one document among {names:,} with another weight, as syncd takes it',
              many['document_us'], unit='us', note=f'p99 {many["document_p99_us"]:.1f}')


def until_seen(names):
    """For the plot: publishing, and then a reader sees it."""
    found = _writes('change', names)
    return {'way': 'shim', 'names': names,
            'ns': round(1000 * (found['publish_us'] + found['seen_us']), 1)}
