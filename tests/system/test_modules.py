"""test_modules.py - both ways in: what the libraries are, and exactly what they answer."""

import json
import os
import re
import sys

import harness
from harness import check, equal
from modules import CONSTANT, DRAWS, NSSWITCH, compile_to, network, nss, preload, shim, ways
from netns import Machine

POLICIES = '''
policy: four
domains: [four.mesh]
reverse: true
destinations: [{address: 10.0.1.4}]
---
policy: six
domains: [six.mesh]
reverse: true
destinations: [{address: "fd00:1::6"}]
---
policy: both
domains: [both.mesh]
destinations: [{address: [10.0.1.8, "fd00:1::8"]}]
---
policy: denied
domains: [denied.mesh, "*.denied.mesh"]
action: deny
---
policy: alias
domains: [www.mesh]
alias: four.mesh
---
policy: wild
domains: ["*.wild.mesh"]
destinations: [{address: 10.0.1.42}]
---
policy: exact
domains: [exact.wild.mesh]
destinations: [{address: 10.0.1.43}]
---
policy: port
domains: [port.mesh]
destinations: [{address: "10.0.1.80:8443"}]
---
policy: optional
domains: [optional.mesh]
port: optional
destinations: [{address: "10.0.1.81:8444"}]
---
policy: searched
domains: [short.search.mesh]
destinations: [{address: 10.0.1.50}]
---
policy: protected
domains: [protected.mesh, "*.protected.mesh"]
destinations: [{address: 10.0.1.66}]
'''
CANARY = '''192.0.2.66 protected.mesh
192.0.2.99 denied.mesh four.mesh six.mesh both.mesh port.mesh x.denied.mesh
'''
NONAME, NODATA = ['gaierror', -2], ['gaierror', -5]
HOST_NOT_FOUND, NO_DATA = ['h_errno', 1], ['h_errno', 4]
EXPORTS = {
    harness.NSS: ['_nss_meshdns_gethostbyaddr2_r', '_nss_meshdns_gethostbyaddr_r',
                  '_nss_meshdns_gethostbyname2_r', '_nss_meshdns_gethostbyname3_r',
                  '_nss_meshdns_gethostbyname4_r', '_nss_meshdns_gethostbyname_r'],
    harness.PRELOAD: ['getaddrinfo', 'gethostbyaddr', 'gethostbyaddr_r', 'gethostbyname',
                      'gethostbyname2', 'gethostbyname2_r', 'gethostbyname_r', 'getnameinfo'],
}


@harness.once
def prepared():
    """Both ways with the policies, a canary in /etc/hosts, and a DNS server that listens."""
    for way in ways():
        way.publish(POLICIES, protected=['protected.mesh'], search=['search.mesh'])
        way.machine.hosts(CANARY)
        way.dns = way.machine.dns(**{'known.example': '192.0.2.9', 'four.mesh': '192.0.2.98',
                                     'denied.mesh': '192.0.2.98', 'six.mesh': '192.0.2.98'})
    return ways()


def elf(*words):
    return harness.run(words).out


def test_the_libraries_need_libc_alone_and_export_their_interface_only():
    for library, exports in EXPORTS.items():
        dynamic = elf('readelf', '-dW', library)
        needed = set(re.findall(r'\(NEEDED\).*\[(.*)\]', dynamic))
        equal(needed - {'ld-linux-x86-64.so.2'}, {'libc.so.6'}, f'NEEDED of {library}')
        equal(re.findall(r'\(SONAME\).*\[(.*)\]', dynamic), [os.path.basename(library)])
        check(re.search(r'FLAGS_1.*NOW.*NODELETE', dynamic), f'{library} is not NOW and NODELETE')
        symbols = elf('nm', '-D', '--defined-only', library).split('\n')
        equal(sorted(line.split()[-1] for line in symbols if line), exports)
        check('GNU_RELRO' in elf('readelf', '-lW', library), f'{library} has no RELRO')
        check(not re.search(r'GNU_STACK.*E ', elf('readelf', '-lW', library)), 'executable stack')


def test_the_libraries_ask_for_no_libc_newer_than_2_34():
    for library in EXPORTS:
        versions = {tuple(map(int, found.split('.')))
                    for found in re.findall(r'@GLIBC_([0-9.]+)', elf('nm', '-D', library))}
        check(max(versions) <= (2, 34), f'{library} needs glibc {max(versions)}')


def test_nss_has_no_thread_local_storage_and_the_shim_a_few_bytes_found_without_a_call():
    check('TLS' not in re.findall(r'^  (\w+) ', elf('readelf', '-lW', harness.NSS), re.M),
          'the NSS module has thread local storage')
    segments = elf('readelf', '-lW', harness.PRELOAD)
    size = re.search(r'^  TLS +\S+ \S+ \S+ \S+ (0x[0-9a-f]+)', segments, re.M)
    check(int(size.group(1), 16) <= 64, 'the shim has much thread local storage')
    check('STATIC_TLS' in elf('readelf', '-dW', harness.PRELOAD), 'not initial-exec')
    for library in EXPORTS:
        check('__tls_get_addr' not in elf('nm', '-D', library), f'{library} calls __tls_get_addr')


def test_each_way_gives_exactly_its_codes():
    questions = {
        # (function, name, family): what comes out, by the shim and by NSS alike
        ('getaddrinfo', 'four.mesh', 'any'): ['10.0.1.4'],
        ('getaddrinfo', 'four.mesh', 'v4'): ['10.0.1.4'],
        ('getaddrinfo', 'four.mesh', 'v6'): NODATA,
        ('getaddrinfo', 'six.mesh', 'any'): ['fd00:1::6'],
        ('getaddrinfo', 'six.mesh', 'v4'): NODATA,
        ('getaddrinfo', 'six.mesh', 'v6'): ['fd00:1::6'],
        ('getaddrinfo', 'both.mesh', 'any'): ['fd00:1::8', '10.0.1.8'],
        ('getaddrinfo', 'both.mesh', 'v4'): ['10.0.1.8'],
        ('getaddrinfo', 'FOUR.Mesh', 'v4'): ['10.0.1.4'],
        ('getaddrinfo', 'four.mesh.', 'v4'): ['10.0.1.4'],
        ('canon', 'FOUR.Mesh', 'v4'): ['four.mesh', '10.0.1.4'],
        ('canon', 'four.mesh', 'any'): ['four.mesh', '10.0.1.4'],
        ('canon', 'www.mesh', 'v4'): ['four.mesh', '10.0.1.4'],
        ('canon', 'www.mesh', 'any'): ['four.mesh', '10.0.1.4'],
        ('getaddrinfo', 'www.mesh', 'v6'): NODATA,
        ('getaddrinfo', 'a.wild.mesh', 'v4'): ['10.0.1.42'],
        ('getaddrinfo', 'a.b.c.wild.mesh', 'v4'): ['10.0.1.42'],
        ('getaddrinfo', 'a.wild.mesh', 'v6'): NODATA,
        ('getaddrinfo', 'exact.wild.mesh', 'v4'): ['10.0.1.43'],
        ('canon', 'a.wild.mesh', 'v4'): ['a.wild.mesh', '10.0.1.42'],
        ('getaddrinfo', 'short', 'v4'): ['10.0.1.50'],
        ('canon', 'short', 'v4'): ['short.search.mesh', '10.0.1.50'],
        ('getaddrinfo', 'short', 'v6'): NODATA,
        ('getaddrinfo', 'denied.mesh', 'any'): NONAME,
        ('getaddrinfo', 'denied.mesh', 'v4'): NONAME,
        ('getaddrinfo', 'x.denied.mesh', 'v6'): NONAME,
        ('canon', 'denied.mesh', 'v4'): NONAME,
        ('getaddrinfo', 'optional.mesh', 'v4'): ['10.0.1.81'],
        ('getaddrinfo', 'protected.mesh', 'v4'): ['192.0.2.66'],
        ('getaddrinfo', 'below.protected.mesh', 'v4'): ['10.0.1.66'],
        ('getaddrinfo', 'wild.mesh', 'v4'): NONAME,
        ('getaddrinfo', 'unknown.example', 'any'): NONAME,
        ('getaddrinfo', 'known.example', 'v4'): ['192.0.2.9'],
        ('getaddrinfo', '10.9.8.7', 'v4'): ['10.9.8.7'],
        ('getaddrinfo', '10.9.8.7', 'v6'): ['gaierror', -9],
    }
    for way in prepared():
        answers = way.ask(list(questions))
        for question, answer in zip(questions, answers):
            equal(answer, questions[question], f'{question} by {way.title}')


def test_a_port_is_set_by_the_shim_and_hides_its_destination_from_nss():
    shim_way, nss_way = prepared()
    print_ports = ('import socket; print([one[4] for one in '
                   'socket.getaddrinfo("{}", "80", 0, socket.SOCK_STREAM)])')
    equal(shim_way.python(print_ports.format('port.mesh')).out, "[('10.0.1.80', 8443)]\n")
    equal(shim_way.python(print_ports.format('optional.mesh')).out, "[('10.0.1.81', 8444)]\n")
    equal(shim_way.python(print_ports.format('four.mesh')).out, "[('10.0.1.4', 80)]\n")
    equal(nss_way.ask([['getaddrinfo', 'port.mesh', 'v4']]), [NODATA])
    equal(nss_way.python(print_ports.format('optional.mesh')).out, "[('10.0.1.81', 80)]\n")


def test_the_old_functions_get_their_codes():
    questions = {
        ('gethostbyname', 'four.mesh'): ['four.mesh', '10.0.1.4'],
        ('gethostbyname', 'www.mesh'): ['four.mesh', '10.0.1.4'],
        ('gethostbyname', 'six.mesh'): NO_DATA,
        ('gethostbyname', 'denied.mesh'): HOST_NOT_FOUND,
        ('gethostbyname', 'port.mesh'): NO_DATA,
        ('gethostbyname', 'optional.mesh'): ['optional.mesh', '10.0.1.81'],
        ('gethostbyname', 'a.wild.mesh'): ['a.wild.mesh', '10.0.1.42'],
        ('gethostbyname', 'short'): ['short.search.mesh', '10.0.1.50'],
        ('gethostbyname', 'unknown.example'): HOST_NOT_FOUND,
        ('gethostbyname', 'known.example'): ['known.example', '192.0.2.9'],
        ('gethostbyname', 'protected.mesh'): ['protected.mesh', '192.0.2.66'],
        ('gethostbyaddr', '10.0.1.4'): ['four.mesh', '10.0.1.4'],
        ('gethostbyaddr', 'fd00:1::6'): ['six.mesh', 'fd00:1::6'],
        ('gethostbyaddr', '192.0.2.66'): ['protected.mesh', '192.0.2.66'],
        ('gethostbyaddr', '192.0.2.1'): ['herror', 1],
    }
    for way in prepared():
        for question, answer in zip(questions, way.ask(list(questions))):
            equal(answer, questions[question], f'{question} by {way.title}')


def test_nothing_that_a_policy_decides_reaches_files_or_dns():
    prepared()
    for way in ways():
        names = ['four.mesh', 'six.mesh', 'both.mesh', 'denied.mesh', 'x.denied.mesh', 'www.mesh',
                 'a.wild.mesh', 'short', 'optional.mesh', 'port.mesh']
        before = len(way.dns.out.splitlines())
        answers = way.ask([['getaddrinfo', name, family]
                           for name in names for family in ('any', 'v4', 'v6')])
        for answer in answers:
            check(not any(str(one).startswith('192.0.2.') for one in answer),
                  f'an answer from files or DNS by {way.title}: {answer}')
        way.ask([['getaddrinfo', 'sentinel.example', 'v4']])
        way.dns.wait_for('^A sentinel.example$')
        asked = [line for line in way.dns.out.splitlines()[before:] if 'sentinel' not in line]
        equal(asked, [], f'what DNS was asked by {way.title}')


def test_real_programs_are_reached_each_through_another_function():
    prepared()
    rows = [  # NSS: program, the function of ours that glibc asks, what is printed
        (['getent', 'hosts', 'four.mesh'], '2_r', '10.0.1.4'),
        (['getent', 'ahosts', 'four.mesh'], '4_r', '10.0.1.4'),
        (['getent', 'ahostsv4', 'www.mesh'], '3_r', 'four.mesh'),
        (['getent', 'hosts', '10.0.1.4'], 'addr_r', 'four.mesh'),
        ([DRAWS, 'host', 'four.mesh', '1'], '_r', '10.0.1.4 1'),
        ([DRAWS, 'host2', 'six.mesh', '1'], '2_r', 'fd00:1::6 1'),
    ]
    for argv, function, text in rows:
        harness.contains(nss().run(argv).out, text, f'{argv}, by {function}')
    curl = ['curl', '-sv', '--max-time', '1', 'http://four.mesh:1/']
    for way in ways():
        harness.contains(way.run(curl, expect=None).err, '10.0.1.4', f'curl by {way.title}')
    out = shim().run(['getent', 'ahosts', 'port.mesh']).out
    harness.contains(out, '10.0.1.80', 'getent ahosts under the shim')


def test_getent_hosts_without_a_name_still_lists_all_of_etc_hosts():
    for way in prepared():
        listed = [line.split() for line in way.run(['getent', 'hosts']).out.splitlines()]
        wanted = [line.split() for line in way.machine.read('/etc/hosts').splitlines()]
        equal(listed, wanted, f'what {way.title} lists')


FUNCTIONS = '''
import ctypes, json, socket
calls = {}
libc = ctypes.CDLL(None)
for name in %r:
    where = ctypes.cast(getattr(libc, name), ctypes.c_void_p).value
    class Info(ctypes.Structure):
        _fields_ = [("file", ctypes.c_char_p), ("base", ctypes.c_void_p),
                    ("symbol", ctypes.c_char_p), ("at", ctypes.c_void_p)]
    info = Info()
    libc.dladdr(ctypes.c_void_p(where), ctypes.byref(info))
    calls[name] = info.file.decode()
print(json.dumps(calls))
'''


def test_programs_are_bound_to_each_function_of_the_shim():
    prepared()
    names = EXPORTS[harness.PRELOAD]
    bound = json.loads(shim().python(FUNCTIONS % names).out)
    equal(bound, {name: preload() for name in names})
    rows = [  # program, the function of ours that it calls, what is printed
        (['getent', 'ahosts', 'four.mesh'], 'getaddrinfo', '10.0.1.4'),
        (['getent', 'hosts', 'four.mesh'], 'gethostbyname2', '10.0.1.4'),
        (['getent', 'hosts', '10.0.1.4'], 'gethostbyaddr', 'four.mesh'),
        ([DRAWS, 'host', 'four.mesh', '1'], 'gethostbyname', '10.0.1.4 1'),
        ([sys.executable, '-c', 'import socket; print(socket.gethostbyname_ex("four.mesh"))'],
         'gethostbyname_r', "('four.mesh', [], ['10.0.1.4'])"),
        ([sys.executable, '-c', 'import socket; print(socket.gethostbyaddr("10.0.1.4"))'],
         'gethostbyaddr_r', "('four.mesh', [], ['10.0.1.4'])"),
        ([sys.executable, '-c', 'import socket; print(socket.getnameinfo(("10.0.1.4", 80), 0))'],
         'getnameinfo', "('four.mesh', 'http')"),
    ]
    for argv, function, text in rows:
        result = shim().run(argv, env={'LD_DEBUG': 'bindings'})
        harness.contains(result.out, text, f'{argv}, by {function}')
        harness.matches(result.err, rf"binding file .* to {re.escape(preload())} .*: .*"
                                    rf"symbol `{function}'", f'the bindings of {argv}')


def calls_of(way, program, env=None):
    """{system call: number} of a program, threads and all."""
    trace = os.path.join(harness.folder(), 'trace')
    way.machine.run(['strace', '-f', '-qq', '-o', trace,
                     *[f'-E{name}={value}' for name, value in way.env.items()], *program])
    counts = {}
    for line in harness.read(trace).splitlines():
        found = re.match(r'\d+ +(\w+)\(', line)
        if found:
            counts[found.group(1)] = counts.get(found.group(1), 0) + 1
    return counts


def difference(way, how, name, few, many):
    """The system calls that many look-ups make more than few."""
    low = calls_of(way, [DRAWS, how, name, few])
    high = calls_of(way, [DRAWS, how, name, many])
    return {call: high.get(call, 0) - low.get(call, 0) for call in {*low, *high}
            if high.get(call, 0) != low.get(call, 0)}


def test_after_the_first_look_up_a_hit_through_the_shim_makes_no_system_call():
    prepared()
    for how, name in (('v4', 'four.mesh'), ('any', 'both.mesh'), ('v6', 'six.mesh'),
                      ('any', 'a.wild.mesh'), ('any', 'short'), ('any', 'www.mesh')):
        equal(difference(shim(), how, name, 1, 1001), {}, f'system calls for {name}')


def test_through_nss_a_hit_makes_the_system_calls_of_a_module_that_does_nothing():
    prepared()
    constant = Machine(network(), 'constant')
    constant.nsswitch(NSSWITCH.replace('meshdns', 'constant'))
    constant.install_nss(CONSTANT, 'libnss_constant.so.2')

    class Constant:
        machine, env = constant, {}
    for how in ('any', 'v4', 'host'):
        equal(difference(nss(), how, 'four.mesh', 2, 102),
              difference(Constant, how, 'four.mesh', 2, 102), f'system calls, {how}')


def test_without_a_snapshot_or_with_a_bad_one_names_resolve_as_if_meshdns_were_not_there():
    prepared()
    folder = harness.folder()
    os.chmod(folder, 0o755)
    good = compile_to(os.path.join(folder, 'good'), POLICIES)
    with open(good, 'rb') as file:
        whole = file.read()
    bad = {'missing': None, 'empty': b'', 'noise': os.urandom(65536), 'cut': whole[:5000],
           'header': b'\0' * 8 + whole[8:]}
    for title, content in bad.items():
        path = os.path.join(folder, title)
        if content is not None:
            with open(path, 'wb') as file:
                file.write(content)
        found = shim().run(['getent', 'ahostsv4', 'four.mesh'], env={'MESHDNS_SNAPSHOT': path}).out
        harness.contains(found, '192.0.2.99', f'a snapshot that is {title}')
    found = shim().run(['getent', 'ahostsv4', 'four.mesh'], env={'MESHDNS_SNAPSHOT': good}).out
    harness.contains(found, '10.0.1.4', 'another snapshot, by MESHDNS_SNAPSHOT')


def test_nss_reads_no_environment():
    prepared()
    found = nss().run(['getent', 'ahostsv4', 'four.mesh'], env={'MESHDNS_SNAPSHOT': '/dev/null'})
    harness.contains(found.out, '10.0.1.4')


def test_a_program_with_another_libc_is_left_alone():
    prepared()
    program = os.path.join(harness.folder(), 'draws')
    source = os.path.join(harness.SOURCE, 'tests', 'programs', 'draws.c')
    harness.run(['musl-gcc', '-O2', '-D_GNU_SOURCE', '-pthread', source, '-o', program])
    os.chmod(os.path.dirname(program), 0o755)
    equal(shim().run([program, 'v4', 'four.mesh', '1']).out, '192.0.2.99 1\n')
    equal(shim().run([DRAWS, 'v4', 'four.mesh', '1']).out, '10.0.1.4 1\n')


def test_the_shim_is_loaded_through_a_link_where_its_path_has_a_space():
    prepared()
    folder = os.path.join(harness.folder(), 'a b:c')
    os.mkdir(folder)
    harness.run(['cp', harness.PRELOAD, os.path.join(folder, 'x.so')])
    link = os.path.join(harness.folder(), 'preload.so')
    os.symlink(os.path.join(folder, 'x.so'), link)
    found = shim().run(['getent', 'ahostsv4', 'four.mesh'], env={'LD_PRELOAD': link})
    harness.contains(found.out, '10.0.1.4')
    equal(found.err, '')
    check(' ' not in preload(), 'the tests preload by a path with a space')


if __name__ == '__main__':
    harness.main()
