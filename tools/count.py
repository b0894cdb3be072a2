"""count.py - what a run of `meson test` amounts to, in the words of tools/test.

    count.py FOLDER        with testlog.json (one object a line) and testlog.junit.xml

Prints how long each suite took, names what failed, and ends with `N passed, N failed`. Every line
of TAP counts as one. A program that crashed, hung or kept less than its plan counts as one failure
even when no line of it failed; a skipped test is a failure, because nothing was proved.
"""

import json
import os
import sys
import xml.etree.ElementTree


def read_programs(folder):
    with open(os.path.join(folder, 'testlog.json')) as file:
        return [json.loads(line) for line in file]


def read_lines(folder):
    """The lines of TAP: {program: [(name, what is wrong or None)]}."""
    found = {}
    root = xml.etree.ElementTree.parse(os.path.join(folder, 'testlog.junit.xml')).getroot()
    for suite in root.iter('testsuite'):
        lines = found.setdefault(suite.get('name').split('.', 1)[-1], [])
        for case in suite.iter('testcase'):
            trouble = None
            for kind in ('failure', 'error', 'skipped'):
                if case.find(kind) is not None:
                    trouble = kind
            lines.append((case.get('name'), trouble))
    return found


def judge(program, lines):
    """Returns how many passed and a line for each failure."""
    if not lines:  # a program that speaks by its exit code alone
        lines = [('', None if program['result'] == 'OK' else program['result'].lower())]
    failed = [f"{program['name']}: {trouble}: {name}" for name, trouble in lines if trouble]
    passed = len(lines) - len(failed)
    if not failed and program['result'] != 'OK':
        failed = [f"{program['name']}: {program['result'].lower()}"]
    return passed, failed


def main():
    try:
        programs, lines = read_programs(sys.argv[1]), read_lines(sys.argv[1])
    except (OSError, ValueError, xml.etree.ElementTree.ParseError) as error:
        print(f'no test ran: {error}\n0 passed, 1 failed')
        return 1
    passed, failed, suites = 0, [], {}
    for program in programs:
        right, wrong = judge(program, lines.get(program['name'], []))
        passed += right
        failed += wrong
        suite = program['name'].split(' / ')[0].split(':')[-1]
        took, count = suites.get(suite, (0, 0))
        suites[suite] = took + program['duration'], count + 1
    for suite, (took, count) in sorted(suites.items()):
        print(f'suite {suite}: {count} programs, {took:.1f} s')
    for line in failed:
        print(f'FAILED {line}')
    print(f'{passed} passed, {len(failed)} failed')
    return 1 if failed or not passed else 0


if __name__ == '__main__':
    sys.exit(main())
