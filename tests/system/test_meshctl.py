"""test_meshctl.py - the command line as people and scripts meet it."""

import glob
import json
import os
import pty
import re
import shutil
import signal
import stat
import sys

import harness
from harness import check, contains, equal, matches
from netns import Machine, Network

CTL = harness.MESHCTL
MANUAL = os.path.join(harness.SOURCE, 'man', 'meshctl.1')
RESOLVE = 'import socket,sys; print(socket.getaddrinfo(sys.argv[1], 80, socket.AF_INET, ' \
          'socket.SOCK_STREAM)[0][4][0])'

GOOD = '''policy: checkout
domains: [checkout.shop.mesh, "*.checkout.shop.mesh"]
destinations:
  - {address: 127.0.0.21, weight: 90}
  - {address: 127.0.0.22, weight: 10}
---
policy: blocked
domains: [bad.mesh]
action: deny
'''


def meshctl(*words, expect=0, **keywords):
    """Without a configuration or a snapshot of the machine that runs the test."""
    env = {'HOME': '/nonexistent', 'XDG_CONFIG_HOME': None, 'MESHDNS_CONFIG': None,
           'MESHDNS_SNAPSHOT': None, **keywords.pop('env', {})}
    return harness.run([CTL, *words], expect=expect, env=env, **keywords)


def commands(text):
    """The names in a list of --help: those two columns in, with their summaries."""
    return re.findall(r'^  (\S+(?: \S+)?)  +\S', text, re.MULTILINE)


@harness.once
def policies():
    """A folder of good policy files."""
    path = harness.folder()
    harness.write(os.path.join(path, 'b.yaml'), GOOD)
    harness.write(os.path.join(path, 'a.yml'), 'policy: ported\ndomains: [ported.mesh]\n'
                  'destinations: [{address: "127.0.0.23:8443"}]\nwhen: {app: [nobody]}\n')
    harness.write(os.path.join(path, 'c.json'), json.dumps(
        {'policy': 'many', 'domains': ['many.mesh'], 'answers': 2, 'destinations': [
            {'address': '127.0.0.24'}, {'address': ['127.0.0.25', 'fd00::25'], 'port': 80}]}))
    harness.write(os.path.join(path, 'notes.txt'), 'not: [a policy')
    harness.write(os.path.join(path, '.hidden.yaml'), 'not: [a policy')
    return path


@harness.once
def snapshot():
    path = os.path.join(harness.folder(), 'snapshot')
    meshctl('snapshot', 'compile', policies(), '-o', path)
    return path


# --- help and mistakes on the command line

def test_every_command_has_help_that_fits_a_terminal():
    names = commands(meshctl('--help').out)
    check(len(names) >= 15, f'--help lists only {names}')
    groups = {name.split()[0] for name in names if ' ' in name}
    for words in [[], *[[group] for group in groups], *[name.split() for name in names]]:
        done = meshctl(*words, '--help')
        equal(done.err, '', f'{words} --help on standard error')
        contains(done.out, f'usage: meshctl {" ".join(words)}'.rstrip())
        for line in done.out.split('\n'):
            check(len(line) <= 80, f'{words} --help has a line of {len(line)}: {line}')
        if words:
            equal(meshctl('help', *words).out, done.out, f'help {words}')
        if ' '.join(words) in names:
            contains(done.out, 'example: meshctl ' + ' '.join(words))
    for group in groups:
        equal(commands(meshctl(group, '--help').out),
              [name for name in names if name.startswith(group + ' ')])
    matches(meshctl('--version').out, r'^meshctl \d+\.\d+\.\d+$')


def sections(page):
    """The subsections of COMMANDS in the manual: {name: its source}."""
    body = re.search(r'^\.Sh COMMANDS\n(.*?)^\.Sh ', page, re.MULTILINE | re.DOTALL).group(1)
    parts = re.split(r'^\.Ss (.*)\n', body, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


def test_the_manual_has_the_same_commands_and_options_as_the_table():
    pages = sections(harness.read(MANUAL))
    names = commands(meshctl('--help').out)
    equal(list(pages), names, 'the list of commands in meshctl(1)')
    for name in names:
        usage = meshctl(*name.split(), '--help').out
        options = set(re.findall(r'^  (?:-\w, )?--([a-z-]+)', usage, re.MULTILINE))
        told = set(re.findall(r'[ ,]-([a-z][a-z-]+)\b', '\n'.join(
            line for line in pages[name].split('\n') if ' Fl ' in line or '.Fl' in line)))
        equal(told, options, f'the options of `{name}` in meshctl(1)')


def test_a_mistyped_word_gets_the_nearest_one():
    for words, says in ((['polcy', 'apply'], 'did you mean `meshctl policy`?'),
                        (['policy', 'aply', 'x'], 'did you mean `meshctl policy apply`?'),
                        (['apply', 'x'], 'did you mean `meshctl policy apply`?'),
                        (['reslove', 'x'], 'did you mean `meshctl resolve`?'),
                        (['resolve', 'x', '--cuont', '5'], 'did you mean --count?'),
                        (['qqqqqqqq'], '`meshctl --help` lists them'),
                        (['resolve'], 'resolve: NAME is missing'),
                        (['resolve', 'a', 'b'], "'b' is one argument too many"),
                        (['resolve', 'a', '--count', 'x'], "'x' is none of the numbers"),
                        (['resolve', 'a', '--family', '5'], "'5' is neither 4 nor 6"),
                        (['run'], 'COMMAND... is missing'),
                        (['run', '--zone', 'x', 'true'], 'only with --policy'),
                        (['run', '--policy', 'x', '--snapshot', 'y', 'true'], 'exclude each other'),
                        (['snapshot', 'compile', 'x'], '-o FILE is missing'),
                        (['node', 'invite', 'x', '--label', 'y'], "'y' is no KEY=TEXT")):
        done = meshctl(*words, expect=64)
        contains(done.err, says)
        equal(done.out, '', f'{words} on standard output')
    for words in ([], ['policy']):
        contains(meshctl(*words, expect=64).err, 'usage: meshctl')


# --- policy check

def test_check_tells_every_mistake_with_its_place():
    path = harness.folder()
    harness.write(os.path.join(path, '1.yaml'), 'policy: a\ndomains: [a.mesh]\n'
                  'destinations:\n  - {address: 10.0.0.1, wieght: 3}\n---\npolicy: Shop\n')
    harness.write(os.path.join(path, '2.yaml'), GOOD)
    harness.write(os.path.join(path, '3.yaml'), 'policy: [\n')
    done = meshctl('policy', 'check', path, expect=65)
    equal(done.out, '')
    matches(done.err, rf"^{path}/1\.yaml:4:\d+: destinations\[0\]: unknown key .wieght.$")
    contains(done.err, "  hint: did you mean 'weight'?")
    matches(done.err, rf'^{path}/1\.yaml:6:9: policy: ')
    matches(done.err, rf'^{path}/3\.yaml:\d+:\d+: ')
    check('2.yaml' not in done.err, 'a good file is complained of')

    told = json.loads(meshctl('policy', 'check', path, '--json', expect=65).out)
    equal((told['ok'], told['files'], len(told['errors'])), (False, 3, 3))
    equal((told['errors'][0]['line'], told['errors'][0]['key']), (4, 'destinations[0]'))
    equal(told['errors'][1]['code'], 'invalid')


def test_check_of_good_files_says_so_and_warns_of_what_has_no_effect():
    done = meshctl('policy', 'check', policies())
    equal(done.out, '4 policies in 3 files, no mistake\n')
    equal(meshctl('policy', 'check', '-', stdin=GOOD).out, '2 policies in 1 file, no mistake\n')
    done = meshctl('policy', 'check', '-', stdin='policy: a\ndomains: [a.mesh]\n'
                   'select: latency\ndestinations: [{address: 10.0.0.1}]\n')
    matches(done.err, r'^standard input:3:\d+: warning: select: ')
    told = json.loads(meshctl('policy', 'check', policies(), '--json').out)
    equal((told['ok'], told['policies'], told['errors']), (True, 4, []))


def test_check_sees_what_must_hold_between_files():
    path = harness.folder()
    harness.write(os.path.join(path, 'x.yaml'), GOOD)
    harness.write(os.path.join(path, 'y.yaml'), GOOD)
    done = meshctl('policy', 'check', path, expect=65)
    contains(done.err, f"{path}/y.yaml:1:9: policy: 'checkout' is there already, "
             f"at {path}/x.yaml:1")
    contains(done.err, f"{path}/y.yaml:7:9: policy: 'blocked'")
    done = meshctl('policy', 'check', '-', expect=65,
                   stdin='policy: a\ndomains: [a.mesh]\nalias: b.mesh\n')
    matches(done.err, r'^standard input:3:\d+: alias: ')
    meshctl('policy', 'check', '/nonexistent.yaml', expect=66)
    contains(meshctl('policy', 'check', harness.folder(), expect=66).err, 'holds no policy file')


# --- snapshots

def test_resolve_gives_the_weights_that_were_written():
    env = {'MESHDNS_SNAPSHOT': snapshot()}
    check(meshctl('resolve', 'Checkout.Shop.Mesh.', env=env).out in
          ('127.0.0.21\n', '127.0.0.22\n'), 'not one of the two addresses')
    told = json.loads(meshctl('resolve', 'checkout.shop.mesh', '--count', '100000', '--json',
                              env=env).out)
    equal((told['result'], told['canonical'], told['count']),
          ('found', 'checkout.shop.mesh', 100000))
    harness.shares({one['address'][0]: one['draws'] for one in told['destinations']},
                   {'127.0.0.21': 90, '127.0.0.22': 10})
    matches(meshctl('resolve', 'checkout.shop.mesh', '-n', '1000', env=env).out,
            r'^127\.0\.0\.21 +\d+ +\d+\.\d+ %$')
    lines = meshctl('resolve', 'many.mesh', env=env).out.split()
    equal(sorted(lines), ['127.0.0.24', '127.0.0.25:80', '[fd00::25]:80'])
    equal(meshctl('resolve', 'many.mesh', '--family', '6', env=env).out, '[fd00::25]:80\n')
    # Through NSS no port can be set, so that destination is skipped.
    told = json.loads(meshctl('resolve', 'many.mesh', '--as-nss', '-n', '50', '--json',
                              env=env).out)
    equal([one['address'] for one in told['destinations']], [['127.0.0.24']])


def test_resolve_without_an_address_exits_1_and_says_why():
    for name, result, says in (
            ('x.mesh', 'no-policy', "no policy covers 'x.mesh'"),
            ('bad.mesh', 'denied', "a policy says that there is no 'bad.mesh'"),
            ('localhost', 'no-policy', ''),
            ('ported.mesh', 'no-policy', "no rule for 'ported.mesh' holds for meshctl"),
            ('10.9.8.7', 'no-policy', '')):
        done = meshctl('resolve', name, '--snapshot', snapshot(), expect=1)
        equal(done.out, '')
        contains(done.err, says)
        told = json.loads(meshctl('resolve', name, '--snapshot', snapshot(), '--json',
                                  expect=1).out)
        equal((told['result'], told['destinations']), (result, []))
    done = meshctl('resolve', 'x', '--snapshot', '/nonexistent/snapshot', expect=66)
    contains(done.err, '/nonexistent/snapshot: cannot open the snapshot')
    contains(done.err, '  hint: ')
    meshctl('resolve', 'x', '--snapshot', '/etc/passwd', expect=65)


def test_an_address_resolves_to_the_name_that_claims_it():
    path = os.path.join(harness.folder(), 'snapshot')
    meshctl('snapshot', 'compile', '-', '-o', path, stdin='policy: a\ndomains: [a.mesh]\n'
            'destinations: [{address: [192.0.2.7, "2001:db8::7"]}]\nreverse: true\n')
    for address in ('192.0.2.7', '2001:db8::7'):
        equal(meshctl('resolve', address, '--snapshot', path).out, 'a.mesh\n')


def test_explain_tells_the_rules_behind_a_name():
    done = meshctl('explain', 'a.checkout.shop.mesh', '--snapshot', snapshot())
    contains(done.out, '*.checkout.shop.mesh, from the snapshot')
    matches(done.out, r'^ +127\.0\.0\.21 +weight 9 +90\.00 %|^ +127\.0\.0\.21 +weight 90 +90\.00 %')
    contains(meshctl('explain', 'ported.mesh', '--snapshot', snapshot()).out, 'when app: nobody')
    done = meshctl('explain', 'x.mesh', '--snapshot', snapshot(), expect=1)
    contains(done.out, "no policy covers 'x.mesh'")
    told = json.loads(meshctl('explain', 'bad.mesh', '--snapshot', snapshot(), '--json').out)
    equal((told['records'][0]['key'], told['syncd']), ('bad.mesh', None))
    equal(told['records'][0]['record']['rules'][0]['verb'], 'deny')
    done = meshctl('explain', 'x', '--socket', '/nonexistent/socket', expect=69)
    contains(done.err, '/nonexistent/socket: no syncd listens here')


def test_compile_changes_a_snapshot_in_place():
    path = os.path.join(harness.folder(), 'snapshot')
    told = json.loads(meshctl('snapshot', 'compile', policies(), '-o', path, '--json').out)
    equal(told['snapshot'], path)
    inode = os.stat(path).st_ino
    equal(stat.S_IMODE(os.stat(path).st_mode), 0o644, 'the mode of the snapshot')
    meshctl('snapshot', 'compile', '-', '-o', path, stdin=GOOD.replace('127.0.0.21', '127.0.0.41')
            .replace('bad.mesh', 'worse.mesh'))
    equal(os.stat(path).st_ino, inode)
    told = json.loads(meshctl('snapshot', 'show', '--snapshot', path, '--json').out)
    keys = {one['key'] for one in told['records']}
    check({'checkout.shop.mesh', '*.checkout.shop.mesh', 'worse.mesh', 'localhost'} <= keys, keys)
    check(not {'bad.mesh', 'many.mesh', 'ported.mesh'} & keys, f'what is no more is there: {keys}')
    equal((told['revision'], told['names']), (2, len(keys)))
    told = json.loads(meshctl('resolve', 'checkout.shop.mesh', '-n', '500', '--json',
                              '--snapshot', path).out)
    equal({one['address'][0] for one in told['destinations']}, {'127.0.0.41', '127.0.0.22'})
    # One wrong file: nothing changes.
    harness.run(['cp', path, path + '.before'])
    meshctl('snapshot', 'compile', '-', '-o', path, stdin='policy: Wrong', expect=65)
    check(open(path, 'rb').read() == open(path + '.before', 'rb').read(), 'it was changed')


def test_rules_for_other_nodes_are_left_out():
    path = os.path.join(harness.folder(), 'snapshot')
    text = ('policy: eu\ndomains: [z.mesh]\ndestinations: [{address: 127.0.0.31}]\n'
            'when: {node: {zone: eu-1, labels: {tier: web}}}\n---\n'
            'policy: one\ndomains: [n.mesh]\ndestinations: [{address: 127.0.0.32}]\n'
            'when: {node: {name: web-1}}\n')
    done = meshctl('snapshot', 'compile', '-', '-o', path, '--zone', 'us', stdin=text)
    contains(done.out, '2 names have no rule for this node')
    for words, name, code in ((['--zone', 'eu-1', '--label', 'tier=web'], 'z.mesh', 0),
                              (['--zone', 'eu-1', '--label', 'tier=db'], 'z.mesh', 1),
                              (['--node-name', 'web-1'], 'n.mesh', 0),
                              (['--node-name', 'web-2'], 'n.mesh', 1)):
        meshctl('snapshot', 'compile', '-', '-o', path, *words, stdin=text)
        meshctl('resolve', name, '--snapshot', path, expect=code)


def test_protected_names_are_left_alone():
    path = os.path.join(harness.folder(), 'snapshot')
    host = os.uname().nodename.lower()
    names = ['localhost', 'a.localhost', 'b.a.localhost', host]
    names += [line.split()[1].lower() for line in harness.read('/etc/hosts').split('\n')
              if len(line.split('#')[0].split()) > 1]
    text = 'policy: grab\ndomains: ' + json.dumps(sorted(set(names)) + ['*.a.localhost']) + \
           '\ndestinations: [{address: 192.0.2.66}]\n---\n' \
           'policy: back\ndomains: [back.mesh]\nreverse: true\n' \
           'destinations: [{address: 127.0.0.1}, {address: 192.0.2.67}]\n'
    meshctl('snapshot', 'compile', '-', '-o', path, stdin=text)
    for name in names + ['c.a.localhost', '127.0.0.1']:
        meshctl('resolve', name, '--snapshot', path, expect=1)
    equal(meshctl('resolve', '192.0.2.67', '--snapshot', path).out, 'back.mesh\n')
    contains(meshctl('explain', '192.0.2.67', '--snapshot', path).out, 'back.mesh')
    contains(meshctl('snapshot', 'show', '192.0.2.67', '--snapshot', path).out, 'back.mesh')


def test_the_search_list_is_the_whole_one_of_this_machine():
    machine = Machine(Network(), 'web-17')
    host = os.uname().nodename.split('.')[0].lower()  # which machines share with us
    machine.resolv('search ' + ' '.join(f's{i}.mesh' for i in range(8)) + '\noptions ndots:2\n')
    machine.hosts('192.0.2.9 Kept.s7.mesh.\n')
    path = os.path.join(harness.folder(), 'snapshot')
    meshctl('snapshot', 'compile', '-', '-o', path, machine=machine,
            stdin=f'policy: last\ndomains: [a.b.s7.mesh, kept.s7.mesh, {host}.s0.mesh]\n'
                  'destinations: [{address: 192.0.2.1}]\n')
    shown = meshctl('snapshot', 'show', '--snapshot', path).out
    matches(shown, r'^search list +8 domains$')
    equal(re.findall(r' +$', shown, re.M), [], 'spaces at the ends of lines')
    for name, code in (('a.b.s7.mesh', 0), ('a.b', 0), ('kept.s7.mesh', 1), (f'{host}.s0.mesh', 1)):
        meshctl('resolve', name, '--snapshot', path, expect=code)


def test_an_unknown_user_is_warned_of():
    path = os.path.join(harness.folder(), 'snapshot')
    done = meshctl('snapshot', 'compile', '-', '-o', path, stdin='policy: a\ndomains: [a.mesh]\n'
                   'destinations: [{address: 192.0.2.1}]\nwhen: {uid: [no-such-user]}\n')
    contains(done.err, "when.uid: no user 'no-such-user' on this machine")
    meshctl('resolve', 'a.mesh', '--snapshot', path, expect=1)


def test_show_lists_the_records_or_one():
    text = meshctl('snapshot', 'show', '--snapshot', snapshot()).out
    matches(text, r'^\*\.checkout\.shop\.mesh +draw, 2 destinations$')
    matches(text, r'^bad\.mesh +deny$')
    matches(text, r'^localhost +pass$')
    one = meshctl('snapshot', 'show', '*.checkout.shop.mesh', '--snapshot', snapshot()).out
    contains(one, '127.0.0.22')
    meshctl('snapshot', 'show', 'x.mesh', '--snapshot', snapshot(), expect=1)
    equal(json.loads(meshctl('snapshot', 'show', 'bad.mesh', '--json', '--snapshot',
                             snapshot()).out)['key'], 'bad.mesh')


def test_verify_proves_a_snapshot_and_finds_damage():
    matches(meshctl('snapshot', 'verify', '--snapshot', snapshot()).out, r'\d+ names, no fault')
    path = os.path.join(harness.folder(), 'snapshot')
    whole = open(snapshot(), 'rb').read()
    at = whole.index(b'bad.mesh')
    harness.run(['cp', snapshot(), path])
    with open(path, 'r+b') as file:
        file.seek(at)
        file.write(b'sad')
    done = meshctl('snapshot', 'verify', '--snapshot', path, expect=1)
    contains(done.err, f"{path}: sad.mesh: slot")
    told = json.loads(meshctl('snapshot', 'verify', '--snapshot', path, '--json', expect=1).out)
    equal(told['ok'], False)
    os.truncate(path, len(whole) // 2)
    meshctl('snapshot', 'verify', '--snapshot', path, expect=1)
    meshctl('snapshot', 'verify', '--snapshot', '/nonexistent', expect=66)
    equal(json.loads(meshctl('snapshot', 'verify', '--snapshot', snapshot(), '--json').out)['ok'],
          True)


# --- what a terminal sees

def on_terminal(words, env=None):
    """The program's output when it writes to a terminal."""
    child, master = pty.fork()
    if child == 0:
        os.environ.update({'TERM': 'xterm', 'MESHDNS_SNAPSHOT': snapshot(), **(env or {})})
        os.execv(CTL, [CTL, *words])
    text = b''
    try:
        while True:
            text += os.read(master, 65536)
    except OSError:
        pass
    os.waitpid(child, 0)
    os.close(master)
    return text.decode()


def test_colour_is_for_terminals_and_never_with_no_color():
    snapshot()
    words = ['resolve', 'checkout.shop.mesh', '-n', '10']
    contains(on_terminal(words), '\033[1m')
    check('\033' not in on_terminal(words, {'NO_COLOR': '1'}), 'NO_COLOR was not minded')
    check('\033' not in meshctl(*words, '--snapshot', snapshot()).out, 'colour in a pipe')
    contains(on_terminal(['resolve', 'a', 'b']), '\033[31m')


def test_output_that_does_not_arrive_is_an_error():
    with open('/dev/full', 'w') as full:
        done = harness.subprocess.run([CTL, '--help'], stdout=full, capture_output=False,
                                      stderr=harness.subprocess.PIPE)
    equal(done.returncode, 74)
    contains(done.stderr.decode(), 'standard output: cannot write')


# --- run

def test_a_program_runs_under_a_policy_without_daemon_root_or_controller():
    done = meshctl('run', '--policy', policies(), '--', sys.executable, '-c',
                   'import socket, collections\n'
                   'print(dict(collections.Counter(socket.getaddrinfo("checkout.shop.mesh", 80, '
                   'socket.AF_INET, socket.SOCK_STREAM)[0][4][0] for _ in range(20000))))',
                   env={'PATH': os.environ['PATH']})
    counts = json.loads(done.out.replace("'", '"'))
    harness.shares(counts, {'127.0.0.21': 90, '127.0.0.22': 10})
    # Another snapshot, without a temporary folder.
    done = meshctl('run', '--snapshot', snapshot(), '--', sys.executable, '-c', RESOLVE,
                   'checkout.shop.mesh')
    check(done.out.strip() in ('127.0.0.21', '127.0.0.22'), done.out)
    if os.geteuid() == 0:
        root = harness.folder()  # where anybody may look
        os.chmod(root, 0o755)
        temporary = os.path.join(root, 'tmp')
        os.mkdir(temporary)
        os.chmod(temporary, 0o777)
        done = harness.run(['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups',
                            installed(root), 'run', '--policy', policies_for_all(), '--',
                            '/usr/bin/python3', '-c', RESOLVE, 'checkout.shop.mesh'],
                           env={'TMPDIR': temporary})
        check(done.out.strip() in ('127.0.0.21', '127.0.0.22'), done.out)
        equal(os.listdir(temporary), [], 'what is left in TMPDIR')


def installed(root):
    """Copies meshctl and the shim as they lie in the build folder. Returns the new meshctl."""
    os.makedirs(os.path.join(root, 'ctl'))
    os.makedirs(os.path.join(root, 'preload'))
    shutil.copy(harness.PRELOAD, os.path.join(root, 'preload'))
    return shutil.copy(CTL, os.path.join(root, 'ctl'))


def policies_for_all():
    """A file that any user can read."""
    path = harness.folder()
    os.chmod(path, 0o755)
    return harness.write(os.path.join(path, 'p.yaml'), GOOD)


def test_run_ends_as_its_program_does():
    temporary = harness.folder()
    env = {'TMPDIR': temporary}
    for how in (['--policy', policies()], ['--snapshot', snapshot()]):
        for script, code in (('exit 0', 0), ('exit 7', 7), ('exit 200', 200)):
            meshctl('run', *how, '--', 'sh', '-c', script, expect=code, env=env)
        done = meshctl('run', *how, '--', '/nonexistent/program', expect=127, env=env)
        contains(done.err, '/nonexistent/program: cannot run: No such file or directory')
        done = meshctl('run', *how, '--', 'no-such-program-here', expect=127, env=env)
        done = meshctl('run', *how, '--', '/etc/passwd', expect=126, env=env)
        contains(done.err, '/etc/passwd: cannot run: Permission denied')
    for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV):
        meshctl('run', '--policy', policies(), '--', 'sh', '-c', f'kill -{int(number)} $$',
                expect=128 + number, env=env)
    done = meshctl('run', '--policy', '-', '--', 'true', stdin='policy: Wrong', expect=65, env=env)
    contains(done.err, 'standard input:1:9: policy: ')
    equal(os.listdir(temporary), [], 'what is left in TMPDIR')


def test_run_hands_signals_on_and_cleans_up():
    temporary = harness.folder()
    script = ('trap "echo got-term; exit 3" TERM; trap "echo got-hup" HUP; echo begun; '
              'while :; do sleep 0.05; done')
    program = harness.Process([CTL, 'run', '--policy', policies(), '--', 'sh', '-c', script],
                              env={'TMPDIR': temporary})
    program.wait_for('begun')
    check(os.listdir(temporary), 'there is no temporary folder, so this test proves nothing')
    program.signal(signal.SIGHUP)
    program.wait_for('got-hup')
    program.signal(signal.SIGTERM)
    equal(program.wait(expect=None), 3)
    contains(program.out, 'got-term')
    equal(os.listdir(temporary), [], 'what is left in TMPDIR')


def test_a_keystroke_interrupts_the_program_once():
    """^C reaches a program under run exactly once, as without run."""
    script = ('import signal, time\n'
              'count = 0\n'
              'def note(*_):\n'
              '    global count\n'
              '    count += 1\n'
              'signal.signal(signal.SIGINT, note)\n'
              'print("begun", flush=True)\n'
              'while not count: time.sleep(0.02)\n'
              'time.sleep(0.3)\n'
              'print("interrupts:", count, flush=True)\n')
    policies()
    child, master = pty.fork()
    if child == 0:
        os.execv(CTL, [CTL, 'run', '--policy', policies(), '--', sys.executable, '-c', script])
    text = b''
    try:
        while b'begun' not in text:
            text += os.read(master, 65536)
        os.write(master, b'\x03')
        while True:
            text += os.read(master, 65536)
    except OSError:
        pass
    _, status = os.waitpid(child, 0)
    os.close(master)
    contains(text.decode(), 'interrupts: 1\r\n')
    equal(os.waitstatus_to_exitcode(status), 0)


def environment_of(*words, env=None):
    done = meshctl('run', *words, '--', 'env', env=env or {})
    return dict(line.split('=', 1) for line in done.out.splitlines() if '=' in line)


def test_run_sets_what_the_shim_and_go_need_and_keeps_what_is_there():
    seen = environment_of('--snapshot', '/some/snapshot', env={'LD_PRELOAD': None, 'GODEBUG': None})
    ours = os.path.realpath(harness.PRELOAD)
    if re.search(r'[ :]', ours):  # then there is a link, gone by now
        ours = seen['LD_PRELOAD']
        matches(ours, r'^/\S+/libmeshdns_preload\.so$')
    equal(seen['LD_PRELOAD'], ours)
    equal((seen['GODEBUG'], seen['MESHDNS_SNAPSHOT']), ('netdns=cgo', '/some/snapshot'))
    other = sorted(glob.glob('/lib/*/libm.so.6') + glob.glob('/usr/lib/*/libm.so.6'))[0]
    seen = environment_of(env={'LD_PRELOAD': other, 'GODEBUG': 'http2debug=1'})
    first, second = seen['LD_PRELOAD'].split(':')
    equal((os.path.basename(first), second), (os.path.basename(harness.PRELOAD), other))
    equal(seen['GODEBUG'], 'netdns=cgo,http2debug=1')
    check('MESHDNS_SNAPSHOT' not in seen, 'the machine\'s own snapshot was overridden')
    equal(environment_of(env={'GODEBUG': 'netdns=go'})['GODEBUG'], 'netdns=go')


def test_run_works_from_a_path_with_a_space_or_a_colon():
    temporary = harness.folder()
    for name in ('a b', 'a:b'):
        root = os.path.join(harness.folder(), name)
        program = installed(root)
        for words in (['--policy', policies()], ['--snapshot', snapshot()]):
            done = harness.run([program, 'run', *words, '--',
                                sys.executable, '-c', RESOLVE, 'checkout.shop.mesh'],
                               env={'TMPDIR': temporary})
            check(done.out.strip() in ('127.0.0.21', '127.0.0.22'), done.out + done.err)
            equal(done.err, '')
    equal(os.listdir(temporary), [], 'what is left in TMPDIR')
    # And with a temporary folder that cannot be in LD_PRELOAD.
    spaced = os.path.join(harness.folder(), 'c d')
    os.mkdir(spaced)
    done = harness.run([program, 'run', '--policy', policies(), '--', sys.executable, '-c', RESOLVE,
                        'checkout.shop.mesh'], env={'TMPDIR': spaced})
    check(done.out.strip() in ('127.0.0.21', '127.0.0.22'), done.out + done.err)


def test_run_finds_the_shim_where_it_was_installed():
    root = harness.folder()
    binary = os.path.join(root, 'usr', 'bin')
    places = [line for line in harness.run(['strings', '-n', '4', CTL]).out.split('\n')
              if line.startswith('/../') and line.endswith('/libmeshdns_preload.so')]
    inside = next(line for line in places if '/lib' in os.path.dirname(line))
    library = os.path.normpath(binary + inside)
    os.makedirs(binary)
    os.makedirs(os.path.dirname(library))
    shutil.copy(CTL, binary)
    shutil.copy(harness.PRELOAD, library)
    done = harness.run([os.path.join(binary, 'meshctl'), 'run', '--policy', policies(), '--',
                        sys.executable, '-c', RESOLVE, 'checkout.shop.mesh'])
    check(done.out.strip() in ('127.0.0.21', '127.0.0.22'), done.out + done.err)


if __name__ == '__main__':
    harness.main()
