"""How a block is spoken to in its container: one shell script, its header, its last line.

A block costs one ``exec``, which takes the engine some 60 ms; archives in and out would cost as
much again.  So the script is started ahead of time and waits for its block on standard input, and
what must be known afterwards comes in the last line of its standard error: how often the kernel
has killed for memory, and a print of the work folder, which tells whether it is worth fetching.

Whatever runs as the same user could forge that line.  It would only lie about itself: the exit
code comes from the engine, and what is still running is looked up from outside.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from stateflow.sandbox.output import Output

__all__ = ["RUNS", "SCRIPT", "Frames", "Last", "Stderr", "header"]

SCRIPT: Final = r"""
kill -9 -1 2>/dev/null
cd /workspace 2>/dev/null && [ -w . ] || chmod 700 /workspace 2>/dev/null
cd /workspace && IFS= read -r size && IFS= read -r run && IFS= read -r name || exit 125
exec 3>&2 2>/dev/null
case $name in */*) mkdir -p "${name%/*}" 2>&3 ;; esac
if [ -L "$name" ] || ! [ -f "$name" ] || ! [ -w "$name" ]; then
  case $name in .block | .block.*) rm -rf "$name" ;; *) [ -d "$name" ] || rm -f "$name" ;; esac
fi
head -c "$size" 2>&3 >"$name" && (exec "$run" "$name" </dev/null 2>&3 3>&-)
code=$?
kill -9 -1
killed=0
for counts in /sys/fs/cgroup/memory/memory.oom_control /sys/fs/cgroup/memory.events; do
  [ -r $counts ] && while read -r what count; do
    [ "$what" = oom_kill ] && killed=$count
  done <$counts
done
print=$1
some=
for one in ./* ./.[!.]* ./..?*; do
  case $one in ./.block | ./.block.py | ./.block.sh | ./.block.js) continue ;; esac
  if [ -e "$one" ] || [ -L "$one" ]; then
    some=1
    break
  fi
done
if ! [ "$some" ]; then
  print=empty
elif [ "$2" ] && command -v find && command -v stat && command -v md5sum; then
  print=$(find . ! -name . ! -path './.block.*' -exec stat -c '%i %s %z %n' {} + | md5sum)
fi >/dev/null
printf '\n%s %s %s\n' "$1" "$killed" "${print%% *}" >&3
exit $code
"""
"""Arguments: a word that no program knows, and whether the work folder is to be looked at.

It ends every other process of its user before and after the block.  ``kill -9 -1`` spares only
its caller and the first processes of the container, which are another user's.  A block may have
put anything in the place of the next one's file, and have locked the folder.
"""

RUNS: Final[Mapping[str, tuple[str, ...]]] = {
    "python": ("python3", "python"),
    "sh": ("sh",),
    "bash": ("bash",),
    "javascript": ("node",),
}
"""Languages, and the commands that may run them: the first that the image has."""

_LAST: Final = 160
"""More than the last line is long [bytes]."""
_HEAD: Final = struct.Struct(">BxxxL")


def header(content: bytes, run: str, name: str) -> bytes:
    """Return what the script reads to write *content* to *name* and give it to *run*."""
    safe = f"./{name}" if name.startswith("-") else name
    return b"%d\n%s\n%s\n%s" % (len(content), run.encode(), safe.encode(), content)


@dataclass(frozen=True, slots=True)
class Last:
    """What the last line of the script says."""

    killed: int
    """How many processes the kernel has ended for memory since the container began."""
    print: str
    """Of the work folder; equal prints: nothing was made or changed."""


class Stderr:
    r"""Standard error of the script: the block's own, then the last line.

    Example:
        >>> stderr = Stderr("w0rd", Output(100))
        >>> stderr.write(b"oops\n\nw0rd 1 abc")
        >>> stderr.write(b"\n")
        >>> stderr.close(), stderr.output.text
        (Last(killed=1, print='abc'), 'oops\n')
    """

    def __init__(self, word: str, output: Output) -> None:
        self.output = output
        self._mark = f"\n{word} ".encode()
        self._held = b""

    def write(self, data: bytes) -> None:
        """Take *data*; as much as could be the last line is held back."""
        held = self._held + data
        self.output.write(held[:-_LAST])
        self._held = held[-_LAST:]

    def close(self) -> Last | None:
        """Return the last line; ``None``: the script was killed before it wrote one."""
        before, mark, line = self._held.rpartition(self._mark)
        self._held = b""
        words = line.split()
        if not mark or len(words) != 2 or not words[0].isdigit():  # noqa: PLR2004 - it has two
            self.output.write(before + mark + line)
            return None
        self.output.write(before)
        return Last(int(words[0]), words[1].decode("ascii", "replace"))


class Frames:
    """Takes both streams of an ``exec`` apart, as the engine sends them through one.

    Example:
        >>> list(Frames().feed(bytes([1, 0, 0, 0, 0, 0, 0, 2]) + b"hi"))
        [(1, b'hi')]
    """

    def __init__(self) -> None:
        self._head = b""
        self._stream = 0
        self._left = 0

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield which stream each piece of *data* belongs to (1 is stdout), and the piece."""
        while data:
            if self._left:
                piece, data = data[: self._left], data[self._left :]
                self._left -= len(piece)
                yield self._stream, piece
                continue
            lacks = _HEAD.size - len(self._head)
            self._head, data = self._head + data[:lacks], data[lacks:]
            if len(self._head) == _HEAD.size:
                self._stream, self._left = _HEAD.unpack(self._head)
                self._head = b""
