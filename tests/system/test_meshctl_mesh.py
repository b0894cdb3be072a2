"""test_meshctl_mesh.py - the command line with a real controller and a real syncd."""

import json
import os
import re
import shutil
import stat
import threading

import harness
from harness import check, contains, equal, matches
from mesh import Mesh, Node

CHECKOUT = '''policy: checkout
domains: [checkout.shop.mesh, "*.checkout.shop.mesh", third.mesh]
select: sticky
sticky: {by: app}
destinations:
  - {address: 10.0.1.10, weight: 90}
  - {address: [10.0.1.11, "fd00::11"], weight: 10, port: 8443}
when: {app: ["007", "true", "no", nginx], uid: [33, root]}
rank: 5
'''
BLOCKED = 'policy: blocked\ndomains: [bad.mesh]\naction: deny\n'


@harness.once
def mesh():
    return Mesh()


def folder(**files):
    path = harness.folder()
    for name, text in files.items():
        harness.write(os.path.join(path, f'{name}.yaml'), text)
    return path


def config(**changes):
    """A copy of the mesh's configuration in which texts are replaced."""
    text = harness.read(mesh().config)
    for old, new in changes.values():
        check(old in text, f'{old} is not in the configuration')
        text = text.replace(old, new)
    return harness.write(os.path.join(harness.folder(), 'config.yaml'), text)


def test_apply_commits_all_as_one_revision_or_nothing():
    before = mesh().status['revision']
    path = folder(a=CHECKOUT, b=BLOCKED)
    equal(mesh().meshctl('policy', 'apply', path).out,
          f'revision {before + 1}: 2 changed, 0 unchanged\n')
    equal(mesh().meshctl('policy', 'apply', path).out,
          f'nothing changed; the mesh is at revision {before + 1}\n')

    # One wrong file among good ones, found here.
    harness.write(os.path.join(path, 'a.yaml'), CHECKOUT.replace('90', '80'))
    harness.write(os.path.join(path, 'z.yaml'), 'policy: z\ndomains: [z.mesh]\nacton: deny\n')
    done = mesh().meshctl('policy', 'apply', path, expect=65)
    contains(done.err, f'{path}/z.yaml:3:1: ')
    contains(done.err, "did you mean 'action'?")
    contains(done.err, 'nothing was applied')
    equal(mesh().status['revision'], before + 1)

    # And one whose mistake only the controller can see: told with the place in its file.
    harness.write(os.path.join(path, 'z.yaml'),
                  '# two policies\npolicy: fine\ndomains: [fine.mesh]\naction: deny\n---\n'
                  'policy: z\ndomains: [z.mesh]\nalias: nowhere.mesh\n')
    done = mesh().meshctl('policy', 'apply', path, expect=65)
    matches(done.err, rf'^{re.escape(path)}/z\.yaml:8:\d+: alias: ')
    equal(mesh().status['revision'], before + 1)
    contains(mesh().meshctl('policy', 'get', 'checkout').out, 'weight: 90')

    harness.write(os.path.join(path, 'z.yaml'), BLOCKED.replace('blocked', 'also')
                  .replace('bad', 'worse'))
    told = json.loads(mesh().meshctl('policy', 'apply', path, '--json').out)
    equal(told, {'revision': before + 2, 'changed': 2, 'unchanged': 1})
    told = json.loads(mesh().meshctl('policy', 'delete', 'also', '--json').out)
    equal(told['revision'], before + 3)


def test_get_gives_back_what_apply_took():
    mesh().meshctl('policy', 'apply', '-', stdin=CHECKOUT + '---\n' + BLOCKED)
    text = mesh().meshctl('policy', 'get', 'checkout').out
    contains(text, 'policy: checkout')
    contains(text, '"007"')
    # The very same document: applying it again changes nothing.
    contains(mesh().meshctl('policy', 'apply', '-', stdin=text).out, 'nothing changed')
    told = json.loads(mesh().meshctl('policy', 'get', 'checkout', '--json').out)
    equal(told['document']['when'], {'app': ['007', 'true', 'no', 'nginx'], 'uid': [33, 'root']})
    equal(told['name'], 'checkout')
    done = mesh().meshctl('policy', 'get', 'nothing', expect=66)
    contains(done.err, "there is no policy 'nothing'")
    contains(mesh().meshctl('policy', 'get', '../nodes', expect=65).err, 'is no name of a policy')


def test_list_shows_every_policy_over_all_pages():
    many = {f'policy-{i:03}': f'policy: policy-{i:03}\ndomains: [n{i}.mesh]\naction: deny\n'
            for i in range(450)}  # a page holds 200
    mesh().meshctl('policy', 'apply', '-', stdin='---\n'.join([CHECKOUT, *many.values()]))
    told = json.loads(mesh().meshctl('policy', 'list', '--json').out)
    names = [one['name'] for one in told['policies']]
    equal(names, sorted(names))
    check(set(many) < set(names), 'some are missing')
    equal(told['revision'], mesh().status['revision'])
    text = mesh().meshctl('policy', 'list').out
    matches(text, r'^POLICY +REVISION +SELECT +DOMAINS$')
    matches(text, r'^checkout +\d+ +sticky, 2 +checkout\.shop\.mesh, \*\.checkout\.shop\.mesh '
                  r'and 1 more$')
    mesh().meshctl('policy', 'delete', *many)
    check('policy-' not in mesh().meshctl('policy', 'list').out, 'some are still there')


def test_delete_is_all_or_nothing_too():
    mesh().meshctl('policy', 'apply', '-', stdin=CHECKOUT + '---\n' + BLOCKED)
    before = mesh().status['revision']
    done = mesh().meshctl('policy', 'delete', 'checkout', 'blokced', expect=66)
    contains(done.err, "there is no policy 'blokced'")
    equal(mesh().status['revision'], before)
    equal(mesh().meshctl('policy', 'delete', 'checkout', 'blocked').out,
          f'revision {before + 1}: 2 changed, 0 unchanged\n')


def test_an_invitation_is_private_and_lets_a_node_join():
    path = os.path.join(harness.folder(), 'web-1.json')
    done = mesh().meshctl('node', 'invite', 'web-1', '--zone', 'eu-1', '--label', 'tier=web',
                          '--label', 'rack=7', '-o', path)
    equal((done.out, done.err), ('', ''))
    equal(stat.S_IMODE(os.stat(path).st_mode), 0o600, 'the mode of the invitation')
    done = mesh().meshctl('node', 'invite', 'web-1', '-o', path, expect=65)
    contains(done.err, f'{path}: is already there')
    Node(mesh(), 'web-1').join(harness.read(path))
    joined = [one for one in json.loads(mesh().meshctl('node', 'list', '--json').out)['nodes']
              if one['name'] == 'web-1']
    equal([(one['zone'], one['labels'], one['connected']) for one in joined],
          [('eu-1', {'tier': 'web', 'rack': '7'}, False)])
    matches(mesh().meshctl('node', 'list').out, r'^web-1 +eu-1 +away +0 +never +')
    on_output = json.loads(mesh().meshctl('node', 'invite', 'web-3').out)
    equal(on_output['node'], 'web-3')
    contains(mesh().meshctl('node', 'invite', 'Web', expect=65).err, "'Web' is no name of a node")
    contains(mesh().meshctl('node', 'invite', 'w', '--label', 'a=1', '--label', 'a=2',
                            expect=64).err, "'a' is given twice")
    contains(mesh().meshctl('node', 'invite', 'w', '--expires', 'soon', expect=65).err, 'soon')


def test_a_node_is_listed_asked_and_revoked():
    mesh().meshctl('policy', 'apply', '-', stdin=BLOCKED + '---\n'
                   'policy: here\ndomains: [here.mesh]\ndestinations: [{address: 127.0.0.5}]\n'
                   '---\npolicy: there\ndomains: [here.mesh]\nwhen: {node: {zone: us}}\nrank: -1\n'
                   'destinations: [{address: 127.0.0.6}]\n')
    node = mesh().join('db-1', zone='eu-1', labels={'tier': 'db'})
    mesh().wait_current()

    def is_current():
        listed = json.loads(mesh().meshctl('node', 'list', '--json').out)['nodes']
        return [one for one in listed if one['name'] == 'db-1' and one['is_current']]
    one = harness.wait(is_current, what='db-1 is current')[0]
    equal((one['zone'], one['labels'], one['connected']), ('eu-1', {'tier': 'db'}, True))
    matches(mesh().meshctl('node', 'list').out, r'^db-1 +eu-1 +current +\d+ +\d+ s ago +tier=db$')

    # Its snapshot, its syncd.
    equal(node.meshctl('resolve', 'here.mesh').out, '127.0.0.5\n')
    node.meshctl('resolve', 'bad.mesh', expect=1)
    contains(node.meshctl('snapshot', 'verify').out, 'no fault')
    text = node.meshctl('explain', 'here.mesh', '--socket', node.socket).out
    matches(text, r'rule 1: draw, policy there, rank -1, when node: zone=us: not here, ')
    matches(text, r'rule 2: draw, policy here, rank 0$')
    matches(text, r'127\.0\.0\.5 +weight 1 +100\.00 % +weight 1 of 1')
    contains(node.meshctl('explain', 'localhost', '--socket', node.socket).out, 'protected')
    node.meshctl('explain', 'nothing.example', '--socket', node.socket, expect=1)

    text = node.meshctl('status', '--socket', node.socket).out
    contains(text, 'syncd: node db-1 of mesh test')
    contains(text, 'controller: mesh test')
    told = json.loads(node.meshctl('status', '--socket', node.socket, '--json').out)
    page = harness.read(os.path.join(harness.SOURCE, 'man', 'meshctl.1'))
    words = set(re.search(r'^\.Ss status$(.*?)^\.S', page, re.M | re.S).group(1).split())
    for side in told:
        equal(set(told[side]) - words, set(), f'what the manual does not tell of {side}')
    equal(told['syncd']['digest'], told['controller']['digest'])
    node.stop()
    done = node.meshctl('status', '--node', '--socket', node.socket, expect=69)
    contains(done.err, 'no syncd listens here')

    epoch = told['controller']['epoch']
    equal(mesh().meshctl('node', 'revoke', 'db-1').out,
          f'db-1 is revoked; the mesh is at epoch {epoch + 1}\n')
    matches(mesh().meshctl('node', 'list').out, r'^db-1 +eu-1 +revoked ')
    contains(mesh().meshctl('node', 'revoke', 'db-9', expect=66).err, "there is no node 'db-9'")


def test_who_may_not_is_told_why():
    stranger = harness.write(os.path.join(harness.folder(), 'token'),
                             'mdt_' + 'A' * 43 + '\n', 0o600)
    wrong = config(token=(os.path.join(mesh().folder, 'token'), stranger))
    done = mesh().meshctl('policy', 'list', '--config', wrong, expect=77)
    contains(done.err, 'hint: ')
    os.chmod(stranger, 0o644)
    contains(mesh().meshctl('policy', 'list', '--config', wrong, expect=77).err,
             'lets others at this secret')
    pin = 'sha256//' + 'A' * 43 + '='
    done = mesh().meshctl('policy', 'list', '--config', config(pin=(mesh().made['pin'], pin)),
                          expect=69)
    contains(done.err, 'another key answers than the pinned one')
    contains(mesh().meshctl('policy', 'list', '--context', 'tset', expect=78).err,
             "did you mean 'test'?")
    port = str(mesh().api_port)
    gone = config(port=(port, str(harness.free_port())))
    for words in (['policy', 'list'], ['status', '--controller'], ['status']):
        done = mesh().meshctl(*words, '--config', gone, expect=69)
        contains(done.err, 'the connection was refused')
    done = mesh().meshctl('node', 'list', env={'MESHDNS_CONFIG': '/nonexistent'}, expect=66)
    contains(done.err, 'meshdns-controller init')


def examples():
    """The command lines in EXAMPLES of meshctl(1) and under `example:` of each --help."""
    page = harness.read(os.path.join(harness.SOURCE, 'man', 'meshctl.1'))
    lines = re.search(r'^\.Sh EXAMPLES\n(.*?)^\.Sh ', page, re.MULTILINE | re.DOTALL).group(1)
    found = [line for line in lines.split('\n') if line.startswith('meshctl ')]
    names = re.findall(r'^  (\S+(?: \S+)?)  +\S', mesh().meshctl('--help').out, re.MULTILINE)
    for name in names:
        text = mesh().meshctl(*name.split(), '--help').out
        found += [line.strip() for line in text.split('example: ')[1].strip().split('\n')]
    check(len(found) > len(names), f'there are only {len(found)} examples')
    return found


def test_the_examples_of_the_manual_and_the_help_run():
    place = harness.folder()
    shutil.copytree(os.path.join(harness.SOURCE, 'policies'), os.path.join(place, 'policies'))
    tools = os.path.join(place, 'tools')
    os.mkdir(tools)
    os.symlink(harness.MESHCTL, os.path.join(tools, 'meshctl'))
    # What they lead to that is not here: another machine, a web server.
    for name, script in (('ssh', '#!/bin/sh\ngrep -q meshdns_invitation\n'),
                         ('curl', '#!/bin/sh\nexec getent ahosts canary.shop.mesh\n')):
        harness.write(os.path.join(tools, name), script, 0o755)
    mesh().meshctl('policy', 'apply', os.path.join(place, 'policies'))
    node = mesh().join('web-17', zone='eu-1')
    mesh().wait_current()
    env = {'PATH': f'{tools}:{os.environ["PATH"]}', 'MESHDNS_CONFIG': mesh().config,
           'MESHDNS_SNAPSHOT': node.snapshot}
    ending = [line for line in examples() if 'revoke' in line or 'delete' in line]
    for line in [line for line in examples() if line not in ending] + ending:
        line = line.replace('/tmp/snapshot', os.path.join(place, 'snapshot'))
        try:
            harness.run(['env', '-C', place, 'sh', '-e', '-c', line], env=env)
        except harness.Failure as failure:
            raise harness.Failure(f'example: {line}\n{failure}')


def test_what_init_prints_can_be_pasted():
    home = harness.folder()
    flags = ['--state', os.path.join(home, 'state'), '--advertise', '127.0.0.1']
    for name in ('api', 'node', 'broadcast'):
        flags += [f'--listen-{name}', f'127.0.0.1:{harness.free_port()}']
    text = harness.run([harness.CONTROLLER, 'init', '--mesh', 'pasted', *flags]).out
    os.makedirs(os.path.join(home, '.config', 'meshdns'), 0o700)
    place = os.path.join(home, '.config', 'meshdns')
    harness.write(os.path.join(place, 'config.yaml'), text[text.index('current:'):])
    harness.write(os.path.join(place, 'token'), matches(text, r'mdt_\S+').group(0) + '\n', 0o600)
    controller = harness.Process([harness.CONTROLLER, 'run', *flags])
    controller.wait_for(r'^(<\d>)?ready\b')
    done = harness.run([harness.MESHCTL, 'status', '--controller'],
                       env={'HOME': home, 'XDG_CONFIG_HOME': None, 'MESHDNS_CONFIG': None})
    contains(done.out, 'controller: mesh pasted')
    controller.stop()


def test_no_secret_is_shown_or_left_in_arguments():
    """While a command runs, neither its arguments nor its environment hold the token."""
    seen = []
    done = threading.Event()

    def watch():
        while not done.is_set():
            for pid in filter(str.isdigit, os.listdir('/proc')):
                try:
                    with open(f'/proc/{pid}/cmdline', 'rb') as line:
                        words = line.read()
                    if b'meshctl' in words and mesh().token.encode() in words:
                        seen.append(words)
                except OSError:
                    pass
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        for words in (['policy', 'list'], ['node', 'list'], ['status']):
            result = mesh().meshctl(*words)
            check(mesh().token not in result.out + result.err, f'{words} shows the token')
    finally:
        done.set()
        watcher.join()
    equal(seen, [])


if __name__ == '__main__':
    harness.main()
