"""dns_stub.py - a DNS server that answers from its arguments and writes down who asked for what.

    dns_stub.py ADDRESS NAME=IPV4...

One line `TYPE NAME` on standard output for each query; NXDOMAIN for names that it does not know,
an empty answer for other types.
"""

import socket
import struct
import sys

TYPES = {1: 'A', 12: 'PTR', 28: 'AAAA'}


def question(packet):
    """The name in lower case, the type, and where the question ends."""
    labels, at = [], 12
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode(errors='replace').lower())
        at += 1 + packet[at]
    return '.'.join(labels), struct.unpack_from('!H', packet, at + 1)[0], at + 5


def answer(packet, known):
    name, kind, end = question(packet)
    print(TYPES.get(kind, kind), name, flush=True)
    address = known.get(name)
    records = b''
    if address and kind == 1:
        records = b'\xc0\x0c' + struct.pack('!HHIH', 1, 1, 0, 4) + socket.inet_aton(address)
    flags = 0x8580 | (0 if address else 3)
    return packet[:2] + struct.pack('!5H', flags, 1, bool(records), 0, 0) + packet[12:end] + records


def main():
    known = dict(word.lower().split('=', 1) for word in sys.argv[2:])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((sys.argv[1], 53))
        print('ready', flush=True)
        while True:
            packet, client = server.recvfrom(4096)
            try:
                server.sendto(answer(packet, known), client)
            except (IndexError, struct.error):
                print('malformed query', flush=True)


if __name__ == '__main__':
    main()
