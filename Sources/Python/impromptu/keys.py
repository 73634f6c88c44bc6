"""CURVE keys: what lets a client in, and lets it know the aggregator."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

import zmq

from .errors import ConfigurationError

_Z85 = re.compile(r"[0-9a-zA-Z.\-:+=^!/*?&<>()\[\]{}@%$#]{40}\Z")


@dataclass(frozen=True)
class Keys:
    """A client's secret key and the aggregator's public one, each as 40 characters of Z85."""

    secret: str
    """Whoever has it speaks for the client."""
    aggregator: str | None
    """None where the run folder says it (`endpoints.yaml`)."""

    def __post_init__(self) -> None:
        for what, key in (("the client's secret key", self.secret), ("the aggregator's public key", self.aggregator)):
            if key is not None and not _Z85.match(key):
                raise ConfigurationError(f"keys: expected {what} as 40 characters of Z85, found {len(key)} others")

    def __repr__(self) -> str:
        return f"Keys(secret=…, aggregator={self.aggregator!r})"

    @property
    def public(self) -> str:
        """The public key that belongs to the secret one."""
        return zmq.curve_public(self.secret.encode()).decode()

    @staticmethod
    def from_folder(folder: str | Path, name: str) -> Keys:
        """Reads `<name>.secret` and, where it is there, `aggregator.public`, as `impromptu keys` makes them.

        Raises `ConfigurationError` for a file that is missing, is no key, or that others than its owner can read.
        """
        secret = Path(folder) / f"{name}.secret"
        public = Path(folder) / "aggregator.public"
        key = _read(secret)
        status = secret.stat()
        others = 0o037 if status.st_uid == 0 != os.getuid() else 0o077
        if stat.S_IMODE(status.st_mode) & others:
            raise ConfigurationError(f"{secret}: expected a file that its owner alone can read (chmod 600)")
        return Keys(key, _read(public) if public.exists() else None)

    def naming(self, told: str | None, where: str) -> Keys:
        """With the aggregator's key as the run folder tells it. Raises `ConfigurationError` where the two differ."""
        if self.aggregator is not None and told is not None and told != self.aggregator:
            raise ConfigurationError(f"{where}: expected the aggregator's key {self.aggregator}, found {told}")
        key = self.aggregator or told
        if key is None:
            raise ConfigurationError(
                f"keys: expected the aggregator's public key (aggregator.public beside the secret one, or in {where}),"
                " found none"
            )
        return Keys(self.secret, key)


def _read(file: Path) -> str:
    try:
        text = file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise ConfigurationError(f"{file}: cannot read the key: {reason}; 'impromptu keys' makes keys") from error
    if not _Z85.match(text):
        raise ConfigurationError(f"{file}: expected a key of 40 characters, as 'impromptu keys' makes it")
    return text
