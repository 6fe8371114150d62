"""What is wrong with a cassette, and where."""

from __future__ import annotations

from stateflow.errors import StoreError

__all__ = ["CassetteError", "Wrong"]


class CassetteError(StoreError):
    """A cassette cannot be read, or a run cannot be written as one."""

    def __init__(self, sentence: str, *, path: str = "", line: int | None = None) -> None:
        """Keep where: the file, and the line in it, from 1, where it is known."""
        self.path, self.line = path, line
        where = "" if not path else f"{path}: " if line is None else f"{path}, line {line}: "
        super().__init__(f"{where}{sentence}")


class Wrong(Exception):
    """Something in a parsed cassette; the keys that lead there are added on the way out."""

    def __init__(self, sentence: str, *keys: str | int) -> None:
        """Begin where it was found."""
        self.sentence = sentence
        self.keys: list[str | int] = list(keys)
        super().__init__(sentence)

    def below(self, key: str | int) -> Wrong:
        """Return it, as seen from one level up."""
        self.keys.insert(0, key)
        return self
