"""Keeping a run as a test: where cassette and test are written, and what is said of them."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

from cyclopts import Parameter

from stateflow.cli.console import console, say
from stateflow.cli.trouble import BadInput, Misused
from stateflow.engine.finding import is_path, parted, relative
from stateflow.errors import StateflowError
from stateflow.journal.event import Journal
from stateflow.journal.fold import fold as fold_of
from stateflow.journal.stop import Stop
from stateflow.stores.whole import write_whole

__all__ = ["Kept", "Named", "Place", "check_source", "keep", "placed"]

SUFFIX: Final = ".yaml"
_LONGEST: Final = 200
"""Longest name of a cassette; beside it, other names are made of it [bytes]."""
_ODD: Final = frozenset('<>:"/\\|?*')
"""What no name on Windows has."""
_RESERVED: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)\..*", re.IGNORECASE)
_FOLDER: Final = "cassettes"
"""Beside the tests, as the fixture looks for it."""


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Named:
    """Where the test is written, and its name."""

    test: Annotated[
        Path | None,
        Parameter(
            help="File that the test is added to; else test_NAME.py beside the folder cassettes."
        ),
    ] = None
    name: Annotated[str | None, Parameter(help="Name of the test; else that of the cassette.")] = (
        None
    )


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run is to be kept, once it is known that nothing is wrong with that."""

    cassette: Path
    test: Path
    name: str
    """What the test is called, unless the file has one of that name."""

    @property
    def told(self) -> str:
        """The cassette, as the test names it."""
        from stateflow.testing.record import cassette_name

        return cassette_name(self.cassette.resolve(), self.test.resolve(), Path.cwd().resolve())


@dataclass(frozen=True, slots=True)
class Kept:
    """A run that is a test now."""

    place: Place
    name: str
    """What the test is called; ``""``: the file had one of this cassette already."""
    stop: Stop
    trouble: str = ""
    """Why the test is red from the start."""

    def tell(self, stream: Literal["stdout", "stderr"]) -> None:
        """Say what was written, and how to run it."""
        out = console(stream)
        test = self.place.test
        say(out, f"cassette {self.place.cassette}")
        if self.name:
            say(out, f"test     {test}::{self.name}")
        else:
            say(out, f"test     {test} replays this cassette already, and is left as it was")
        if (note := _note(self.stop)) is not None:
            say(out, f"note     {note}")
        say(out, f"next     pytest {shlex.quote(str(test))}")
        if self.trouble:
            say(console("stderr"), f"the run does not replay, so the test fails: {self.trouble}")


def _note(stop: Stop) -> str | None:
    if stop.kind == "waiting":
        return (
            "the run waits for an answer, and the test ends there; answer it with `stateflow "
            "resume`, and `stateflow export RUN --to test` makes a test of the whole"
        )
    return None if stop.ok else f"this run did not succeed, and the test expects just that: {stop}"


def placed(to: Path, named: Named, *, force: bool) -> Place:
    """Return where a run is to be kept.

    Args:
        to: the cassette.
        named: the test, as far as it is told.
        force: whether a cassette that is there may be written over.

    Raises:
        Misused: a name makes no sense.
        BadInput: something is in the way.
    """
    if to.suffix != SUFFIX:
        raise Misused(f"{str(to)!r} is no name for a cassette; end it in {SUFFIX}")
    _check_name(to.name)
    if to.is_dir():
        raise BadInput(f"{str(to)!r} is a folder; name the cassette in it: {to / 'run.yaml'}")
    if to.exists() and not force:
        raise BadInput(
            f"cassette {str(to)!r} is there already; add --force to record it anew, or choose "
            "another name"
        )
    folder = to.parent.parent if to.parent.name == _FOLDER else to.parent
    name = named.name if named.name is not None else to.stem
    if named.name is not None and not name.isidentifier():
        raise Misused(f"--name {name!r} is no name of a Python function; write it as test_refund")
    file = "_".join(part for part in _letters(to.stem).split("_") if part) or "recorded"
    test = named.test if named.test is not None else folder / f"test_{file}.py"
    if test.suffix != ".py":
        raise Misused(f"--test {str(test)!r} is no Python file; end it in .py")
    _check_writable(to)
    _check_writable(test)
    _text_of(test)
    return Place(to, test, name)


def _check_name(name: str) -> None:
    """Refuse a name with which others could not check the cassette out.

    Raises:
        Misused: no file can be called so, or not everywhere.
    """
    odd = sorted({one for one in name if one in _ODD or not one.isprintable()})
    cure = "choose another, of letters, digits, - and _"
    if odd:
        raise Misused(f"{name!r} is no name for a cassette: {odd[0]!r} stands in it; {cure}")
    if _RESERVED.fullmatch(name):
        raise Misused(f"{name!r} is no name for a cassette: Windows keeps it for itself; {cure}")
    if len(name.encode("utf-8", "replace")) > _LONGEST:
        raise Misused(f"{name[:30]!r}… is too long a name; take at most {_LONGEST} bytes")


def _letters(stem: str) -> str:
    return "".join(one if one.isalnum() else "_" for one in stem)


def _check_writable(path: Path) -> None:
    """Refuse *path* if it could not be written after a run that may have cost money."""
    if path.is_dir():
        raise BadInput(f"{str(path)!r} is a folder, and no file can be written in its place")
    there = next(one for one in (path, *path.absolute().parents) if one.exists())
    if there != path and not there.is_dir():
        raise BadInput(f"{str(path)!r} cannot be written: {str(there)!r} is no folder")
    if not os.access(there, os.W_OK):
        raise BadInput(f"{str(path)!r} cannot be written: {str(there)!r} allows it to nobody here")


def _text_of(test: Path) -> str:
    """Return what the test file holds by now.

    Raises:
        BadInput: nothing can be added to it.
    """
    import ast

    if not test.exists():
        return ""
    try:
        with test.open(encoding="utf-8", newline="") as file:
            text = file.read()
        ast.parse(text)
    except OSError as error:
        raise BadInput(f"{str(test)!r} cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{str(test)!r} is not UTF-8; no test can be added to it") from error
    except (SyntaxError, ValueError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise BadInput(
            f"{str(test)!r}{line} is no Python ({error.args[0]}), so no test can be added to it; "
            "mend it, or choose another file with --test"
        ) from error
    return text


def check_source(flow: str) -> None:
    """Refuse a flow that a test could not find again.

    Raises:
        BadInput: it lies outside of the present folder, or is no Python.
    """
    place, _ = parted(flow)
    if not is_path(place) or not Path(place).is_file():  # finding it tells what is wrong
        return
    if Path(place).suffix == ".json":
        raise BadInput(
            f"{place!r} is no Python, and a test imports its flow; write it as that first: "
            f"stateflow export {shlex.quote(place)} --out {shlex.quote(Path(place).stem)}.py"
        )
    if Path(relative(Path(place))).is_absolute():
        raise BadInput(
            f"flow {place!r} lies outside of the present folder, so a test would not find it "
            "elsewhere; go to the folder that holds both the flow and its tests"
        )


async def keep(
    journal: Journal, files: Mapping[str, bytes], place: Place, command: str = ""
) -> Kept:
    """Write *journal* as a cassette, and the test that replays it.

    Args:
        journal: of a run that stopped.
        files: content of the files in it, by hash.
        place: where to.
        command: what makes the cassette, for the test's docstring.

    Raises:
        StoreError: the cassette cannot be written.
        BadInput: the test cannot be.
    """
    from stateflow.testing.cassette.cassette import read_cassette, write_cassette
    from stateflow.testing.record import file_with, function_name, function_text

    folded = fold_of(journal.events)
    if folded.stop is None:
        raise BadInput(f"run {journal.run!r} has not stopped, and makes no test before it has")
    text = _text_without_old(place, folded.path, folded.stop)
    write_cassette(journal, place.cassette, files)
    name = ""
    if f'replay("{place.told}"' not in text:
        name = function_name(place.name, text)
        function = function_text(name, place.told, folded.path, folded.stop, command)
        _write(place.test, file_with(text, function))
    trouble = await _trouble(read_cassette(place.cassette))
    return Kept(place, name, folded.stop, trouble)


def _text_without_old(place: Place, path: Sequence[str], stop: Stop) -> str:
    """Return what the test file holds, without the test of what the cassette held before.

    It stays where it fits the new run, too, or where somebody has changed it since.
    """
    from stateflow.testing.cassette.cassette import CassetteError, read_cassette
    from stateflow.testing.record import file_without, function_text

    text = _text_of(place.test)
    if not (text and place.cassette.is_file()):
        return text
    try:
        old = fold_of(read_cassette(place.cassette).events)
    except CassetteError:  # nobody can tell what its test was
        return text
    if old.stop is None:
        return text
    before = function_text("recorded", place.told, old.path, old.stop)
    fits = before == function_text("recorded", place.told, path, stop)
    return text if fits else file_without(text, before)


async def _trouble(journal: Journal) -> str:
    """Return why a run that was only just recorded does not replay; ``""``: it does."""
    from stateflow.engine.finding import find_flow
    from stateflow.engine.replaying import replay_journal

    source = journal.started.source
    if source is None:
        return "the cassette does not say where its flow is"
    try:
        await replay_journal(find_flow(source).flow, journal)
    except StateflowError as error:
        return str(error)
    return ""


def _write(path: Path, text: str) -> None:
    """Write *text* whole or not at all.

    Raises:
        BadInput: it cannot be written.
    """
    try:
        write_whole(path, text.encode("utf-8"), mode=0o644)
    except OSError as error:
        raise BadInput(f"{str(path)!r} cannot be written ({error.strerror})") from error
