"""Reads an event file of TensorBoard by the definition of its format, and prints its events as JSON.

Records: TensorFlow's record_writer.h; messages: event.proto and summary.proto.
"""
import json
import struct
import sys


def crc32c(data):
    rest = 0xFFFFFFFF
    for byte in data:
        rest ^= byte
        for _ in range(8):
            rest = rest >> 1 ^ (0x82F63B78 if rest & 1 else 0)
    return rest ^ 0xFFFFFFFF


def masked(data):
    sum = crc32c(data)
    return ((sum >> 15 | sum << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(data):
    at = 0
    while at < len(data):
        length, check = struct.unpack_from("<QI", data, at)
        assert masked(data[at : at + 8]) == check, "checksum of a length"
        content = data[at + 12 : at + 12 + length]
        assert len(content) == length, "a record is cut off"
        (check,) = struct.unpack_from("<I", data, at + 12 + length)
        assert masked(content) == check, "checksum of a record"
        yield content
        at += 16 + length


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def fields(data):
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        kind = tag & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 1:
            (value,), at = struct.unpack_from("<d", data, at), at + 8
        elif kind == 5:
            (value,), at = struct.unpack_from("<f", data, at), at + 4
        else:
            assert kind == 2, kind
            length, at = varint(data, at)
            value, at = data[at : at + length], at + length
        yield tag >> 3, value


events = []
for content in records(open(sys.argv[1], "rb").read()):
    event = {"step": 0}
    for number, value in fields(content):
        if number == 1:
            event["wallTime"] = value
        elif number == 2:
            event["step"] = value
        elif number == 3:
            event["version"] = value.decode()
        elif number == 5:
            scalars = [dict(fields(scalar)) for _, scalar in fields(value)]
            event["scalars"] = {scalar[1].decode(): scalar[2] for scalar in scalars}
        elif number == 7:
            event["status"] = dict(fields(value))[1]
    events.append(event)
print(json.dumps(events))
