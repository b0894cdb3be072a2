"""report.py - what was measured, as text, JSON and a plot, and the machine it was measured on.

bench.json is one object: machine (what it is), rounds, rows ({key, measure, value, unit, aim,
is_met, note}; value null = could not be measured, is_met null = no aim or no value), times ({way,
kind, names, destinations, ns, least_ns}: medians of a call) and changes ({way, names, ns}: one name
of so many is changed, until a program sees it). Fields are only added.
"""

import json
import os
import platform
import re
import subprocess
import sys
import time

import harness
import plot

WAYS = {'bare': 'bare table', 'bare-4': 'bare table, 4 addresses', 'shim': 'shim',
        'shim-4': 'shim, 4 addresses', 'nss': 'NSS module', 'nss-constant': 'NSS, constant module',
        'nscd': "nscd's mapping"}
KINDS = {'v4': 'AF_INET', 'any': 'AF_UNSPEC', 'miss': 'a miss'}
VERDICTS = {True: 'met', False: 'MISSED', None: 'unknown'}


def progress(text):
    print(f'bench: {time.strftime("%H:%M:%S")} {text}', file=sys.stderr, flush=True)


def load():
    return [round(one, 2) for one in os.getloadavg()]


def _first(pattern, text):
    found = re.search(pattern, text, re.MULTILINE)
    return found.group(1) if found else None


def _read(path):
    try:
        return harness.read(path).strip()
    except OSError:
        return None


def _said(*argv):
    """The first line that a program says; None when it is not there."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True)
    except OSError:
        return None
    return done.stdout.splitlines()[0] if done.returncode == 0 and done.stdout else None


def machine():
    cpu = '/sys/devices/system/cpu/cpu0'
    return {
        'cpu': _first(r'^model name\s*: (.*)', _read('/proc/cpuinfo') or '') or platform.machine(),
        'cores': len(os.sched_getaffinity(0)),
        'caches': [_read(f'{cpu}/cache/index{number}/size') for number in (0, 2, 3)],
        'governor': _read(f'{cpu}/cpufreq/scaling_governor'),
        'is_virtual': ' hypervisor' in (_read('/proc/cpuinfo') or ''),
        'huge_pages': _first(r'\[(.*)\]',
                             _read('/sys/kernel/mm/transparent_hugepage/enabled') or ''),
        'memory_mib': os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') >> 20,
        'kernel': platform.release(),
        'libc': os.confstr('CS_GNU_LIBC_VERSION'),
        'compiler': _said(os.environ.get('CC', 'cc'), '--version'),
        'commit': _said('git', '-C', harness.SOURCE, 'describe', '--always', '--dirty'),
        'started': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()),
        'load_at_start': load(),
    }


def _describe(about):
    caches = ', '.join(one for one in about['caches'] if one)
    yield (f'{about["cpu"]}, {about["cores"]} cores{" (virtual)" if about["is_virtual"] else ""}, '
           f'caches {caches or "unknown"}, governor {about["governor"] or "unknown"}')
    yield (f'Linux {about["kernel"]}, {about["libc"]}, {about["compiler"]}; '
           f'transparent huge pages: {about["huge_pages"]}')
    yield (f'commit {about["commit"]}, {about["started"]}, load {about["load_at_start"][0]} at the '
           f'start, {about["load_at_end"][0]} at the end')


def _number(value, unit):
    if value is None:
        return 'none'
    text = f'{value:.2f}' if unit == 'x' else f'{value:,.4g}' if value < 1000 else f'{value:,.0f}'
    return f'{text} {unit}'.rstrip()


def _rows(found):
    yield f'{"":<70} {"aim":>10} {"measured":>12}'
    for row in found:
        aim = f'{row["aim"]} {row["unit"]}'.rstrip() if row['aim'] else '-'
        note = f'  ({row["note"]})' if row['note'] else ''
        verdict = VERDICTS[row['is_met']] if row['aim'] else ''
        yield (f'{row["measure"]:<70} {aim:>10} {_number(row["value"], row["unit"]):>12}  '
               f'{verdict:<7}{note}').rstrip()


def _way(time_of):
    way = time_of['way']
    if way.startswith('shim-depths-'):
        return f'shim, wildcards of {way[-1]} depths'
    return WAYS[way]


def _times(found):
    floors = {(one['names'], one['way'][5:] or one['kind']): one['ns'] for one in found
              if one['way'] in ('bare', 'bare-4')}
    yield f'{"names":>9}  {"answered by":<28} {"asked for":<10} {"ns/call":>10} {"x bare":>8}'
    for one in sorted(found, key=lambda one: one['names']):
        kind = {'any': 'v4'}.get(one['kind'], one['kind'])
        floor = floors.get((one['names'], '4' if one['way'].endswith('-4') else kind))
        times = f'{one["ns"] / floor:,.2f}' if floor else '-'
        yield (f'{one["names"]:>9,}  {_way(one):<28} {KINDS[one["kind"]]:<10} {one["ns"]:>10,.1f} '
               f'{times:>8}')


def _changes(found):
    yield f'{"names":>9}  {"one is changed in":<28} {"us until it is seen":>21}'
    for one in sorted(found, key=lambda one: one['names']):
        yield f'{one["names"]:>9,}  {WAYS[one["way"]]:<28} {one["ns"] / 1000:>21,.2f}'


def _series(found, *wanted):
    """[(title, [(names, ns)])] of these (way, kind); what was not measured is left out."""
    for way, kind in wanted:
        points = sorted((one['names'], one['ns']) for one in found
                        if one['way'] == way and one.get('kind') == kind)
        if points:
            yield WAYS[way], points


def write(folder, results):
    """Writes bench.txt, bench.json and bench.svg, and prints the text."""
    os.makedirs(folder, exist_ok=True)
    lines = [*_describe(results['machine']), f'medians of {results["rounds"]} rounds', '']
    lines += _rows(results['rows'])
    if results['times']:
        lines += ['', *_times(results['times'])]
    if results['changes']:
        lines += ['', *_changes(results['changes'])]
    missed = sum(row['is_met'] is False for row in results['rows'])
    met = sum(row['is_met'] is True for row in results['rows'])
    aimed = sum(row['aim'] is not None for row in results['rows'])
    lines += ['', f'{met} rows met, {missed} missed, {aimed - met - missed} unknown']
    harness.write(os.path.join(folder, 'bench.txt'), '\n'.join(lines) + '\n')
    harness.write(os.path.join(folder, 'bench.json'), json.dumps(results, indent=1) + '\n')
    harness.write(os.path.join(folder, 'bench.svg'), plot.draw([
        ('One look-up', 'names with a policy', 'time of a call', list(_series(
            results['times'], ('bare', 'v4'), ('shim', 'v4'), ('nscd', 'any')))),
        ('One change, until a program sees it', 'names with a policy', 'time', list(_series(
            results['changes'], ('bare', None), ('shim', None), ('nscd', None)))),
    ]))
    print('\n'.join(lines))
