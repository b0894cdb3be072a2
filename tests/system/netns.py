"""netns.py - small networks of machines, made of namespaces that cannot be left behind.

A Machine has its own network (lo and eth0) and its own /etc, /run and /dev/shm, so that a test may
edit nsswitch.conf, hosts and resolv.conf as an administrator would, and programs find the NSS
module of the build tree by the ordinary linker cache, without LD_LIBRARY_PATH. Its namespaces have
no names: they live as long as a `cat` that reads a pipe of ours. When this process dies, however it
dies, the pipe closes, cat ends, and the kernel takes the namespaces, links and mounts back.

    network = Network()                        # a switch
    web = Machine(network, 'web')              # 10.77.0.1 and fd77::1
    web.nsswitch('meshdns [NOTFOUND=return] files dns')
    harness.run(['getent', 'ahostsv4', 'checkout.shop.mesh'], machine=web)
"""

import os
import shutil
import subprocess
import sys

import harness

PREFIX = '10.77.0'
PREFIX6 = 'fd77::'

# In the new namespaces. /etc is a copy on a tmpfs, so that a rename inside it works as it does on
# a real machine; DIR is ours to fill.
SETUP = '''
set -e
mount -t tmpfs -o mode=0755,nodev,nosuid run /run
mount -t tmpfs -o mode=1777,nodev,nosuid shm /dev/shm
mkdir -p /run/etc /run/lib /run/lock /run/meshdns
cp -a /etc/. /run/etc/ 2>/dev/null || true
mount --bind /run/etc /etc
if [ -L /etc/resolv.conf ]; then rm /etc/resolv.conf; fi
printf 'include /etc/ld.so.conf.d/*.conf\\n/run/lib\\n' >/etc/ld.so.conf
: >/etc/resolv.conf
ip link set lo up
echo ready
exec cat
'''


def _holder(script, name):
    """Starts a process in new network and mount namespaces; it ends when its stdin closes."""
    harness.needs_root()
    child = subprocess.Popen(['unshare', '--net', '--mount', '--propagation', 'private',
                              'setpriv', '--pdeathsig', 'KILL', '--', 'sh', '-c', script],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    if child.stdout.readline() != b'ready\n':
        child.kill()
        raise harness.Failure(f'cannot make the namespaces of {name}')

    def end():
        child.stdin.close()
        child.wait()
        child.stdout.close()
    harness.defer(end)
    return child


def _ip(pid, lines):
    """Runs a batch of ip(8) commands in the network of a process."""
    harness.run(['nsenter', '-t', pid, '-n', 'ip', '-batch', '-'], stdin='\n'.join(lines) + '\n')


class Network:
    """A switch with a bridge; machines are plugged in. The bridge is the default router too, so
    that addresses behind no link still have a route, as on a real machine."""

    def __init__(self):
        self.holder = _holder('ip link set lo up; echo ready; exec cat', 'a network')
        self.machines = 0
        _ip(self.holder.pid, ['link add br0 type bridge forward_delay 0 mcast_snooping 0',
                              f'addr add {PREFIX}.254/24 dev br0',
                              f'addr add {PREFIX6}fe/64 dev br0 nodad',
                              'link set br0 up'])

    def plug(self, pid):
        """Gives the network of a process an eth0. Returns its number, 1..250."""
        self.machines += 1
        number = self.machines
        _ip(self.holder.pid, [f'link add port{number} type veth peer name eth0 netns {pid}',
                              f'link set port{number} master br0 up'])
        return number


class Machine:
    """One host of a Network."""

    def __init__(self, network, name):
        self.name = name
        self.holder = _holder(SETUP, name)
        number = network.plug(self.holder.pid)
        self.address = f'{PREFIX}.{number}'
        self.address6 = f'{PREFIX6}{number:x}'
        _ip(self.holder.pid, [f'addr add {self.address}/24 dev eth0',
                              f'addr add {self.address6}/64 dev eth0 nodad',
                              'link set eth0 up',
                              f'route add default via {PREFIX}.254',
                              f'route add default via {PREFIX6}fe'])
        self.write('/etc/hosts', f'127.0.0.1 localhost\n{self.address} {name}\n')

    def enter(self):
        """The words before a command that make it run here; it keeps its pid."""
        return ['nsenter', '-t', str(self.holder.pid), '-n', '-m', '--']

    def run(self, argv, **keywords):
        """harness.run() here. The working folder is /: give whole paths."""
        return harness.run(argv, machine=self, **keywords)

    def start(self, argv, **keywords):
        """A harness.Process here."""
        return harness.Process(argv, machine=self, **keywords)

    def python(self, program, *arguments, **keywords):
        """Runs a Python program given as text."""
        return self.run([sys.executable, '-c', program, *arguments], **keywords)

    def path(self, inside):
        """The same file as seen from outside, while this machine lives."""
        return f'/proc/{self.holder.pid}/root{inside}'

    def write(self, path, text, mode=0o644):
        """Replaces a file of this machine, as an editor does, by rename."""
        harness.write(self.path(path), text, mode)

    def read(self, path):
        return harness.read(self.path(path))

    def hosts(self, text):
        """Lines for /etc/hosts behind the usual ones."""
        self.write('/etc/hosts', f'127.0.0.1 localhost\n{self.address} {self.name}\n{text}')

    def nsswitch(self, sources):
        """Sets the hosts: line of nsswitch.conf."""
        lines = [line for line in self.read('/etc/nsswitch.conf').split('\n')
                 if line and not line.startswith('hosts:')]
        self.write('/etc/nsswitch.conf', '\n'.join(lines + [f'hosts: {sources}', '']))

    def resolv(self, text):
        self.write('/etc/resolv.conf', text)

    def install_nss(self, library=None, name='libnss_meshdns.so.2'):
        """Puts an NSS module where the linker of this machine finds it: a copy, as an installed
        one is, so that a path with a space does not matter."""
        shutil.copy(library or harness.NSS, self.path(f'/run/lib/{name}'))
        self.run(['ldconfig'])

    def add_address(self, address):
        """One more address of this machine, which all others reach: 10.77.1.10, fd77:0:0:1::5."""
        if ':' in address:
            _ip(self.holder.pid, [f'addr add {address}/128 dev eth0 nodad'])
        else:
            _ip(self.holder.pid, [f'addr add {address}/32 dev eth0'])
        return address

    def route(self, prefix, to):
        """Sends a prefix to another Machine."""
        gateway = to.address6 if ':' in prefix else to.address
        _ip(self.holder.pid, [f'route replace {prefix} via {gateway}'])

    def link(self, is_up):
        """Pulls or plugs the cable."""
        _ip(self.holder.pid, [f'link set eth0 {"up" if is_up else "down"}'])

    def dns(self, **answers):
        """A DNS server on this machine's port 53 that knows these names (`a_b` = a.b; or pass a
        dictionary with **) and says NXDOMAIN to all others. Its stdout has a line for each query:
        `A name`. resolv.conf points to it."""
        words = [f'{name}={address}' for name, address in answers.items()]
        server = self.start([sys.executable, os.path.join(os.path.dirname(__file__), 'dns_stub.py'),
                             self.address, *words], name='dns_stub')
        server.wait_for('^ready')
        self.resolv(f'nameserver {self.address}\noptions timeout:1 attempts:2\n')
        return server
