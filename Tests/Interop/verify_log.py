"""Verifies that a run's log holds what the aggregator signed, by nothing but docs/wire-and-log.md.

usage: verify_log.py <run folder, or one file of its log> <log.public>

Prints "whole", "unfinished" or "changed", the records that a signature stands for, and what is wrong. Needs the packages
`mcap` and `mcap-protobuf-support`, and libsodium."""

import ctypes
import ctypes.util
import glob
import hashlib
import struct
import sys

from google.protobuf.message import DecodeError
from mcap.exceptions import EndOfFile, McapError
from mcap.reader import NonSeekingReader
from mcap_protobuf.decoder import DecoderFactory

sodium = ctypes.CDLL(ctypes.util.find_library("sodium"))


def digest(*parts):
    return hashlib.blake2b(b"".join(parts), digest_size=32).digest()


class Verifier:
    def __init__(self, key):
        self.key, self.link, self.records, self.signed, self.end = key, bytes(32), 0, 0, None

    def is_signed(self, checkpoint, place):
        message = (b"impromptu log checkpoint" + struct.pack("<Q", checkpoint.records) + checkpoint.chain
                   + bytes([2 if checkpoint.continued else checkpoint.closing]) + place)
        return len(checkpoint.signature) == 64 and sodium.crypto_sign_verify_detached(
            checkpoint.signature, message, ctypes.c_ulonglong(len(message)), self.key) == 0

    def take(self, schema, channel, message, record):
        place = (digest(schema.name.encode(), b"\0", schema.data)
                 + struct.pack("<QQ", message.log_time, message.publish_time) + channel.topic.encode() + b"\0")
        self.end = "set" if channel.topic == "/setting" else None
        if channel.topic == "/segment":
            if self.records == 0:  # The segments before were removed.
                self.link, self.records, self.signed = record.chain, record.records, record.records
            if (record.records, record.chain) != (self.records, self.link):
                raise ValueError(f"segment {record.number} was begun behind other records")
        if channel.topic in ("/epoch", "/segment") and getattr(record, "start", record).signing_key != self.key:
            raise ValueError(f"record {self.records} names another key")
        if channel.topic == "/checkpoint":
            if (record.records, record.chain) != (self.records, self.link):
                raise ValueError(f"record {self.records} was written behind other records")
            if not self.is_signed(record, place):
                raise ValueError(f"record {self.records} is not signed by the key")
            self.signed, self.end = self.records + 1, ("open", "closed", "continued")[record.closing + 2 * record.continued]
        self.link = digest(self.link, place, message.data)
        self.records += 1

    def read(self, path):
        with open(path, "rb") as file:
            is_closed = file.read()[-8:] == b"\x89MCAP0\r\n"
            file.seek(0)
            try:
                reader = NonSeekingReader(file, decoder_factories=[DecoderFactory()], validate_crcs=True)
                for found in reader.iter_decoded_messages(log_time_order=False):
                    self.take(*found)
            except EndOfFile:
                pass  # A log that is being written, or that was cut short, ends so.
        if is_closed and self.end not in ("closed", "continued", "set"):
            raise ValueError("the file was closed behind no closing checkpoint and no setting")


verifier = Verifier(bytes.fromhex(open(sys.argv[2]).read()))
files = sorted(glob.glob(sys.argv[1] + "/run-*.mcap")) or [sys.argv[1]]
try:
    for name in files:
        if name != files[0] and verifier.end != "continued":
            raise ValueError("the segment before does not continue here")
        verifier.read(name)
    print("whole" if verifier.end == "closed" else "unfinished", verifier.signed, f"of {verifier.records} records")
except (DecodeError, McapError, ValueError) as problem:
    sys.exit(print("changed", verifier.signed, f"{name}: {problem}") or 1)
