"""Flows as they are in another revision of a git repository.

The whole tree of the revision is written to a folder of its own, because a flow imports what lies
beside it; neither the working tree nor its index is touched, and no hook runs.
"""

from __future__ import annotations

import difflib
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from stateflow.cli.trouble import BadInput

__all__ = ["AtRevision", "Tree", "at_revision", "tree_of"]

_REFERENCE: Final = re.compile(r"([^:]+):([^:]+\.(?:py|json))((?::\w+)?)")
_QUIET: Final = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false")


@dataclass(frozen=True, slots=True)
class AtRevision:
    """A flow of a file, as it is in a revision."""

    revision: str
    path: str
    attr: str
    """``:attr``, or nothing."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A copy of all files of a revision."""

    root: Path
    top: Path
    """Folder of the repository."""
    folder: Path
    """The present folder, in the copy."""


def at_revision(reference: str) -> AtRevision | None:
    """Return what ``REV:path.py[:attr]`` means; ``None``: *reference* is something else.

    Example:
        >>> at_revision("main:flows/x.py:flow")
        AtRevision(revision='main', path='flows/x.py', attr=':flow')
        >>> at_revision("flows/x.py:flow") is None
        True
    """
    parts = _REFERENCE.fullmatch(reference)
    if parts is None or Path(reference).exists():
        return None
    return AtRevision(parts[1], parts[2], parts[3])


def tree_of(wanted: AtRevision, at: Path) -> tuple[Tree, Path]:
    """Write the tree that *wanted* stands in to the folder *at*; return it, and the file there.

    Raises:
        BadInput: there is no git, no repository, no such revision, or no such file in it.
    """
    top = Path(_git(wanted, "rev-parse", "--show-toplevel").strip()).resolve()
    _verify(wanted)
    root, index = at / "tree", at / "index"
    root.mkdir()
    env = {"GIT_INDEX_FILE": str(index)}
    _git(wanted, "read-tree", "--end-of-options", f"{wanted.revision}^{{tree}}", env=env)
    _git(wanted, "checkout-index", "--all", "--quiet", f"--prefix={root}/", env=env, cwd=top)
    here = Path.cwd().resolve()
    tree = Tree(root, top, root / here.relative_to(top) if here.is_relative_to(top) else root)
    return tree, _file_in(tree, wanted)


def _file_in(tree: Tree, wanted: AtRevision) -> Path:
    """Return the file that *wanted* means: seen from here, else from the top."""
    given = Path(wanted.path)
    if given.is_absolute():
        there = given.resolve()
        places = [tree.root / there.relative_to(tree.top)] if there.is_relative_to(tree.top) else []
    else:
        places = [tree.folder / given, tree.root / given]
    inside = (place for place in places if place.resolve().is_relative_to(tree.root.resolve()))
    found = next((place for place in inside if place.is_file()), None)
    if found is not None:
        return found
    names = [
        str(PurePosixPath(file.relative_to(tree.root)))
        for file in sorted(tree.root.rglob(f"*{given.suffix}"))
    ]
    raise BadInput(
        f"there is no file {wanted.path!r} at revision {wanted.revision!r}"
        f"{_nearest(wanted.path, names)}"
    )


def _verify(wanted: AtRevision) -> None:
    """Refuse a revision that is none, and name the nearest branch or tag."""
    commit = f"{wanted.revision}^{{commit}}"
    if _run(["rev-parse", "--verify", "--quiet", "--end-of-options", commit]).returncode == 0:
        return
    names = _git(wanted, "for-each-ref", "--format=%(refname:short)").split()
    raise BadInput(
        f"{wanted.revision!r} is no revision of this repository{_nearest(wanted.revision, names)}"
    )


def _nearest(given: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(given, names, n=1, cutoff=0.4)
    return f"; did you mean {near[0]!r}?" if near else "; `git log --oneline` lists revisions"


def _git(
    wanted: AtRevision, *words: str, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> str:
    done = _run(words, env, cwd)
    if done.returncode == 0:
        return done.stdout
    said = (done.stderr.strip().splitlines() or ["it does not say why"])[-1]
    if "not a git repository" in done.stderr:
        raise BadInput(
            f"{wanted.revision}:{wanted.path} asks for a git revision, and {str(Path.cwd())!r} is "
            "in no git repository; run it in one"
        )
    raise BadInput(f"git cannot read revision {wanted.revision!r}: {said}")


def _run(
    words: Sequence[str], env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    git = shutil.which("git")
    if git is None:
        raise BadInput("git is not installed; a flow at a revision (REV:path.py) needs it")
    return subprocess.run(  # noqa: S603 - fixed words; names of revisions stand behind --end-of-options
        [git, *_QUIET, *words],
        env={**os.environ, **(env or {}), "LC_ALL": "C"},
        cwd=cwd,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
