"""test_manual.py - the manual is complete, clean, and what its EXAMPLES say can be typed."""

import json
import os
import re
import shutil

import harness
from mesh import Mesh
from netns import Machine, Network

MAN = os.path.join(harness.SOURCE, 'man')
PAGES = {
    'meshctl.1': ('EXIT STATUS', 'FILES', 'EXAMPLES', 'BUGS'),
    'meshdns-policy.5': ('EXAMPLES', 'BUGS'),
    'meshdns-snapshot.5': ('FILES', 'EXAMPLES'),
    'meshdns.conf.5': ('FILES', 'EXAMPLES'),
    'meshdns.7': ('FILES', 'EXAMPLES', 'BUGS'),
    'libmeshdns_preload.8': ('FILES', 'EXAMPLES', 'BUGS'),
    'meshdns-controller.8': ('EXIT STATUS', 'FILES', 'EXAMPLES', 'BUGS'),
    'meshdns-syncd.8': ('EXIT STATUS', 'FILES', 'EXAMPLES', 'BUGS'),
    'nss_meshdns.8': ('FILES', 'EXAMPLES', 'BUGS'),
}


def page(name):
    return harness.read(os.path.join(MAN, name))


def test_every_page_is_there_with_its_sections():
    found = sorted(name for name in os.listdir(MAN) if re.search(r'\.[1-8]$', name))
    harness.equal(found, sorted(PAGES), 'the folder man')
    for name, sections in PAGES.items():
        for section in ('NAME', 'DESCRIPTION', 'SEE ALSO', *sections):
            harness.matches(page(name), rf'^\.Sh {section}$', name)


def test_mandoc_finds_nothing_to_complain_of():
    done = harness.run(['mandoc', '-T', 'lint', '-W', 'warning',
                        *(os.path.join(MAN, name) for name in sorted(PAGES))], expect=None)
    harness.equal(done.out + done.err, '', 'what mandoc says')


def test_every_page_that_is_named_exists():
    ours = {(name.rsplit('.', 1)[0], name[-1]) for name in PAGES}
    for name in PAGES:
        for other, section in re.findall(r'^\.Xr (\S+) (\d)', page(name), re.M):
            if 'mesh' in other:
                harness.check((other, section) in ours, f'{name} names {other}({section})')


def test_every_event_and_every_kind_of_refusal_is_in_the_manual():
    for program, page_name, least in (('syncd', 'meshdns-syncd.8', 15),
                                      ('controller', 'meshdns-controller.8', 30)):
        folder = os.path.join(harness.SOURCE, program)
        source = ''.join(harness.read(os.path.join(folder, name))
                         for name in sorted(os.listdir(folder)) if name[-2:] in ('.c', '.h'))
        words = set(re.findall(r'\blog_(?:event|write)\([^"]*"([a-z-]+)"', source))
        words |= set(re.findall(r'^ +X\(CONTROL_\w+, +"([a-z-]+)"\)', source, re.M))
        harness.check(len(words) >= least, f'only {len(words)} words in {program}')
        told = set(re.findall(r'[a-z-]+', ' '.join(re.findall(r'^\.It (.*)', page(page_name),
                                                              re.M))))
        harness.equal(words - told, set(), f'what {page_name} does not tell')


def plain(text):
    """mdoc text as a reader sees it, as far as examples need it."""
    return re.sub(r'\\e', r'\\', re.sub(r'\\&', '', text))


def examples(name):
    """What EXAMPLES says to type: literal blocks (but those that are marked as documents), and
    lines in display that begin with a prompt."""
    section = re.search(r'^\.Sh EXAMPLES\n(.*?)(?=^\.Sh |\Z)', page(name), re.M | re.S).group(1)
    found = re.findall(r'(^\.\\" example: .*\n)?^\.Bd -literal.*\n((?:.*\n)*?)\.Ed'
                       r'|^\.Dl [$#] (.*)$', section, re.M)
    return [plain(block or line) for mark, block, line in found if not mark]


POLICY = '''policy: checkout
domains: [checkout.shop.mesh]
destinations:
  - {address: 10.0.1.10, weight: 90}
  - {address: 10.0.1.11, weight: 10}
'''
SSH = '#!/bin/sh\nshift\nexec "$@"\n'  # the other machine is this one
DAEMON = re.compile(r'^meshdns-(?:syncd|controller) run\b')


class Typist:
    """Somebody at a machine that has everything installed, a mesh, and a policy in force."""

    def __init__(self):
        self.network = Network()
        self.machine = self.admin = Machine(self.network, 'control')
        self.mesh = Mesh(self.machine)
        self.node = self.mesh.join('control')
        self.install(self.machine)
        self.mesh.apply({'policy': 'checkout', 'domains': ['checkout.shop.mesh'],
                         'destinations': [{'address': '10.0.1.10'}]})
        self.mesh.wait_current()
        self.invited = 0

    @staticmethod
    def install(machine):
        machine.run(['mount', '-t', 'tmpfs', 'state', '/var/lib'])
        shutil.copy(harness.PRELOAD, machine.path('/run/lib/libmeshdns_preload.so'))
        os.makedirs(machine.path('/run/bin'))
        harness.write(machine.path('/run/bin/ssh'), SSH, 0o755)
        machine.install_nss()

    def fresh_node(self):
        """Goes to another machine, which has not joined; meshctl still works there."""
        self.machine = Machine(self.network, 'web-17')
        self.install(self.machine)

    def folder(self, is_invited=False):
        """Where the next example is typed: a home with the files that examples speak of."""
        place = harness.folder()
        shutil.copytree(os.path.join(harness.SOURCE, 'policies'), os.path.join(place, 'policies'))
        harness.write(os.path.join(place, 'checkout.yaml'), POLICY)
        if is_invited:
            self.invited += 1
            invitation = self.mesh.invite(f'guest-{self.invited}')
            harness.write(os.path.join(place, 'web-17.json'), json.dumps(invitation), 0o600)
        os.mkdir(os.path.join(place, 'mesh2'))
        os.mkdir(os.path.join(place, 'mesh2', 'run'))
        return place

    def type(self, text, place):
        """Types one example. A daemon that it leaves in the foreground must become ready, and end
        cleanly when it is told to."""
        programs = (harness.MESHCTL, harness.SYNCD, harness.CONTROLLER)
        folders = ['/run/bin'] + [os.path.dirname(path) for path in programs]
        environment = {'PATH': ':'.join(folders + [os.environ['PATH']]), 'HOME': place,
                       'MESHDNS_CONFIG': self.mesh.config}
        shell = ['env', '-C', place, 'sh', '-ec']
        commands = re.sub(r'\\\n', ' ', text).strip().split('\n')
        if not any(DAEMON.match(command) for command in commands):
            commands = [text]
        for command in commands:
            if DAEMON.match(command):
                daemon = self.machine.start([*shell, f'exec {command}'], env=environment)
                daemon.wait_for(r'^(<\d>)?ready\b').stop()
            else:
                self.machine.run([*shell, command], env=environment)


typist = harness.once(Typist)


def type_all(name, least=1):
    """Types all examples of a page, one after the other, in one folder."""
    found = examples(name)
    harness.check(len(found) >= least, f'{name} has {len(found)} examples to type')
    place = typist().folder()
    for text in found:
        typist().type(text, place)


def test_the_examples_of_the_overview_can_be_typed():
    type_all('meshdns.7', 2)


def test_the_examples_of_meshctl_and_of_its_files_can_be_typed():
    type_all('meshctl.1', 4)
    type_all('meshdns-policy.5')
    type_all('meshdns-snapshot.5')


def test_the_examples_of_both_ways_in_can_be_typed():
    type_all('nss_meshdns.8', 2)
    type_all('libmeshdns_preload.8', 2)


def test_the_examples_of_the_controller_can_be_typed():
    type_all('meshdns-controller.8', 2)


def test_the_examples_of_the_agent_can_be_typed_each_on_a_fresh_machine():
    found = examples('meshdns-syncd.8')
    harness.check(len(found) >= 3, 'meshdns-syncd(8) has too few examples')
    for text in found:
        typist().fresh_node()
        typist().type(text, typist().folder(is_invited=True))
    typist().machine = typist().admin


def test_the_example_configurations_are_taken():
    controller, agent = examples('meshdns.conf.5')
    typist().fresh_node()
    os.makedirs(typist().machine.path('/etc/meshdns'))
    typist().machine.write('/etc/meshdns/controller.yaml', controller)
    typist().machine.write('/etc/meshdns/syncd.yaml', agent)
    place = typist().folder(is_invited=True)
    typist().type('meshdns-controller init\nmeshdns-controller run', place)
    typist().type('meshdns-syncd join web-17.json\nmeshdns-syncd run', place)
    typist().machine = typist().admin


if __name__ == '__main__':
    harness.main()
