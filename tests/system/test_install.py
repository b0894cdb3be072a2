"""test_install.py - `meson install`: what lands where; a machine before, with and after it.

The machine is a Debian made by debootstrap in a temporary folder; it is entered by chroot, with the
network of a netns.Machine. What the README tells an administrator to type is read from the README
and typed there.
"""

import hashlib
import json
import os
import re
import shutil
import stat
import subprocess

import harness
from netns import Machine, Network

# What the programs need at run time; the README names the same.
RUNTIME = ('libcurl3-gnutls', 'libgnutls30', 'libjansson4', 'libmicrohttpd12', 'libmsgpackc2',
           'libsodium23', 'libsqlite3-0', 'libyaml-0-2', 'libzmq5')
MULTIARCH = 'x86_64-linux-gnu'

# Where a distribution would put it, and with which mode. Manual and policies: see below.
FILES = {
    'bin/meshctl': 0o755,
    'sbin/meshdns-controller': 0o755,
    'sbin/meshdns-syncd': 0o755,
    f'lib/{MULTIARCH}/libnss_meshdns.so.2': 0o755,
    f'lib/{MULTIARCH}/libmeshdns_preload.so': 0o755,
}

POLICY = '''policy: shop
domains: [checkout.shop.mesh]
destinations:
  - {address: 10.0.1.10, weight: 3}
  - {address: 10.0.1.11, weight: 1}
'''


def install(root):
    """meson install into a folder. What it logs is kept apart from that of other installs."""
    harness.run(['meson', 'install', '-C', harness.BUILD, '--no-rebuild', '--destdir', root])
    return os.path.join(harness.BUILD, 'meson-logs', 'install-log.txt')


def uninstall():
    harness.run(['ninja', '-C', harness.BUILD, 'uninstall'])


def prefix():
    """Where this build folder installs to: usr, unless somebody chose otherwise."""
    options = json.loads(harness.run(['meson', 'introspect', '--buildoptions', harness.BUILD]).out)
    return next(option['value'] for option in options if option['name'] == 'prefix').lstrip('/')


def contents(root):
    """{path: what it is}, for a comparison byte by byte. What the kernel shows is left out."""
    found = {}
    for folder, folders, files in os.walk(root):
        inside = os.path.relpath(folder, root)
        if inside in ('proc', 'sys', 'dev', 'tmp'):
            folders.clear()
            continue
        for name in folders + files:
            path = os.path.join(folder, name)
            status = os.lstat(path)
            what = [stat.S_IFMT(status.st_mode), stat.S_IMODE(status.st_mode), status.st_uid,
                    status.st_gid]
            if stat.S_ISLNK(status.st_mode):
                what.append(os.readlink(path))
            elif stat.S_ISREG(status.st_mode):
                with open(path, 'rb') as file:
                    what.append(hashlib.sha256(file.read()).hexdigest())
            found[os.path.normpath(os.path.join(inside, name))] = what
    return found


def test_everything_lands_where_a_distribution_would_put_it():
    root = harness.folder()
    install(root)
    found = {path: what for path, what in contents(root).items() if what[0] != stat.S_IFDIR}
    wanted = dict(FILES)
    pages = [name for name in os.listdir(os.path.join(harness.SOURCE, 'man'))
             if re.search(r'\.[1-8]$', name)]
    wanted.update({f'share/man/man{page[-1]}/{page}': 0o644 for page in pages})
    for folder, _, files in os.walk(os.path.join(harness.SOURCE, 'policies')):
        inside = os.path.relpath(folder, os.path.join(harness.SOURCE, 'policies'))
        for name in files:
            if name != 'meson.build':
                path = os.path.normpath(f'share/doc/meshdns/policies/{inside}/{name}')
                wanted[path] = 0o644
    harness.equal({path: oct(what[1]) for path, what in sorted(found.items())},
                  {os.path.join(prefix(), path): oct(mode)
                   for path, mode in sorted(wanted.items())}, 'what is installed')
    uninstall()
    harness.equal([path for path, what in contents(root).items() if what[0] != stat.S_IFDIR], [],
                  'what is left after `ninja uninstall`')


def readme(heading):
    """The commands of the code blocks below a heading of the README."""
    text = harness.read(os.path.join(harness.SOURCE, 'README.md'))
    section = re.split(r'^#+ ', text, flags=re.M)
    part = next((part for part in section if part.startswith(heading)), None)
    harness.check(part, f'the README has no section {heading!r}')
    return [line.strip() for block in re.findall(r'^```sh\n(.*?)^```', part, re.M | re.S)
            for line in block.split('\n') if line.strip()]


@harness.once
def debian():
    """A fresh Debian 12 with the run-time libraries."""
    harness.needs_root()
    root = os.path.join(harness.folder(), 'root')
    done = subprocess.run(['debootstrap', '--variant=minbase', f'--include={",".join(RUNTIME)}',
                           'bookworm', root], capture_output=True, text=True, timeout=900)
    harness.equal(done.returncode, 0, f'debootstrap, which said:\n{done.stdout[-3000:]}\n')
    harness.defer(shutil.rmtree, root, ignore_errors=True)
    harness.write(os.path.join(root, 'etc', 'hosts'), '127.0.0.1 localhost\n')
    # What the first run of ldconfig writes is no work of ours.
    harness.run(['chroot', root, 'ldconfig'])
    return root


def test_a_real_machine_resolves_with_it_and_is_as_before_without_it():
    root = debian()
    before = contents(root)
    machine = Machine(Network(), 'real')

    def inside(*words, **keywords):
        return machine.run(['chroot', root, *words], **keywords)

    install(root)
    steps, undo = readme('Add it to name resolution'), readme('Undo')
    for line in steps:
        inside('sh', '-ec', line)
    harness.write(os.path.join(root, 'tmp', 'shop.yaml'), POLICY)
    inside('mkdir', '-p', '/run/meshdns/v1')
    inside('meshctl', 'snapshot', 'compile', '/tmp/shop.yaml', '-o', '/run/meshdns/v1/snapshot')
    drawn = {}
    for _ in range(400):
        address = inside('getent', 'ahostsv4', 'checkout.shop.mesh').out.split()[0]
        drawn[address] = drawn.get(address, 0) + 1
    harness.shares(drawn, {'10.0.1.10': 3, '10.0.1.11': 1})
    inside('getent', 'hosts', 'localhost')
    inside('getent', 'hosts', 'nothing.shop.mesh', expect=2)
    out = inside('meshctl', 'run', '--', 'getent', 'ahostsv4', 'checkout.shop.mesh').out
    harness.contains(out, '10.0.1.1')
    for program in ('meshdns-syncd', 'meshdns-controller'):
        inside(program, '--version')

    for line in undo:
        if 'uninstall' in line:
            uninstall()  # the build folder is outside of that machine
        else:
            inside('sh', '-ec', line)
    after = contents(root)
    changed = {path: (before.get(path), after.get(path)) for path in {*before, *after}
               if before.get(path) != after.get(path)}
    # ldconfig's own notes about inodes and times.
    changed.pop('var/cache/ldconfig/aux-cache', None)
    harness.equal(changed, {}, 'what differs from before the installation')


def test_the_readme_names_the_libraries_that_are_needed():
    text = harness.read(os.path.join(harness.SOURCE, 'README.md'))
    for name in RUNTIME:
        harness.contains(text, name, 'the README')


if __name__ == '__main__':
    harness.main()
