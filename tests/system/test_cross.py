"""test_cross.py - the modules on other machines: 32-bit x86, 64-bit ARM (emulated), and musl.

Each is built from the same sources with a cross file of tests/cross, into a folder that is gone
when the test ends. The unit tests of the reader and the modules run there with a plain main(); then
ordinary programs of that kind are reached, and read what the 64-bit x86 writer wrote.
"""

import os
import re

import harness
from harness import check, equal
from modules import MATRIX, NSSWITCH, Way, nss, shim

CROSS = os.path.join(harness.SOURCE, 'tests', 'cross')
STRESS = os.path.join(harness.BUILD, 'tests', 'stress', 'stress_readers')
SECONDS = 20 if harness.LONG else 4
QEMU = ('qemu-aarch64', '-L', '/usr/aarch64-linux-gnu')

POLICIES = '''
policy: four
domains: [four.mesh]
reverse: true
destinations: [{address: 10.0.1.4}]
---
policy: both
domains: [both.mesh, "*.wild.mesh"]
destinations: [{address: [10.0.1.8, "fd00:1::8"]}]
---
policy: listed
domains: [listed.mesh]
select: ordered
answers: 3
destinations:
  - {address: "10.0.1.11:8081", priority: 1}
  - {address: 10.0.1.12, priority: 2}
  - {address: "fd00:1::13", priority: 3}
port: optional
---
policy: drawn
domains: [drawn.mesh]
destinations:
  - {address: 10.0.1.21, weight: 1}
  - {address: 10.0.1.22, weight: 3}
---
policy: stuck
domains: [stuck.mesh]
select: sticky
sticky: {by: host}
destinations: [{address: 10.0.1.31}, {address: 10.0.1.32}, {address: 10.0.1.33}]
---
policy: denied
domains: [denied.mesh]
action: deny
'''
HOSTS = '192.0.2.99 four.mesh known.example\n192.0.2.98 known.example\n'
SINGLE = ('four.mesh', 'both.mesh', 'a.wild.mesh', 'listed.mesh', 'stuck.mesh', 'denied.mesh',
          'FOUR.Mesh.')


def build(kind):
    folder = os.path.join(harness.folder(f'meshdns-{kind}-'), 'build')
    os.chmod(os.path.dirname(folder), 0o755)
    harness.run(['meson', 'setup', '--cross-file', os.path.join(CROSS, f'{kind}.ini'),
                 '-Dreader_only=true', '-Dwerror=true', folder, harness.SOURCE])
    harness.run(['ninja', '-C', folder], limit=600)
    return folder


i386 = harness.once(lambda: build('i386'))
arm64 = harness.once(lambda: build('arm64'))
musl = harness.once(lambda: build('musl'))


KINDS = {'i386': i386, 'arm64': arm64, 'musl': musl}


def modules_of(folder):
    found = [os.path.join(folder, 'preload', 'libmeshdns_preload.so'),
             os.path.join(folder, 'nss', 'libnss_meshdns.so.2')]
    return [path for path in found if os.path.exists(path)]


def test_the_reader_and_the_modules_pass_their_own_tests_there():
    for kind, folder in KINDS.items():
        harness.run(['meson', 'test', '-C', folder(), '--no-rebuild', '--timeout-multiplier', '4'],
                    limit=900)
        log = harness.read(os.path.join(folder(), 'meson-logs', 'testlog.txt'))
        passed = len(re.findall('^ok ', log, re.M))
        check(passed >= 48, f'{passed} tests passed on {kind}')
        check('# SKIP' not in log, f'a test was skipped on {kind}')


def test_the_libraries_need_libc_alone_and_no_new_one():
    for kind, folder in KINDS.items():
        equal(len(modules_of(folder())), 1 if kind == 'musl' else 2, f'libraries for {kind}')
        for library in modules_of(folder()):
            dynamic = harness.run(['readelf', '-dW', library]).out
            needed = re.findall(r'\(NEEDED\).*\[(.*)\]', dynamic)
            equal([name for name in needed if not name.startswith('ld-linux')],
                  ['libc.so' if kind == 'musl' else 'libc.so.6'], f'NEEDED of {library}')
            symbols = harness.run(['nm', '-D', library]).out
            # 8-byte atomics are the processor's own, also where a register has 4 bytes.
            equal(re.findall(r'U (__(?:atomic|sync)_\w+)', symbols), [], f'calls of {library}')
            versions = {tuple(map(int, found.split('.')))
                        for found in re.findall(r'@GLIBC_([0-9.]+)', symbols)}
            check(max(versions, default=(0,)) <= (2, 34), f'{library} needs glibc {versions}')


@harness.once
def prepared():
    for way in (shim(), nss()):
        way.publish(POLICIES)
        way.machine.hosts(HOSTS)
        way.machine.dns(**{'dns.example': '192.0.2.97'})


@harness.once
def nss_i386():
    """The machine with NSS, where the 32-bit module lies beside the other one, as in multiarch."""
    machine = nss().machine
    os.makedirs(machine.path('/run/lib32'))
    machine.write('/etc/ld.so.conf', machine.read('/etc/ld.so.conf') + '/run/lib32\n')
    machine.install_nss(modules_of(i386())[1], '../lib32/libnss_meshdns.so.2')
    return nss()


def in_i386(way, program, *words):
    env = {'LD_PRELOAD': modules_of(i386())[0]} if way is shim() else {}
    return way.run([os.path.join(i386(), 'tests', 'cross', program), *words], env=env)


def in_arm64(way, program, *words):
    """The emulator is told what the program's environment is; its own has nothing of it."""
    library = modules_of(arm64())[0 if way is shim() else 1]
    give = (f'LD_PRELOAD={library}' if way is shim()
            else f'LD_LIBRARY_PATH={os.path.dirname(library)}')
    return way.machine.run([*QEMU, '-E', give, os.path.join(arm64(), 'tests', 'cross', program),
                            *words], limit=600)


def same(found, wanted, where):
    """The lines of two matrices are alike, and many."""
    found, wanted = found.splitlines(), wanted.splitlines()
    equal(len(found), len(wanted), f'the number of lines {where}')
    check(len(found) > 10000, 'this is no matrix')
    others = [(one, other) for one, other in zip(found, wanted) if one != other]
    equal(others[:5], [], f'of {len(others)} differences {where} the first')


def test_an_i386_program_gets_what_a_64_bit_one_gets():
    prepared()
    for way in (shim(), nss_i386()):
        same(in_i386(way, 'matrix', *SINGLE, 'known.example').out,
             way.run([MATRIX, *SINGLE, 'known.example']).out, f'by {way.title}')


def test_an_arm64_program_gets_what_a_64_bit_x86_one_gets():
    prepared()
    for way in (shim(), nss()):
        same(in_arm64(way, 'matrix', *SINGLE, 'known.example').out,
             way.run([MATRIX, *SINGLE, 'known.example']).out, f'by {way.title}')


def counts(out):
    return {address: int(number) for address, number in
            (line.split() for line in out.splitlines() if not line.startswith('worker'))}


def test_draws_have_their_shares_there_also_in_forked_workers():
    """draws have their shares there, and forked workers draw apart, also under an emulator that
    takes MADV_WIPEONFORK and forgets it"""
    prepared()
    for run in (in_i386, in_arm64):
        for way in (shim(), nss_i386()):
            out = run(way, 'draws', 'v4', 'drawn.mesh', '1000', '1', '8').out
            harness.shares(counts(out), {'10.0.1.21': 1, '10.0.1.22': 3})
            firsts = [line for line in out.splitlines() if line.startswith('worker')]
            equal(len(set(firsts)), 8, f'different workers by {way.title}, {run.__name__}')


def test_readers_there_follow_the_64_bit_writer_while_it_writes():
    place = harness.folder()
    file = os.path.join(place, 'snapshot')
    writer = harness.Process([STRESS, 'write', file], env={'MESHDNS_SECONDS': 3 * SECONDS + 20})
    writer.wait_for('^ready')
    for words in ([os.path.join(i386(), 'tests', 'cross', 'stress_readers')],
                  [*QEMU, os.path.join(arm64(), 'tests', 'cross', 'stress_readers')]):
        check(writer.is_running, 'the writer ended before its readers')
        harness.run([*words, 'read', file], env={'MESHDNS_SECONDS': SECONDS})
    writer.kill()


def in_musl(program, *words):
    """Set by env(1), whose own libc could not load it."""
    return shim().machine.run(['env', f'LD_PRELOAD={modules_of(musl())[0]}',
                               os.path.join(musl(), 'tests', 'cross', program), *words])


def test_a_musl_program_is_reached_and_keeps_its_own_answers_where_no_policy_is():
    prepared()
    rows = {
        ('v4', 'four.mesh'): {'10.0.1.4'},
        ('v4', 'FOUR.Mesh.'): {'10.0.1.4'},
        ('v6', 'a.wild.mesh'): {'fd00:1::8'},
        ('host', 'four.mesh'): {'10.0.1.4'},
        ('host', 'denied.mesh'): {'failed'},
        ('host', 'dns.example'): {'192.0.2.97'},
        ('host2', 'both.mesh'): {'fd00:1::8'},
        ('host2', 'four.mesh'): {'failed'},
        ('any', 'both.mesh'): {'fd00:1::8'},
        ('v4', 'denied.mesh'): {'failed'},
        ('v6', 'four.mesh'): {'failed'},
        ('v4', '10.9.8.7'): {'10.9.8.7'},
        ('v4', '127.1'): {'127.0.0.1'},
        ('v4', 'dns.example'): {'192.0.2.97'},
        ('v4', 'no.such.name.invalid'): {'failed'},
    }
    for (how, name), wanted in rows.items():
        equal(set(counts(in_musl('draws', how, name, '10').out)), wanted, f'{name}, {how}')
    equal(in_musl('lists', '-r', '10.0.1.4').out, 'four.mesh 0 four.mesh 80\n')
    equal(in_musl('lists', '-r', '192.0.2.98').out, 'known.example 0 known.example 80\n')
    check(set(counts(in_musl('draws', 'v4', 'known.example', '10').out)) <=
          {'192.0.2.98', '192.0.2.99'}, 'a name without a policy')
    out = in_musl('draws', 'v4', 'drawn.mesh', '1000', '4', '4').out
    harness.shares(counts(out), {'10.0.1.21': 1, '10.0.1.22': 3})


def test_musl_frees_its_lists_and_we_ours_whole_in_parts_and_joined():
    prepared()
    grown = int(in_musl('lists', 'both.mesh', 'known.example', 'four.mesh').out)
    check(grown < 1000, f'300,000 lists that were freed left {grown} KiB')


def test_musls_types_flags_and_services_are_followed():
    """musl's types, services, ports and codes are followed; names and flags in nodes are POSIX's:
    the first node's, where asked for"""
    prepared()
    ours = in_musl('matrix', 'four.mesh').out
    plain = shim().machine.run([os.path.join(musl(), 'tests', 'cross', 'matrix'), 'four.mesh']).out
    # Of a name without an address of the family musl says -2 before its 1.2.4, and -5 from then on.
    ours = re.sub(r'(family 10 .*: )-5$', r'\1-2', ours, flags=re.M)
    node = re.compile(r'\[(\S+) flags \S+ (.*?)(?: name \S+)?\]')
    same(node.sub(r'[\1 \2]', ours.replace('10.0.1.4', 'A')),
         node.sub(r'[\1 \2]', plain.replace('192.0.2.99', 'A')), 'under musl')
    check(' name four.mesh]' in ours, 'no canonical name under musl')


if __name__ == '__main__':
    harness.main()
