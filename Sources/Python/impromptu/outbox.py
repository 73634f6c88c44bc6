"""A client's outbox on the disk: a file for each update, there until the update is settled."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from pathlib import Path

from .effects import UpdateID
from .errors import OutboxError
from .wire import PROTOCOL
from .wire import impromptu_pb2 as pb

_ENDING = ".update"
_UNFINISHED = ".new"
_ABANDONED_SECONDS = 3600


class Outbox:
    """A folder of updates, named by run and task.

    A file is the SHA-256 of what follows, and the update as the message that is sent. It is written under another
    name, synced and renamed, so a crash leaves the whole of it or nothing. Two processes of one client may use the
    folder at the same time: the aggregator fences the older, and files are only ever made and removed whole.
    """

    def __init__(self, folder: Path, client: str) -> None:
        """`left` are the updates that earlier sessions kept, in the order of their tasks.

        Raises `OutboxError` where the folder cannot be made or a file in it is damaged.
        """
        self.folder = folder
        self.client = client
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._remove_unfinished()
            read = filter(None, map(self._read, folder.glob("*" + _ENDING)))
            self.left = dict(sorted(read))
        except OutboxError:
            raise
        except OSError as error:
            raise OutboxError(f"{folder}: cannot keep updates: {error.strerror}") from error

    def _remove_unfinished(self) -> None:
        """Removes what a process that died was writing; another process may be at it, but not for that long."""
        for file in self.folder.glob("*" + _UNFINISHED):
            try:
                is_abandoned = file.stat().st_mtime < time.time() - _ABANDONED_SECONDS
            except FileNotFoundError:
                continue  # it is finished now
            if is_abandoned:
                file.unlink(missing_ok=True)

    def _read(self, file: Path) -> tuple[UpdateID, bytes] | None:
        try:
            content = file.read_bytes()
        except FileNotFoundError:
            return None  # settled meanwhile by another process
        digest, message = content[:32], content[32:]
        if hashlib.sha256(message).digest() == digest:
            envelope = pb.ClientEnvelope.FromString(message)
            update = UpdateID(envelope.update.run, envelope.update.task)
            if envelope.protocol == PROTOCOL and envelope.update.client == self.client and self._file(update) == file:
                return update, message
        raise OutboxError(
            f"{file}: expected an update of {self.client} with its digest; remove the file to continue without it"
        )

    def _file(self, update: UpdateID) -> Path:
        return self.folder / f"{update.run:016x}-{update.task}{_ENDING}"

    def store(self, update: UpdateID, message: bytes) -> None:
        """Has the update on the disk when it returns. Raises `OutboxError`."""
        file = self._file(update)
        unfinished = file.with_name(f"{file.name}.{os.getpid()}{_UNFINISHED}")
        try:
            descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(hashlib.sha256(message).digest() + message)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(unfinished, file)
            self._sync_folder()
        except BaseException as error:  # Ctrl-C, too, leaves nothing half written
            with contextlib.suppress(OSError):
                unfinished.unlink(missing_ok=True)
            if isinstance(error, OSError):
                raise OutboxError(f"{file}: cannot keep the update: {error.strerror}") from error
            raise

    def _sync_folder(self) -> None:
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def discard(self, update: UpdateID) -> None:
        """Removes an update that is settled. Raises `OutboxError`; what stays is sent again one day, without harm."""
        file = self._file(update)
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise OutboxError(f"{file}: cannot remove the update, which is settled: {error.strerror}") from error
