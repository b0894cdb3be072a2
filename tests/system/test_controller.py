"""The controller by its API: what is taken, what is refused, and what stays private."""

import base64
import hashlib
import http.client
import json
import os
import re
import socket
import sqlite3
import ssl
import stat
import time

import harness
from harness import check, contains, equal, run, wait
from mesh import Mesh, Refused
from peer import Peer, join, keys, policy


@harness.once
def mesh():
    made = Mesh()
    made.keys = keys(made)
    return made


def refused(status, method, path, body=None, token=None, **fields):
    """The request is refused with this status and these fields of its problem."""
    found, problem = mesh().request(method, path, body, token)
    equal(found, status, f'the status of {method} {path} ({problem})')
    for name, wanted in fields.items():
        equal(problem.get(name), wanted, f'{name} of {problem}')
    return problem


def test_init_is_private():
    """keys, token and store are 0600 from their first instant, folders 0700, whatever the umask"""
    place = harness.folder()
    state, trace = os.path.join(place, 'state'), os.path.join(place, 'trace')
    token_file = os.path.join(place, 'token')
    words = [harness.CONTROLLER, 'init', '--mesh', 'x', '--state', state, '--advertise', 'h',
             '--token-file', token_file]
    no_leaks = {'ASAN_OPTIONS': 'detect_leaks=0'}  # which cannot be looked for under strace
    done = run(['strace', '-f', '-o', trace, '-e', 'trace=open,openat,creat,mkdir,mkdirat,chmod,'
                'fchmod,fchmodat', 'sh', '-c', 'umask 0; exec "$@"', 'sh', *words], env=no_leaks)
    token = harness.read(token_file).strip()
    check(re.fullmatch(r'mdt_[\w-]{43}', token), f'the token is {token!r}')
    check(token not in done.out + done.err, 'the token is shown although it went to a file')
    for line in harness.read(trace).splitlines():
        made = re.search(r'"([^"]*)".*O_CREAT.*, (0\d+)\)', line)
        if made and place in made.group(1):
            equal(made.group(2), '0600', f'the mode in {line}')
        made = re.search(r'mkdir(?:at)?\((?:AT_FDCWD, )?"([^"]*)", (0\d+)\)', line)
        if made and made.group(1).startswith(state):
            equal(made.group(2), '0700', f'the mode in {line}')
        if 'chmod' in line and place in line and 'tls.crt' not in line:
            check(', 0600)' in line, f'{line} opens a secret')
    equal(stat.S_IMODE(os.stat(state).st_mode), 0o700, 'the mode of the state folder')
    for name in os.listdir(state):
        if name == 'tls.crt':
            continue
        equal(stat.S_IMODE(os.stat(os.path.join(state, name)).st_mode), 0o600, f'mode of {name}')
    for name in os.listdir(state):
        with open(os.path.join(state, name), 'rb') as file:
            check(token.encode() not in file.read(), f'the token itself is in {name}')


def test_init_is_whole():
    """init never replaces a mesh, and a failed one leaves nothing behind"""
    done = run([harness.CONTROLLER, 'init', '--mesh', 'x', '--state', mesh().state], expect=65)
    contains(done.err, 'is already there')
    state = os.path.join(harness.folder(), 'state')
    blocked = harness.write(os.path.join(harness.folder(), 'token'), 'x')
    done = run([harness.CONTROLLER, 'init', '--mesh', 'x', '--state', state, '--token-file',
                blocked], expect=65)
    equal([name for name in os.listdir(state) if name != 'lock'], [], 'what is left behind')
    run([harness.CONTROLLER, 'init', '--mesh', 'x', '--state', state])


def test_words():
    """help, version, mistyped words and wrong settings say what to do, with their exit codes"""
    contains(run([harness.CONTROLLER, '--help']).out, 'usage: meshdns-controller COMMAND')
    for words in [], ['init'], ['run'], ['recover']:
        text = run([harness.CONTROLLER, *words, '--help']).out
        contains(text, ' '.join(['usage: meshdns-controller', *words, '']))
        check(max(len(line) for line in text.splitlines()) <= 80, 'help is wider than 80')
    contains(run([harness.CONTROLLER, '--version']).out, 'meshdns-controller 0.')
    contains(run([harness.CONTROLLER, 'ruhn'], expect=64).err,
             'did you mean `meshdns-controller run`?')
    contains(run([harness.CONTROLLER, 'run', '--sate', 'x'], expect=64).err, 'mean --state?')
    contains(run([harness.CONTROLLER, 'init', '--state', '/nope'], expect=64).err, 'no name')
    contains(run([harness.CONTROLLER, 'run', '--state', '/nope'], expect=78).err, 'init')
    place = harness.folder()
    for text, says in [
            ('heartbaet: 5s', "c.yaml:1:1: heartbaet: this key is not known\n"
                              "  hint: did you mean 'heartbeat'?"),
            ('heartbeat: 5', 'c.yaml:1:12: heartbeat: must be text, not a number'),
            ('mesh: x\nlisten: {api: "1.2.3.4"}', 'c.yaml:2:15: listen.api: '),
            ('listen: 5', 'c.yaml:1:9: listen: must be a map'),
            ('heartbeat: 1ms', "'1ms' is below 50ms, the least"),
            ('advertise: "a b"', "'a b' is no host name or address"),
            ('mesh: A', "'A' is no mesh name")]:
        path = harness.write(os.path.join(place, 'c.yaml'), text)
        contains(run([harness.CONTROLLER, 'run', '--config', path], expect=78).err, says)


def test_port_in_use():
    """two controllers share neither a state folder nor a port"""
    words = [harness.CONTROLLER, 'run', *mesh()._flags()]
    contains(run(words, expect=75).err, 'another meshdns-controller uses this state folder')
    other = Mesh(start=False)
    flags = other._flags()
    flags[flags.index('--listen-api') + 1] = f'127.0.0.1:{mesh().api_port}'
    contains(run([harness.CONTROLLER, 'run', *flags], expect=75).err, 'Address already in use')


def test_pin():
    """the pin that init shows is the hash of the certificate's public key"""
    context = ssl._create_unverified_context()
    with socket.create_connection((mesh().host, mesh().api_port)) as plain, \
            context.wrap_socket(plain) as tls:
        check(tls.version() in ('TLSv1.2', 'TLSv1.3'), tls.version())
        certificate = ssl.DER_cert_to_PEM_cert(tls.getpeercert(True))
    key = run(['openssl', 'x509', '-noout', '-pubkey'], stdin=certificate).out
    body = ''.join(key.strip().splitlines()[1:-1])
    pin = base64.b64encode(hashlib.sha256(base64.b64decode(body)).digest()).decode()
    equal('sha256//' + pin, mesh().made['pin'], 'the pin')


def test_tokens():
    """no route but /livez, /readyz and /v1/join answers without the right token"""
    equal(mesh().request('GET', '/livez', token='x'), (200, 'ok\n'), '/livez')
    equal(mesh().request('GET', '/readyz', token='x'), (200, 'ok\n'), '/readyz')
    before = mesh().status['refused']['token']
    good = mesh().token
    for token in ('x', 'mdt_' + 'A' * 43, good[:-1], good + 'A', good.upper(), 'A' * 4000):
        for method, path in [('GET', '/v1/status'), ('GET', '/v1/policies'),
                             ('GET', '/v1/policies/a'), ('PUT', '/v1/policies/a'),
                             ('DELETE', '/v1/policies/a'), ('POST', '/v1/changes'),
                             ('GET', '/v1/nodes'), ('DELETE', '/v1/nodes/a'),
                             ('POST', '/v1/invitations'), ('GET', '/v1/invitations'),
                             ('DELETE', '/v1/invitations/a')]:
            refused(401, method, path, token=token, title='unauthenticated')
        refused(404, 'GET', '/v1/nope', token=token)
    wait(lambda: mesh().status['refused']['token'] == before + 66, 10, 'each is counted')
    contains(mesh().controller.err, 'refused kind=token from=127.0.0.1')
    check(good not in mesh().controller.err, 'a token was logged')


def test_a_set_is_one():
    """a set with one wrong policy changes nothing, and the problem names it"""
    mesh().apply(policy('stands', 3))
    before = mesh().status
    problem = refused(422, 'POST', '/v1/changes',
                      {'upserts': [policy('good-1'), policy('bad', 70000), policy('good-2')],
                       'deletes': ['stands']},
                      title='invalid', where='bad', document=1, key='destinations[0].weight')
    equal(problem['type'], 'urn:meshdns:error:invalid')
    contains(problem['detail'], '70000 is above 65535')
    refused(422, 'POST', '/v1/changes', {'upserts': [policy('twice'), policy('twice')]},
            where='twice', document=1)
    refused(422, 'POST', '/v1/changes', {'upserts': [policy('stands')], 'deletes': ['stands']})
    refused(422, 'POST', '/v1/changes', {'upserts': [{**policy('new'), 'colour': 'red'}]},
            title='unsupported', document=0)
    refused(409, 'POST', '/v1/changes',
            {'upserts': [policy('fine'), policy('rival', domain='stands.mesh')]}, document=1)
    refused(422, 'POST', '/v1/changes', {'upserts': {}}, key='upserts')
    refused(422, 'POST', '/v1/changes', {'upsert': []}, hint="did you mean 'upserts'?")
    for text in '', '{', '[]', '{"upserts":[],"upserts":[]}', '{"a":1.5}', '[' * 100000:
        refused(400, 'POST', '/v1/changes', text)
    for key in 'revision', 'digest', 'policies':
        equal(mesh().status[key], before[key], key)
    equal(mesh().api('GET', '/v1/policies/stands')['document'], policy('stands', 3))


def test_changes():
    """a change has the next revision; one that changes nothing has none"""
    first = mesh().apply(policy('c-1'), policy('c-2'))
    equal((first['changed'], first['unchanged']), (2, 0))
    again = mesh().apply(policy('c-1'), policy('c-2'), deletes=['was-never-there'])
    equal((again['revision'], again['changed']), (first['revision'], 0))
    shuffled = dict(reversed(policy('c-1').items()))
    equal(mesh().apply(shuffled)['changed'], 0, 'changes by another order of keys')
    both = mesh().apply(policy('c-1', 9), deletes=['c-2'])
    equal((both['revision'], both['changed']), (first['revision'] + 1, 2))
    one = mesh().api('GET', '/v1/policies/c-1')
    equal((one['revision'], one['document']), (both['revision'], policy('c-1', 9)))
    refused(404, 'GET', '/v1/policies/c-2', where='c-2')
    refused(404, 'DELETE', '/v1/policies/c-2')
    equal(mesh().api('PUT', '/v1/policies/c-2', policy('c-2'))['revision'], both['revision'] + 1)
    refused(422, 'PUT', '/v1/policies/c-3', policy('c-2'), key='policy')
    equal(mesh().api('DELETE', '/v1/policies/c-2')['changed'], 1)


def test_pages():
    """policies are listed in name order, page by page"""
    mesh().apply(*[policy(f'page-{number:03}') for number in range(250)])
    names, after, pages = [], 'page-', 0
    while True:
        page = mesh().api('GET', f'/v1/policies?limit=90&after={after}')
        names += [item['name'] for item in page['policies']]
        pages, after = pages + 1, page['next']
        if not after:
            break
    names = [name for name in names if name.startswith('page-')]
    equal(names, [f'page-{number:03}' for number in range(250)])
    check(pages >= 3, f'{pages} pages')
    for query in 'limit=0', 'limit=1001', 'limit=x', 'after=A', 'limit=-1':
        refused(400, 'GET', f'/v1/policies?{query}')
    mesh().apply(deletes=names)


def test_paths():
    """unknown paths, methods and names are refused by name"""
    refused(404, 'GET', '/')
    refused(404, 'GET', '/v1/policies/UPPER')
    refused(404, 'GET', '/v1/policies/a/b')
    refused(405, 'POST', '/v1/status')
    refused(405, 'DELETE', '/v1/policies')
    refused(413, 'POST', '/v1/changes', '{"upserts": ["' + 'x' * (9 << 20) + '"]}')
    refused(413, 'POST', '/v1/join', '{"invitation": "' + 'x' * 20000 + '"}')
    large = '{"a": "' + 'x' * (1 << 20) + '"}'
    refused(401, 'POST', '/v1/changes', large, token='x')  # not a broken connection
    refused(404, 'POST', '/v1/nowhere', large)


def test_invitations():
    """an invitation makes one key a node, once, until it expires or is withdrawn"""
    one, other = Peer(mesh(), 'new'), Peer(mesh(), 'new')
    invitation = mesh().invite('guest', zone='eu-1', labels={'role': 'web'})
    equal(invitation['meshdns_invitation'], 1)
    for field in 'server', 'pin', 'mesh', 'mesh_id', 'sign_key', 'controller_key', 'expires_at':
        check(invitation.get(field), f'{field} is missing')
    listed = mesh().api('GET', '/v1/invitations')['invitations']
    equal([item['node'] for item in listed], ['guest'])
    check(invitation['secret'] not in json.dumps(listed), 'the secret is listed')

    body = {'invitation': invitation['secret'], 'public_key': one.public_key}
    first = mesh().api('POST', '/v1/join', body)
    equal(first['node'], {'name': 'guest', 'zone': 'eu-1', 'labels': {'role': 'web'}})
    for field in 'mesh', 'mesh_id', 'sign_key', 'controller_key':
        equal(first[field], invitation[field], field)
    equal(mesh().api('POST', '/v1/join', body), first, 'the answer to the same key')
    refused(401, 'POST', '/v1/join', {**body, 'public_key': other.public_key})
    equal(mesh().api('GET', '/v1/invitations')['invitations'], [])

    fresh = mesh().invite('guest-2')
    refused(409, 'POST', '/v1/join', {**body, 'invitation': fresh['secret']})
    refused(422, 'POST', '/v1/join', {'invitation': fresh['secret'], 'public_key': 'xyz'},
            key='public_key')
    mesh().api('DELETE', '/v1/invitations/guest-2')
    refused(401, 'POST', '/v1/join', {'invitation': fresh['secret'],
                                      'public_key': other.public_key})
    refused(404, 'DELETE', '/v1/invitations/guest-2')
    short = mesh().api('POST', '/v1/invitations', {'node': 'late', 'expires': '1s'})
    time.sleep(2)  # the wall clock has to pass it
    refused(401, 'POST', '/v1/join', {'invitation': short['secret'],
                                      'public_key': other.public_key})
    for body, key in [({}, 'node'), ({'node': 'A'}, 'node'), ({'node': 'a', 'zone': ''}, 'zone'),
                      ({'node': 'a', 'labels': {'a': 1}}, 'labels'), ({'node': 'a', 'x': 1}, 'x'),
                      ({'node': 'a', 'expires': '9999h'}, 'expires')]:
        refused(422, 'POST', '/v1/invitations', body, key=key)


def test_rejoin():
    """a machine that joins anew replaces its old key, which is refused from then on"""
    old, new = Peer(mesh(), 'new'), Peer(mesh(), 'new')
    join(mesh(), 'reborn', old)
    old.connect()
    old.hello()
    epoch = mesh().status['epoch']
    join(mesh(), 'reborn', new)
    equal(mesh().status['epoch'], epoch + 1, 'the epoch')
    new.connect()
    new.hello()
    wait(lambda: 'auth 400' in old.tell('event', 2000), 20, 'the old key gets 400')
    listed = [node for node in mesh().api('GET', '/v1/nodes')['nodes'] if node['name'] == 'reborn']
    equal([(node['revoked'], node['connected']) for node in listed], [(False, True)])


def test_join_is_limited():
    """whoever guesses invitations is slowed down, and nobody else is"""
    body = {'invitation': 'mdi_' + 'A' * 43, 'public_key': 'ab' * 32}
    answers = [mesh().request('POST', '/v1/join', body)[0] for _ in range(260)]
    check(503 in answers, f'260 guesses got {set(answers)}')
    other = http.client.HTTPSConnection(mesh().host, mesh().api_port, timeout=30,
                                        context=ssl._create_unverified_context(),
                                        source_address=('127.0.0.2', 0))
    other.request('POST', '/v1/join', json.dumps(body))
    equal(other.getresponse().status, 401, 'the answer to another address')
    other.close()


def test_slow_clients():
    """clients that send a byte at a time, or none, are cut, and others are served meanwhile"""
    slow = Mesh(start=False)
    config = harness.write(os.path.join(slow.folder, 'c.yaml'), 'request_timeout: 1s\n')
    slow.start('--config', config)
    context = ssl._create_unverified_context()
    clients = []
    for number in range(60):
        client = socket.create_connection((slow.host, slow.api_port), 10)
        harness.defer(client.close)
        if number % 3:
            client = context.wrap_socket(client)
            harness.defer(client.close)
            client.sendall(b'GET /v1/status HTTP/1.1\r\nX-Slow: ' if number % 3 == 1 else
                           b'POST /v1/join HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\n{')
        clients.append(client)
    started = time.monotonic()
    while clients and time.monotonic() - started < 20:
        equal(slow.request('GET', '/livez')[0], 200, 'the answer to others')
        for client in list(clients):
            try:
                client.settimeout(0.001)
                client.send(b'x')
                if client.recv(1) == b'':
                    raise OSError
            except (TimeoutError, ssl.SSLWantReadError):
                continue
            except OSError:
                clients.remove(client)
    equal(len(clients), 0, 'slow clients still connected')
    check(time.monotonic() - started < 10, 'they were cut late')


def test_disk_full():
    """on a full disk a change is refused whole; what was acknowledged stays, and room cures it"""
    harness.needs_root()
    place = harness.folder()
    run(['mount', '-t', 'tmpfs', '-o', 'size=1m,mode=0755', 'tmpfs', place])
    harness.defer(run, ['umount', '-l', place])
    full = Mesh(start=False)
    os.rename(full.state, full.state + '.old')
    run(['cp', '-a', full.state + '.old', os.path.join(place, 'state')])
    full.state = os.path.join(place, 'state')
    full.start()
    there = []
    while len(there) < 10000:
        names = [f'd-{len(there):05}-{number}' for number in range(20)]
        status, answer = full.request('POST', '/v1/changes',
                                      {'upserts': [policy(name) for name in names]})
        if status != 200:
            break
        there += names
    equal((status, answer['title']), (507, 'full'), 'the refusal')
    contains(answer['hint'], 'make room')
    check(there, 'nothing was committed before the disk was full')
    equal(full.status['policies'], len(there), 'policies after the refusal')
    equal(full.request('GET', '/livez')[0], 200, '/livez')
    revision, digest = full.status['revision'], full.status['digest']
    full.kill()
    run(['mount', '-o', 'remount,size=16m', place])
    full.start()
    equal((full.status['revision'], full.status['digest']), (revision, digest), 'after a restart')
    equal(full.apply(policy('after'))['revision'], revision + 1, 'the next revision')


def test_clean_end():
    """SIGTERM ends it with 0 while requests are under way, and it starts again as it was"""
    one = Mesh()
    before = one.apply(policy('kept'))['revision']
    for _ in range(5):
        held = socket.create_connection((one.host, one.api_port), 10)
        harness.defer(held.close)
    one.controller.stop(expect=0, limit=20)
    contains(one.controller.err, 'stopping revision=')
    one.start()
    equal(one.status['revision'], before)
    equal(one.status['policies'], 1)


def test_damaged_store():
    """a store that was changed behind its back is not served"""
    one = Mesh()
    one.apply(policy('honest'))
    one.stop()
    run([harness.sys.executable, '-c',
         'import sqlite3,sys; db=sqlite3.connect(sys.argv[1]);'
         'db.execute("DELETE FROM documents"); db.commit()', f'{one.state}/store.db'])
    done = run([harness.CONTROLLER, 'run', *one._flags()], expect=74)
    contains(done.err, 'the documents in the store are not those of revision 1')


def make_older(mesh, name, before, after):
    """Rewrites a stored document as an older meshdns would have accepted it, digest included."""
    def summand(packed):
        return int.from_bytes(hashlib.blake2b(packed, digest_size=32).digest(), 'little')

    store = sqlite3.connect(f'{mesh.state}/store.db')
    revision, packed, digest = store.execute(
        'SELECT log.revision, bytes, digest FROM documents, log WHERE name = ? '
        'ORDER BY log.revision DESC LIMIT 1', [name]).fetchone()
    changed = packed.replace(before, after)
    check(len(changed) == len(packed) and changed != packed, f'{before} is not in {packed}')
    number = int.from_bytes(digest, 'little') - summand(packed) + summand(changed)
    store.execute('UPDATE documents SET bytes = ? WHERE name = ?', [changed, name])
    store.execute('UPDATE log SET digest = ? WHERE revision = ?',
                  [(number % 2 ** 256).to_bytes(32, 'little'), revision])
    store.commit()
    store.close()


def test_stored_by_an_older_version():
    """a policy that today's checks refuse is served and named, and can be changed"""
    one = Mesh()
    one.apply(policy('kept'), policy('odd'))
    one.stop()
    make_older(one, 'odd', b'weight', b'weighs')
    one.start()
    equal([(item['policy'], item['reason']) for item in one.status['unfit']],
          [('odd', "destinations[0]: unknown key 'weighs'")])
    equal(one.status['policies'], 2, 'the number of policies')
    contains(one.controller.err, 'policy-unfit policy=odd reason="destinations[0]: ')
    contains(one.meshctl('status', '--controller').out, 'policy odd: destinations[0]: ')
    node = one.join('web-1')
    one.wait_current()
    equal(node.status['unsupported'], ['odd'], 'what the node got and is as strict about')
    one.apply(policy('other'))
    try:
        one.apply(one.api('GET', '/v1/policies/odd')['document'])
        check(False, 'it was accepted as it is')
    except Refused as no:
        equal((no.status, no.problem['where']), (422, 'odd'))
    one.apply(policy('odd', 7))
    equal(one.status['unfit'], [])
    one.wait_current()
    equal(node.meshctl('resolve', 'odd.mesh').code, 0)
    one.restart()
    equal(one.status['unfit'], [])


if __name__ == '__main__':
    harness.main()
