"""test_mutants.py - damaged snapshots under real programs: an answer or a miss, never a crash."""

import os

import harness
from harness import equal
from modules import compile_to, preload, shim

MUTANTS = 1000 if harness.LONG else 100
POLICIES = '''
policy: shop
domains: [shop.mesh, "*.shop.mesh"]
answers: 3
destinations:
  - {address: 10.0.0.1, weight: 3}
  - {address: [10.0.0.2, "fd00::2"], weight: 2}
  - {address: "fd00::3", weight: 1}
---
policy: who
domains: [who.mesh]
rank: 1
when: {app: ["x*"], uid: [1, 2, 3]}
destinations: [{address: 10.0.0.9}]
---
policy: all
domains: [who.mesh]
rank: 2
select: sticky
sticky: {by: app}
destinations: [{address: 10.0.0.10}, {address: 10.0.0.11}]
---
policy: denied
domains: [denied.mesh]
action: deny
---
policy: alias
domains: [www.mesh]
alias: shop.mesh
'''

# Under the shim. The parent never looks a name up, so each child maps the file anew.
MUTATE = '''
import os, random, signal, socket, sys
good, path, count, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
whole = open(good, "rb").read()
rng = random.Random(seed)
used = [i for i in range(0, len(whole), 64) if any(whole[i:i + 64])]  # blocks that hold something
def mutant(number):
    data = bytearray(whole)
    if number % 10 == 0:
        return data[:rng.randrange(len(data))]
    for _ in range(rng.choice((1, 1, 2, 4, 16, 64))):
        at = min(rng.choice(used) + rng.randrange(64), len(data) - 8)
        kind = rng.randrange(4)
        if kind == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at] = rng.choice((0, 1, 127, 128, 255))
        elif kind == 2:
            data[at & ~7:(at & ~7) + 8] = rng.randbytes(8)
        else:
            word = rng.choice((0, 1, 2**64 - 1, 2**63, 2**32))
            data[at & ~7:(at & ~7) + 8] = word.to_bytes(8, "little")
    return data
def look_up():
    """Returns whether a policy of the mutant answered anything."""
    signal.alarm(20)
    answers = 0
    for name in ("shop.mesh", "a.shop.mesh", "a.b.c.shop.mesh", "who.mesh", "denied.mesh",
                 "www.mesh", "miss.mesh", "short"):
        for family in (0, socket.AF_INET, socket.AF_INET6):
            try:
                answers += len(socket.getaddrinfo(name, 80, family, 0, 0, socket.AI_CANONNAME))
            except (socket.gaierror, UnicodeDecodeError):  # a damaged name is an answer too
                pass
    return answers > 0
answering = 0
for number in range(count):
    draft = path + ".draft"
    with open(draft, "wb") as file:
        file.write(mutant(number))
    os.chmod(draft, 0o644)
    os.rename(draft, path)
    child = os.fork()
    if child == 0:
        os._exit(3 if look_up() else 4)
    status = os.waitpid(child, 0)[1]
    answering += status == 3 << 8
    if status not in (3 << 8, 4 << 8):
        print("mutant", number, "seed", seed, "ended with", status)
        os.rename(path, path + ".bad")
        sys.exit(1)
print("survived", count, "answering", answering)
'''


def test_mutants_of_a_snapshot_never_crash_or_hang_a_program_under_the_shim():
    harness.needs_root()
    machine = shim().machine
    machine.nsswitch('files')
    folder = harness.folder()
    good = compile_to(os.path.join(folder, 'good'), POLICIES)
    path = os.path.join(folder, 'mutant')
    seed = int.from_bytes(os.urandom(4), 'little')
    print(f'# seed {seed}')
    done = machine.python(MUTATE, good, path, MUTANTS, seed, limit=1200,
                          env={'LD_PRELOAD': preload(), 'MESHDNS_SNAPSHOT': path})
    found = harness.matches(done.out, r'^survived (\d+) answering (\d+)$')
    equal(found.group(1), str(MUTANTS), 'mutants survived')
    # Else the mutants would be damaged beyond what the reader opens, and prove little.
    harness.check(MUTANTS / 4 < int(found.group(2)), f'too few mutants answer: {done.out}')
    print(f'# {done.out}', end='')


if __name__ == '__main__':
    harness.main()
