"""Images for tests, packed from files of this machine: no registry is asked.

All have busybox; ``python_image`` has the machine's own ``/usr/bin/python3`` too, ``node_image``
its Node.js.  And each has a way to become root, which must not be open to code in a sandbox:
``rootcat``, a ``cat`` that runs as root, and ``/secret``, which only root may read.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["BUSYBOX", "PYTHON", "node", "node_image", "python_image", "shell_image"]

BUSYBOX = Path("/bin/busybox")
PYTHON = Path("/usr/bin/python3")
SECRET = "only root may read this"
_LEFT_OUT = re.compile(
    r"(config-.*|test|tests|idlelib|tkinter|turtledemo|lib2to3|ensurepip|pydoc_data|distutils"
    r"|dist-packages|site-packages|_tkinter.*|_test.*|_ctypes_test.*|.*\.opt-\d\.pyc)$"
)
"""Parts of the standard library that no test wants."""
_PASSWD = "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n"


@dataclass
class _Layer:
    """A root file system, as a tar archive that comes out the same every time."""

    seen: set[str] = field(default_factory=set[str])
    made: io.BytesIO = field(default_factory=io.BytesIO)

    def __post_init__(self) -> None:
        self.tar = tarfile.TarFile(fileobj=self.made, mode="w")

    def add(self, name: str, content: bytes = b"", mode: int = 0o644, **more: object) -> None:
        """Add one entry, a regular file unless *more* says otherwise, and the folders above."""
        if name in self.seen:
            return
        self.seen.add(name)
        if "/" in name:
            self.folder(name.rpartition("/")[0])
        info = tarfile.TarInfo(name)
        info.mode, info.size = mode, len(content)
        for key, value in more.items():
            setattr(info, key, value)
        self.tar.addfile(info, io.BytesIO(content))

    def folder(self, name: str, mode: int = 0o755) -> None:
        self.add(name, mode=mode, type=tarfile.DIRTYPE)

    def link(self, name: str, to: str) -> None:
        self.add(name, mode=0o777, type=tarfile.SYMTYPE, linkname=to)

    def copy(self, path: Path, name: str = "", *, mode: int = 0) -> None:
        """Add the file at *path*; its time stays, as compiled modules name it."""
        status = path.stat()
        mode = mode or status.st_mode & 0o777
        self.add(name or str(path)[1:], path.read_bytes(), mode, mtime=int(status.st_mtime))

    def programs(self, *paths: Path) -> None:
        """Add programs that were found on this machine, or parts of them, and their libraries."""
        for library in _libraries(paths):
            self.copy(library)

    def image(self, tag: str) -> bytes:
        """Return an archive, as ``docker save`` makes it, of an image *tag* with this layer."""
        self.tar.close()
        layer = self.made.getvalue()
        digest = hashlib.sha256(layer).hexdigest()
        settings = json.dumps(
            {
                "architecture": "amd64" if os.uname().machine == "x86_64" else "arm64",
                "os": "linux",
                "config": {
                    "Env": ["PATH=/usr/bin:/bin"],
                    "Cmd": ["sh"],
                    "Volumes": {"/data": {}},
                },
                "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
            }
        ).encode()
        name = f"{hashlib.sha256(settings).hexdigest()}.json"
        inside = f"{digest}/layer.tar"
        outer = _Layer()
        manifest = [{"Config": name, "RepoTags": [tag], "Layers": [inside]}]
        outer.add("manifest.json", json.dumps(manifest).encode())
        outer.add(name, settings)
        outer.add(inside, layer)
        outer.tar.close()
        return outer.made.getvalue()


def _libraries(paths: Iterable[Path]) -> list[Path]:
    told = subprocess.run(
        ["/usr/bin/ldd", *paths], capture_output=True, text=True, check=False, env={}
    )
    return sorted(
        {Path(one) for one in re.findall(r"^\s.*?(/\S+) \(0x", told.stdout, re.MULTILINE)}
    )


def _base() -> _Layer:
    layer = _Layer()
    for name in ("proc", "sys", "dev", "root", "usr/bin"):
        layer.folder(name)
    layer.folder("tmp", 0o1777)
    layer.add("etc/passwd", _PASSWD.encode())
    layer.add("etc/group", b"root:x:0:\nnogroup:x:65534:\n")
    layer.copy(BUSYBOX, "bin/busybox")
    for applet in subprocess.check_output([BUSYBOX, "--list"], text=True, env={}).split():
        layer.link(f"bin/{applet}", "busybox")
    cat = Path("/usr/bin/cat")
    layer.copy(cat, "bin/rootcat", mode=0o4755)
    layer.programs(cat)
    layer.add("secret", SECRET.encode(), 0o600)
    return layer


def shell_image(tag: str) -> bytes:
    """Return the archive of an image with a shell alone: the smallest, soon loaded."""
    return _base().image(tag)


def python_image(tag: str) -> bytes:
    """Return the archive of an image with a shell and Python."""
    asked = [str(PYTHON), "-I", "-c", "import sysconfig as s; print(s.get_path('stdlib'))"]
    library = Path(subprocess.check_output(asked, text=True, env={}).strip())
    layer = _base()
    layer.copy(PYTHON.resolve())
    layer.link("usr/bin/python3", str(PYTHON.resolve()))
    layer.programs(PYTHON.resolve())
    for folder, folders, names in os.walk(library):
        folders[:] = sorted(one for one in folders if not _LEFT_OUT.match(one))
        wanted = [Path(folder, one) for one in sorted(names) if not _LEFT_OUT.match(one)]
        for path in (one for one in wanted if one.exists()):
            layer.copy(path)
        if compiled := [one for one in wanted if one.suffix == ".so"]:
            layer.programs(*compiled)
    return layer.image(tag)


def node() -> Path | None:
    """Return where this machine's own Node.js lies, if it has one that can be packed."""
    found = shutil.which("node", path="/usr/local/bin:/usr/bin:/bin")
    path = Path(found).resolve() if found else None
    return path if path and path.read_bytes()[:4] == b"\x7fELF" else None


def node_image(tag: str) -> bytes:
    """Return the archive of an image with a shell and Node.js."""
    layer = _base()
    path = node()
    assert path
    layer.copy(path, "usr/bin/node")
    layer.programs(path)
    return layer.image(tag)
