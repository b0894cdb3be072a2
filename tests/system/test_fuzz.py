"""test_fuzz.py - the fuzz targets do what they are for, and a find is told. tools/fuzz itself needs
clang and minutes; here its parts are run with the ordinary build, and with programs that play a
target."""

import os
import re
import subprocess
import sys

import harness
from harness import contains, equal

FOLDER = os.path.join(harness.SOURCE, 'tests', 'fuzz')
PROGRAMS = os.path.join(harness.BUILD, 'tests', 'fuzz')
TOOL = os.path.join(harness.SOURCE, 'tools', 'fuzz')


@harness.once
def seeds():
    folder = os.path.join(harness.folder(), 'seeds')
    harness.run([sys.executable, os.path.join(FOLDER, 'seeds.py'), folder],
                env={'MESHDNS_BUILD': harness.BUILD})
    return folder


def targets():
    return harness.run([TOOL, '--list']).out.split()


def test_each_target_runs_its_seeds_and_reaches_what_it_is_for():
    with_seeds = sorted(entry.name for entry in os.scandir(seeds()) if entry.is_dir())
    equal(targets(), with_seeds, 'targets of tools/fuzz, and those with seeds')
    beyond = {'name-missed', 'message-refused', 'yaml-refused', 'json-refused', 'msgpack-refused',
              'file-refused', 'file-damaged'}  # what mutants reach at once
    for target in targets():
        folder = os.path.join(seeds(), target)
        files = [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
        said = harness.run([os.path.join(PROGRAMS, f'fuzz_{target}'), *files]).err
        goals = re.findall(r'^goal (\S+) (\d+)$', said, re.MULTILINE)
        harness.check(goals, f'{target} counts nothing:\n{said}')
        for name, count in goals:
            harness.check(count != '0' or name in beyond, f'{target} never reaches {name}')


def play(script):
    """Runs fuzz.py with a target that is this shell script. Returns exit code, stdout, WORK."""
    programs = harness.folder()
    work = os.path.join(programs, 'work')
    harness.write(os.path.join(programs, 'fuzz_played'), f'#!/bin/sh\n{script}\n', 0o755)
    done = harness.run([sys.executable, os.path.join(FOLDER, 'fuzz.py'), programs, work, '1',
                        'played'], expect=None)
    return done.code, done.out, work


DONE = 'echo "#9 INITED cov: 5 ft: 1" >&2; echo "#99 DONE   cov: 7 ft: 9 corp: 3/9b exec/s: 9" >&2'


def test_a_find_is_told_with_the_path_of_its_input():
    code, out, work = play(f'{DONE}; echo "goal x 1" >&2\n'
                           'for word; do case $word in -artifact_prefix=*) '
                           'echo bad >"${word#*=}crash-1";; esac; done; exit 77')
    equal(code, 1, 'the exit code')
    contains(out, os.path.join(work, 'found', 'played-crash-1'))
    contains(out, 'again: tools/fuzz played ')


def test_a_target_that_reaches_nothing_fails():
    for script, says in ((f'{DONE}; echo "goal x 1" >&2; echo "goal y 0" >&2', 'never y'),
                         (DONE, 'reaches too little'),
                         ('echo "goal x 1" >&2', 'reaches too little')):
        code, out, _ = play(script)
        equal(code, 1, f'the exit code after {script}')
        contains(out, says)
    equal(play(f'{DONE}; echo "goal x 1" >&2')[0], 0, 'the exit code of a good run')


def test_tools_fuzz_refuses_what_it_does_not_know():
    for words, code in (((), 64), (('nothing',), 64), (('name', '/nonexistent'), 66),
                        (('all', '/etc/passwd'), 64)):
        done = subprocess.run([TOOL, *words], capture_output=True, text=True)
        equal(done.returncode, code, f'the exit code of tools/fuzz {words}')
        harness.check(done.stderr and not done.stdout, 'what is wrong stands on standard error')


if __name__ == '__main__':
    harness.main()
