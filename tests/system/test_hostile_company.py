"""test_hostile_company.py - beside other libraries, in programs of all kinds, and where there is no
snapshot or a wrong one."""

import mmap
import os
import re
import shutil
import socket
import struct
import sys
import time

import harness
from harness import check, equal
from hostile import (BEHIND, CALLER, HOSTILE, MODULE, PROGRAMS, elsewhere, environment, fresh, run,
                     ways)
from modules import DRAWS, PUBLISH, SNAPSHOT, preload, preloadable

LIBRARIES = '/usr/lib/' + os.uname().machine + '-linux-gnu'
FIRST, OTHER, FILES, MISS = '0a000104', '0a000109', 'c0000204', 'c0000209'

# Threads look up; what they got is printed once, sorted.
LOOK_UP = '''
import socket, sys, threading
def look(name):
    return socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)[0][4][0]
seen = set()
def many():
    for _ in range(50):
        seen.update((look("hit.mesh"), look(sys.argv[1])))
threads = [threading.Thread(target=many) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(*sorted(seen))
'''


def lists(library):
    """What LD_PRELOAD may say where another library is preloaded, with the way it belongs to."""
    shim, nss = ways()
    return [(shim, f'{preload()}:{library}'), (shim, f'{library}:{preload()}'), (nss, library)]


def preloading(words, env):
    """The words before a program that set its environment, and no other's: on the way into a
    machine libfaketime would leave its clock in this machine's /dev/shm."""
    return ['env', f'LD_PRELOAD={words}', *(f'{key}={value}' for key, value in env.items())]


def test_beside_preloaded_allocators_and_clocks_all_is_as_without_them():
    rows = [
        ('libjemalloc.so.2', {}),
        ('libmimalloc.so.2', {}),
        ('faketime/libfaketime.so.1', {'FAKETIME': '2001-02-03 04:05:06'}),
        ('faketime/libfaketimeMT.so.1', {'FAKETIME': '+3y x5'}),
    ]
    for library, env in rows:
        for way, words in lists(os.path.join(LIBRARIES, library)):
            fresh(way)
            before = preloading(words, env)
            found = way.run([*before, sys.executable, '-c', LOOK_UP, 'miss.example'],
                            env={'LD_PRELOAD': None})
            equal((found.out, found.err), ('10.0.1.4 192.0.2.9\n', ''),
                  f'LD_PRELOAD={words} by {way.title}')
            found = way.run([*before, DRAWS, 'v4', 'many.mesh', 200, 4, 2],
                            env={'LD_PRELOAD': None}).out
            equal(len(re.findall(r'^10\.0\.2\.[1-8] ', found, re.M)), 8, 'the destinations drawn')


def test_where_the_time_stands_still_growth_is_followed():
    library = os.path.join(LIBRARIES, 'faketime/libfaketime.so.1')
    for way, words in lists(library):
        run('plain', [way], env={'LD_PRELOAD': None},
            prefix=preloading(words, {'FAKETIME': '2001-02-03 04:05:06'}))


def test_beside_nss_wrapper_the_library_that_comes_first_is_asked_first():
    hosts = os.path.join(harness.folder(), 'hosts')
    harness.write(hosts, '192.0.2.55 wrapped.example\n')
    os.chmod(os.path.dirname(hosts), 0o755)
    library = os.path.join(LIBRARIES, 'libnss_wrapper.so')
    # Alone too, it fails one of the threads that come to its first look-up together, in one run of
    # five: it reads its file without a lock.
    program = LOOK_UP.replace('threads = [', 'look(sys.argv[1])\nthreads = [', 1)
    (shim, before), (_, behind), (nss, alone) = lists(library)
    for way, words, answer in ((shim, before, '10.0.1.4 192.0.2.55\n'),
                               # it asks libc, past all others, for what it does not know
                               (shim, behind, '192.0.2.4 192.0.2.55\n'),
                               (nss, alone, '10.0.1.4 192.0.2.55\n')):
        fresh(way)
        found = way.python(program, 'wrapped.example',
                           env={'LD_PRELOAD': words, 'NSS_WRAPPER_HOSTS': hosts})
        equal((found.out, found.err), (answer, ''), f'LD_PRELOAD={words} by {way.title}')


def test_a_getaddrinfo_behind_or_before_the_shim_may_call_getaddrinfo_again():
    shim = ways()[0]
    fresh(shim)
    behind = f'{preload()}:{preloadable(BEHIND)}'
    for words, name, first, answer in (
            (behind, 'hit.mesh', 'hit.mesh', '10.0.1.4'),
            (behind, 'miss.example', 'hit.mesh', '192.0.2.77'),
            (behind, 'miss.example', 'miss.example', '192.0.2.77'),
            (f'{preloadable(BEHIND)}:{preload()}', 'hit.mesh', 'hit.mesh', '192.0.2.77')):
        found = shim.run([DRAWS, 'v4', name, 3],
                         env={'LD_PRELOAD': words, 'BEHIND_FIRST': first}).out
        equal(found, f'{answer} 3\n', f'{name}, with {first} asked behind, LD_PRELOAD={words}')


def test_before_the_first_constructor_and_after_the_last_destructor_names_are_answered():
    for way in ways():
        fresh(way)
        equal(way.run([os.path.join(PROGRAMS, 'early')]).out, f'{FIRST}\n', way.title)
    for way, words in lists(preloadable(CALLER)):
        for snapshot, answer in ((None, FIRST), (elsewhere(), OTHER)):
            if snapshot and way.title == 'nss':
                continue
            found = way.run(['true'], env={'LD_PRELOAD': words, 'CALLER_NAME': 'hit.mesh',
                                           'MESHDNS_SNAPSHOT': snapshot}).out
            found = ''.join(found.splitlines(True)[-2:])  # what is before is of setpriv and nsenter
            equal(found, f'constructor {answer}\ndestructor {answer}\n',
                  f'LD_PRELOAD={words} by {way.title}')
    run('at_exit', ways())


def test_valgrind_finds_nothing():
    run('plain', ways(), prefix=['valgrind', '-q', '--error-exitcode=9', '--leak-check=full',
                                 '--errors-for-leak-kinds=definite'])


def test_programs_built_with_sanitizers_find_nothing():
    # ASan's own allocator hangs in children that are forked among threads.
    for sanitizer, cases in (('address', ['plain', 'signals']),
                             ('thread', ['plain', 'signals', 'fork_from_threads'])):
        env = {'TSAN_OPTIONS': 'exitcode=9', 'ASAN_OPTIONS': 'exitcode=9'}
        for case in cases:
            run(case, ways(), program=f'{HOSTILE}_{sanitizer}', env=env)
    runtime = harness.run(['gcc', '-print-file-name=libasan.so']).out.strip()
    shim = ways()[0]
    fresh(shim)
    found = shim.run([DRAWS, 'v4', 'hit.mesh', 5], env={
        'LD_PRELOAD': f'{os.path.realpath(runtime)}:{preload()}', 'ASAN_OPTIONS': 'exitcode=9'})
    equal((found.out, found.err), ('10.0.1.4 5\n', ''), 'with a preloaded runtime')


def as_nobody(argv):
    return ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', *argv]


def test_programs_with_raised_rights_are_answered_through_nss_and_never_by_the_shim():
    folder = harness.folder()
    os.chmod(folder, 0o755)
    plain, setuid, capable = (os.path.join(folder, name) for name in ('plain', 'setuid', 'capable'))
    for path in (plain, setuid, capable):
        shutil.copy(DRAWS, path)
    os.chmod(setuid, 0o4755)
    # Version 2, effective; cap_net_raw permitted.
    os.setxattr(capable, 'security.capability', struct.pack('<5I', 0x02000001, 1 << 13, 0, 0, 0))
    shim, nss = ways()
    for path, by_shim in ((plain, '10.0.1.4'), (setuid, '192.0.2.4'), (capable, '192.0.2.4')):
        for way, answer in ((shim, by_shim), (nss, '10.0.1.4')):
            fresh(way)
            found = way.run(as_nobody([path, 'v4', 'hit.mesh', 1])).out
            equal(found, f'{answer} 1\n', f'{os.path.basename(path)} by {way.title}')
    found = nss.run(as_nobody([setuid, 'v4', 'hit.mesh', 1]),
                    env={'MESHDNS_SNAPSHOT': elsewhere(), 'LD_PRELOAD': preload()})
    equal(found.out, '10.0.1.4 1\n', 'a setuid program that is told of another snapshot')


def test_static_programs_load_the_module_and_not_the_shim():
    static = os.path.join(PROGRAMS, 'static_draws')
    for way, answer in zip(ways(), ('192.0.2.4', '10.0.1.4')):
        fresh(way)
        equal(way.run([static, 'v4', 'hit.mesh', 3, 2, 2]).out.split('worker')[0], f'{answer} 12\n',
              f'a static program by {way.title}')


def test_without_a_snapshot_the_path_is_looked_at_once_a_second():
    for way in ways():
        fresh(way)
        os.unlink(way.machine.path(SNAPSHOT))
        trace = os.path.join(harness.folder(), 'trace')
        started = time.monotonic()
        found = way.machine.run(['strace', '-f', '-e', 'openat', '-o', trace,
                                 *[f'-E{name}={value}' for name, value in way.env.items()],
                                 DRAWS, 'v4', 'hit.mesh', 300, 2])
        equal(found.out, '192.0.2.4 600\n', f'without a snapshot, by {way.title}')
        opened = harness.read(trace).count(SNAPSHOT)
        # Two threads may both be the first.
        check(1 <= opened <= 3 + (time.monotonic() - started),
              f'opened {opened} times in {time.monotonic() - started:.1f} s by {way.title}')


def make_fifo(path):
    os.mkfifo(path, 0o644)


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(path)


def make_link(target):
    return lambda path: os.symlink(target, path)


def test_what_is_no_snapshot_of_the_agents_is_left_alone():
    rows = {
        'no folder': lambda path: shutil.rmtree(os.path.dirname(os.path.dirname(path))),
        'a fifo': make_fifo,
        'a folder': os.mkdir,
        'a socket': make_socket,
        'a device': make_link('/dev/zero'),
        'a terminal': make_link('/dev/tty'),
        'a link to nothing': make_link('nothing'),
        'a link to itself': make_link('snapshot'),
        'writable by the world': lambda path: (shutil.copy(elsewhere(), path),
                                               os.chmod(path, 0o646)),
        'not for nobody': lambda path: (shutil.copy(elsewhere(), path), os.chmod(path, 0o600)),
        'a link to a snapshot': None,
    }
    for title, make in rows.items():
        for way in ways():
            os.makedirs(way.machine.path(os.path.dirname(SNAPSHOT)), exist_ok=True)
            fresh(way)
            path = way.machine.path(SNAPSHOT)
            os.unlink(path)
            if make:
                make(path)
            else:
                os.symlink(elsewhere(), path)
            answer = '192.0.2.4' if make else '10.0.1.9'
            found = way.run(as_nobody([DRAWS, 'v4', 'hit.mesh', 3]), limit=20).out
            equal(found, f'{answer} 3\n', f'where the snapshot is {title}, by {way.title}')
            os.makedirs(os.path.dirname(path), exist_ok=True)
            if os.path.isdir(path):
                os.rmdir(path)


def state_of(process):
    if not process.is_running:
        return 'X'
    return re.search(r'^State:\s+(\w)', harness.read(f'/proc/{process.pid}/status'), re.M).group(1)


def test_a_program_stopped_in_a_look_up_finds_its_way_when_all_has_changed_meanwhile():
    rounds = 1000 if harness.LONG else 80
    for way in ways():
        fresh(way)
        way.machine.run([PUBLISH, SNAPSHOT, 'churn', 32, 1])
        path = os.path.join(harness.folder(), 'counter')
        harness.write(path, '\0' * 8)
        with open(path, 'rb') as file, mmap.mmap(file.fileno(), 8, prot=mmap.PROT_READ) as counter:
            program = way.machine.start([HOSTILE, 'stopped'], env={
                **way.env, **environment(), 'HOSTILE_COUNTER': path})
            for each in range(rounds):
                before = counter[:]
                harness.wait(lambda: counter[:] != before or not program.is_running,
                             what='the program looks names up')
                program.signal(19)
                harness.wait(lambda: state_of(program) in 'TZX', what='the program stops')
                way.machine.run([PUBLISH, SNAPSHOT, 'churn', 32, 12])
                if each % 20 == 10:
                    way.machine.run([PUBLISH, SNAPSHOT, 'grow'])
                program.signal(18)
            program.stop()


if __name__ == '__main__':
    harness.main()
