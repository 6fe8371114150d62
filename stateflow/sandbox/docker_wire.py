"""How a block is spoken to in its container: one shell script, its header, its last line.

A block costs one ``exec``, which takes the engine some 60 ms; archives in and out would cost as
much again.  So the script is started ahead of time and waits for its block on standard input, and
all that must be known afterwards comes behind the block's own on its standard error: the files, as
an archive, where there are others than before; and in the last line, how often the kernel has
killed for memory, and a print of the work folder.

Whatever runs as the same user could forge that.  It would only lie about itself: the exit code
comes from the engine, what is still running is looked up from outside, and no archive is believed.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from stateflow.sandbox.docker_archive import Archive
from stateflow.sandbox.output import Output

__all__ = ["EMPTY", "KNOWN", "RUNS", "SCRIPT", "UNPACK", "Frames", "Last", "Stderr", "header"]

SCRIPT: Final = r"""
kill -9 -1 2>/dev/null
cd /workspace 2>/dev/null && [ -w . ] || chmod 700 /workspace 2>/dev/null
cd /workspace || exit 125
eval "$2"
IFS= read -r word && IFS= read -r size && IFS= read -r run && IFS= read -r name &&
  IFS= read -r old || exit 125
exec 3>&2 2>/dev/null
if [ "$run" = :unpack ]; then
  eval "for one in $name; do [ -d \"\$one\" ] || rm -f \"\$one\"; done"
  head -c "$size" 2>&3 | tar -xof - 2>&3
else
  case $name in */*) mkdir -p "${name%/*}" 2>&3 ;; esac
  if [ -L "$name" ] || ! [ -f "$name" ] || ! [ -w "$name" ]; then
    case $name in .block | .block.*) rm -rf "$name" ;; *) [ -d "$name" ] || rm -f "$name" ;; esac
  fi
  head -c "$size" 2>&3 >"$name" && (exec "$run" "$name" </dev/null 2>&3 3>&-)
fi
code=$?
kill -9 -1
killed=0
for counts in /sys/fs/cgroup/memory/memory.oom_control /sys/fs/cgroup/memory.events; do
  [ -r $counts ] && while read -r what count; do
    [ "$what" = oom_kill ] && killed=$count
  done <$counts
done
print=$word
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
elif [ "$1" ] && command -v find && command -v stat && command -v md5sum; then
  print=$(find . ! -name . ! -path ./.block ! -path './.block.[pjs][yhs]' \
    -exec stat -c '%i %s %z %n' {} + | md5sum)
  print=${print%% *}
fi >/dev/null
case $old in "$print" | -) ;; *)
  if [ "$1" ] && [ "$some" ]; then
    printf '\n%s: %s\n' "$word" $code >&3
    tar -cf - . >&3
  fi ;;
esac
printf '\n%s %s %s\n' "$word" "$killed" "$print" >&3
exit $code
"""
"""Arguments: whether the work folder is to be looked at, and commands to begin with.

It ends every other process of its user before and after the block.  ``kill -9 -1`` spares only
its caller and the first processes of the container, which are another user's.  A block may have
put anything in the place of the next one's file, and have locked the folder.
"""

UNPACK: Final = ":unpack"
"""Instead of a command: what comes is an archive, to be unpacked.

Its name is those of its folders, quoted for the shell; what stands in their place is removed.
"""
KNOWN: Final = "-"
"""Instead of a print: whatever is in the work folder, it is not to be sent."""
EMPTY: Final = "empty"
"""Print of a work folder in which there is nothing."""

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


def header(content: bytes, run: str, name: str, old: str = KNOWN) -> bytes:
    """Return what the script reads to write *content* to *name* and give it to *run*.

    Where the print of the work folder is another than *old* then, it sends what is there.
    """
    safe = f"./{name}" if name.startswith("-") else name
    return b"%d\n%s\n%s\n%s\n%s" % (
        len(content),
        run.encode(),
        safe.encode(),
        old.encode(),
        content,
    )


@dataclass(frozen=True, slots=True)
class Last:
    """What the last line of the script says."""

    killed: int
    """How many processes the kernel has ended for memory since the container began."""
    print: str
    """Of the work folder; equal prints: nothing was made or changed."""


class Stderr:
    r"""Standard error of the script: the block's own, then an archive if any, then the last line.

    Example:
        >>> stderr = Stderr("w0rd", Output(100), Archive(100))
        >>> stderr.write(b"oops\n\nw0rd 1 abc")
        >>> stderr.write(b"\n")
        >>> stderr.close(), stderr.output.text
        (Last(killed=1, print='abc'), 'oops\n')
    """

    def __init__(self, word: str, output: Output, archive: Archive) -> None:
        self.output = output
        self.archive = archive
        self.code: int | None = None
        """Exit code of the block, as it is told before the archive; ``None``: there is none."""
        self._sink: Output | Archive = output
        self._begin = re.compile(rf"\n{word}: (\d{{1,3}})\n".encode())
        self._mark = f"\n{word} ".encode()
        self._held = b""

    def write(self, data: bytes) -> None:
        """Take *data*; as much as could be the last line is held back."""
        held = self._held + data
        if self.code is None and (begin := self._begin.search(held)):
            self.output.write(held[: begin.start()])
            self.code, self._sink = int(begin[1]), self.archive
            held = held[begin.end() :]
        self._sink.write(held[:-_LAST])
        self._held = held[-_LAST:]

    def close(self) -> Last | None:
        """Return the last line; ``None``: the script was killed before it wrote one."""
        before, mark, line = self._held.rpartition(self._mark)
        self._held = b""
        words = line.split()
        if not mark or len(words) != 2 or not words[0].isdigit():  # noqa: PLR2004 - it has two
            self._sink.write(before + mark + line)
            return None
        self._sink.write(before)
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
