"""modules.py - the two ways into a program, each on a machine of its own.

    for way in ways():
        way.publish(POLICIES)                       # compiled into this machine's snapshot
        way.run(['getent', 'hosts', 'shop.mesh'])   # under the shim, or through NSS

`shim` runs programs with LD_PRELOAD where nsswitch.conf says `files dns`; `nss` has the line that
the manual gives. Both machines have a DNS server that writes down every question it is asked.
"""

import json
import os
import shutil
import sys

import harness
from netns import Machine, Network

PROGRAMS = os.path.join(harness.BUILD, 'tests', 'programs')
DRAWS = os.path.join(PROGRAMS, 'draws')
PAIRS = os.path.join(PROGRAMS, 'pairs')
MATRIX = os.path.join(PROGRAMS, 'matrix')
MATRIX_HOSTS = os.path.join(PROGRAMS, 'matrix_hosts')
PUBLISH = os.path.join(PROGRAMS, 'publish')
CONSTANT = os.path.join(PROGRAMS, 'libnss_constant.so.2')
SNAPSHOT = '/run/meshdns/v1/snapshot'
NSSWITCH = 'meshdns [NOTFOUND=return] files dns'


@harness.once
def network():
    return Network()


@harness.once
def _links():
    path = harness.folder('meshdns-preload-')
    os.chmod(path, 0o755)
    return path


def preloadable(library):
    """What LD_PRELOAD can name: it splits at spaces and colons, so a link stands in."""
    link = os.path.join(_links(), os.path.basename(library))
    if not os.path.islink(link):
        os.symlink(library, link)
    return link


def preload():
    return preloadable(harness.PRELOAD)


def compile_to(path, policies, *words):
    """Compiles policies (YAML text) into a snapshot file."""
    source = os.path.join(harness.folder(), 'policies.yaml')
    harness.write(source, policies)
    harness.run([harness.MESHCTL, 'snapshot', 'compile', source, '-o', path, *words])
    return path


class Way:
    """A machine, and how programs there come to meshdns."""

    def __init__(self, title, sources, env=None):
        self.title, self.env = title, env or {}
        self.machine = Machine(network(), title)
        self.machine.nsswitch(sources)
        self.machine.install_nss()
        self.machine.install_nss(CONSTANT, 'libnss_constant.so.2')
        os.makedirs(self.machine.path(os.path.dirname(SNAPSHOT)))

    def publish(self, policies, protected=(), search=()):
        """Puts a new snapshot in place, for programs that start from now on. protected names and
        the search list are what syncd adds."""
        fresh = compile_to(os.path.join(harness.folder(), 'snapshot'), policies)
        for name in protected:
            harness.run([PUBLISH, fresh, 'pass', name])
        if search:
            harness.run([PUBLISH, fresh, 'search', '1', *search])
        draft = self.machine.path(SNAPSHOT + '.draft')
        shutil.copyfile(fresh, draft)
        os.chmod(draft, 0o644)
        os.rename(draft, self.machine.path(SNAPSHOT))

    def run(self, argv, env=None, **keywords):
        return self.machine.run(argv, env={**self.env, **(env or {})}, **keywords)

    def python(self, program, *arguments, **keywords):
        return self.run([sys.executable, '-c', program, *arguments], **keywords)

    def ask(self, questions):
        """Answers questions in one program. [function, name, family] gives what came out:
        a list of addresses (with the canonical name first, for `canon`), or [error, code]."""
        return json.loads(self.python(ASK, json.dumps(questions)).out)

    def draws(self, how, name, count, threads=1, workers=0):
        """Counts {address: number}, and the first draws of each worker."""
        out = self.run([DRAWS, how, name, count, threads, workers], limit=900).out
        counts, firsts = {}, []
        for words in (line.split() for line in out.splitlines()):
            if words[0] == 'worker':
                firsts.append(tuple(words[1:]))
            else:
                counts[words[0]] = int(words[1])
        harness.equal(counts.pop('failed', 0), 0, f'failed look-ups of {name} by {self.title}')
        harness.equal(sum(counts.values()), count * threads * max(workers, 1),
                      f'look-ups of {name} by {self.title}')
        return counts, firsts


# Runs inside a machine. Python's gethostbyname asks getaddrinfo first, so libc's is called.
ASK = '''
import ctypes, json, socket, sys
class Host(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("aliases", ctypes.c_void_p),
                ("family", ctypes.c_int), ("length", ctypes.c_int),
                ("addresses", ctypes.POINTER(ctypes.c_void_p))]
libc = ctypes.CDLL(None)
libc.gethostbyname.restype = ctypes.POINTER(Host)
libc.__h_errno_location.restype = ctypes.POINTER(ctypes.c_int)
def gethostbyname(name):
    found = libc.gethostbyname(name.encode())
    if not found:
        return ["h_errno", libc.__h_errno_location().contents.value]
    host = found.contents
    return [host.name.decode(),
            socket.inet_ntop(host.family, ctypes.string_at(host.addresses[0], host.length))]
FAMILIES = {"any": 0, "v4": socket.AF_INET, "v6": socket.AF_INET6}
def ask(function, name, family="v4"):
    try:
        if function == "getaddrinfo":
            found = socket.getaddrinfo(name, None, FAMILIES[family], socket.SOCK_STREAM)
            return [one[4][0] for one in found]
        if function == "canon":
            found = socket.getaddrinfo(name, None, FAMILIES[family], socket.SOCK_STREAM, 0,
                                       socket.AI_CANONNAME)
            return [found[0][3]] + [one[4][0] for one in found]
        if function == "gethostbyname":
            return gethostbyname(name)
        if function == "gethostbyaddr":
            name, aliases, addresses = socket.gethostbyaddr(name)
            return [name] + addresses
    except socket.gaierror as error:
        return ["gaierror", error.errno]
    except socket.herror as error:
        return ["herror", error.errno]
print(json.dumps([ask(*question) for question in json.loads(sys.argv[1])]))
'''


@harness.once
def shim():
    return Way('shim', 'files dns', {'LD_PRELOAD': preload()})


@harness.once
def nss():
    return Way('nss', NSSWITCH)


def ways():
    harness.needs_root()
    return [shim(), nss()]
