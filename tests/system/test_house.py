"""test_house.py - the house rules that the build itself enforces, and the tools that keep the rest.

Who may know whom is tried out with the real compile and link commands of the build folder: what is
allowed must work, or the refusals would prove nothing.
"""

import json
import os
import re
import shlex
import sys

import harness

# folder: the floors whose headers and functions it may use (docs/architecture.md), besides its own
KNOWS = {
    'core/reader': [],
    'core/base': [],
    'core/writer': ['reader', 'base'],
    'core/policy': ['reader', 'base'],
    'core/wire': ['base'],
    'nss': ['reader'],
    'preload': ['reader'],
    'syncd': ['reader', 'base', 'writer', 'policy', 'wire'],
    'controller': ['base', 'policy', 'wire'],
    'ctl': ['reader', 'base', 'writer', 'policy', 'wire'],
}


@harness.once
def compile_commands():
    """{folder: the words that compile one of its sources, up to the -o}"""
    found = {}
    for entry in json.loads(harness.read(os.path.join(harness.BUILD, 'compile_commands.json'))):
        source = os.path.relpath(os.path.join(entry['directory'], entry['file']), harness.SOURCE)
        words = shlex.split(entry['command'])
        if entry['output'].startswith('tests/') != source.startswith('tests/'):
            continue  # a test builds some sources once more, its own way
        found[os.path.dirname(source)] = words[:words.index('-MD')]
    return found


def headers(folder):
    return sorted(name for name in os.listdir(os.path.join(harness.SOURCE, folder))
                  if name.endswith('.h'))


def compiles(folder, text, made='/dev/null'):
    """Whether text compiles as a source of that folder. Returns the compiler's words if not."""
    source = harness.write(os.path.join(harness.folder(), 'doctored.c'), text)
    words = compile_commands()[folder] + ['-iquote', os.path.join(harness.SOURCE, folder)]
    done = harness.run(['env', '-C', harness.BUILD, *words, '-w', '-o', made, '-c', source],
                       expect=None)
    return None if done.code == 0 else done.err


def test_a_floor_sees_the_headers_of_those_it_knows_and_no_others():
    for folder, knows in KNOWS.items():
        for other in KNOWS:
            if not headers(other):
                continue
            name = headers(other)[0]
            words = compiles(folder, f'#include "{name}"\n') or 'it compiled'
            # A floor's header may need one of a floor that only that one knows: it was found.
            is_seen = f'{name}: No such file' not in re.sub(r'\x1b\[[0-9;]*[mK]', '', words)
            may_see = other == folder or other.removeprefix('core/') in knows
            harness.equal(is_seen, may_see, f'{folder} may include {name} of {other}, which')


def link_command(target):
    """The words that link a target, relative to the build folder."""
    done = harness.run(['ninja', '-C', harness.BUILD, '-t', 'commands', target])
    return shlex.split(done.out.strip().split('\n')[-1].split(' && ')[-1])


def links(target, folder, text):
    """Whether a source of folder, added to a target, links. Returns the linker's words if not."""
    place = harness.folder()
    made = os.path.join(place, 'doctored.o')
    harness.equal(compiles(folder, text, made), None, 'the compiler')
    words = link_command(target)
    words[words.index('-o') + 1] = os.path.join(place, 'linked')
    words.insert(words.index('-o') + 2, made)
    done = harness.run(['env', '-C', harness.BUILD, *words], expect=None)
    return None if done.code == 0 else done.err


def call(function):
    # Used, or the linker throws it away before it looks for what it calls.
    return (f'int {function}();\n__attribute__((used)) int doctored(void);\n'
            f'int doctored(void) {{ return {function}(); }}\n')


def test_a_call_upward_or_into_a_library_does_not_link():
    rows = (
        # target, the folder that calls, what it may call, what it may not
        ('nss/libnss_meshdns.so.2', 'core/reader', 'resolve_name',
         ('log_write', 'snapshot_writer_open', 'policy_parse', 'sodium_init', 'yaml_parser_parse')),
        ('preload/libmeshdns_preload.so', 'core/reader', 'resolve_name',
         ('log_write', 'snapshot_writer_open', 'policy_parse', 'sodium_init', 'sqlite3_open')),
        ('tests/unit/test_error', 'core/base', 'error_name',
         ('resolve_name', 'policy_parse', 'seal_open', 'sodium_init', 'yaml_parser_parse')),
    )
    for target, folder, allowed, refused in rows:
        harness.equal(links(target, folder, call(allowed)), None, f'{target} calling {allowed}')
        for function in refused:
            harness.contains(links(target, folder, call(function)) or 'it linked',
                             f'undefined reference to `{function}', f'{target}')


SAMPLE = r'''project('sample', meson_version: '>= 1.0.0')
python = import('python').find_installation('python3')
foreach name, text : {
  'right': 'print("1..2\\nok 1 - a\\nok 2 - b")',
  'wrong': 'print("1..2\\nok 1 - a\\nnot ok 2 - b"); exit(1)',
  'short': 'print("1..3\\nok 1 - a")',
  'crashed': 'import os; print("1..1", flush=True); os.abort()',
  'skipped': 'print("1..1\\nok 1 - a # SKIP no luck")',
}
  test(name, python, args: ['-c', text], protocol: 'tap', suite: name == 'right' ? 'good' : 'bad')
endforeach
test('plain', python, args: ['-c', ''], suite: 'good')
test('hangs', python, args: ['-c', 'import time; time.sleep(60)'], suite: 'bad', timeout: 1)
'''


def test_failures_crashes_hangs_skips_and_missing_lines_are_all_counted():
    place = harness.folder()
    harness.write(os.path.join(place, 'meson.build'), SAMPLE)
    build = os.path.join(place, 'build')
    harness.run(['meson', 'setup', build, place])
    count = [sys.executable, os.path.join(harness.SOURCE, 'tools', 'count.py'),
             os.path.join(build, 'meson-logs')]
    harness.run(['meson', 'test', '-C', build, '--suite', 'good'])
    harness.equal(harness.run(count).out.split('\n')[-2], '3 passed, 0 failed')
    harness.run(['meson', 'test', '-C', build], expect=None)
    out = harness.run(count, expect=1).out
    harness.equal(out.split('\n')[-2], '5 passed, 5 failed')
    for name in ('wrong', 'short', 'crashed', 'skipped', 'hangs'):
        harness.matches(out, rf'^FAILED .*{name}', 'what tools/test says')


UNFINISHED = 'TO' 'DO'  # or this file would break the rule itself

# A file of each rule's breaker, and what the rule says about it.
BROKEN = {
    'sub/pick.c': ('/* pick.c - x. */\n#include <stdio.h>\n#include "pick.h"\n\n'
                   f'#include "../base/error.h"\n/* {UNFINISHED} later */\n'
                   'void pick_long(void)\n{\n' + '    pick();\n' * 60 + '}\n' + '\n' * 540,
                   ('pick.h: its own header stand before system', 'quotes take bare names',
                    f'a {UNFINISHED} without', 'a function of 62 lines', '609 lines; at most 600')),
    'sub/pick.h': ('/* wrong.h - x. */\n#define OTHER_MAX 3\ntypedef struct pick pick_t;\n',
                   ('opens with `/* pick.h - ', '#pragma once', "'OTHER_MAX' does not begin",
                    'typedef is for function pointers')),
    'more/pick.h': ('/* pick.h - x. */\n#pragma once\n' + 'x' * 101 + ' \n',
                    ('has the name of', 'white space at the end', '102 characters')),
    'nss/meson.build': ("# a\n# b\nx = floor['reader'] + floor['base']\n",
                        ('opens with three lines', 'a module knows the reader alone')),
}


def test_each_rule_of_the_style_is_noticed_when_broken():
    place = harness.folder()
    harness.run(['git', 'init', '-q', place])
    for path, (text, _) in BROKEN.items():
        os.makedirs(os.path.join(place, os.path.dirname(path)), exist_ok=True)
        harness.write(os.path.join(place, path), text)
    out = harness.run([sys.executable, os.path.join(harness.SOURCE, 'tools', 'rules.py'), place],
                      expect=1).out
    for path, (_, complaints) in BROKEN.items():
        for complaint in complaints:
            harness.matches(out, rf'{os.path.basename(path)}:\d+: .*{re.escape(complaint)}',
                            'what the rules say')


def test_a_global_that_does_not_bear_its_files_name_is_noticed():
    place = harness.folder()
    harness.run(['git', 'init', '-q', place])
    harness.write(os.path.join(place, 'pick.c'), '/* pick.c - x. */\nint draw(void);\n\n'
                  'int pick_draw(void)\n{\n    return 1;\n}\n\nint draw(void)\n{\n'
                  '    return pick_draw();\n}\n')
    harness.run(['cc', '-c', os.path.join(place, 'pick.c'), '-o', os.path.join(place, 'pick.o')])
    harness.write(os.path.join(place, 'compile_commands.json'), json.dumps(
        [{'directory': place, 'file': 'pick.c', 'output': 'pick.o', 'command': ''}]))
    out = harness.run([sys.executable, os.path.join(harness.SOURCE, 'tools', 'rules.py'), place,
                       place], expect=1).out
    harness.equal(out, "pick.c:1: the global 'draw' does not begin with 'pick'\n")


def test_every_tool_tells_its_use():
    folder = os.path.join(harness.SOURCE, 'tools')
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if not os.access(path, os.X_OK) or os.path.isdir(path):
            continue
        out = harness.run(['env', '-C', '/', path, '--help']).out
        harness.check(out.startswith(f'usage: tools/{name}'), f'tools/{name} --help says {out!r}')
        for line in out.split('\n'):
            harness.check(len(line) <= 80, f'tools/{name} --help is wider than 80: {line}')
        harness.run([path, '--no-such-option'], expect=64)


if __name__ == '__main__':
    harness.main()
