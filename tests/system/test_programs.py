"""test_programs.py - real programs from packages reach the address that the policy gives.

One server stands behind two addresses: the policy's, and the one that DNS has for the same name. It
writes down who connects to which of them, at which port; each program has a port of its own. So a
program that resolves by itself is not merely missed, but seen. The matrix of what was seen is
printed and written to build/tests/system/programs.txt; the README shows it.
"""

import os
import shutil
import sys
import textwrap

import harness
from modules import network, ways
from netns import Machine

NAME, STEERED, DECOY = 'steered.mesh', '10.77.1.10', '10.77.1.11'
FIRST_PORT, LOCAL_PORT = 20000, 19000
POLICY = f'policy: steered\ndomains: [{NAME}]\ndestinations: [{{address: {STEERED}}}]\n'
MATRIX = os.path.join(harness.BUILD, 'tests', 'system', 'programs.txt')
REACHED, DNS = 'meshdns', 'DNS'  # where a program has its address from

# On the server's machine: a line `PORT ADDRESS PEER` for each connection, `0 ADDRESS PEER` for each
# echo request. HTTP is answered; whoever says something else, or waits to be spoken to, is let go.
SERVER = '''
import selectors, socket, sys, threading
addresses, first, count = sys.argv[1:3], int(sys.argv[3]), int(sys.argv[4])
BODY = b"<html><title>here</title>here</html>"
ANSWER = (b"HTTP/1.0 200 OK\\r\\nContent-Type: text/html\\r\\nConnection: close\\r\\n"
          b"Content-Length: %d\\r\\n\\r\\n" % len(BODY)) + BODY
def serve(client):
    with client:
        try:
            client.settimeout(1)
            if client.recv(4096)[:4] in (b"GET ", b"HEAD"):
                client.sendall(ANSWER)
        except OSError:
            pass
waiting = selectors.DefaultSelector()
for address in addresses:
    for port in range(first, first + count):
        listener = socket.create_server((address, port))
        waiting.register(listener, selectors.EVENT_READ, (address, port))
echo = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
waiting.register(echo, selectors.EVENT_READ, None)
print("ready", flush=True)
while True:
    for key, _ in waiting.select():
        if key.data is None:
            packet, peer = echo.recvfrom(2048)
            if packet[20] == 8:
                print(0, socket.inet_ntoa(packet[16:20]), peer[0], flush=True)
            continue
        client, peer = key.fileobj.accept()
        print(key.data[1], key.data[0], peer[0], flush=True)
        threading.Thread(target=serve, args=(client,), daemon=True).start()
'''

NODE = 'require("http").get("{url}", r => r.resume()).on("error", () => {{}})'
CHROMIUM = ('chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run '
            '--disable-background-networking --disable-component-update --disable-sync '
            '--no-proxy-server --user-data-dir={folder}/{way}-{port} ')
# The configuration of a program that connects when it is connected to, at {local}.
NGINX = '''
daemon off; master_process off; pid {folder}/{way}.pid; error_log stderr; user root;
events {{ }}
http {{ access_log off; client_body_temp_path {folder}/a; proxy_temp_path {folder}/b;
  fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  server {{ listen 127.0.0.1:{local}; location / {{ proxy_pass http://{name}:{port}; }} }} }}
'''
HAPROXY = '''
defaults
  mode tcp
  timeout connect 5s
  timeout client 5s
  timeout server 5s
listen there
  bind 127.0.0.1:{local}
  server it {name}:{port}
'''
STUNNEL = '''
foreground = yes
client = yes
pid =
[there]
accept = 127.0.0.1:{local}
connect = {name}:{port}
'''

# What is run: split at spaces when it is a text, {..} replaced.
CLIENTS = (
    'curl -s -m 20 {url}',
    'wget -q -O /dev/null -T 20 -t 1 {url}',
    ['/usr/bin/python3', '-c', 'import urllib.request; urllib.request.urlopen("{url}").read()'],
    ['node', '-e', NODE],
    'java -m java.base/sun.security.tools.keytool.Main -printcert -sslserver {name}:{port}',
    ['perl', '-MIO::Socket::INET', '-e',
     'IO::Socket::INET->new(PeerAddr => "{name}", PeerPort => {port}, Timeout => 20)'],
    ['ruby', '-rsocket', '-e', 'TCPSocket.new("{name}", {port}).close'],
    ['php', '-r', 'file_get_contents("{url}");'],
    ['lua5.4', '-e', 'require("socket").connect("{name}", {port})'],
    ['sh', '-c', 'echo "close [socket {name} {port}]" | tclsh'],
    ['bash', '-c', ': </dev/tcp/{name}/{port}'],
    'git ls-remote git://{name}:{port}/x',
    'ssh -F none -o BatchMode=yes -o ConnectTimeout=20 -p {port} {name} true',
    ['psql', '-w', 'host={name} port={port} user=x connect_timeout=20'],
    'mysql --no-defaults --protocol=tcp --connect-timeout=20 -h {name} -P {port}',
    'redis-cli -h {name} -p {port} ping',
    'rsync --contimeout=20 rsync://{name}:{port}/',
    'socat -u /dev/null TCP4:{name}:{port}',
    'nc -w 5 -z {name} {port}',
    'telnet {name} {port}',
    'openssl s_client -connect {name}:{port}',
    'mosquitto_pub -h {name} -p {port} -t x -m x',
    'ldapsearch -x -o nettimeout=20 -H ldap://{name}:{port}',
    'ab -n 1 -s 20 {url}',
    'iperf3 -c {name} -p {port} -t 1 --connect-timeout 20000',
    'lynx -dump -connect_timeout=20 {url}',
    ['lftp', '-c', 'set net:max-retries 1; set net:timeout 20; cat {url}'],
    'aria2c -q --async-dns=false --max-tries=1 -d {folder} -o {way}-{port}-a {url}',
    'aria2c -q --max-tries=1 -d {folder} -o {way}-{port}-b {url}',
    CHROMIUM + '--disable-features=AsyncDns --dump-dom {url}',
    CHROMIUM + '--dump-dom {url}',
)
PROXIES = (
    (['nginx', '-c', '{file}'], NGINX),
    (['haproxy', '-db', '-f', '{file}'], HAPROXY),
    (['stunnel4', '{file}'], STUNNEL),
)
# Where an address comes from under the shim and through NSS, when it is not meshdns in both.
EXCEPTIONS = {'aria2c': [DNS, DNS], 'chromium': [DNS, REACHED], 'ping, not by root': [DNS, REACHED]}
OPTIONS = ('--async-dns=false', '--disable-features=AsyncDns')  # those that matter here


class Stage:
    """The two ways in, each with a DNS server that knows another address; and the server."""

    def __init__(self):
        self.ways, self.rows, self.port = ways(), [], FIRST_PORT
        self.folder = harness.folder()
        os.chmod(self.folder, 0o755)
        server = Machine(network(), 'server')
        for address in (STEERED, DECOY):
            server.add_address(address)
        self.server = server.start([sys.executable, '-c', SERVER, STEERED, DECOY, FIRST_PORT,
                                    len(CLIENTS) + len(PROXIES) + 1])
        self.server.wait_for('^ready')
        for way in self.ways:
            way.machine.route(f'{STEERED}/31', server)
            way.machine.dns(**{NAME: DECOY})
            way.publish(POLICY)

    def lines(self):
        return self.server.out.splitlines()

    def seen(self, port, way, since=0):
        """The addresses that a way's machine has connected to at this port."""
        words = [line.split() for line in self.lines()[since:]]
        return sorted({word[1] for word in words if len(word) == 3 and
                       word[0] == str(port) and word[2] == way.machine.address})

    def where(self, way, port, argv):
        """Runs a program to its end, whatever it says: where it connected to is what counts."""
        if not shutil.which(argv[0]):
            harness.skip(f'{argv[0]} is not installed; tools/test installs the group "programs"')
        since = len(self.lines())
        harness.run(argv, machine=way.machine, limit=60, expect=None,
                    env={**way.env, 'HOME': self.folder, 'TERM': 'dumb', 'http_proxy': None})
        try:
            return harness.wait(lambda: self.seen(port, way, since), 20)
        except harness.Failure:
            return []

    def words(self, way, port, argv):
        filled = {'name': NAME, 'port': port, 'url': f'http://{NAME}:{port}/', 'way': way.title,
                  'folder': self.folder, 'local': LOCAL_PORT,
                  'file': os.path.join(self.folder, f'{way.title}-{port}.conf')}
        argv = argv.split() if isinstance(argv, str) else argv
        return [word.format(**filled) for word in argv], filled

    def note(self, shown, program, found):
        """One row: where each way led."""
        self.rows.append((shown, *package_of(program), [told(one) for one in found]))


def package_of(program):
    """The name and version of the package that a program is from."""
    path = os.path.realpath(shutil.which(program))
    for place in (path, path.replace('/usr/', '/', 1)):  # dpkg may know it from before the merge
        owner = harness.run(['dpkg-query', '-S', place], expect=None)
        if owner.code == 0:
            name = owner.out.rsplit(': ', 1)[0].split(',')[0].split(':')[0]
            return name, harness.run(['dpkg-query', '-W', '-f', '${Version}', name]).out
    raise harness.Failure(f'{path} is from no package')


def judge(count):
    """Claims that the last rows are as they should be, all of them seen first."""
    wrong = [f'{shown}: {found}' for shown, *_, found in stage().rows[-count:]
             if found != EXCEPTIONS.get(shown, [REACHED, REACHED])]
    harness.check(not wrong, 'by shim and NSS the address is from\n' + '\n'.join(wrong))


def told(addresses):
    return {(): 'not at all', (STEERED,): REACHED, (DECOY,): DNS}.get(tuple(addresses), 'both')


@harness.once
def stage():
    return Stage()


def test_programs_of_many_kinds_connect_to_the_steered_address():
    for argv in CLIENTS:
        port, found = stage().port, []
        stage().port += 1
        for way in stage().ways:
            words, _ = stage().words(way, port, argv)
            found.append(stage().where(way, port, words))
        program = 'tclsh' if words[0] == 'sh' else words[0]
        shown = [os.path.basename(program), *(word for word in words if word in OPTIONS)]
        stage().note(' '.join(shown), program, found)
    judge(len(CLIENTS))


def test_proxies_connect_to_the_steered_address():
    knock = f'import socket; s = socket.create_connection(("127.0.0.1", {LOCAL_PORT}), 5); ' \
            's.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n"); s.recv(1)'
    for argv, text in PROXIES:
        port, found = stage().port, []
        stage().port += 1
        for way in stage().ways:
            words, filled = stage().words(way, port, argv)
            harness.write(filled['file'], text.format(**filled))
            proxy = way.machine.start(words, env=way.env)

            def is_seen():
                harness.check(proxy.is_running, f'{words} has ended:\n{proxy.out}{proxy.err}')
                way.machine.python(knock, expect=None)
                return stage().seen(port, way)
            found.append(harness.wait(is_seen, what=f'{words[0]} connects to somebody'))
            proxy.kill()
        stage().note(words[0], words[0], found)
    judge(len(PROXIES))


def test_ping_and_getent_have_the_steered_address():
    """ping and getent have the steered address; ping as nobody under the shim has not, because its
    file has a capability, so that the loader drops LD_PRELOAD"""
    ping = ['ping', '-c', '1', '-w', '10', NAME]
    nobody = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', '--', *ping]
    for shown, argv in (('ping', ping), ('ping, not by root', nobody)):
        stage().note(shown, 'ping', [stage().where(way, 0, argv) for way in stage().ways])
    found = []
    for way in stage().ways:
        said = way.run(['getent', 'ahostsv4', NAME]).out.split()
        found.append(sorted({word for word in said if word in (STEERED, DECOY)}))
    stage().note('getent', 'getent', found)
    judge(3)


def test_without_meshdns_the_same_name_leads_elsewhere():
    for way in stage().ways:
        way.machine.nsswitch('files dns')
        said = way.machine.run(['getent', 'ahostsv4', NAME]).out
        harness.contains(said, DECOY, 'what DNS has')


def summary(rows):
    """The matrix in the README's words."""
    lines = []
    for title, wanted in (('both ways', [REACHED, REACHED]), ('NSS alone', [DNS, REACHED]),
                          ('neither', [DNS, DNS])):
        names = ', '.join(shown.replace(', ', ' ') for shown, *_, found in rows if found == wanted)
        lines += textwrap.wrap(names, 96, initial_indent=f'    {title:<11}',
                               subsequent_indent=' ' * 15, break_on_hyphens=False)
    return '\n'.join(lines) + '\n'


def test_the_matrix_is_what_the_readme_says_and_has_twenty_programs():
    rows = sorted(stage().rows)
    lines = [f'{"program":<37} {"under the shim":<15} {"through NSS":<12} package']
    lines += [f'{shown:<37} {found[0]:<15} {found[1]:<12} {package} {version}'
              for shown, package, version, found in rows]
    print(''.join(f'# {line}\n' for line in lines), end='')
    harness.write(MATRIX, '\n'.join(lines) + '\n')
    reached = {shown.split()[0] for shown, *_, found in rows if found == [REACHED, REACHED]}
    harness.check(len(reached) >= 20, f'only {len(reached)} programs: {sorted(reached)}')
    harness.check(summary(rows) in harness.read(os.path.join(harness.SOURCE, 'README.md')),
                  f'README.md, "Who is reached", does not say:\n{summary(rows)}')


if __name__ == '__main__':
    harness.main()
