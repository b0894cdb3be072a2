"""nscd.py - glibc's own cache, the fastest of the other ways: programs search its shared mapping.

The package is unpacked into a folder of ours, never installed: that would start a daemon, and its
socket would answer for every program of this machine. Each nscd has a machine of its own, and is
filled with all names, from a module that answers at once, before anything is timed.
"""

import glob
import os
import socket
import statistics
import struct
import time

import harness
import ways

NUMBERED = os.path.join(ways.FOLDER, 'libnss_numbered.so.2')
CONFIGURATION = '''
enable-cache passwd no
enable-cache group no
enable-cache services no
enable-cache netgroup no
enable-cache hosts yes
positive-time-to-live hosts 864000
negative-time-to-live hosts 20
suggested-size hosts {size}
check-files hosts no
persistent hosts no
shared hosts yes
max-db-size hosts {most}
'''
FETCH = '''
apt() { apt-get -q -o DPkg::Lock::Timeout=300 -o APT::Sandbox::User=root "$@"; }
cd "$1" && { apt download nscd || { apt update && apt download nscd; }; }
'''
INVALIDATE = 10  # nscd/nscd-client.h: a request is version, type, length of the key, all int32


@harness.once
def program():
    """The path of an unpacked nscd; Failure when the package cannot be had. Lists that are missing
    or stale are the usual reason: then once more, with new ones."""
    where = harness.folder()
    os.chmod(where, 0o755)
    harness.run(['sh', '-c', FETCH, 'sh', where], limit=600)
    harness.run(['dpkg-deb', '-x', *glob.glob(os.path.join(where, 'nscd_*.deb')), where])
    return os.path.join(where, 'usr', 'sbin', 'nscd')


def _prime(least):
    """Its hash table wants a prime number of chains; as many as names, so that they are short."""
    number = max(least, 211) | 1
    while any(number % divisor == 0 for divisor in range(3, int(number ** 0.5) + 1, 2)):
        number += 2
    return number


class Nscd(ways.Way):
    def __init__(self, names):
        on = ways.machine('numbered')
        on.install_nss(NUMBERED, 'libnss_numbered.so.2')
        os.makedirs(on.path('/run/nscd'))
        on.write('/run/nscd.conf', CONFIGURATION.format(size=_prime(names), most=4 << 30))
        self.daemon = on.start([program(), '-F', '-f', '/run/nscd.conf'], name='nscd')
        harness.wait(lambda: os.path.exists(on.path('/run/nscd/socket')), what='nscd listens')
        super().__init__('nscd', names, on=on)
        self.generation = 0
        started = time.monotonic()
        self.check('any', names)  # asks for all of them, once
        self.fill_s = time.monotonic() - started
        self.check('any')
        harness.equal(self.system_calls_each('any'), 0, 'system calls of a look-up in its mapping')

    def change_ns(self):
        """Changes an address behind nscd. Returns how long it takes a program to see that, once
        nscd is told; no process is started for it. All that it knew is gone then."""
        before = self.order('ask', 'any', 0)
        self.generation = (self.generation + 1) % 4
        self.on.write('/run/generation', str(self.generation))
        with socket.socket(socket.AF_UNIX) as told:
            told.connect(self.on.path('/run/nscd/socket'))
            started = time.monotonic_ns()
            told.sendall(struct.pack('=3i', 2, INVALIDATE, 6) + b'hosts\0')
            harness.equal(struct.unpack('=i', told.recv(4)), (0,), "nscd's answer")
            while self.order('ask', 'any', 0) in (before, ['-']):
                harness.check(time.monotonic_ns() < started + 60e9, 'nscd never sees the change')
            return time.monotonic_ns() - started

    def changes_ns(self):
        """The median of three, each with everything known before; of many names only one, because
        asking for all of them again takes minutes."""
        took = []
        for _ in range(3 if self.names < 100000 else 1):
            self.order('check', 'any', self.names)
            took.append(self.change_ns())
        return statistics.median(took)

    def end(self):
        super().end()
        self.daemon.kill()
