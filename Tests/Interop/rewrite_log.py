"""Writes the messages of a log again as another program would: in other chunks, compressed, or in none.

usage: rewrite_log.py zstd|zstd-unchecked|lz4|plain|plain-unchecked|unchunked <file> <new file>

An unchecked file has no checksums, and an attachment beside the messages."""

import sys

from mcap.reader import NonSeekingReader
from mcap.writer import CompressionType, Writer

kind, source, target = sys.argv[1:]
way, _, unchecked = kind.partition("-")
compression = {"zstd": CompressionType.ZSTD, "lz4": CompressionType.LZ4}.get(way, CompressionType.NONE)
with open(source, "rb") as file, open(target, "wb") as out:
    reader = NonSeekingReader(file)
    writer = Writer(
        out, chunk_size=3000, compression=compression, use_chunking=kind != "unchunked", enable_crcs=not unchecked)
    writer.start("", "another program")
    if unchecked:
        writer.add_attachment(0, 0, "note", "text/plain", b"by another program")
    schemas, channels = {}, {}
    for schema, channel, message in reader.iter_messages(log_time_order=False):
        if channel.id not in channels:
            if schema.id not in schemas:
                schemas[schema.id] = writer.register_schema(schema.name, schema.encoding, schema.data)
            channels[channel.id] = writer.register_channel(
                channel.topic, channel.message_encoding, schemas[schema.id], channel.metadata)
        writer.add_message(channels[channel.id], message.log_time, message.data, message.publish_time, message.sequence)
    writer.finish()
