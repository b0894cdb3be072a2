"""test_bench.py - the bench runs, and what it counts without noise stays within the aim."""

import json
import os
import sys

import harness

BENCH = os.path.join(harness.SOURCE, 'tests', 'bench', 'bench.py')
WAYS = ['bare', 'shim', 'nss', 'constant', 'files']


def test_the_bench_compares_all_ways_and_a_hit_costs_at_most_900_instructions():
    harness.needs_root()
    out = harness.folder()
    # Its exit code tells of times too, which a busy machine may spoil.
    done = harness.run([sys.executable, BENCH, '2', '1'], env={'MESHDNS_BENCH': out}, expect=None)
    harness.check(done.code in (0, 1), done.err)
    rows = json.loads(harness.read(os.path.join(out, 'bench.json')))
    harness.equal([row['way'] for row in rows], WAYS * 2)
    harness.equal(harness.read(os.path.join(out, 'bench.txt')), done.out)
    for row in rows:
        harness.check(row['ns'] > 0 and row['instructions'] > 0, f'nothing measured: {row}')
    hit = next(row for row in rows if row['way'] == 'shim' and row['destinations'] == 1)
    harness.check(hit['instructions'] <= 900, f'a hit costs {hit["instructions"]} instructions')
    print(f'# a hit: {hit["instructions"]} instructions, {hit["ratio"]} x bare')


if __name__ == '__main__':
    harness.main()
