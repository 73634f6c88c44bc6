"""Where an aggregator can be reached, and how to find it by its run folder."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Union

from .errors import ConfigurationError

_FINISHED = "# The run has finished"
_ADDRESS = re.compile(r"(tcp://\S+:\d+|ipc://\S+)\Z")


@dataclass(frozen=True)
class Endpoints:
    """The two addresses of an aggregator, and its public key where somebody tells it."""

    updates: str
    prompts: str
    key: str | None = None

    def __post_init__(self) -> None:
        for name in ("updates", "prompts"):
            address = getattr(self, name)
            if not _ADDRESS.match(address):
                raise ConfigurationError(f"endpoints.{name}: expected tcp://HOST:PORT or ipc://PATH, found {address!r}")
            # ZeroMQ takes a greater number modulo 65,536.
            if address.startswith("tcp:") and not 1 <= int(address.rpartition(":")[2]) <= 65_535:
                raise ConfigurationError(f"endpoints.{name}: expected a port from 1 to 65535, found {address!r}")


Target = Union[str, Path, Endpoints, Mapping[str, str], Sequence[str]]


class Rendezvous:
    """Where to look for the aggregator: fixed endpoints, or the `endpoints.yaml` that it keeps in its run folder."""

    def __init__(self, target: Target) -> None:
        """`target`: a run folder, an endpoints file, or the two addresses. Raises `ConfigurationError`."""
        self.fixed: Endpoints | None = None
        self.file: Path | None = None
        self.run_folder: Path | None = None
        if isinstance(target, Endpoints):
            self.fixed = target
        elif isinstance(target, Mapping):
            if set(target) != {"updates", "prompts"}:
                raise ConfigurationError(f"endpoints: expected 'updates' and 'prompts', found {sorted(target)}")
            self.fixed = Endpoints(**target)
        elif isinstance(target, (str, Path)):
            if "://" in str(target):
                raise ConfigurationError(
                    f"expected a run folder or two endpoints (updates, prompts), found the one address {str(target)!r}"
                )
            path = Path(target)
            if path.suffix in (".yaml", ".yml"):
                self.file = path
            else:
                self.run_folder, self.file = path, path / "endpoints.yaml"
        elif len(target) == 2:
            self.fixed = Endpoints(target[0], target[1])
        else:
            raise ConfigurationError(f"expected two endpoints (updates, prompts), found {len(target)}")

    def __str__(self) -> str:
        return str(self.file) if self.file else "the endpoints"

    def look(self) -> Endpoints | None:
        """Where the aggregator is, None where it has not said so yet.

        Raises `ConfigurationError` for a file that says nothing of the kind, `RunFinished` where nobody listens.
        """
        if self.fixed is not None:
            return self.fixed
        assert self.file is not None
        try:
            text = self.file.read_text()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{self.file}: cannot read: {error}") from error
        return parsed(text, str(self.file))


class RunFinished(Exception):
    """The endpoints file says that the run has finished."""


def parsed(text: str, file: str) -> Endpoints:
    """What an aggregator writes in `endpoints.yaml`: sections with one key a line, in the plainest YAML.

    Raises `ConfigurationError` and `RunFinished`.
    """
    if text.startswith(_FINISHED):
        raise RunFinished
    settings: dict[str, str] = {}
    section = ""
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if not line.strip() or line.lstrip().startswith("#") or not colon:
            continue
        if key == key.strip():
            section = key
        elif value.strip():
            settings[f"{section}.{key.strip()}"] = _scalar(value)
    updates, prompts = settings.get("endpoints.updates"), settings.get("endpoints.prompts")
    if updates is None or prompts is None:
        raise ConfigurationError(f"{file}: expected endpoints.updates and endpoints.prompts, found {sorted(settings)}")
    return Endpoints(updates, prompts, settings.get("security.aggregator_key"))


def _scalar(value: str) -> str:
    value = value.strip()
    if value[:1] == "'" == value[-1:] and len(value) > 1:
        return value[1:-1].replace("''", "'")
    return value.strip('"')
