"""test_compat.py - the reader as format 1 first had it (tests/compat/reader) reads what today's
writer writes, in all its features, and says what today's reader says."""

import hashlib
import os
import re
import shutil

import harness
from harness import check, equal
from modules import PUBLISH, compile_to

COMPAT = os.path.join(harness.BUILD, 'tests', 'compat')
READERS = {name: os.path.join(COMPAT, f'{name}_asks') for name in ('frozen', 'today')}
STRESS = os.path.join(harness.BUILD, 'tests', 'stress', 'stress_readers')
SECONDS = 20 if harness.LONG else 4
DRAWS = 20000
FROZEN = '1a26ae1193f8d2d73ac149bd677490e292ec46f58863f2fe1609fe05adc1f7f3'

POLICIES = '''
policy: one
domains: [one.mesh]
reverse: true
destinations: [{address: 10.0.1.1}]
---
policy: six
domains: [six.mesh]
reverse: true
destinations: [{address: "fd00:1::6"}]
---
policy: drawn
domains: [drawn.mesh]
destinations:
  - {address: 10.0.2.1, weight: 1}
  - {address: [10.0.2.2, "fd00:2::2"], weight: 2}
  - {address: "fd00:2::3", weight: 3}
  - {address: 10.0.2.4, weight: 4}
---
policy: several
domains: [several.mesh]
answers: 3
destinations: [{address: 10.0.3.1}, {address: 10.0.3.2}, {address: 10.0.3.3, weight: 5}]
---
policy: listed
domains: [listed.mesh]
select: ordered
answers: 16
destinations:
  - {address: 10.0.4.1}
  - {address: "fd00:4::2"}
  - {address: ["10.0.4.3:8443", "[fd00:4::3]:8443"]}
port: optional
---
policy: ports
domains: [ports.mesh]
destinations: [{address: "10.0.5.1:8443"}]
---
policy: hosts
domains: [hosts.mesh]
select: sticky
sticky: {by: host}
destinations: [{address: 10.0.6.1}, {address: 10.0.6.2, weight: 3}, {address: "fd00:6::3"}]
---
policy: users
domains: [users.mesh]
select: sticky
sticky: {by: uid}
answers: 2
destinations: [{address: 10.0.7.1}, {address: 10.0.7.2}, {address: 10.0.7.3}]
---
policy: programs
domains: [programs.mesh]
select: sticky
sticky: {by: app}
destinations: [{address: 10.0.8.1}, {address: 10.0.8.2}, {address: 10.0.8.3}]
---
policy: processes
domains: [processes.mesh]
select: sticky
sticky: {by: process}
destinations: [{address: 10.0.9.1}, {address: 10.0.9.2}]
---
policy: denied
domains: [denied.mesh, "*.denied.mesh"]
action: deny
---
policy: alias
domains: [www.mesh]
alias: one.mesh
---
policy: wild
domains: ["*.wild.mesh", "*.b.wild.mesh"]
destinations: [{address: 10.0.10.1}]
---
policy: exact
domains: [exact.wild.mesh]
destinations: [{address: 10.0.10.2}]
---
policy: report
domains: [who.mesh]
rank: -2
when: {app: [report, "nightly-*"]}
destinations: [{address: 10.0.11.1}]
---
policy: nobody
domains: [who.mesh, only.mesh]
rank: -1
when: {uid: [65534, 33]}
destinations: [{address: 10.0.11.2}]
---
policy: others
domains: [who.mesh]
destinations: [{address: 10.0.11.3}]
---
policy: searched
domains: [short.search.mesh, "*.search.mesh"]
destinations: [{address: 10.0.12.1}]
---
policy: large
domains: [large.mesh]
destinations:
''' + ''.join(f'  - {{address: 10.1.{i // 250}.{i % 250 + 1}, weight: {i % 7 + 1}}}\n'
              for i in range(1000))

NAMES = ('one.mesh ONE.Mesh. six.mesh several.mesh listed.mesh ports.mesh hosts.mesh users.mesh '
         'programs.mesh denied.mesh x.denied.mesh www.mesh a.wild.mesh a.b.wild.mesh wild.mesh '
         'exact.wild.mesh who.mesh only.mesh short other x.short pass.mesh unknown.mesh '
         'gone.mesh').split()
FIXED = [f'{caller} {family} {most} {name}' for caller in ('shim', 'nss')
         for family in ('any', 'v4', 'v6') for most in (1, 16) for name in NAMES] + [
    'address 10.0.1.1', 'address fd00:1::6', 'address 10.0.1.2']


@harness.once
def snapshot():
    """All features in one file, and a name that came and went."""
    path = compile_to(os.path.join(harness.folder(), 'snapshot'),
                      POLICIES + '---\npolicy: gone\ndomains: [gone.mesh]\n'
                                 'destinations: [{address: 10.0.13.1}]\n')
    os.chmod(os.path.dirname(path), 0o755)
    os.chmod(path, 0o644)
    harness.run([PUBLISH, path, 'pass', 'pass.mesh'])
    harness.run([PUBLISH, path, 'search', '2', 'nowhere.mesh', 'search.mesh'])
    harness.run([PUBLISH, path, 'delete', 'gone.mesh'])
    return path


def ask(reader, questions, count=1, name=None, uid=0):
    """{question: {answer: times}}, asked by a program of that name and user."""
    place = harness.folder()
    os.chmod(place, 0o755)
    program = shutil.copy(READERS[reader], os.path.join(place, name or 'asks'))
    out = harness.run(['setpriv', f'--reuid={uid}', '--clear-groups', program, snapshot(), count],
                      stdin='\n'.join(questions) + '\n').out
    found = {}
    for line in out.splitlines():
        times, text = line.split(' ', 1)
        if times == '?':
            answers = found[text] = {}
        else:
            answers[text] = int(times)
    equal(list(found), questions, 'what was asked')
    return found


def test_what_does_not_hang_on_chance_is_answered_alike():
    fixed = [question for question in FIXED if 'several' not in question]
    for name, uid in (('asks', 0), ('report', 0), ('nightly-7', 65534), ('asks', 33), ('x', 1000)):
        frozen = ask('frozen', fixed, 3, name, uid)
        equal(ask('today', fixed, 3, name, uid), frozen, f'what {name} gets as user {uid}')
        check(all(len(answers) == 1 for answers in frozen.values()), 'an answer changed by itself')


def test_the_frozen_reader_knows_all_features():
    # What is alike might be wrong alike: each feature by its own answer.
    rows = {
        'shim any 1 one.mesh': 'found one.mesh 10.0.1.1/-:0',
        'shim any 1 ONE.Mesh.': 'found one.mesh 10.0.1.1/-:0',
        'shim v4 1 six.mesh': 'no data',
        'shim any 16 listed.mesh': 'found listed.mesh 10.0.4.1/-:0 -/fd00:4::2:0 '
                                   '10.0.4.3/fd00:4::3:8443',
        'nss v6 1 listed.mesh': 'found listed.mesh -/fd00:4::2:0',
        'shim any 1 ports.mesh': 'found ports.mesh 10.0.5.1/-:8443',
        'nss any 1 ports.mesh': 'no data',
        'shim any 1 x.denied.mesh': 'denied',
        'shim any 1 www.mesh': 'found one.mesh 10.0.1.1/-:0',
        'shim any 1 a.b.wild.mesh': 'found a.b.wild.mesh 10.0.10.1/-:0',
        'shim any 1 exact.wild.mesh': 'found exact.wild.mesh 10.0.10.2/-:0',
        'shim any 1 wild.mesh': 'miss',
        'shim any 1 who.mesh': 'found who.mesh 10.0.11.3/-:0',
        'shim any 1 only.mesh': 'miss',
        'shim any 1 short': 'found short.search.mesh 10.0.12.1/-:0',
        'shim any 1 other': 'found other.search.mesh 10.0.12.1/-:0',
        'shim any 1 pass.mesh': 'miss',
        'shim any 1 gone.mesh': 'miss',
        'address 10.0.1.1': 'found one.mesh',
        'address fd00:1::6': 'found six.mesh',
        'address 10.0.1.2': 'miss',
    }
    for reader in READERS:
        found = ask(reader, list(rows))
        for question, answer in rows.items():
            equal(list(found[question]), [answer], f'"{question}" by the {reader} reader')
    rows = (('report', 0, 1), ('nightly-7', 65534, 1), ('x', 65534, 2), ('x', 1, 3))
    for name, uid, last in rows:
        found = ask('frozen', ['shim any 1 who.mesh'], 1, name, uid)
        equal(list(found['shim any 1 who.mesh']), [f'found who.mesh 10.0.11.{last}/-:0'])


def drawn(reader, question):
    """{first address: times}"""
    counts = {}
    for text, times in ask(reader, [question], DRAWS)[question].items():
        first = re.sub(r':\d+$', '', text.split()[2])
        counts[first] = counts.get(first, 0) + times
    return counts


def test_draws_of_both_readers_have_the_shares_of_the_weights():
    both = '10.0.2.2/fd00:2::2'
    rows = {
        'shim any 1 drawn.mesh': {'10.0.2.1/-': 1, both: 2, '-/fd00:2::3': 3, '10.0.2.4/-': 4},
        'shim v4 1 drawn.mesh': {'10.0.2.1/-': 1, '10.0.2.2/-': 2, '10.0.2.4/-': 4},
        'shim v6 1 drawn.mesh': {'-/fd00:2::2': 2, '-/fd00:2::3': 3},
        'shim any 3 several.mesh': {'10.0.3.1/-': 1, '10.0.3.2/-': 1, '10.0.3.3/-': 5},
        'nss v4 1 several.mesh': {'10.0.3.1/-': 1, '10.0.3.2/-': 1, '10.0.3.3/-': 5},
    }
    for reader in READERS:
        for question, weights in rows.items():
            harness.shares(drawn(reader, question), weights)


def test_a_process_sticks_to_one_destination_and_a_large_policy_is_drawn_from():
    for reader in READERS:
        seen = {tuple(ask(reader, ['shim any 1 processes.mesh'], 10)['shim any 1 processes.mesh'])
                for _ in range(30)}
        equal(sorted(len(one) for one in seen), [1, 1], 'answers within a process')
        answers = [ask(reader, ['shim v4 1 large.mesh'])['shim v4 1 large.mesh'] for _ in range(20)]
        check(len({tuple(one) for one in answers}) > 10, 'hardly any destination of a large policy')
        for one in answers:
            harness.matches(next(iter(one)), r'^found large.mesh 10\.1\.[0-3]\.\d+/-:0$')


def test_the_frozen_reader_follows_todays_writer_through_changes_and_growth():
    file = os.path.join(harness.folder(), 'snapshot')
    writer = harness.Process([STRESS, 'write', file], env={'MESHDNS_SECONDS': 2 * SECONDS + 10})
    writer.wait_for('^ready')
    for reader in READERS:
        check(writer.is_running, 'the writer ended before its readers')
        harness.run([READERS[reader], file], env={'MESHDNS_SECONDS': SECONDS})
    writer.kill()


def test_nobody_has_mended_the_frozen_reader():
    frozen = os.path.join(harness.SOURCE, 'tests', 'compat', 'reader')
    digest = hashlib.sha256()
    for name in sorted(os.listdir(frozen)):
        digest.update(harness.read(os.path.join(frozen, name)).encode())
    equal(digest.hexdigest(), FROZEN, 'the digest of core/reader at commit d647708')


if __name__ == '__main__':
    harness.main()
