"""test_quickstart.py - the two commands, as somebody meets them: a fresh copy of the sources in a
folder whose path has a space, nothing built, and nothing left behind."""

import os
import re
import shutil
import subprocess
import time

import harness


@harness.once
def checkout():
    """A copy of the sources as git would hand them out, in `…/a mesh/of names`."""
    place = os.path.join(harness.folder(), 'a mesh', 'of names')
    listed = subprocess.run(['git', '-C', harness.SOURCE, 'ls-files', '-z', '--cached', '--others',
                             '--exclude-standard'], capture_output=True, check=True).stdout
    for name in listed.decode().split('\0'):
        source = os.path.join(harness.SOURCE, name)
        if name and os.path.isfile(source):
            os.makedirs(os.path.dirname(os.path.join(place, name)), exist_ok=True)
            shutil.copy2(source, os.path.join(place, name))
    return place


def traces(place):
    """What a careless program could leave on this machine."""
    running = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            running.append(os.readlink(f'/proc/{pid}/exe'))
        except OSError:
            continue  # it ended meanwhile
    links = re.findall(r'^\d+: (\S+?)[@:]', harness.run(['ip', '-o', 'link']).out, re.M)
    return {*(name for name in running if name.startswith(place)), *links,
            *harness.read('/proc/self/mounts').split('\n'),
            *harness.read('/etc/hosts').split('\n'),
            *harness.read('/etc/nsswitch.conf').split('\n'),
            *(path for path in ('/run/meshdns', '/etc/meshdns', '/var/lib/meshdns')
              if os.path.exists(path))}


def test_the_quickstart_works_twice_in_a_path_with_a_space_and_leaves_nothing():
    harness.needs_root()
    place, temporary = checkout(), harness.folder()
    before = traces(place)
    for turn in ('first', 'second'):
        started = time.monotonic()
        out = harness.run([os.path.join(place, 'tools', 'quickstart')],
                          env={'TMPDIR': temporary}, limit=600).out
        took = time.monotonic() - started
        harness.matches(out, r'getent ahostsv4 +NSS +1000 +90 / 10 +[89]\d', turn)
        harness.matches(out, r'python3, urllib +the shim +1000 +90 / 10 +[89]\d', turn)
        harness.matches(out, r'(node|java), .* +the shim +\d+ +90 / 10', turn)
        harness.matches(out, r'\d+ ms after Enter', turn)
        harness.matches(out, r'kill -9: syncd on both nodes\n  getent ahostsv4 +NSS +100', turn)
        harness.contains(out, 'nothing is left behind', turn)
        harness.equal(os.listdir(temporary), [], 'the folder for temporary files')
        harness.equal(traces(place) - before, set(), 'what is new on this machine')
    harness.check(took < 120, f'with everything built it took {took:.0f} s, more than 2 minutes')


def test_the_tests_run_in_a_path_with_a_space():
    tool = os.path.join(checkout(), 'tools', 'test')
    out = harness.run([tool, 'error', 'command'], limit=600).out
    harness.matches(out, r'^[1-9]\d* passed, 0 failed\n\Z', 'tools/test')


if __name__ == '__main__':
    harness.main()
