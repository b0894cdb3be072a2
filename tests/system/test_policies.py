"""test_policies.py - the ready-made policies, their schema, the corpus, the manual's examples."""

import glob
import json
import os
import re

import jsonschema

import harness

POLICIES = os.path.join(harness.SOURCE, 'policies')
CORPUS = os.path.join(harness.SOURCE, 'tests', 'corpus')
MANUAL = os.path.join(harness.SOURCE, 'man', 'meshdns-policy.5')
DOCUMENTS = os.path.join(harness.BUILD, 'tests', 'fixture', 'documents')

# Mistakes of one document that a schema can't see: what relates one part to another, and what libc
# makes of a name.
BEYOND = {
    'destination-address-two-of-one-family', 'destination-port-twice',
    'destination-ports-of-two-families-differ', 'destination-twice', 'domain-number-hex',
    'domain-twice',
}


def documents(path):
    return [json.loads(line) for line in harness.run([DOCUMENTS, path]).out.splitlines()]


@harness.once
def validator():
    with open(os.path.join(POLICIES, 'schema', 'policy.schema.json'), encoding='utf-8') as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def files():
    found = sorted(glob.glob(os.path.join(POLICIES, '*.yaml')))
    harness.check(len(found) >= 6, f'at least 6 ready-made policies, found {len(found)}')
    return found


def test_each_ready_made_policy_passes_check_and_schema_and_stands_in_the_readme():
    readme = harness.read(os.path.join(POLICIES, 'README.md'))
    build = harness.read(os.path.join(POLICIES, 'meson.build'))
    for path in files():
        name = os.path.basename(path)
        done = harness.run([harness.MESHCTL, 'policy', 'check', path])
        harness.equal(done.err, '', f'what check says of {name}')
        for document in documents(path):
            validator().validate(document)
        harness.contains(readme, f'[{name}]({name})', 'policies/README.md')
        harness.contains(build, f"'{name}'", 'policies/meson.build')
    harness.run([harness.MESHCTL, 'policy', 'check', POLICIES])


# What the comments of the policies promise: name, options, result, weights of first answers.
PROMISES = (
    ('canary.shop.mesh', (), 'found', {'10.0.1.10': 90, '10.0.1.11': 10}),
    ('blue-green.shop.mesh', (), 'found', {'10.0.1.20': 1, '10.0.1.21': 1}),
    ('cache.shop.mesh', (), 'found', None),
    ('db.shop.mesh', (), 'found', {'10.0.3.10': 1}),
    ('search.shop.mesh', (), 'found', {'10.0.8.10': 1, '10.0.8.11': 1}),
    ('telemetry.example.net', (), 'denied', {}),
    ('eu.telemetry.example.net', (), 'denied', {}),
    ('deep.er.tenants.shop.mesh', (), 'found', {'10.0.4.10': 1, '10.0.4.11': 1}),
    ('acme.tenants.shop.mesh', (), 'found', {'10.0.4.20': 1}),
    ('web.shop.mesh', (), 'found', {'10.0.5.10': 3, '10.0.5.11': 2, 'fd00:5::12': 1}),
    ('web.shop.mesh', ('--family', '4'), 'found', {'10.0.5.10': 3, '10.0.5.11': 2}),
    ('web.shop.mesh', ('--family', '6'), 'found', {'fd00:5::10': 3, 'fd00:5::12': 1}),
    ('api.shop.mesh', ('--as-nss',), 'found', {'10.0.6.10': 1, 'fd00:6::10': 1, '10.0.6.11': 1}),
    ('api-v2.shop.mesh', (), 'found', {'10.0.6.20': 1, '10.0.6.21': 1}),
    ('api-v2.shop.mesh', ('--as-nss',), 'no-data', {}),
    ('docs.shop.mesh', (), 'no-policy', {}),
)


def test_each_ready_made_policy_does_what_its_comment_says():
    snapshot = os.path.join(harness.folder(), 'snapshot')
    harness.run([harness.MESHCTL, 'snapshot', 'compile', POLICIES, '-o', snapshot,
                 '--zone', 'eu-1'])
    for name, options, result, weights in PROMISES:
        done = harness.run([harness.MESHCTL, 'resolve', name, '--json', '--count', '2000',
                            '--snapshot', snapshot, *options], expect=0 if weights != {} else 1)
        answer = json.loads(done.out)
        counts = {each['address'][0]: each['draws'] for each in answer['destinations']}
        harness.equal(answer['result'], result, name)
        if weights is None:
            harness.equal(len(counts), 1, f'{name}: the number of destinations that it sticks to')
        elif weights:
            harness.shares(counts, weights)


def test_the_schema_refuses_each_wrong_document_that_a_schema_can_see():
    seen, passed = 0, set()
    for path in sorted(glob.glob(os.path.join(CORPUS, '*.yaml'))):
        name = os.path.basename(path)[:-5]
        if not name.startswith(('yaml-', 'set-')):
            seen += 1
            if all(validator().is_valid(document) for document in documents(path)):
                passed.add(name)
    harness.equal(passed, BEYOND, 'what the schema lets pass')
    harness.check(seen > 100, f'{seen} documents')


def test_the_schema_has_the_keys_that_check_knows():
    text = 'policy: a\ndomains: [a.mesh]\n%s\ndestinations: [{address: 10.0.0.1%s}]\n'
    properties = validator().schema['properties']
    destination = validator().schema['$defs']['destination']['properties']
    for keys, top, inner in ((properties, 'qqqqqqqq: 1', ''), (destination, '', ', qqqqqqqq: 1'),
                             (properties['when']['properties'], 'when: {qqqqqqqq: 1}', '')):
        done = harness.run([harness.MESHCTL, 'policy', 'check', '-'], stdin=text % (top, inner),
                           expect=65)
        known = re.search('the keys here are (.*)', done.err).group(1).split(', ')
        harness.equal(sorted(known), sorted(keys))


def test_check_gives_each_wrong_file_of_the_corpus_its_exact_message():
    paths = sorted(glob.glob(os.path.join(CORPUS, '*.yaml')))
    harness.check(len(paths) >= 60, f'{len(paths)} wrong policies')
    for path in paths:
        name = os.path.basename(path)
        done = harness.run(['sh', '-c', 'cd "$1" && exec "$2" policy check "$3"', 'sh', CORPUS,
                            harness.MESHCTL, name], expect=65)
        lines = [line for line in done.err.splitlines(True) if ': warning: ' not in line]
        harness.equal(''.join(lines), harness.read(path[:-5] + '.says'), name)


def blocks():
    """The literal displays of the manual: (what the comment above says, text)."""
    kind, block, found = '', None, []
    for line in harness.read(MANUAL).splitlines():
        if line.startswith('.\\" example: '):
            kind = line[len('.\\" example: '):]
        elif line.startswith('.Bd -literal'):
            block = []
        elif line == '.Ed':
            found.append((kind, '\n'.join(block) + '\n'))
            kind, block = '', None
        elif block is not None:
            block.append(line.replace('\\e', '\\').replace('\\(ti', '~').replace('\\&', ''))
    return found


def test_the_examples_of_the_manual_are_right():
    found = blocks()
    whole = [text for kind, text in found if kind == 'documents']
    harness.check(len(whole) >= 6, f'{len(whole)} examples')
    for text in whole:
        path = os.path.join(harness.folder(), 'example.yaml')
        harness.write(path, text)
        done = harness.run([harness.MESHCTL, 'policy', 'check', path])
        harness.check('warning' not in done.err, done.err)
        for document in documents(path):
            validator().validate(document)
    for kind, text in found:
        if kind.startswith('refused: '):
            done = harness.run([harness.MESHCTL, 'policy', 'check', '-'], stdin=text, expect=65)
            harness.contains(done.err, kind[len('refused: '):])


def test_the_manual_has_every_key_default_and_limit():
    schema = validator().schema
    sections = harness.read(MANUAL).split('.Sh ')
    for title, keys in (('KEYS OF A POLICY', schema['properties']),
                        ('KEYS OF A DESTINATION', schema['$defs']['destination']['properties'])):
        section = next(text for text in sections if text.startswith(title))
        for key, says in keys.items():
            harness.contains(section, f'.It Cm {key}\n', title)
            part = section.split(f'.It Cm {key}\n', 1)[1].split('.It Cm', 1)[0]
            if 'default' in says:
                harness.check(re.search('[Dd]efault', part), f'the default of {key}')
            ways = [says, *says.get('oneOf', ())]
            for number in (way[limit] for way in ways for limit in ('maximum', 'maxItems')
                           if limit in way):
                if key != 'address':
                    harness.contains(part, str(number), f'the limit of {key}')


harness.main()
