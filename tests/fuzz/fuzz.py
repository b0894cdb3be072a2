"""fuzz.py - runs fuzz targets side by side and judges what came of it; for tools/fuzz.

    fuzz.py PROGRAMS WORK SECONDS TARGET...        PROGRAMS/fuzz_TARGET, built with libFuzzer
    fuzz.py PROGRAMS WORK --replay TARGET FILE...  runs these inputs once

WORK keeps seeds/TARGET and seeds/words (read), corpus/TARGET (what was worth keeping, for the next
run), found/ (the inputs that failed) and log/TARGET.txt. A target fails when it finds something,
when it ends without libFuzzer's last line, and when one of its goals was never reached: then it
proves nothing.
"""

import os
import re
import subprocess
import sys
import time

TIMEOUT = 45  # seconds for one input, which takes microseconds; machines pause
MEMORY = 2048  # MiB
OPTIONS = {  # leaks are looked for by libFuzzer itself, after each input that allocates too much
    'ASAN_OPTIONS': 'detect_leaks=1:allocator_may_return_null=1:handle_abort=1',
    'UBSAN_OPTIONS': 'print_stacktrace=1',
}


class Run:
    """One target at work."""

    def __init__(self, programs, work, target, seconds):
        self.target, self.work = target, work
        self.log = os.path.join(work, 'log', f'{target}.txt')
        self.before = self.artifacts()
        corpus, seeds = (os.path.join(work, kind, target) for kind in ('corpus', 'seeds'))
        for folder in (corpus, seeds, os.path.dirname(self.log), os.path.join(work, 'found')):
            os.makedirs(folder, exist_ok=True)
        argv = [os.path.join(programs, f'fuzz_{target}'), f'-max_total_time={seconds}',
                f'-timeout={TIMEOUT}', f'-rss_limit_mb={MEMORY}',
                f'-dict={os.path.join(work, "seeds", "words")}',
                f'-artifact_prefix={os.path.join(work, "found", target)}-', corpus, seeds]
        with open(self.log, 'wb') as log:
            self.child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                          env={**os.environ, **OPTIONS})

    def artifacts(self):
        folder = os.path.join(self.work, 'found')
        return {name for name in os.listdir(folder) if name.startswith(f'{self.target}-')} \
            if os.path.isdir(folder) else set()

    def judge(self):
        """Prints what came of it. Returns whether all is well."""
        with open(self.log, errors='replace') as file:
            text = file.read()
        goals = dict(re.findall(r'^goal (\S+) (\d+)$', text, re.MULTILINE))
        seeded = re.search(r'INITED cov: (\d+)', text)
        done = re.search(r'^#(\d+)\s+DONE\s+cov: (\d+).*corp: (\d+)/.*exec/s: (\d+)', text,
                         re.MULTILINE)
        new = sorted(self.artifacts() - self.before)
        missed = [name for name, count in goals.items() if count == '0']
        if self.child.returncode == 0 and not new and done and goals and not missed:
            print(f'ok      {self.target:9} {int(done.group(1)):>10,} inputs, {done.group(4)}/s; '
                  f'edges {seeded.group(1) if seeded else "?"} -> {done.group(2)}; '
                  f'{done.group(3)} kept; {len(goals)} goals reached')
            return True
        if self.child.returncode == 0 and not new:
            print(f'FAILED  {self.target:9} reaches too little: never '
                  f'{", ".join(missed) or "its goals, or the end"}; see {self.log}')
            return False
        print('\n'.join(text.splitlines()[-60:]))
        print(f'FAILED  {self.target:9} found something (exit {self.child.returncode}); '
              f'all it said is in {self.log}')
        for name in new:
            path = os.path.join(self.work, 'found', name)
            print(f'        input: {path}\n        again: tools/fuzz {self.target} {path}')
        return False


def run_all(programs, work, seconds, targets):
    """As many at once as there are processors. Returns how many failed."""
    waiting, running, failed = list(targets), [], 0
    try:
        while waiting or running:
            while waiting and len(running) < (os.cpu_count() or 1):
                running.append(Run(programs, work, waiting.pop(0), seconds))
            for run in [run for run in running if run.child.poll() is not None]:
                running.remove(run)
                failed += not run.judge()
                sys.stdout.flush()
            time.sleep(0.1)
    finally:
        for run in running:
            run.child.kill()
            run.child.wait()
    return failed


def replay(programs, target, files):
    program = os.path.join(programs, f'fuzz_{target}')
    code = subprocess.call([program, f'-timeout={TIMEOUT}', f'-rss_limit_mb={MEMORY}', *files],
                           env={**os.environ, **OPTIONS})
    print(f'{target}: ended with {code}')
    return code != 0


def main():
    programs, work, first, *rest = sys.argv[1:]
    failed = replay(programs, rest[0], rest[1:]) if first == '--replay' else \
        run_all(programs, work, int(first), rest)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
