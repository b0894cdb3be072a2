"""test_shares.py - the weights asked for are the shares that programs get, whatever they call."""

import collections

import harness
from harness import check, equal, shares
from modules import DRAWS, PAIRS, nss, shim, ways

DRAWN = 10**6 if harness.LONG else 10**5
PROGRAMS = 2000 if harness.LONG else 400
SETS = {
    'nine': [90, 10],
    'steps': [1, 2, 3, 4],
    'steep': [65535, 1],
    'none': [5, 0],
    'equal': [1] * 200,
}


def address(number):
    return f'10.2.0.{number}'


def weights(name):
    return {address(number): weight for number, weight in enumerate(SETS[name])}


@harness.once
def prepared():
    policies = []
    for name, set_of in SETS.items():
        lines = [f'  - {{address: [{address(number)}, "fd00:2::{number:x}"], weight: {weight}}}'
                 for number, weight in enumerate(set_of)]
        policies.append(f'policy: {name}\ndomains: [{name}.mesh]\ndestinations:\n'
                        + '\n'.join(lines))
    lines = [f'  - {{address: {address(number)}, weight: {weight}}}'
             for number, weight in enumerate(SETS['steps'])]
    policies.append('policy: four\ndomains: [four.mesh]\nanswers: 4\ndestinations:\n'
                    + '\n'.join(lines))
    for way in ways():
        way.publish('\n---\n'.join(policies))
    return ways()


def test_getaddrinfo_draws_by_weight_through_both_ways():
    for way in prepared():
        for name in SETS:
            counts, _ = way.draws('v4', f'{name}.mesh', DRAWN)
            chance = shares(counts, weights(name))
            print(f'# {way.title} {name}: chance {chance:.3g}')


def test_all_families_and_functions_have_the_same_shares():
    prepared()
    for way, how in ((shim(), 'v6'), (shim(), 'any'), (shim(), 'host'), (shim(), 'host2'),
                     (nss(), 'v6'), (nss(), 'any'), (nss(), 'host'), (nss(), 'host2')):
        counts, _ = way.draws(how, 'steps.mesh', DRAWN)
        by_number = collections.Counter()
        for one, count in counts.items():
            by_number[address(int(one.split(':')[-1] or '0', 16)) if ':' in one else one] += count
        shares(by_number, weights('steps'))


def test_shares_that_are_3_percent_off_would_be_refused():
    for way in prepared():
        counts, _ = way.draws('v4', 'nine.mesh', DRAWN)
        chance = harness.chi_square(counts, {address(0): 87, address(1): 13})
        check(chance < 1e-6, f'draws of 90/10 pass as 87/13 with chance {chance}')


def test_32_threads_draw_by_weight():
    for way in prepared():
        counts, _ = way.draws('v4', 'steps.mesh', DRAWN // 32, threads=32)
        shares(counts, weights('steps'))


def test_8_pre_forked_workers_draw_by_weight_and_no_two_the_same():
    for way in prepared():
        counts, firsts = way.draws('v4', 'equal.mesh', DRAWN // 8, workers=8)
        shares(counts, weights('equal'))
        equal(len(set(firsts)), 8, f'different sequences of workers, {way.title}')


def test_short_programs_of_one_draw_each_draw_by_weight():
    prepared()
    rows = ((nss(), 'getent hosts four.mesh'), (nss(), 'getent ahostsv4 four.mesh'),
            (shim(), f'"{DRAWS}" v4 four.mesh 1'))
    for way, program in rows:
        script = f'i=0; while [ $i -lt {PROGRAMS} ]; do {program} | head -n 1; i=$((i + 1)); done'
        out = way.run(['sh', '-c', script], limit=900).out
        counts = collections.Counter(line.split()[0] for line in out.splitlines())
        equal(sum(counts.values()), PROGRAMS, f'answers to {program}')
        shares(counts, weights('steps'))


def test_both_addresses_are_of_one_destination_however_they_are_asked_for():
    for way in prepared():
        for how in ('any', 'mapped', 'host2', 'host2_r', 'mixed'):
            lines = way.run([PAIRS, how, 'equal.mesh', DRAWN // 20]).out.split('\n')
            counts = {address(int(one.split()[0])): int(one.split()[1]) for one in lines[:-2]}
            equal(lines[-2], 'apart 0', f'halves of two destinations, {how} by {way.title}')
            shares(counts, weights('equal'))


LISTS = '''
import collections, json, socket
counts = collections.Counter()
for _ in range({count}):
    counts[" ".join({how})] += 1
print(json.dumps(counts))
'''


def test_the_shim_lists_all_in_drawn_order_without_repeating():
    """A list of 4: its order is a draw without replacement, so each order has its own chance."""
    import json
    prepared()
    wanted = weights('steps')
    chances = {}

    def follow(chosen, chance):
        left = {one: weight for one, weight in wanted.items() if one not in chosen}
        if not left:
            chances[' '.join(chosen)] = chance
        for one, weight in left.items():
            follow(chosen + [one], chance * weight / sum(left.values()))
    follow([], 1.0)
    for how in ('[one[4][0] for one in socket.getaddrinfo("four.mesh", 80, 2, 1)]',
                'socket.gethostbyname_ex("four.mesh")[2]'):
        shares(json.loads(shim().python(LISTS.format(count=DRAWN // 5, how=how)).out), chances)


if __name__ == '__main__':
    harness.main()
