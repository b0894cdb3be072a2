"""test_differential.py - the shim and NSS against glibc's own files, question by question.

Where they know a name, they must give what files give for the same addresses: the same code, the
same list, every field. Where they do not, or are asked no question about a name, nothing at all may
differ. What does differ is written down in nss_meshdns(8) and libmeshdns_preload(8), and here: each
known difference is a function that turns what files say into what is expected instead, or leaves
it as it is.
"""

import re

import harness
from harness import check, equal
from modules import MATRIX, MATRIX_HOSTS, Way, nss, preload, shim, ways

LABEL = 'l' * 63
LONGEST = '.'.join(['n' * 62] * 3 + ['o' * 59]) + '.mesh'  # 253 bytes
POLICIES = f'''
policy: four
domains: [four.mesh]
reverse: true
destinations: [{{address: 10.0.1.4}}]
---
policy: six
domains: [six.mesh]
reverse: true
destinations: [{{address: "fd00:1::6"}}]
---
policy: both
domains: [both.mesh]
reverse: true
destinations: [{{address: [10.0.1.8, "fd00:1::8"]}}]
---
policy: odd
domains: [under_score.mesh, "{LABEL}.mesh", "{LONGEST}", xn--bcher-kva.mesh, a-1.short.mesh]
destinations: [{{address: 10.0.1.9}}]
---
policy: alias
domains: [www.mesh]
alias: four.mesh
---
policy: wild
domains: ["*.wild.mesh"]
destinations: [{{address: [10.0.1.42, "fd00:1::42"]}}]
---
policy: denied
domains: [denied.mesh]
action: deny
'''
HOSTS = f'''10.0.1.4 four.mesh www.mesh
fd00:1::6 six.mesh
fd00:1::8 both.mesh
10.0.1.8 both.mesh
10.0.1.9 under_score.mesh
10.0.1.9 {LABEL}.mesh
10.0.1.9 {LONGEST}
10.0.1.9 xn--bcher-kva.mesh
10.0.1.9 a-1.short.mesh a-1
fd00:1::42 a.b.wild.mesh
10.0.1.42 a.b.wild.mesh
'''
MAIN = ['four.mesh', 'six.mesh', 'both.mesh']
MORE = ['FOUR.mesh', 'www.mesh', 'under_score.mesh', f'{LABEL}.mesh', LONGEST,
        'xn--bcher-kva.mesh', 'XN--BCHER-kva.Mesh', 'a.b.wild.mesh', 'a-1']
KNOWN = [*MAIN, *MORE]
ABSENT = ['-', '', '10.9.8.7', 'fd00::9', 'miss.mesh']
NO_QUESTION = [  # or one that no policy answers
    '*', '10.9', '127.1', '0x7f.1', '0x7f000001', '017700000001', '1.2.3.4.5', '256.1.1.1',
    '10.9.8.7.', '10.9.8.7 ', '::ffff:10.0.1.4', '::', 'fe80::1%lo', 'fe80::1%eth0', 'fe80::1%1',
    'fe80::1%nosuch', 'fd00::9%lo', '[fd00::9]', 'localhost', 'miss.mesh.', 'denied.mesh',
    'wild.mesh', 'under_score.miss', 'b\u00fccher.miss', 'a b.mesh', ' four.mesh', 'four.mesh ',
    'four..mesh', '.four.mesh', '.', '@four.mesh', ':search', '-a.miss', 'l' * 64 + '.mesh',
    'n' + LONGEST, 'nn' + LONGEST, 'nnn' + LONGEST, 'y' * 300]
ADDRESSES = ['10.0.1.4', 'fd00:1::6', '10.0.1.8', 'fd00:1::8', '10.0.9.9', '127.0.0.1',
             'fd00::9', '::ffff:10.0.1.4', '::1', '::']
TEXT = {'LC_ALL': 'C.UTF-8'}  # so that AI_IDN has something to convert from


@harness.once
def prepared():
    for way in ways():
        way.publish(POLICIES, search=['short.mesh'])
    shim().machine.nsswitch('files')
    nss().machine.nsswitch('meshdns [NOTFOUND=return] files')
    return ways()


def files(*words, hosts=HOSTS):
    """What glibc's files say: on the shim's machine, without the shim. Returns lines."""
    machine = prepared()[0].machine
    machine.hosts(hosts)
    lines = machine.run(words, env=TEXT, limit=900).out.splitlines()
    machine.hosts('')
    return lines


# --- known differences: the lines of files -> the lines that are expected instead

def without_addrconfig(question):
    """The same question without AI_ADDRCONFIG (0x20), which no hints stand for too."""
    question = question.replace(' no hints', ' family 0 type 0 protocol 0 flags 0x28')
    return re.sub(r'(?<= flags )0x[0-9a-f]+$', lambda flags: f'{int(flags[0], 16) & ~0x20:#x}',
                  question).replace(' flags 0x0', ' flags 0')


def no_data(lines):
    """Files do not tell "no such address" (-5, 4) from "no such name" (-2, 1); DNS does, and so
    does meshdns. That is: where files know the name, in another family."""
    found = {line.partition(': 0 ')[0] for line in lines if ': 0 [' in line}
    is_known = any(re.match(r'gethostbyname.*\[', line) for line in lines)

    def expected(line):
        if line.endswith(': -2'):
            anyone = re.sub(r' family \d+ ', ' family 0 ', line[:-4])
            if without_addrconfig(anyone) in found:
                return line[:-2] + '-5'
        if is_known and line.startswith('gethostbyname'):
            return line.replace(' nothing, h_errno 1 ', ' nothing, h_errno 4 ')
        return line
    return [expected(line) for line in lines]


def no_alias(lines):
    """h_aliases is always empty."""
    return [re.sub(r'^(gethostby.*?\[\S+)(?: alias \S+)+', r'\1', line) for line in lines]


def not_decoded(lines):
    """The shim does not turn xn-- into letters for AI_CANONIDN."""
    return [line.replace(' name b\u00fccher.mesh]', ' name xn--bcher-kva.mesh]') for line in lines]


def compare(way, program, wanted, node, *differences):
    """One node's answers. Returns how many there are, and how many differ as is known."""
    found = way.run([*program, node], env=TEXT, limit=900).out.splitlines()
    equal(len(found), len(wanted), 'number of lines')
    expected = wanted
    for difference in differences:
        if difference is not no_data or node.rstrip('.') in KNOWN:
            expected = difference(expected)
    different = [(mine, theirs) for mine, theirs in zip(found, expected) if mine != theirs]
    shown = '\n'.join(f'{way.title}: {mine}\nfiles: {theirs}' for mine, theirs in different[:10])
    check(not different, f'{len(different)} of {len(wanted)} answers differ:\n{shown}')
    return len(found), sum(mine != theirs for mine, theirs in zip(found, wanted))


def matrix(is_main):
    return [MATRIX] if is_main or harness.LONG else [MATRIX, 'short']


def compare_all(way, nodes, program_of, *differences, replace=None):
    """Compares node by node; `replace` says which node files are asked about instead."""
    prepared()
    total = known = 0
    for node in nodes:
        program = program_of(node)
        asked = replace(node) if replace else node
        wanted = [re.sub(f'^(\\w+) {re.escape(asked)}(?=[: ])', f'\\1 {node}', line)
                  for line in files(*program, asked)]
        counts = compare(way, program, wanted, node, *differences)
        total, known = total + counts[0], known + counts[1]
    print(f'# {way.title}: {total} answers compared, {known} known differences')


def test_through_the_shim_getaddrinfo_answers_as_files_do():
    compare_all(shim(), KNOWN + ABSENT + NO_QUESTION, lambda node: matrix(node in MAIN + ABSENT),
                no_data, not_decoded)


def test_through_nss_getaddrinfo_answers_as_files_do():
    compare_all(nss(), KNOWN + ABSENT + NO_QUESTION, lambda node: matrix(node in MAIN + ABSENT),
                no_data)


def test_a_trailing_dot_is_the_root_and_changes_nothing_else():
    for way in prepared():
        compare_all(way, ['four.mesh.', 'both.mesh.', 'a.b.wild.mesh.'], lambda _: matrix(False),
                    no_data, replace=lambda node: node[:-1])
        compare_all(way, ['four.mesh.', 'both.mesh.', 'a.b.wild.mesh.'], lambda _: [MATRIX_HOSTS],
                    no_data, no_alias, replace=lambda node: node[:-1])


def test_a_name_in_letters_is_converted_by_libc_which_then_asks_nss_but_not_the_shim():
    name = 'b\u00fccher.mesh'
    compare_all(nss(), [name], lambda _: matrix(False), lambda lines: no_data(lines))
    wanted = files(*matrix(False), name, hosts='')
    compare(shim(), matrix(False), wanted, name)


def test_through_both_ways_the_older_functions_answer_as_files_do():
    for way in prepared():
        compare_all(way, KNOWN + ADDRESSES + NO_QUESTION, lambda _: [MATRIX_HOSTS],
                    no_data, no_alias)


def test_with_a_domain_of_the_machine_ni_nofqdn_shortens_as_libc_does():
    hosts = '127.0.0.1 localhost.mesh localhost\n'
    for way in prepared():
        for address in ADDRESSES[:4]:
            machine = prepared()[0].machine
            machine.write('/etc/hosts', hosts + HOSTS)
            wanted = machine.run([MATRIX_HOSTS, address], env=TEXT).out.splitlines()
            harness.contains('\n'.join(wanted), ' host both ' if '8' in address else ' host ')
            way.machine.write('/etc/hosts', hosts)
            compare(way, [MATRIX_HOSTS], wanted, address, no_data, no_alias)
        way.machine.hosts('')


# --- machines without IPv6

def is_unsorted(mine, theirs):
    """The shim's list of a destination with two families is not sorted by RFC 6724."""
    def nodes(line):
        return sorted(re.sub(' name [^ ]*', '', one) for one in re.findall(r'\[(.*?)\]', line))
    return mine.startswith('node both.mesh ') and nodes(mine) == nodes(theirs) != []


def has_flag(line, flag):
    flags = re.search(r'flags (0x[0-9a-f]+|0):', line)
    return bool(flags) and bool(int(flags.group(1), 16) & flag)


def is_one_family_addrconfig(mine, theirs):
    """AI_ADDRCONFIG (0x20) matters to the shim only where there is a choice of families."""
    is_asked = ' no hints:' in mine or has_flag(mine, 0x20)
    return is_asked and (not mine.startswith('node both.mesh ') or ' family 10 ' in mine)


def without_ipv6(title, sources, env=None):
    way = Way(title, sources, env)
    way.machine.run(['sysctl', '-qw', 'net.ipv6.conf.all.disable_ipv6=1'])
    way.publish(POLICIES)
    return way


def compare_without_ipv6(way, *known_differences):
    total = known = 0
    for node in MAIN:
        way.machine.nsswitch('files')
        way.machine.hosts(HOSTS)
        wanted = way.machine.run([MATRIX, node], env=TEXT).out.splitlines()
        way.machine.hosts('')
        if not way.env:
            way.machine.nsswitch('meshdns [NOTFOUND=return] files')
        found = way.run([MATRIX, node], env=TEXT).out.splitlines()
        equal(len(found), len(wanted), 'number of lines')
        # For a family that no interface has, AI_ADDRCONFIG (0x20) asks nobody.
        expected = [theirs if ' family 10 ' in theirs and has_flag(theirs, 0x20) else mine
                    for mine, theirs in zip(no_data(wanted), wanted)]
        different = [(mine, theirs) for mine, theirs in zip(found, expected)
                     if mine != theirs
                     and not any(is_it(mine, theirs) for is_it in known_differences)]
        check(not different, f'{len(different)} answers differ: {different[:5]}')
        total += len(found)
        known += sum(mine != theirs for mine, theirs in zip(found, wanted))
    print(f'# {way.title}: {total} answers compared, {known} known differences')


def test_on_a_machine_without_ipv6_the_shim_differs_only_as_the_manual_says():
    compare_without_ipv6(without_ipv6('v4only', 'files', {'LD_PRELOAD': preload()}), is_unsorted,
                         is_one_family_addrconfig)


def test_on_a_machine_without_ipv6_nss_gives_every_answer_of_files():
    compare_without_ipv6(without_ipv6('v4only-nss', 'meshdns [NOTFOUND=return] files'))


if __name__ == '__main__':
    harness.main()
