"""harness.py - what every system test stands on: sentences that pass or fail, programs that are
always ended, and shares that are judged by statistics instead of by eye.

A test file is a list of functions whose names start with test_. The first line of the docstring,
or else the name, is the sentence that TAP shows. A file ends with

    if __name__ == '__main__':
        harness.main()

and is called as `python3 test_x.py [PATTERN...]`: only the tests whose name holds a pattern run.

What a test opens it hands to defer(), which undoes it when the test ends, last first; what is
deferred inside a function marked @once is undone when the whole file has run. Nothing outlives this
process, not even when it is killed: children get SIGKILL from the kernel when it dies, and
namespaces (netns.py) die with the pipes that hold them.
"""

import collections
import contextlib
import functools
import math
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

SOURCE = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..'))
BUILD = os.environ.get('MESHDNS_BUILD', os.path.join(SOURCE, 'build'))
LONG = os.environ.get('MESHDNS_LONG', '') not in ('', '0')  # the numbers of the issue, not CI's

NSS = os.path.join(BUILD, 'nss', 'libnss_meshdns.so.2')
PRELOAD = os.path.join(BUILD, 'preload', 'libmeshdns_preload.so')
MESHCTL = os.path.join(BUILD, 'ctl', 'meshctl')
SYNCD = os.path.join(BUILD, 'syncd', 'meshdns-syncd')
CONTROLLER = os.path.join(BUILD, 'controller', 'meshdns-controller')


class Failure(AssertionError):
    """What the product did and what it should have done."""


class Skipped(Exception):
    """The machine lacks what this test needs. tools/test counts it as a failure."""


def skip(reason):
    raise Skipped(reason)


def needs_root():
    if os.geteuid() != 0:
        skip('needs root, for namespaces')


# --- what is undone at the end

_file_scope = contextlib.ExitStack()
_test_scope = None


def defer(function, *arguments, **keywords):
    """Calls function when this test (inside @once and outside of tests: this file) has ended."""
    scope = _file_scope if _test_scope is None else _test_scope
    scope.callback(function, *arguments, **keywords)


def once(function):
    """Marks a set-up that several tests of a file share: it runs at the first call only."""
    kept = []

    @functools.wraps(function)
    def call():
        global _test_scope
        if not kept:
            outer, _test_scope = _test_scope, None
            try:
                kept.append(function())
            finally:
                _test_scope = outer
        return kept[0]
    return call


def folder(prefix='meshdns-'):
    """A temporary folder, removed at the end."""
    path = tempfile.mkdtemp(prefix=prefix)
    defer(shutil.rmtree, path, ignore_errors=True)
    return path


def write(path, text, mode=0o644):
    """Writes a file by rename, so that no reader ever sees half of it. Returns the path."""
    draft = f'{path}.draft'
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), 'w') as file:
        file.write(text)
    os.chmod(draft, mode)
    os.rename(draft, path)
    return path


def read(path):
    with open(path) as file:
        return file.read()


# --- what a test claims

def check(is_true, claim):
    """claim is the sentence that turns out false."""
    if not is_true:
        raise Failure(claim)


def equal(found, wanted, subject='it'):
    if found != wanted:
        raise Failure(f'{subject} is {found!r}\n  wanted: {wanted!r}')


def contains(text, part, subject='the text'):
    if part not in text:
        raise Failure(f'{subject} does not hold {part!r}:\n{text}')


def matches(text, pattern, subject='the text'):
    """pattern is a regular expression, searched for anywhere. Returns the match."""
    found = re.search(pattern, text, re.MULTILINE)
    if not found:
        raise Failure(f'{subject} does not match {pattern!r}:\n{text}')
    return found


def wait(condition, limit=60, what=None):
    """Calls condition until it returns something true, and returns that. Never a sleep and a hope:
    the limit is generous, and only a broken product reaches it."""
    deadline = time.monotonic() + limit
    pause = 0.005
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            name = what or (condition.__doc__ or condition.__name__).strip()
            raise Failure(f'after {limit} s still not true: {name}')
        time.sleep(pause)
        pause = min(pause * 1.5, 0.2)


# --- programs

Result = collections.namedtuple('Result', 'code out err')


def _command(argv, machine):
    """argv as it has to be started: inside the machine, and killed by the kernel if we die. We may
    have died before setpriv asked for that: then its parent is another one, and it goes no further.
    """
    guard = ['setpriv', '--pdeathsig', 'KILL', '--', 'sh', '-c',
             '[ "$PPID" = "$0" ] && exec "$@"', str(os.getpid())]
    return guard + (machine.enter() if machine else []) + [str(word) for word in argv]


def _environment(changes):
    """Ours, with changes; a value of None takes the variable away."""
    merged = {**os.environ, **(changes or {})}
    return {key: str(value) for key, value in merged.items() if value is not None}


def run(argv, machine=None, env=None, stdin='', expect=0, limit=120):
    """Runs a program to its end. expect is the exit code it must have, None for any. Output that
    is no UTF-8 is shown with replacement characters."""
    try:
        done = subprocess.run(_command(argv, machine), env=_environment(env),
                              input=stdin.encode(), capture_output=True, timeout=limit)
    except subprocess.TimeoutExpired as late:
        raise Failure(f'{argv} did not end within {limit} s:\n{late.stdout}\n{late.stderr}')
    result = Result(done.returncode, done.stdout.decode(errors='replace'),
                    done.stderr.decode(errors='replace'))
    if expect is not None and result.code != expect:
        raise Failure(f'{argv} ended with {result.code}, wanted {expect}\n'
                      f'stdout:\n{result.out}\nstderr:\n{result.err}')
    return result


class Process:
    """A program in the foreground, our own child. out and err go to files, so it never blocks on
    us; what it said is shown when the test fails."""

    def __init__(self, argv, machine=None, env=None, name=None, stdin=subprocess.DEVNULL):
        self.name = name or os.path.basename(str(argv[0]))
        self.argv = argv
        logs = folder('meshdns-log-')
        self.out_path = os.path.join(logs, 'stdout')
        self.err_path = os.path.join(logs, 'stderr')
        with open(self.out_path, 'wb') as out, open(self.err_path, 'wb') as err:
            self.child = subprocess.Popen(_command(argv, machine), env=_environment(env),
                                          stdin=stdin, stdout=out, stderr=err)
        _watched.append(self)
        defer(self._end)

    @property
    def pid(self):
        """The program's own: entering a machine costs no further process."""
        return self.child.pid

    @property
    def out(self):
        return open(self.out_path, errors='replace').read()

    @property
    def err(self):
        return open(self.err_path, errors='replace').read()

    @property
    def is_running(self):
        return self.child.poll() is None

    def wait_for(self, pattern, limit=60, times=1):
        """Waits until stdout and stderr together hold the pattern `times` times."""
        def said():
            both = self.out + self.err
            found = re.findall(pattern, both, re.MULTILINE)
            if len(found) < times and not self.is_running:
                raise Failure(f'{self.name} ended with {self.child.returncode} '
                              f'before it said {pattern!r}:\n{self.out}{self.err}')
            return len(found) >= times
        wait(said, limit, f'{self.name} says {pattern!r}; so far:\n')
        return self

    def signal(self, number):
        self.child.send_signal(number)

    def stop(self, expect=0, limit=30):
        """SIGTERM, and the exit code that a clean end has. Returns the code."""
        if self.is_running:
            self.child.send_signal(signal.SIGTERM)
        return self.wait(expect, limit)

    def wait(self, expect=0, limit=120):
        """Waits for its own end."""
        try:
            code = self.child.wait(limit)
        except subprocess.TimeoutExpired:
            raise Failure(f'{self.name} did not end within {limit} s')
        if expect is not None:
            equal(code, expect, f'the exit code of {self.name}')
        return code

    def kill(self):
        """SIGKILL: what a crash or the out-of-memory killer does."""
        self.child.kill()
        self.child.wait()

    def _end(self):
        if self.is_running:
            self.child.send_signal(signal.SIGCONT)
            self.child.terminate()
            try:
                self.child.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()
        _watched.remove(self)


_watched = []  # Processes whose words help when a test fails


def watched():
    """The programs that were started and have not been ended by us."""
    return list(_watched)


def free_port(kind=socket.SOCK_STREAM, host='127.0.0.1'):
    """A port of host that nobody listens on, below the range that connect() takes from."""
    while True:
        port = random.randrange(12000, 32000)
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind((host, port))
            except OSError:
                continue
        return port


# --- shares

def chi_square(counts, weights):
    """The chance that draws by these weights come out at least this uneven (Pearson's test).

    counts: {what: how often}; weights: {what: weight >= 0}. What has weight 0 or none must never
    have been drawn: then the chance is 0. The upper regularised incomplete gamma function comes
    as a series or as Lentz's continued fraction, whichever converges.
    """
    total_weight = sum(weights.values())
    total = sum(counts.values())
    if any(count and not weights.get(what) for what, count in counts.items()):
        return 0.0
    drawn = [(counts.get(what, 0), total * weight / total_weight)
             for what, weight in weights.items() if weight]
    if len(drawn) < 2:
        return 1.0
    statistic = sum((count - share) ** 2 / share for count, share in drawn)
    return _gamma_q((len(drawn) - 1) / 2, statistic / 2)


def _gamma_q(a, x):
    if x <= 0:
        return 1.0
    scale = math.exp(-x + a * math.log(x) - math.lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        n = a
        while abs(term) > abs(total) * 1e-15:
            n += 1
            term *= x / n
            total += term
        return max(0.0, 1 - total * scale)
    tiny = 1e-300
    b = x + 1 - a
    c = 1 / tiny
    d = 1 / b
    h = d
    for i in range(1, 100000):
        an = -i * (i - a)
        b += 2
        d = 1 / (an * d + b or tiny)
        c = b + an / c or tiny
        step = d * c
        h *= step
        if abs(step - 1) < 1e-15:
            break
    return scale * h


def shares(counts, weights, least=1e-6):
    """Claims that counts are draws by weights. least: 1e-6 where draws cannot be seeded, 0.001
    with a fixed seed. Returns the chance, for those who show it."""
    chance = chi_square(counts, weights)
    if chance < least:
        raise Failure(f'these are no draws by weight (chance {chance:.2g}, least {least:g})\n'
                      f'  drawn:   {dict(counts)}\n  weights: {dict(weights)}')
    return chance


# --- the runner

def _sentence(function):
    if function.__doc__:
        return ' '.join(function.__doc__.strip().split('\n\n')[0].split())
    return function.__name__[len('test_'):].replace('_', ' ')


def _diagnose(text):
    for line in text.rstrip().split('\n'):
        print(f'# {line}')


def _one(number, function):
    """Runs one test and prints its TAP line. Returns whether it failed."""
    global _test_scope
    name = _sentence(function).replace('#', r'\#')
    started = time.monotonic()
    trouble = reason = None
    try:
        with contextlib.ExitStack() as _test_scope:
            try:
                function()
            except Skipped as skipped:
                reason = str(skipped)
            except Exception:
                trouble = traceback.format_exc()
                for process in _watched:
                    trouble += f'\n--- {process.name} said:\n{(process.out + process.err)[-4000:]}'
    except Exception:
        trouble = (trouble or '') + 'while undoing:\n' + traceback.format_exc()
    finally:
        _test_scope = None
    took = time.monotonic() - started
    if trouble:
        print(f'not ok {number} - {name}')
        _diagnose(trouble)
    elif reason:
        print(f'ok {number} - {name} # SKIP {reason}')
    else:
        print(f'ok {number} - {name}')
    _diagnose(f'{took:.1f} s')
    sys.stdout.flush()
    return trouble is not None


def _interrupted(number, _frame):
    raise SystemExit(128 + number)


def _ready():
    """A signal ends us in an orderly way; what we print is seen at once."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, _interrupted)
    sys.stdout.reconfigure(line_buffering=True)


def alone(function):
    """Calls function outside of any test, and undoes what it deferred. For programs that are no
    test but want machines and processes: tools/quickstart."""
    _ready()
    with _file_scope:
        return function()


def main():
    """Runs the calling file's tests and leaves with 0 or 1."""
    module = sys.modules['__main__']
    tests = [value for name, value in vars(module).items()
             if name.startswith('test_') and callable(value)]
    if len(sys.argv) > 1:
        tests = [test for test in tests if any(word in test.__name__ for word in sys.argv[1:])]
    _ready()
    print(f'1..{len(tests)}')
    failed = 0
    with _file_scope:
        for number, test in enumerate(tests, 1):
            failed += _one(number, test)
    sys.exit(1 if failed else 0)
