"""One test under way: what it may ask, what answers it, and what it leaves behind.

Nothing is written before the test has passed, so that a test that fails for another reason leaves
its cassettes as they were.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from stateflow.testing.plugin.places import find_cassette, new_place
from stateflow.testing.plugin.settings import Settings

if TYPE_CHECKING:
    from stateflow.journal.event import Journal
    from stateflow.testing.plugin.marked import Marked

__all__ = ["NOT_WRITTEN", "WRITTEN", "Case"]

WRITTEN = "stateflow cassette"
"""Under this name reports tell of a cassette that was written, or was to be."""
NOT_WRITTEN = "not written: "
"""So begins what is told of one that was not."""


@dataclass(eq=False, slots=True)
class Case:
    """One test under way."""

    item: pytest.Item
    settings: Settings
    refused: BaseException | None = None
    """The first sentence that the test was to fail with; its own code may have kept it back."""
    recording: int = 0
    """Positive while models may be asked."""
    pending: dict[Path, tuple[Journal, dict[str, bytes], str]] = field(
        default_factory=dict[Path, "tuple[Journal, dict[str, bytes], str]"]
    )
    """What is written once the test has passed: a run, content of its files, and a word for it."""
    marked: Marked | None = None
    """The cassettes that its runs are answered from."""
    passed: bool = False

    @property
    def name(self) -> str:
        """The test as the command line takes it: xdist adds groups to its id."""
        whole, parent = self.item.nodeid, self.item.parent
        name = f"{parent.nodeid}::{self.item.name}" if parent is not None else whole
        return name if whole.startswith(name) else whole

    def gate(self, model: str) -> None:
        """Refuse to ask *model* in a test that is not meant to."""
        if self.recording or self.item.get_closest_marker("live_models") is not None:
            return
        what = f"test {self.name!r} would ask the model {model!r}"
        cure = 'give it @pytest.mark.cassette("NAME.yaml") and record it with '
        cure += "--stateflow-record=once"
        if self.marked is not None:
            what, cure = f"{what} beside the runs of its cassettes", "ask it in one of them"
        self.refuse(f"{what}: {cure}, or mark the test @pytest.mark.live_models")

    def refuse(self, sentence: str) -> NoReturn:
        """Fail the test with *sentence*, also where its code keeps that back.

        What pytest raises for it is no ``Exception``, so that no flow takes it for a fault.
        """
        failed = pytest.fail.Exception(sentence, pytrace=False)
        self.refused = self.refused or failed
        raise failed from None  # whatever its code was at does not explain it

    @contextmanager
    def live(self) -> Generator[None]:
        """Let models be asked."""
        self.recording += 1
        try:
            yield
        finally:
            self.recording -= 1

    def command(self, option: str) -> str:
        """Return the command that runs this test with *option*."""
        _, _, rest = self.name.partition("::")
        file = os.path.relpath(self.item.path, self.item.config.invocation_params.dir)
        name = f"{Path(file).as_posix()}::{rest}" if rest else Path(file).as_posix()
        return f"pytest {shlex.quote(name)} {option}"

    def cures(self) -> str:
        """Return what can be done about a run that is not as it was recorded."""
        return (
            f"\nto accept what it comes to now:  {self.command('--stateflow-update')}"
            f"\nto ask for what it lacks:        {self.command('--stateflow-record=new')}"
            f"\nto record it anew:               {self.command('--stateflow-record=all')}"
        )

    def place(self, name: object) -> Path:
        """Return where the cassette *name* is, or is to be; refuse what is no name of one."""
        if not isinstance(name, str) or not name.endswith(".yaml"):
            self.refuse(
                f"test {self.name!r}: {name!r} is no cassette; give a name such as 'x.yaml'"
            )
        found = find_cassette(name, self.item.path, self.settings.root)
        return found or new_place(name, self.item.path)

    def missing(self, name: str) -> NoReturn:
        """Fail for want of the cassette *name*."""
        place = self.settings.shown(new_place(name, self.item.path))
        self.refuse(
            f"there is no cassette {place!r}, nor one of that name beside the test or in the "
            f"'cassettes' folders above it; record it: {self.command('--stateflow-record=once')}"
        )

    def read(self, path: Path) -> Journal:
        """Return the run that the cassette at *path* holds, or is to hold after this test."""
        from stateflow.errors import StoreError
        from stateflow.testing.cassette.cassette import read_cassette

        if path in self.pending:
            return self.pending[path][0]
        try:
            return read_cassette(path)
        except StoreError as error:
            folder = path.parent
            self.refuse(str(error).replace(str(folder), self.settings.shown(folder)))

    def is_broken(self, path: Path) -> bool:
        """Tell whether the cassette at *path* cannot be read."""
        from stateflow.errors import StoreError
        from stateflow.testing.cassette.cassette import read_cassette

        try:
            read_cassette(path)
        except StoreError:
            return path not in self.pending
        return False

    def claim(self, path: Path) -> None:
        """Refuse to write a cassette that another test of this session writes."""
        first = self.settings.claim(path, self.name)
        if first != self.name:
            self.refuse(
                f"tests {first!r} and {self.name!r} both write cassette "
                f"{self.settings.shown(path)!r}; give each its own"
            )

    def begin(self, mark: pytest.Mark | None) -> None:
        """Answer the runs that the test starts from the cassettes of *mark*.

        Nothing is left of an attempt before, if the test is tried again.
        """
        self.refused, self.recording, self.passed = None, 0, False
        self.pending.clear()
        if mark is None:
            return
        from stateflow.engine.tape import PLAYERS
        from stateflow.testing.plugin.marked import Marked

        self.marked = Marked.of(self, mark)
        PLAYERS.append(self.marked)

    def take_out(self) -> None:
        """Let runs be."""
        if self.marked is not None:
            from stateflow.engine.tape import PLAYERS

            PLAYERS.remove(self.marked)
            self.marked = None

    def hold(self) -> None:
        """Refuse what was recorded and not used, once the test's own code has passed."""
        if self.marked is not None:
            self.marked.settle()

    def write(self) -> None:
        """Write what is to be written, if the test has passed; else say that it was not."""
        if not self.passed:
            for path in self.pending:
                told = f"{NOT_WRITTEN}{self.settings.shown(path)}: its test failed"
                self.item.user_properties.append((WRITTEN, told))
            return
        from stateflow.errors import StoreError
        from stateflow.testing.cassette.cassette import write_cassette

        for path, (journal, files, word) in self.pending.items():
            try:
                write_cassette(journal, path, files)
            except (OSError, StoreError) as error:
                self.refuse(f"cassette {self.settings.shown(path)!r} was not written: {error}")
            self.item.user_properties.append((WRITTEN, f"{word} {self.settings.shown(path)}"))
        self.pending.clear()
