"""Lines in the log that name the client."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    _Adapter = logging.LoggerAdapter[logging.Logger]
else:  # Python 3.10 has it without parameters
    _Adapter = logging.LoggerAdapter


class ClientLog(_Adapter):
    """The logger ``impromptu``, with the client's name before each line."""

    def __init__(self, client: str) -> None:
        super().__init__(logging.getLogger("impromptu"), {"client": client})
        self._client = client

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        """Puts the client's name before the line."""
        return f"{self._client}: {msg}", kwargs
