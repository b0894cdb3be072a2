#!/usr/bin/env python3
"""without.py - copies a source, one piece of its text taken out; it must be there, and once.

    without.py FROM TO TEXT
"""

import sys

source, target, text = sys.argv[1:]
with open(source) as file:
    whole = file.read()
if whole.count(text) != 1:
    sys.exit(f'{source}: {text!r} is there {whole.count(text)} times')
with open(target, 'w') as file:
    file.write(whole.replace(text, ''))
