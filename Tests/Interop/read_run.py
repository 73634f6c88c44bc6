"""Reads a run's log with the Python packages `mcap` and `mcap-protobuf-support`, by the schema in the file alone, and
prints a line for each record.

usage: read_run.py <file>"""

import hashlib
import sys

from mcap.reader import SeekingReader
from mcap_protobuf.decoder import DecoderFactory


def words(topic, record):
    if topic == "/header":
        # The digest of a version covers the bytes of its GlobalPrompts, which come out the same here.
        return record.log_format, record.seed, record.program.build, sha256(record.initial.SerializeToString())
    if topic == "/epoch":
        return record.epoch, record.program.build
    if topic == "/tick":
        return ("tick",)
    if topic == "/aggregated":
        return (record.version,)
    if topic == "/drain":
        return (record.patience_milliseconds,)
    if topic == "/setting":
        return record.key, record.value
    if topic == "/publication":
        return record.version, record.digest.hex(), record.pool, record.contributions, record.updates
    if topic == "/validation":
        return record.version, record.accuracy
    if topic == "/checkpoint":
        return record.records, record.chain.hex(), str(record.closing).lower()
    if topic == "/segment":
        return record.number, record.records, record.chain.hex(), sha256(record.snapshot)
    body = record.WhichOneof("body")
    message = getattr(record, body)
    if body == "presence":
        return (body, *(word for beat in message.heartbeats for word in (beat.client, beat.session)))
    if body != "update":
        return body, message.client, message.session
    tensors = [f"{t.name} {'x'.join(map(str, t.shape))} {sha256(t.data)}" for t in message.tensors]
    return (body, message.client, message.session, message.run, message.task, message.base_version,
            message.sample_count, *message.prompt_ids, *tensors)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


with open(sys.argv[1], "rb") as file:
    reader = SeekingReader(file, validate_crcs=True, decoder_factories=[DecoderFactory()])
    for schema, channel, message, record in reader.iter_decoded_messages(log_time_order=False):
        print(message.log_time, channel.topic, schema.name, *words(channel.topic, record))
