"""Verifies that a run's log holds what the aggregator signed, by nothing but docs/wire-and-log.md.

usage: verify_log.py <run.mcap> <log.public>

Prints "whole", "unfinished" or "changed", the records that a signature stands for, and what is wrong. Needs the packages
`mcap` and `mcap-protobuf-support`, and libsodium."""

import ctypes
import ctypes.util
import hashlib
import struct
import sys

from google.protobuf.message import DecodeError
from mcap.exceptions import EndOfFile, McapError
from mcap.reader import NonSeekingReader
from mcap_protobuf.decoder import DecoderFactory

sodium = ctypes.CDLL(ctypes.util.find_library("sodium"))


class Changed(Exception):
    pass


def digest(*parts):
    return hashlib.blake2b(b"".join(parts), digest_size=32).digest()


def is_signed(checkpoint, place, key):
    message = (b"impromptu log checkpoint" + struct.pack("<Q", checkpoint.records) + checkpoint.chain
               + bytes([checkpoint.closing]) + place)
    return len(checkpoint.signature) == 64 and sodium.crypto_sign_verify_detached(
        checkpoint.signature, message, ctypes.c_ulonglong(len(message)), key) == 0


class Verifier:
    def __init__(self, key):
        self.key = key
        self.link, self.records, self.signed, self.closed = bytes(32), 0, 0, False

    def take(self, schema, channel, message, record):
        self.closed = False
        place = (digest(schema.name.encode(), b"\0", schema.data)
                 + struct.pack("<QQ", message.log_time, message.publish_time) + channel.topic.encode() + b"\0")
        if channel.topic == "/epoch" and record.signing_key != self.key:
            raise Changed(f"record {self.records} names another key")
        if channel.topic == "/checkpoint":
            if (record.records, record.chain) != (self.records, self.link):
                raise Changed(f"record {self.records} was written behind other records")
            if not is_signed(record, place, self.key):
                raise Changed(f"record {self.records} is not signed by the key")
            self.signed, self.closed = self.records + 1, record.closing
        self.link = digest(self.link, place, message.data)
        self.records += 1


def verify(path, key):
    verifier = Verifier(key)
    with open(path, "rb") as file:
        is_closed_file = file.read()[-8:] == b"\x89MCAP0\r\n"
        file.seek(0)
        try:
            reader = NonSeekingReader(file, decoder_factories=[DecoderFactory()], validate_crcs=True)
            for found in reader.iter_decoded_messages(log_time_order=False):
                verifier.take(*found)
        except EndOfFile:
            pass  # A log that is being written, or that was cut short, ends so.
        except (Changed, DecodeError, McapError, ValueError) as problem:
            return "changed", verifier.signed, problem
    if is_closed_file and not verifier.closed:
        return "changed", verifier.signed, "the file was closed behind no closing checkpoint"
    return "whole" if verifier.closed else "unfinished", verifier.signed, f"of {verifier.records} records"


verdict = verify(sys.argv[1], bytes.fromhex(open(sys.argv[2]).read()))
print(*verdict)
sys.exit(verdict[0] == "changed")
