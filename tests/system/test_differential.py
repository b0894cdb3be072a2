"""test_differential.py - the shim and NSS against glibc's own files, question by question.

Where they know a name, they must give what files give for the same addresses: the same code, the
same list, every field. Where they do not, or are asked no question about a name, nothing at all may
differ. What does differ is written down in nss_meshdns(8) and libmeshdns_preload(8), and here.
"""

import re

import harness
from harness import check, equal
from modules import MATRIX, Way, nss, preload, shim, ways

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
    return files_of(shim(), KNOWN + UNKNOWN)


def files_of(way, nodes):
    way.machine.hosts(HOSTS)
    lines = way.machine.run([MATRIX, *nodes], limit=600).out
    way.machine.hosts('')
    return lines.splitlines()


def is_no_data(mine, theirs):
    """Files do not tell "no such address" (EAI_NODATA, -5) from "no such name" (EAI_NONAME, -2);
    DNS does, and so does meshdns."""
    return theirs.endswith(': -2') and mine == theirs[:-2] + '-5' and \
        any(theirs.startswith(f'node {name} ') for name in KNOWN)


def is_unsorted(mine, theirs):
    """The shim's list of a destination with two families is not sorted by RFC 6724."""
    def nodes(line):
        return sorted(re.sub(' name [^ ]*', '', one) for one in re.findall(r'\[(.*?)\]', line))
    return mine.startswith('node both.mesh ') and nodes(mine) == nodes(theirs) != []


def is_one_family_addrconfig(mine, theirs):
    """AI_ADDRCONFIG (0x20) matters to the shim only where there is a choice of families."""
    flags = re.search(r'flags (0x[0-9a-f]+|0):', mine)
    is_asked = ' no hints:' in mine or (flags and int(flags.group(1), 16) & 0x20)
    return is_asked and (not mine.startswith('node both.mesh ') or ' family 10 ' in mine)


def compare(way, nodes, wanted, *known_differences):
    found = way.run([MATRIX, *nodes], limit=600).out.splitlines()
    equal(len(found), len(wanted), 'number of lines')
    different = [(mine, theirs) for mine, theirs in zip(found, wanted)
                 if mine != theirs and not any(is_it(mine, theirs) for is_it in known_differences)]
    shown = '\n'.join(f'{way.title}: {mine}\nfiles: {theirs}' for mine, theirs in different[:20])
    check(not different, f'{len(different)} of {len(wanted)} answers differ:\n{shown}')
    print(f'# {way.title}: {len(wanted)} answers compared, '
          f'{sum(mine != theirs for mine, theirs in zip(found, wanted))} known differences')


def test_through_the_shim_every_answer_is_that_of_files():
    compare(shim(), KNOWN + UNKNOWN, files(), is_no_data)


def test_through_nss_every_answer_is_that_of_files():
    compare(nss(), KNOWN + UNKNOWN, files(), is_no_data)


def test_on_a_machine_without_ipv6_the_shim_differs_only_as_the_manual_says():
    way = Way('v4only', 'files', {'LD_PRELOAD': preload()})
    way.machine.run(['sysctl', '-qw', 'net.ipv6.conf.all.disable_ipv6=1'])
    way.publish(POLICIES)
    compare(way, KNOWN, files_of(way, KNOWN), is_no_data, is_unsorted, is_one_family_addrconfig)


def test_on_a_machine_without_ipv6_nss_gives_every_answer_of_files():
    way = Way('v4only-nss', 'meshdns [NOTFOUND=return] files')
    way.machine.run(['sysctl', '-qw', 'net.ipv6.conf.all.disable_ipv6=1'])
    way.publish(POLICIES)
    way.machine.nsswitch('files')
    wanted = files_of(way, KNOWN)
    way.machine.nsswitch('meshdns [NOTFOUND=return] files')
    compare(way, KNOWN, wanted, is_no_data)


if __name__ == '__main__':
    harness.main()
