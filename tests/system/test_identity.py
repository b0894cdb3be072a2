"""test_identity.py - who asks: `when` by program and user, and ports, as meshdns-policy(5) says."""

import json
import os
import shutil
import sys
import zipfile

import harness
from harness import check, equal
from modules import PROGRAMS, ways

ASKER = os.path.join(PROGRAMS, 'asker')
PYTHON = os.path.basename(os.path.realpath(sys.executable)) + '-itself'
APPS = {name: number for number, name in enumerate(
    ('asker', 'other', 'script.sh', 'python3', 'java', 'busybox', 'applet', 'wget', 'mini-*',
     'gone', 'app.py', 'app.jar', 'env', 'sh', 'exe', '3', '9', PYTHON), 1)}
UIDS = (0, 33, 34, 65534)
ELSE = '127.9.9.9'


def app(name):
    return f'127.0.1.{APPS[name]}'


def user(uid):
    return f'127.0.2.{uid % 251}'


def policies():
    for number, name in enumerate(APPS):
        yield (f'policy: app-{number}\ndomains: [app.mesh]\nwhen: {{app: ["{name}"]}}\n'
               f'rank: {number}\ndestinations: [{{address: {app(name)}}}]\n')
    for uid in UIDS:
        yield (f'policy: uid-{uid}\ndomains: [uid.mesh]\nwhen: {{uid: {uid}}}\nrank: {uid}\n'
               f'destinations: [{{address: {user(uid)}}}]\n')
    yield ('policy: root-asker\ndomains: [both.mesh]\nwhen: {uid: 0, app: asker}\n'
           'destinations: [{address: 127.0.3.1}]\n')
    for name in ('app', 'uid', 'both'):
        yield (f'policy: else-{name}\ndomains: [{name}.mesh]\nrank: 99999\n'
               f'destinations: [{{address: {ELSE}}}]\n')
    many = '\n'.join(f'  - {{address: 127.1.{i // 250}.{i % 250 + 1}}}' for i in range(1000))
    for key in ('app', 'uid', 'process', 'host'):
        yield (f'policy: sticky-{key}\ndomains: [sticky-{key}.mesh]\nselect: sticky\n'
               f'sticky: {{by: {key}}}\ndestinations:\n{many}\n')


@harness.once
def prepared():
    for way in ways():
        way.publish('---\n'.join(policies()))
    return ways()


@harness.once
def programs():
    """A folder that every user may read: the asker under several names, and scripts."""
    folder = harness.folder('meshdns-who-')
    os.chmod(folder, 0o755)
    shutil.copy(ASKER, os.path.join(folder, 'asker'))
    shutil.copy(ASKER, os.path.join(folder, 'other'))
    shutil.copy(ASKER, os.path.join(folder, 'mini-7'))
    shutil.copy(os.path.realpath(sys.executable), os.path.join(folder, PYTHON))
    os.symlink('other', os.path.join(folder, 'applet'))
    for name in ('busybox', 'wget'):
        os.symlink(shutil.which('busybox'), os.path.join(folder, name))
    look = 'import socket; print(socket.getaddrinfo("app.mesh", 1, socket.AF_INET)[0][4][0])\n'
    texts = {'script.sh': f'#!{folder}/{PYTHON}\n{look}', 'app.py': look,
             'script.env': f'#!/usr/bin/env python3\n{look}'}
    for name, text in texts.items():
        harness.write(os.path.join(folder, name), text, 0o755)
    with zipfile.ZipFile(os.path.join(folder, 'app.jar'), 'w') as jar:
        # A class of the runtime that connects to where its arguments say.
        jar.writestr('META-INF/MANIFEST.MF', 'Manifest-Version: 1.0\n'
                                             'Main-Class: sun.security.tools.keytool.Main\n')
    return folder


def at(name):
    return os.path.join(programs(), name)


def lines(way, *words, **keywords):
    return way.run(words, **keywords).out.splitlines()


def test_a_program_is_known_by_the_file_that_was_started_however_it_was():
    rows = [  # command, whose address comes out
        ([at('asker'), 'look', 'app.mesh'], 'asker'),
        ([at('asker'), 'host', 'app.mesh'], 'asker'),
        ([at('mini-7'), 'look', 'app.mesh'], 'mini-*'),
        ([at('applet'), 'look', 'app.mesh'], 'applet'),
        ([at('asker'), 'fork', 'look', 'app.mesh'], 'asker'),
        ([at('asker'), 'look', 'app.mesh', 'fork', 'fork', 'look', 'app.mesh'], 'asker'),
        ([at('asker'), 'exec', at('other'), 'look', 'app.mesh'], 'other'),
        ([at('asker'), 'vfork', at('other'), 'look', 'app.mesh'], 'other'),
        ([at('asker'), 'spawn', at('other'), 'look', 'app.mesh'], 'other'),
        ([at('asker'), 'look', 'app.mesh', 'exec', at('other'), 'look', 'app.mesh'], 'other'),
        (['bash', '-c', f'exec -a other {at("asker")} look app.mesh'], 'asker'),
        # Through a descriptor, and as itself once more.
        ([at('asker'), 'fexecve', at('other'), 'look', 'app.mesh'], 'other'),
        ([at('other'), 'exec', '/proc/self/exe', 'look', 'app.mesh'], 'other'),
        ([at('other'), 'fexecve', '/proc/self/exe', 'look', 'app.mesh'], 'other'),
        # Scripts have their own name, unless it is not the kernel that starts their interpreter.
        ([at('script.sh')], 'script.sh'),
        ([at('asker'), 'exec', at('script.sh')], 'script.sh'),
        ([at('asker'), 'spawn', at('script.sh')], 'script.sh'),
        (['python3', at('app.py')], 'python3'),
        ([at('script.env')], 'python3'),
        ([at('asker'), 'fexecve', at('script.sh')], PYTHON),
    ]
    for way in prepared():
        for command, name in rows:
            equal(lines(way, *command)[-1], app(name), f'{command} by {way.title}')


def test_a_file_that_is_deleted_while_it_runs_keeps_its_name():
    for way in prepared():
        gone = os.path.join(programs(), 'gone')
        shutil.copy(ASKER, gone)
        script = f'rm {gone}; exec {at("asker")} fexecve /dev/fd/9 look app.mesh 9<&9'
        found = lines(way, 'bash', '-c', f'exec 9<{gone}; {script}')
        equal(found, [app('gone')], f'by {way.title}')


def test_applets_of_busybox_are_named_as_they_are_called():
    for way in prepared():
        for command, name in (([at('busybox'), 'wget'], 'busybox'), ([at('wget')], 'wget'),
                              ([at('busybox'), 'sh', '-c', 'exec "$@"', 'sh', at('wget')], 'wget')):
            said = way.run([*command, '-O', '/dev/null', 'http://app.mesh:1/'], expect=1).err
            harness.contains(said, app(name), f'{command} by {way.title}')


def test_java_is_java_whatever_its_jar_is_called():
    trace = os.path.join(harness.folder(), 'trace')
    for way in prepared():
        way.machine.run(['strace', '-f', '-qq', '-e', 'trace=connect', '-o', trace,
                         *[f'-E{name}={value}' for name, value in way.env.items()],
                         'java', '-jar', at('app.jar'), '-printcert', '-sslserver', 'app.mesh:1'],
                        expect=None)
        harness.contains(harness.read(trace), app('java') + '"', f'java by {way.title}')


def test_a_user_is_the_effective_one_at_each_look_up():
    for way in prepared():
        look = ['look', 'uid.mesh']
        found = lines(way, at('asker'), *look, 'uid', 33, *look, 'uid', 0, *look, 'uid', 34, *look,
                      'fork', *look, 'uid', 0, 'fork', 'uid', 65534, *look, 'host', 'uid.mesh')
        equal(found, [user(uid) for uid in (0, 33, 0, 34, 34, 65534, 65534)], f'by {way.title}')
        found = lines(way, at('asker'), 'uid', 1234, *look, 'look', 'both.mesh')
        equal(found, [ELSE, ELSE], f'a user of no rule, by {way.title}')
        found = lines(way, at('asker'), 'look', 'both.mesh', 'exec', at('other'), 'look',
                      'both.mesh')
        equal(found, ['127.0.3.1', ELSE], f'both conditions, by {way.title}')


def test_threads_of_different_effective_users_each_get_their_own():
    for way in prepared():
        found = lines(way, at('asker'), 'threads', 'uid.mesh', 2000, *UIDS)
        equal(sorted(found), sorted(f'{uid} {user(uid)}' for uid in UIDS), f'by {way.title}')


def test_what_sticks_sticks_to_what_it_says():
    def one(way, program, *words):
        return lines(way, at(program), *words)[-1]
    for way in prepared():
        for key in ('app', 'uid', 'process', 'host'):
            look = ['look', f'sticky-{key}.mesh']
            ways_to_ask = {
                'again': one(way, 'asker', *look),
                'program': one(way, 'other', *look),
                'user': one(way, 'asker', 'uid', 33, *look),
            }
            here, forked = lines(way, at('asker'), *look, 'fork', *look)
            twice = lines(way, at('asker'), *look, *look)
            equal(len(set(twice)), 1, f'one process twice, by {key}')
            differ = {what for what, address in ways_to_ask.items() if address != here}
            if forked != here:
                differ.add('fork')
            # Of 1000 destinations two draws are the same once in 1000: with a whole process's
            # number that may happen, with hashes it never does, or always.
            wanted = {'app': {'program'}, 'uid': {'user'}, 'host': set()}.get(key)
            if wanted is None:
                check(len(differ) >= 3, f'{way.title}, by process: only {differ} differ')
            else:
                equal(differ, wanted, f'{way.title}, by {key}: what makes a difference')


PORTS = '''
import json, socket
answers = {}
for name in ("required", "optional", "ignore", "mixed", "plain"):
    for service in (None, 80, "80", "http", "*", "", "domain", "nonsense"):
        try:
            found = socket.getaddrinfo(name + ".mesh", service, 0, socket.SOCK_STREAM)
            answers[f"{name} {service!r}"] = sorted(f"{one[4][0]}:{one[4][1]}" for one in found)
        except socket.gaierror as error:
            answers[f"{name} {service!r}"] = error.errno
    try:
        answers[f"{name} host"] = socket.gethostbyname_ex(name + ".mesh")[2]
    except OSError:
        answers[f"{name} host"] = []
print(json.dumps(answers))
'''
WITH_PORTS = '''
policy: required
domains: [required.mesh]
answers: 2
destinations: [{address: "127.0.5.1:8443"}, {address: 127.0.5.2, port: 8444}]
---
policy: optional
domains: [optional.mesh]
answers: 2
port: optional
destinations: [{address: "127.0.5.3:8443"}, {address: 127.0.5.4}]
---
policy: ignore
domains: [ignore.mesh]
port: ignore
destinations: [{address: "127.0.5.5:8443"}]
---
policy: mixed
domains: [mixed.mesh]
answers: 2
destinations: [{address: "127.0.5.6:8443"}, {address: 127.0.5.7}]
---
policy: plain
domains: [plain.mesh]
destinations: [{address: 127.0.5.8}]
'''


def test_a_port_is_set_kept_or_ignored_as_the_policy_says_whatever_the_service():
    for way in prepared():
        way.publish(WITH_PORTS)
        found = json.loads(way.python(PORTS).out)
        is_shim = way.title == 'shim'
        no_such_service = -8
        for service, port in ((None, 0), (80, 80), ('80', 80), ('http', 80), ('*', 0), ('', 0),
                              ('domain', 53), ('nonsense', no_such_service)):
            if port < 0:
                wanted = dict.fromkeys(('required', 'optional', 'ignore', 'mixed', 'plain'), port)
            elif is_shim:
                wanted = {'required': ['127.0.5.1:8443', '127.0.5.2:8444'],
                          'optional': ['127.0.5.3:8443', f'127.0.5.4:{port}'],
                          'ignore': [f'127.0.5.5:{port}'],
                          'mixed': ['127.0.5.6:8443', f'127.0.5.7:{port}'],
                          'plain': [f'127.0.5.8:{port}']}
            else:
                wanted = {'required': -5, 'ignore': [f'127.0.5.5:{port}'],
                          'mixed': [f'127.0.5.7:{port}'], 'plain': [f'127.0.5.8:{port}']}
                one = found[f'optional {service!r}']
                check(one in ([f'127.0.5.3:{port}'], [f'127.0.5.4:{port}']), f'optional: {one}')
            for name, answer in wanted.items():
                equal(found[f'{name} {service!r}'], answer, f'{name} {service!r} by {way.title}')
        for name, answer in {'required': [], 'ignore': ['127.0.5.5'], 'mixed': ['127.0.5.7'],
                             'plain': ['127.0.5.8']}.items():
            equal(found[f'{name} host'], answer, f'the host {name} by {way.title}')
        check(set(found['optional host']) <= {'127.0.5.3', '127.0.5.4'}, 'the host optional')
        equal(len(found['optional host']), 2 if is_shim else 1, f'hosts by {way.title}')
        way.publish('---\n'.join(policies()))


if __name__ == '__main__':
    harness.main()
