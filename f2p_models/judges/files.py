"""Weight files that a user installs: found, and known to be the ones that were measured."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from f2p_models.errors import WeightsError

WAY_OUT: Final = "python -m infra.judges --out FOLDER installs it"


@dataclass(frozen=True, kw_only=True)
class WeightFiles:
    """Files of one network. ``sha256`` is that of their contents one after the other."""

    names: tuple[str, ...]
    sha256: str

    def present(self, folder: Path) -> bool:
        """Whether any of them was installed: a part of them is damage, not absence."""
        return any((folder / name).is_file() for name in self.names)

    def verify(self, folder: Path) -> str:
        """Their hash. Raises WeightsError when one is missing, or when they are not the files that were measured."""
        digest = hashlib.sha256()
        for name in self.names:
            try:
                digest.update((folder / name).read_bytes())
            except OSError as error:
                raise WeightsError(f"{folder / name}: cannot be read ({error.strerror}); {WAY_OUT}") from error
        if digest.hexdigest() != self.sha256:
            raise WeightsError(
                f"{folder}: {', '.join(self.names)} have SHA-256 {digest.hexdigest()[:12]}, those that were measured "
                f"{self.sha256[:12]}; {WAY_OUT} again"
            )
        return self.sha256
