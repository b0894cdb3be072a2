"""test_harness.py - the harness itself: if it is wrong, every other proof is worthless."""

import collections
import os
import random
import re
import signal
import sys

import harness
from netns import Machine, Network

HERE = os.path.dirname(os.path.abspath(__file__))


def test_chi_square_agrees_with_the_tables():
    # Upper critical values of chi-square: degrees of freedom, value, chance.
    for freedom, value, chance in ((1, 3.841459, 0.05), (3, 16.26624, 0.001),
                                   (9, 21.66599, 0.01), (200, 267.5406, 0.001)):
        found = harness._gamma_q(freedom / 2, value / 2)
        harness.check(abs(found - chance) < chance * 0.02,
                      f'{freedom} degrees, {value}: {found}, wanted {chance}')


def test_true_draws_pass_and_shares_3_percent_off_are_refused():
    rng = random.Random(4711)
    weights = {'a': 90, 'b': 10}
    true = collections.Counter(rng.choices('ab', (90, 10), k=100000))
    harness.shares(true, weights, least=0.001)
    skewed = collections.Counter(rng.choices('ab', (87, 13), k=100000))
    try:
        harness.shares(skewed, weights)
    except harness.Failure:
        return
    raise harness.Failure('draws of 87/13 passed as 90/10')


def test_a_destination_of_weight_0_must_never_be_drawn():
    harness.equal(harness.chi_square({'a': 1000, 'b': 1}, {'a': 5, 'b': 0}), 0.0)
    harness.equal(harness.chi_square({'a': 1000, 'c': 1}, {'a': 5}), 0.0)
    harness.equal(harness.chi_square({'a': 1000}, {'a': 5, 'b': 0}), 1.0)


def test_failures_skips_and_crashes_are_told_apart():
    program = os.path.join(harness.folder(), 'test_sample.py')
    harness.write(program, f'''
import sys
sys.path.insert(0, {HERE!r})
import harness
def test_right(): pass
def test_wrong(): harness.equal(1, 2)
def test_broken(): raise KeyError('x')
def test_undone_badly(): harness.defer(lambda: 1 / 0)
def test_skipped(): harness.skip('no such thing here')
harness.main()
''')
    done = harness.run([sys.executable, program], expect=1)
    lines = [line for line in done.out.split('\n') if line and not line.startswith('#')]
    harness.equal(lines, ['1..5', 'ok 1 - right', 'not ok 2 - wrong', 'not ok 3 - broken',
                          'not ok 4 - undone badly',
                          'ok 5 - skipped # SKIP no such thing here'])


def test_two_machines_reach_each_other_and_have_files_of_their_own():
    network = Network()
    one, two = Machine(network, 'one'), Machine(network, 'two')
    server = two.start([sys.executable, '-u', '-m', 'http.server', '-b', '::', '8000'])
    server.wait_for('Serving')
    one.run(['curl', '-sf', '-o', '/dev/null', f'http://{two.address}:8000/'])
    one.run(['curl', '-sf', '-o', '/dev/null', f'http://[{two.address6}]:8000/'])
    one.hosts('192.0.2.7 only.here\n')
    one.nsswitch('files')
    harness.contains(one.run(['getent', 'ahostsv4', 'only.here']).out, '192.0.2.7')
    two.nsswitch('files')
    two.run(['getent', 'hosts', 'only.here'], expect=2)
    harness.run(['getent', 'hosts', 'only.here'], expect=None)
    harness.check('only.here' not in harness.read('/etc/hosts'), 'the real /etc/hosts was edited')


def test_a_dns_server_of_a_machine_answers_and_counts():
    machine = Machine(Network(), 'one')
    machine.nsswitch('files dns')
    server = machine.dns(**{'known.example': '192.0.2.9'})
    harness.contains(machine.run(['getent', 'ahostsv4', 'known.example']).out, '192.0.2.9')
    machine.run(['getent', 'ahostsv4', 'unknown.example'], expect=2)
    server.wait_for('^A known.example$')
    server.wait_for('^A unknown.example$')


def _has_ended(pid):
    """A zombie that waits for its new parent to notice has ended too: it has no program."""
    try:
        os.readlink(f'/proc/{pid}/exe')
    except FileNotFoundError:
        return True
    return False


def _left_behind():
    links = harness.run(['ip', '-o', 'link']).out
    mounts = harness.read('/proc/self/mounts')
    return re.findall(r': (port\d+|br0)\b', links) + re.findall(r'^run /\S+', mounts, re.M)


def test_nothing_is_left_when_a_test_ends_or_is_killed():
    program = os.path.join(harness.folder(), 'test_sample.py')
    harness.write(program, f'''
import sys, time
sys.path.insert(0, {HERE!r})
import harness
from netns import Machine, Network
def test_sleeps():
    machine = Machine(Network(), 'one')
    sleeper = machine.start(['sleep', '12345'])
    print('# pids', machine.holder.pid, sleeper.pid, flush=True)
    time.sleep(600)
harness.main()
''')
    harness.needs_root()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
        test = harness.Process([sys.executable, program], env={'TMPDIR': harness.folder()})
        test.wait_for(r'^# pids')
        pids = harness.matches(test.out, r'# pids (\d+) (\d+)').groups()
        test.signal(number)
        test.wait(expect=None)
        for pid in pids:
            harness.wait(lambda: _has_ended(pid), 20, f'{pid} has ended')
    harness.equal(_left_behind(), [])


def test_waiting_has_an_end():
    try:
        harness.wait(lambda: False, limit=0.05, what='pigs fly')
    except harness.Failure as failure:
        harness.contains(str(failure), 'pigs fly')
        return
    raise harness.Failure('it waited for nothing')


if __name__ == '__main__':
    harness.main()
