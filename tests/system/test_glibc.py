"""test_glibc.py - the modules with an older and a newer glibc than the one they are developed on.

MESHDNS_LONG=1 makes two Debians by debootstrap: bullseye (2.31), for which the modules are built
against its own glibc, and trixie (2.41), which gets those of this build folder.
"""

import json
import os
import re
import shutil

import harness
from harness import check, contains, equal
from modules import compile_to, network
from netns import Machine

MIRROR = 'http://deb.debian.org/debian'
MULTIARCH = 'x86_64-linux-gnu'
BUILT_ABOVE = (2, 31)

POLICIES = '''
policy: four
domains: [four.mesh]
reverse: true
destinations: [{address: 10.0.1.4}]
---
policy: both
domains: [both.mesh]
destinations: [{address: [10.0.1.8, "fd00:1::8"]}]
---
policy: port
domains: [port.mesh]
port: optional
destinations: [{address: "10.0.1.80:8443"}]
---
policy: drawn
domains: [drawn.mesh]
destinations: [{address: 10.0.1.21}, {address: 10.0.1.22, weight: 3}]
---
policy: denied
domains: [denied.mesh]
action: deny
'''
HOSTS = '127.0.0.1 localhost\n192.0.2.99 four.mesh denied.mesh known.example\n'

ASK = '''
import json, socket, sys
def ask(call, *words):
    try:
        return call(*words)
    except OSError as error:
        return [type(error).__name__, error.errno]
def addresses(name, family):
    return [one[4][:2] for one in socket.getaddrinfo(name, 80, family, socket.SOCK_STREAM)]
out = {name: ask(addresses, name, 0) for name in
       ('four.mesh', 'both.mesh', 'port.mesh', 'denied.mesh', 'known.example', '10.9.8.7')}
out['v4'] = ask(addresses, 'both.mesh', socket.AF_INET)
out['v6'] = ask(addresses, 'four.mesh', socket.AF_INET6)
out['reverse'] = ask(socket.gethostbyaddr, '10.0.1.4')
out['nameinfo'] = ask(socket.getnameinfo, ('10.0.1.4', 80), socket.NI_NUMERICSERV)
drawn = [addresses('drawn.mesh', 0)[0][0] for _ in range(2000)]
out['drawn'] = {one: drawn.count(one) for one in sorted(set(drawn))}
print(json.dumps(out))
'''
NONAME = ['gaierror', -2]
WANTED = {
    'four.mesh': [['10.0.1.4', 80]],
    'both.mesh': [['fd00:1::8', 80], ['10.0.1.8', 80]],
    'denied.mesh': NONAME,
    'known.example': [['192.0.2.99', 80]],
    '10.9.8.7': [['10.9.8.7', 80]],
    'v4': [['10.0.1.8', 80]],
    'v6': ['gaierror', -5],
    'reverse': ['four.mesh', [], ['10.0.1.4']],
    'nameinfo': ['four.mesh', '80'],
}


def test_two_functions_alone_are_newer_than_the_oldest_glibc_that_is_served():
    wanted = {harness.NSS: {'fstat64': (2, 33)},
              harness.PRELOAD: {'fstat64': (2, 33), 'dlsym': (2, 34)}}
    for library, newer in wanted.items():
        symbols = harness.run(['nm', '-D', library]).out
        found = {name: tuple(map(int, version.split('.'))) for name, version in
                 re.findall(r' U (\w+)@GLIBC_([0-9.]+)', symbols)}
        equal({name: version for name, version in found.items() if version > BUILT_ABOVE}, newer,
              f'what {os.path.basename(library)} needs above 2.31')


def debian(suite):
    root = os.path.join(harness.folder(f'meshdns-{suite}-'), 'root')
    harness.run(['debootstrap', '--variant=minbase', '--include=libc6-dev,python3', suite, root,
                 MIRROR], limit=1800)
    os.chmod(os.path.dirname(root), 0o755)
    return root


def relink(root):
    """Makes a Debian's libraries fit for a linker from outside: no link leaves the folder."""
    for folder in ('lib64', f'usr/lib/{MULTIARCH}'):
        for name in os.listdir(os.path.join(root, folder)):
            path = os.path.join(root, folder, name)
            if os.path.islink(path) and os.readlink(path).startswith('/'):
                target = root + os.readlink(path)
                os.unlink(path)
                os.symlink(os.path.relpath(target, os.path.dirname(os.path.realpath(path))), path)


def build_against(root):
    """Builds the two modules against the glibc in root. Returns their paths."""
    folder = os.path.join(os.path.dirname(root), 'build')
    libraries = [f'-L{root}/{place}/{MULTIARCH}' for place in ('lib', 'usr/lib')]
    cross = harness.write(f'{folder}.ini', f"""[binaries]
c = ['gcc', '--sysroot={root}']
ar = 'gcc-ar'
[built-in options]
c_link_args = {libraries}
[properties]
needs_exe_wrapper = false
[host_machine]
system = 'linux'
cpu_family = 'x86_64'
cpu = 'x86_64'
endian = 'little'
""")
    relink(root)
    harness.run(['meson', 'setup', '--cross-file', cross, '-Dreader_only=true', folder,
                 harness.SOURCE])
    modules = [os.path.join(folder, 'nss', 'libnss_meshdns.so.2'),
               os.path.join(folder, 'preload', 'libmeshdns_preload.so')]
    harness.run(['ninja', '-C', folder, *[os.path.relpath(one, folder) for one in modules]])
    return modules


def serve(suite, root, modules):
    """Installs modules and a snapshot, and asks there what programs ask, in both ways."""
    machine = Machine(network(), suite)
    for module in modules:
        shutil.copy(module, os.path.join(root, 'usr', 'lib', MULTIARCH))
    os.makedirs(os.path.join(root, 'run/meshdns/v1'))
    compile_to(os.path.join(root, 'run/meshdns/v1/snapshot'), POLICIES)
    harness.write(os.path.join(root, 'etc/hosts'), HOSTS)
    inside = ['chroot', root]
    machine.run([*inside, 'ldconfig'])
    ways = {'NSS': ('meshdns [NOTFOUND=return] files', []),
            'the shim': ('files', ['env', 'LD_PRELOAD=libmeshdns_preload.so'])}
    for way, (sources, words) in ways.items():
        harness.write(os.path.join(root, 'etc/nsswitch.conf'), f'hosts: {sources}\n')
        where = f'on {suite} through {way}'
        out = machine.run([*inside, *words, 'python3', '-c', ASK]).out
        found = json.loads(out)
        harness.shares(found.pop('drawn'), {'10.0.1.21': 1, '10.0.1.22': 3})
        equal(found.pop('port.mesh'), [['10.0.1.80', 80 if way == 'NSS' else 8443]], where)
        for question, answer in WANTED.items():
            equal(found[question], answer, f'{question} {where}')
        for database in ('hosts', 'ahosts', 'ahostsv4'):
            out = machine.run([*inside, *words, 'getent', database, 'four.mesh']).out
            contains(out, '10.0.1.4', f'getent {database} {where}')
    version = machine.run([*inside, 'getconf', 'GNU_LIBC_VERSION']).out.split()[1]
    return tuple(map(int, version.split('.')))


def test_under_glibc_2_31_both_ways_answer_when_built_for_it():
    root = debian('bullseye')
    modules = build_against(root)
    for module in modules:
        versions = re.findall(r'@GLIBC_([0-9.]+)', harness.run(['nm', '-D', module]).out)
        check(max(tuple(map(int, one.split('.'))) for one in versions) <= BUILT_ABOVE,
              f'{module} needs a newer glibc than it was built for')
    equal(serve('bullseye', root, modules), (2, 31), 'the version of glibc')


def test_under_glibc_2_41_both_ways_answer_as_they_were_built_here():
    equal(serve('trixie', debian('trixie'), [harness.NSS, harness.PRELOAD]), (2, 41),
          'the version of glibc')


if not harness.LONG:
    del test_under_glibc_2_31_both_ways_answer_when_built_for_it
    del test_under_glibc_2_41_both_ways_answer_as_they_were_built_here

if __name__ == '__main__':
    harness.main()
