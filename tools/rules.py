"""rules.py - the rules of the house style that no other program checks.

    rules.py TOP [BUILD]   every rule over the sources that git knows or would add; with BUILD (a
                           meson build folder) the names in its objects too

Prints `file:line: what is wrong` and leaves with 1 when there is something.
"""

import json
import os
import re
import subprocess
import sys

FILE_MOST, FUNCTION_MOST, LINE_MOST = 600, 60, 100

# Headers in angle brackets that are neither libc's nor the kernel's: they stand behind those.
LIBRARIES = ('criterion/', 'curl/', 'gnutls/', 'jansson.h', 'microhttpd.h', 'msgpack', 'sodium',
             'sqlite3.h', 'xxhash.h', 'yaml.h', 'zmq')

# Names that others prescribe: the entry point, and the interfaces that the two modules stand in.
PRESCRIBED = re.compile(r'main$|_nss_meshdns_|(get|free)addrinfo$|gethostby(name2?|addr)(_r)?$|'
                        r'getnameinfo$')

# Macros that others prescribe, and helpers that every file uses, named for what they do.
EVERYWHERE = {'ARRAY_SIZE', 'X', 'XXH_INLINE_ALL'}

OWN, SYSTEM, LIBRARY, OURS = range(4)
ORDER = ('its own header', 'system headers', "libraries' headers", 'our headers')


class Report:
    def __init__(self):
        self.count = 0

    def __call__(self, path, line, text):
        self.count += 1
        print(f'{path}:{line}: {text}')


def sources(top):
    listed = subprocess.run(['git', '-C', top, 'ls-files', '-z', '--cached', '--others',
                             '--exclude-standard'], capture_output=True, check=True, text=True)
    return sorted({path for path in listed.stdout.split('\0')
                   if path and os.path.isfile(os.path.join(top, path))})


def stem_of(path):
    return os.path.splitext(os.path.basename(path))[0]


def include_kind(path, name):
    if name.startswith('<'):
        return LIBRARY if name[1:].startswith(LIBRARIES) else SYSTEM
    return OWN if path.endswith('.c') and stem_of(name.strip('"')) == stem_of(path) else OURS


def check_includes(report, path, lines):
    """Bare names; own header, system, libraries, ours; a blank line between, none within. Inside
    #if the order is the condition's business."""
    last_kind, last_line, depth = OWN, 0, 0
    for number, line in enumerate(lines, 1):
        if re.match(r'#\s*if', line):
            depth += 1
        if re.match(r'#\s*endif', line):
            depth -= 1
        found = re.match(r'#\s*include\s+(["<][^">]*)', line)
        if not found or depth:
            continue
        name = found.group(1)
        if name.startswith('"') and '/' in name:
            report(path, number, f'include of {name}": quotes take bare names')
        kind = include_kind(path, name)
        if kind < last_kind:
            report(path, number, f'{name.strip(chr(34))}: {ORDER[kind]} stand before '
                                 f'{ORDER[last_kind]}')
        elif last_line and kind != last_kind and last_line == number - 1:
            report(path, number, f'a blank line is missing before {ORDER[kind]}')
        last_kind, last_line = kind, number


def check_size(report, path, lines):
    if path.endswith('.c') and len(lines) > FILE_MOST:
        report(path, FILE_MOST, f'{len(lines)} lines; at most {FILE_MOST}')
    start = None
    for number, line in enumerate(lines, 1):
        if line == '{':
            start = number
        elif line == '}' and start:
            if number - start + 1 > FUNCTION_MOST:
                report(path, start, f'a function of {number - start + 1} lines; '
                                    f'at most {FUNCTION_MOST}')
            start = None


def check_text(report, path, lines):
    for number, line in enumerate(lines, 1):
        if len(line) > LINE_MOST:
            report(path, number, f'{len(line)} characters; at most {LINE_MOST}')
        if line != line.rstrip():
            report(path, number, 'white space at the end')
        if re.search(r'\b(TODO|FIXME|XXX|HACK)\b(?! \(issue \d+\))', line):
            report(path, number, 'a TODO without `(issue N)`')


def check_opening(report, path, lines):
    """A file tells its subject in the first line."""
    name = os.path.basename(path)
    if not lines or not lines[0].startswith(f'/* {name} - '):
        report(path, 1, f'opens with `/* {name} - what it is`')
    if path.endswith('.h') and '#pragma once' not in lines:
        report(path, 1, 'a header says #pragma once')


def check_header_names(report, path, lines):
    """Types and macros of a header begin with the first word of its name. One header stands in for
    criterion's, whose names it has."""
    if path == 'tests/cross/criterion/criterion.h':
        return
    first = stem_of(path).split('_')[0]
    for number, line in enumerate(lines, 1):
        found = re.match(r'#define\s+(\w+)', line) or \
            re.match(r'(?:struct|union|enum) (\w+) \{', line) or \
            re.match(r'typedef\b.*\(\*(\w+)\)', line)
        if found and found.group(1) not in EVERYWHERE and \
                not re.match(rf'(auto_)?{first}', found.group(1), re.I):
            report(path, number, f"'{found.group(1)}' does not begin with '{first}'")
        if re.match(r'typedef\b', line) and '(*' not in line:
            report(path, number, 'typedef is for function pointers only')


def check_folders(report, top, paths):
    """A folder's meson.build opens with three lines; the modules stand on the reader alone."""
    for path in paths:
        if os.path.basename(path) != 'meson.build' or path == 'meson.build':
            continue
        with open(os.path.join(top, path)) as file:
            text = file.read()
        lines = text.split('\n')
        if len(lines) < 3 or not all(line.startswith('# ') for line in lines[:3]):
            report(path, 1, 'opens with three lines: what lives here, whom it knows, where to start')
        if path.split('/')[0] in ('nss', 'preload'):
            floors = set(re.findall(r"floor\['(\w+)'\]", text))
            if floors != {'reader'}:
                report(path, 1, f'knows {sorted(floors)}; a module knows the reader alone')


def check_unique_headers(report, paths):
    """The frozen reader has today's names."""
    first = {}
    for path in paths:
        if path.endswith('.h') and not path.startswith('tests/compat/reader/'):
            other = first.setdefault(os.path.basename(path), path)
            if other != path:
                report(path, 1, f'has the name of {other}')


def objects(build):
    """(source, object) of every compile in a build folder."""
    with open(os.path.join(build, 'compile_commands.json')) as file:
        for entry in json.load(file):
            yield (os.path.normpath(os.path.join(entry['directory'], entry['file'])),
                   os.path.normpath(os.path.join(entry['directory'], entry['output'])))


def names_of(top, path):
    """What the globals of a source may begin with: its own name, and that of the header that it
    is a part of: policy_set_check.c holds functions of policy_set.h."""
    folder, stem = os.path.split(os.path.splitext(os.path.join(top, path))[0])
    words = stem.split('_')
    for count in range(len(words) - 1, 0, -1):
        header = '_'.join(words[:count])
        if os.path.isfile(os.path.join(folder, f'{header}.h')):
            return stem, header
    return (stem,)


def check_globals(report, top, build):
    """A global name begins with its file's name. Tests are programs of their own, so free."""
    for source, made in objects(build):
        path = os.path.relpath(source, top)
        if path.startswith(('tests/', '..')) or not os.path.isfile(made):
            continue
        names = names_of(top, path)
        listed = subprocess.run(['nm', '--defined-only', '-g', '--format=posix', made],
                                capture_output=True, check=True, text=True).stdout
        for line in listed.splitlines():
            name = line.split()[0].removeprefix('__odr_asan.')
            if not re.match(rf'({"|".join(names)})(_|$)', name) and not PRESCRIBED.match(name):
                report(path, 1, f"the global '{name}' does not begin with '{stem_of(path)}'")


def main():
    top, build = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
    report, paths = Report(), sources(top)
    for path in paths:
        if os.path.islink(os.path.join(top, path)):
            continue
        is_c = path.endswith(('.c', '.h'))
        if not is_c and not path.endswith(('.py', '.build', '.sh')) and \
                not path.startswith(('tools/', '.ci/')):
            continue
        with open(os.path.join(top, path), encoding='utf-8') as file:
            lines = file.read().split('\n')
        lines = lines[:-1] if lines[-1] == '' else lines
        if path != 'tools/rules.py':
            check_text(report, path, lines)
        if is_c:
            check_includes(report, path, lines)
            check_size(report, path, lines)
            check_opening(report, path, lines)
        if path.endswith('.h'):
            check_header_names(report, path, lines)
    check_unique_headers(report, paths)
    check_folders(report, top, paths)
    if build:
        check_globals(report, top, build)
    return 1 if report.count else 0


if __name__ == '__main__':
    sys.exit(main())
