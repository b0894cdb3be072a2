"""test_differential.py - the shim and NSS against glibc's own files, question by question.

Where they know a name, they must give what files give for the same addresses: the same code, the
same list, every field. Where they do not, or are asked no question about a name, nothing at all may
differ. What does differ is written down in nss_meshdns(8) and libmeshdns_preload(8), and here.
"""

import harness
from harness import check, equal
from modules import MATRIX, nss, shim, ways

POLICIES = '''
policy: four
domains: [four.mesh]
destinations: [{address: 10.0.1.4}]
---
policy: six
domains: [six.mesh]
destinations: [{address: "fd00:1::6"}]
---
policy: both
domains: [both.mesh]
destinations: [{address: [10.0.1.8, "fd00:1::8"]}]
'''
HOSTS = '''10.0.1.4 four.mesh
fd00:1::6 six.mesh
fd00:1::8 both.mesh
10.0.1.8 both.mesh
'''
KNOWN = ['four.mesh', 'FOUR.mesh', 'six.mesh', 'both.mesh']
UNKNOWN = ['-', '*', '', '10.9.8.7', '10.9', 'fd00::9', 'fe80::1%lo', 'localhost', 'miss.mesh',
           'b\u00fccher.mesh', 'x' * 64 + '.mesh', 'y' * 300]


@harness.once
def files():
    """What glibc's files say: on the shim's machine, without the shim."""
    for way in ways():
        way.machine.nsswitch('files' if way.title == 'shim' else 'meshdns [NOTFOUND=return] files')
        way.publish(POLICIES)
    machine = shim().machine
    machine.hosts(HOSTS)
    lines = machine.run([MATRIX, *KNOWN, *UNKNOWN], limit=600).out
    machine.hosts('')
    return lines.splitlines()


def is_no_data(mine, theirs):
    """Files do not tell "no such address" (EAI_NODATA, -5) from "no such name" (EAI_NONAME, -2);
    DNS does, and so does meshdns."""
    return theirs.endswith(': -2') and mine == theirs[:-2] + '-5' and \
        any(theirs.startswith(f'node {name} ') for name in KNOWN)


def compare(way, is_known_difference):
    wanted = files()
    found = way.run([MATRIX, *KNOWN, *UNKNOWN], limit=600).out.splitlines()
    equal(len(found), len(wanted), 'number of lines')
    different = [(mine, theirs) for mine, theirs in zip(found, wanted)
                 if mine != theirs and not is_known_difference(mine, theirs)]
    shown = '\n'.join(f'{way.title}: {mine}\nfiles: {theirs}' for mine, theirs in different[:20])
    check(not different, f'{len(different)} of {len(wanted)} answers differ:\n{shown}')
    print(f'# {way.title}: {len(wanted)} answers compared, '
          f'{sum(mine != theirs for mine, theirs in zip(found, wanted))} known differences')


def test_through_the_shim_every_answer_is_that_of_files():
    compare(shim(), is_no_data)


def test_through_nss_every_answer_is_that_of_files():
    compare(nss(), is_no_data)


if __name__ == '__main__':
    harness.main()
