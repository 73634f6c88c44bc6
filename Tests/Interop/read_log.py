"""Reads a message log with the Python package `mcap` and prints what it finds, one figure a line.

usage: read_log.py seek|stream <file>

`seek` uses the summary of a finished log; `stream` reads from the start and stops where a torn log ends.
"""

import hashlib
import sys

from mcap.exceptions import McapError
from mcap.reader import NonSeekingReader, SeekingReader


def main() -> None:
    mode, path = sys.argv[1:]
    count = 0
    digest = hashlib.sha256()
    topics = set()
    with open(path, "rb") as file:
        if mode == "seek":
            reader = SeekingReader(file, validate_crcs=True)
            summary = reader.get_summary()
            print("summary", summary.statistics.message_count, len(summary.chunk_indexes))
        else:
            reader = NonSeekingReader(file, validate_crcs=True)
        try:
            for schema, channel, message in reader.iter_messages(log_time_order=False):
                count += 1
                assert message.sequence == count, (message.sequence, count)
                assert schema.encoding == "protobuf"
                topics.add(channel.topic)
                digest.update(message.data)
        except McapError as error:
            print("end", type(error).__name__)
    print("messages", count)
    print("topics", ",".join(sorted(topics)))
    print("digest", digest.hexdigest())


main()
