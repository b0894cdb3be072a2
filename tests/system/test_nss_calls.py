"""test_nss_calls.py - the NSS module's functions, called as glibc calls them, byte by byte."""

import json

import harness
from harness import check, equal
from modules import nss

POLICIES = '''
policy: four
domains: [four.mesh]
reverse: true
destinations: [{address: 10.0.1.4}]
---
policy: six
domains: [six.mesh]
destinations: [{address: "fd00:1::6"}]
---
policy: both
domains: [both.mesh]
destinations: [{address: [10.0.1.8, "fd00:1::8"]}]
---
policy: denied
domains: [denied.mesh]
action: deny
'''
SUCCESS, NOTFOUND, UNAVAIL, TRYAGAIN = 1, 0, -1, -2
INTERNAL, HOST_NOT_FOUND, NO_DATA = -1, 1, 4
ENOENT, ERANGE = 2, 34

# Runs inside the machine. Prints one JSON line for each call: status, errno, h_errno, and what the
# result holds when all of it lies inside the buffer.
CALLS = '''
import ctypes, json, socket, sys
lib = ctypes.CDLL("libnss_meshdns.so.2")
class Hostent(ctypes.Structure):
    _fields_ = [("name", ctypes.c_void_p), ("aliases", ctypes.POINTER(ctypes.c_void_p)),
                ("family", ctypes.c_int), ("length", ctypes.c_int),
                ("addresses", ctypes.POINTER(ctypes.c_void_p))]
class Tuple(ctypes.Structure):
    pass
Tuple._fields_ = [("next", ctypes.POINTER(Tuple)), ("name", ctypes.c_void_p),
                  ("family", ctypes.c_int), ("address", ctypes.c_ubyte * 16),
                  ("scope", ctypes.c_uint32)]
def inside(buffer, offset, size, pointer, length):
    start = ctypes.addressof(buffer) + offset
    assert start <= pointer and pointer + length <= start + size, "outside of the buffer"
def text(pointer):
    return ctypes.string_at(pointer).decode()
def host_of(host, buffer, offset, size):
    value = ctypes.addressof
    inside(buffer, offset, size, host.name, len(text(host.name)) + 1)
    inside(buffer, offset, size, value(host.aliases.contents), 8)
    inside(buffer, offset, size, value(host.addresses.contents), 16)
    inside(buffer, offset, size, host.addresses[0], host.length)
    assert value(host.addresses.contents) % 8 == 0
    assert host.aliases[0] is None and host.addresses[1] is None
    return [text(host.name), host.family, host.length,
            socket.inet_ntop(host.family, ctypes.string_at(host.addresses[0], host.length))]
def call(function, name, family, size=1024, offset=0, given=False, outs=True):
    buffer = ctypes.create_string_buffer(size + offset + 64)
    error, herror = ctypes.c_int(77), ctypes.c_int(78)
    ttl, canonical = ctypes.c_int32(99), ctypes.c_void_p()
    host, first = Hostent(), Tuple()
    tuples = ctypes.POINTER(Tuple)(first) if given else ctypes.POINTER(Tuple)()
    where = ctypes.byref(buffer, offset)
    ends = [where, ctypes.c_size_t(size), ctypes.byref(error), ctypes.byref(herror)]
    called = getattr(lib, "_nss_meshdns_" + function)
    head = [name.encode()]
    if function == "gethostbyname4_r":
        status = called(*head, ctypes.byref(tuples), *ends, ctypes.byref(ttl) if outs else None)
    elif function.startswith("gethostbyaddr"):
        packed = socket.inet_pton(socket.AF_INET6 if ":" in name else socket.AF_INET, name)
        more = [ctypes.byref(ttl) if outs else None] if "2" in function else []
        status = called(packed, len(packed), family, ctypes.byref(host), *ends, *more)
    elif function == "gethostbyname_r":
        status = called(*head, ctypes.byref(host), *ends)
    else:
        more = []
        if function == "gethostbyname3_r":
            more = [ctypes.byref(ttl), ctypes.byref(canonical)] if outs else [None, None]
        status = called(*head, family, ctypes.byref(host), *ends, *more)
    result = {"status": status, "errno": error.value, "h_errno": herror.value, "ttl": ttl.value}
    if status == 1 and function == "gethostbyname4_r":
        result["tuples"] = []
        one, number = tuples, 0
        while one:
            if not (given and number == 0):
                inside(buffer, offset, size, ctypes.addressof(one.contents), 40)
            inside(buffer, offset, size, one.contents.name, len(text(one.contents.name)) + 1)
            length = 4 if one.contents.family == 2 else 16
            packed = bytes(one.contents.address)[:length]
            result["tuples"].append([text(one.contents.name),
                                     socket.inet_ntop(one.contents.family, packed)])
            one, number = one.contents.next, number + 1
        result["is_given"] = bool(given) and ctypes.addressof(tuples.contents) == \\
            ctypes.addressof(first)
    elif status == 1:
        result["host"] = host_of(host, buffer, offset, size)
        if function == "gethostbyname3_r" and outs:
            result["canonical"] = text(canonical.value)
            inside(buffer, offset, size, canonical.value, 1)
    return result
print(json.dumps([call(*question) for question in json.loads(sys.argv[1])]))
'''
V4, V6 = 2, 10


@harness.once
def prepared():
    harness.needs_root()
    way = nss()
    way.publish(POLICIES)
    return way


def calls(*questions):
    return json.loads(prepared().python(CALLS, json.dumps(questions)).out)


def refused(status, error, h_error):
    return {'status': status, 'errno': error, 'h_errno': h_error, 'ttl': 99}


def test_a_found_host_has_its_fields_ttl_0_and_leaves_errno_alone():
    four = {'status': SUCCESS, 'errno': 77, 'h_errno': 0, 'ttl': 99,
            'host': ['four.mesh', V4, 4, '10.0.1.4']}
    six = {**four, 'host': ['six.mesh', V6, 16, 'fd00:1::6']}
    equal(calls(['gethostbyaddr2_r', '10.0.1.4', V4], ['gethostbyaddr_r', '10.0.1.4', 0],
                ['gethostbyaddr2_r', '10.0.1.4', V4, 1024, 0, False, False]),
          [{**four, 'ttl': 0}, four, four])
    equal(calls(['gethostbyname_r', 'FOUR.mesh', 0], ['gethostbyname2_r', 'four.mesh', V4],
                ['gethostbyname2_r', 'six.mesh', V6], ['gethostbyaddr_r', '10.0.1.4', V4],
                ['gethostbyname3_r', 'four.mesh', V4],
                ['gethostbyname3_r', 'six.mesh', V6, 1024, 0, False, False]),
          [four, four, six, four, {**four, 'ttl': 0, 'canonical': 'four.mesh'}, six])


def test_tuples_have_both_families_and_use_the_first_one_that_is_given():
    both = {'status': SUCCESS, 'errno': 77, 'h_errno': 0, 'ttl': 0, 'is_given': False,
            'tuples': [['both.mesh', 'fd00:1::8'], ['both.mesh', '10.0.1.8']]}
    equal(calls(['gethostbyname4_r', 'both.mesh', 0],
                ['gethostbyname4_r', 'both.mesh', 0, 1024, 0, True],
                ['gethostbyname4_r', 'both.mesh', 0, 1024, 0, False, False],
                ['gethostbyname4_r', 'four.mesh', 0]),
          [both, {**both, 'is_given': True}, {**both, 'ttl': 99},
           {**both, 'tuples': [['four.mesh', '10.0.1.4']]}])


def test_statuses_are_exactly_those_that_nsswitch_reacts_to():
    rows = [
        (['gethostbyname_r', 'miss.mesh', 0], refused(UNAVAIL, ENOENT, HOST_NOT_FOUND)),
        (['gethostbyname2_r', 'miss.mesh', V6], refused(UNAVAIL, ENOENT, HOST_NOT_FOUND)),
        (['gethostbyname3_r', '', V4], refused(UNAVAIL, ENOENT, HOST_NOT_FOUND)),
        (['gethostbyname4_r', 'x' * 300, 0], refused(UNAVAIL, ENOENT, HOST_NOT_FOUND)),
        (['gethostbyname2_r', 'four.mesh', 1], refused(UNAVAIL, ENOENT, HOST_NOT_FOUND)),
        (['gethostbyname_r', 'denied.mesh', 0], refused(NOTFOUND, ENOENT, HOST_NOT_FOUND)),
        (['gethostbyname4_r', 'denied.mesh', 0], refused(NOTFOUND, ENOENT, HOST_NOT_FOUND)),
        (['gethostbyname2_r', 'four.mesh', V6], refused(NOTFOUND, ENOENT, NO_DATA)),
        (['gethostbyname_r', 'six.mesh', 0], refused(NOTFOUND, ENOENT, NO_DATA)),
        (['gethostbyaddr_r', '10.0.1.5', V4], refused(UNAVAIL, ENOENT, HOST_NOT_FOUND)),
        (['gethostbyaddr_r', '10.0.1.4', V6], refused(UNAVAIL, ENOENT, HOST_NOT_FOUND)),
        (['gethostbyaddr_r', '10.0.1.4', 1], refused(UNAVAIL, ENOENT, HOST_NOT_FOUND)),
        (['gethostbyaddr2_r', '::ffff:10.0.1.4', V6], refused(UNAVAIL, ENOENT, HOST_NOT_FOUND)),
        (['gethostbyaddr_r', 'fd00::1', V6], refused(UNAVAIL, ENOENT, HOST_NOT_FOUND)),
    ]
    for (question, wanted), found in zip(rows, calls(*[row[0] for row in rows])):
        equal(found, wanted, str(question))


def test_a_small_buffer_is_told_apart_and_misses_never_ask_for_a_larger_one():
    again = refused(TRYAGAIN, ERANGE, INTERNAL)
    functions = [('gethostbyname_r', 'four.mesh', 0), ('gethostbyname2_r', 'four.mesh', V4),
                 ('gethostbyname3_r', 'six.mesh', V6), ('gethostbyname4_r', 'both.mesh', 0),
                 ('gethostbyaddr_r', '10.0.1.4', V4), ('gethostbyaddr2_r', '10.0.1.4', V4)]
    for function, name, family in functions:
        needs = []
        for offset in range(16):
            answers = calls(*[[function, name, family, size, offset] for size in range(160)])
            fits = [answer['status'] == SUCCESS for answer in answers]
            first = fits.index(True)
            equal(answers[:first], [again] * first, f'{function}, small buffers')
            check(all(fits[first:]), f'{function}: a larger buffer was refused')
            needs.append(first)
        check(max(needs) - min(needs) == 7, f'{function} needs {needs} bytes as it is aligned')
        equal(calls([function, '10.9.9.9' if 'addr' in function else 'miss.mesh', family, 0]),
              [refused(UNAVAIL, ENOENT, HOST_NOT_FOUND)], f'{function}, a miss in a small buffer')


if __name__ == '__main__':
    harness.main()
