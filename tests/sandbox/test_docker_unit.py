"""What can be known of the Docker sandbox without an engine."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import Event
from typing import Any, cast

import docker.errors  # type: ignore[import-untyped]  # it ships no types
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stateflow.conversation.file import File
from stateflow.errors import DefinitionError, SandboxUnavailable
from stateflow.sandbox import docker_engine
from stateflow.sandbox.docker import DockerSandbox
from stateflow.sandbox.docker_archive import Archive, pack
from stateflow.sandbox.docker_container import config_of
from stateflow.sandbox.docker_engine import Engine
from stateflow.sandbox.docker_image import Image, check_packages, derived_tag, dockerfile, ensure
from stateflow.sandbox.docker_owner import is_left, labels_of
from stateflow.sandbox.docker_wire import Frames, Last, Stderr, header
from stateflow.sandbox.docker_work import HostFolder
from stateflow.sandbox.output import Output

IMAGE = "python:3.12-slim"
SPACE = labels_of()["stateflow.started"].rpartition("-")[0]


def test_what_makes_no_difference_is_no_setting() -> None:
    assert DockerSandbox(IMAGE, packages=["numpy"]) == DockerSandbox(IMAGE, packages=("numpy",))
    assert hash(DockerSandbox(IMAGE)) == hash(DockerSandbox(IMAGE, memory_mb=512))


def test_it_is_named_by_its_image_and_a_risk_to_nobody() -> None:
    sandbox = DockerSandbox(IMAGE, keep=False)

    assert (sandbox.name, sandbox.keeps, sandbox.risk) == (f"docker:{IMAGE}", False, "")


def test_its_form_holds_what_is_unusual_and_no_path_of_this_machine(tmp_path: Path) -> None:
    sandbox = DockerSandbox(IMAGE, cpus=0.5, packages=["numpy"], folder=tmp_path, start_limit_s=1)

    assert sandbox.form == {"docker": IMAGE, "cpus": 0.5, "packages": ["numpy"], "folder": True}
    assert json.loads(json.dumps(DockerSandbox(IMAGE).form)) == {"docker": IMAGE}


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        pytest.param({"image": ""}, "'' names no image", id="no image"),
        pytest.param({"image": "--privileged"}, "names no image", id="an option"),
        pytest.param({"image": "a b"}, "names no image", id="two words"),
        pytest.param({"image": 3}, "3 names no image", id="a number"),
        pytest.param({"time_limit_s": 0}, "time_limit_s=0", id="no time"),
        pytest.param({"memory_mb": 8}, "memory_mb=8 is too little", id="too little memory"),
        pytest.param({"memory_mb": "512"}, "memory_mb='512'", id="a text"),
        pytest.param({"pids_limit": 2}, "pids_limit=2 is too little", id="too few processes"),
        pytest.param({"cpus": float("inf")}, "cpus=inf", id="no end"),
        pytest.param({"files_limit": 1.5}, "files_limit=1.5", id="half a file"),
        pytest.param({"network": "host"}, "network='host'", id="the host's network"),
        pytest.param({"network": True}, "network=True", id="a switch"),
        pytest.param({"user": "0:0"}, "never root", id="root"),
        pytest.param({"user": "root"}, "never root", id="root by name"),
        pytest.param({"user": "1000:0 --cap-add"}, "write numbers", id="an option behind"),
        pytest.param({"languages": "python"}, "is one text", id="languages as text"),
        pytest.param({"languages": ["rust"]}, "choose from python, sh", id="unknown language"),
        pytest.param({"languages": []}, "choose from python, sh", id="no language"),
        pytest.param({"packages": "numpy"}, "is one text", id="packages as text"),
        pytest.param({"folder": "work"}, "write its whole path", id="relative folder"),
        pytest.param({"folder": "/no/such/folder"}, "no folder of this machine", id="no folder"),
        pytest.param({"folder": "/"}, "would hand this machine", id="the whole machine"),
        pytest.param({"folder": "/etc"}, "would hand this machine", id="its settings"),
    ],
)
def test_what_makes_no_sense_is_refused_when_it_is_made(
    settings: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(DefinitionError) as caught:
        DockerSandbox(settings.pop("image", IMAGE), **settings)

    assert sentence in str(caught.value)


def test_a_link_to_the_whole_machine_is_no_way_around(tmp_path: Path) -> None:
    (tmp_path / "work").symlink_to("/")

    with pytest.raises(DefinitionError, match="would hand this machine"):
        DockerSandbox(IMAGE, folder=tmp_path / "work")


@pytest.mark.parametrize(
    "package",
    [
        "--index-url=http://evil",
        "-r/etc/passwd",
        "numpy --pre",
        "numpy\nRUN rm -rf /",
        "git+https://evil/x",
        "./here",
        "numpy @ http://evil/x.whl",
        "numpy;os_name=='nt'",
        "numpy==",
        "nümpy",
        "$(id)",
        "a" * 201,
        "",
    ],
)
def test_what_is_no_plain_requirement_is_not_installed(package: str) -> None:
    with pytest.raises(DefinitionError, match="plain requirement"):
        DockerSandbox(IMAGE, packages=[package])


def test_packages_are_installed_by_no_shell() -> None:
    packages = check_packages(["numpy==2.1.*", "a[b,c]>=1,<2"])

    first, user, run = dockerfile("sha256:abc", packages).decode().splitlines()

    assert (first, user) == ("FROM sha256:abc", "USER 0:0")
    command = json.loads(run.removeprefix("RUN "))
    assert command[:3] == ["python3", "-m", "pip"]
    assert command[-3:] == ["--", "numpy==2.1.*", "a[b,c]>=1,<2"]


def test_a_derived_image_is_known_by_what_is_in_it() -> None:
    tag = derived_tag("sha256:a", ["x", "y"])

    assert tag == derived_tag("sha256:a", ["y", "x"])
    assert tag not in {derived_tag("sha256:b", ["x", "y"]), derived_tag("sha256:a", ["x"])}


@pytest.mark.parametrize(
    ("settings", "path", "expected"),
    [
        pytest.param({}, "HostConfig.NetworkMode", "none", id="no network"),
        pytest.param({}, "NetworkDisabled", True, id="no network at all"),
        pytest.param({}, "HostConfig.CapDrop", ["ALL"], id="no capabilities"),
        pytest.param({}, "HostConfig.SecurityOpt", ["no-new-privileges"], id="seccomp stays"),
        pytest.param({}, "HostConfig.ReadonlyRootfs", True, id="read-only"),
        pytest.param({}, "HostConfig.Privileged", False, id="not privileged"),
        pytest.param({}, "HostConfig.Memory", 512 << 20, id="memory"),
        pytest.param({}, "HostConfig.MemorySwap", 512 << 20, id="no swap"),
        pytest.param({"cpus": 0.5}, "HostConfig.NanoCpus", 500_000_000, id="processors"),
        pytest.param({"pids_limit": 9}, "HostConfig.PidsLimit", 9, id="processes"),
        pytest.param({}, "HostConfig.LogConfig", {"Type": "none"}, id="no log"),
        pytest.param({}, "HostConfig.RestartPolicy", {"Name": "no"}, id="no restart"),
        pytest.param({}, "HostConfig.IpcMode", "private", id="no shared memory"),
        pytest.param({}, "HostConfig.Binds", None, id="no folder of the host"),
        pytest.param({}, "User", "65533:65533", id="another user keeps it"),
        pytest.param({"user": "65533"}, "User", "65532:65532", id="still another user keeps it"),
        pytest.param({}, "Hostname", "sandbox", id="no name of the host"),
        pytest.param({"network": "internal"}, "HostConfig.NetworkMode", "stateflow-internal",
                     id="internal network"),
        pytest.param({"network": "open"}, "HostConfig.NetworkMode", "default", id="open network"),
    ],
)  # fmt: skip
def test_a_container_may_do_nothing_that_was_not_named(
    settings: dict[str, Any], path: str, expected: object
) -> None:
    config: Any = config_of(DockerSandbox(IMAGE, **settings), "sha256:abc", {})

    for part in path.split("."):
        config = config.get(part)

    assert config == expected


def test_nothing_of_this_environment_gets_into_a_container(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SECRET", "s3cret")

    config = config_of(DockerSandbox(IMAGE), "sha256:abc", {})

    assert "s3cret" not in json.dumps(config)
    assert [one.partition("=")[0] for one in config["Env"]] == [
        "HOME",
        "LANG",
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONUNBUFFERED",
    ]


def test_the_work_folder_lies_in_memory_and_takes_half_of_it_at_most() -> None:
    config = config_of(DockerSandbox(IMAGE, memory_mb=64), "sha256:abc", {})

    disks = config["HostConfig"]["Tmpfs"]
    assert set(disks) == {"/tmp", "/dev/shm", "/workspace"}  # noqa: S108 - inside
    assert "size=32m,nr_inodes=8192,mode=0700,uid=65534,gid=65534" in disks["/workspace"]
    assert all("size=8m" in disks[disk] for disk in ("/tmp", "/dev/shm"))  # noqa: S108 - inside
    assert config["HostConfig"]["Mounts"] == []


def test_podman_is_asked_for_nothing_that_it_does_not_know() -> None:
    config = config_of(DockerSandbox(IMAGE, memory_mb=64), "sha256:abc", {}, podman=True)

    disks = config["HostConfig"]["Tmpfs"]
    assert disks["/workspace"] == "rw,exec,nosuid,nodev,size=32m,mode=1777"
    assert {disks[disk] for disk in ("/tmp", "/dev/shm", "/run", "/var/tmp")} == {  # noqa: S108 - inside
        "rw,noexec,nosuid,nodev,mode=1777,size=8m"
    }
    assert config["Healthcheck"] is None


def test_what_a_living_process_made_is_not_left_over() -> None:
    assert not is_left(labels_of())


@pytest.mark.parametrize(
    ("label", "value", "left"),
    [
        pytest.param("stateflow.started", "another-boot-1", True, id="before this machine began"),
        pytest.param("stateflow.started", f"{SPACE}-1", True, id="its number was used again"),
        pytest.param("stateflow.started", f"{SPACE[:8]}-1-1", False, id="of another namespace"),
        pytest.param("stateflow.host", "elsewhere", False, id="of another machine"),
        pytest.param("stateflow.pid", "x", False, id="of nobody we could ask for"),
        pytest.param("stateflow.pid", "9" * 30, True, id="of a number that none can have"),
    ],
)
def test_leftovers_are_known_by_their_process(label: str, value: str, left: bool) -> None:
    labels = {**labels_of(), label: value}

    assert is_left(labels) is left


def test_what_a_process_made_that_is_gone_is_left_over() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    labels = labels_of(process.pid)
    assert not is_left(labels)

    process.communicate()

    assert is_left(labels)


def test_a_name_never_looks_like_an_option() -> None:
    assert header(b"x\ny", "sh", "-rf", "abc") == b"3\nsh\n./-rf\nabc\nx\ny"


@given(st.binary(max_size=400), st.binary(max_size=400), st.lists(st.integers(1, 50), max_size=20))
def test_an_archive_comes_between_the_blocks_own_and_the_last_line(
    said: bytes, sent: bytes, cuts: list[int]
) -> None:
    stderr = Stderr("w0rd", Output(10_000), Archive(10_000))
    everything = said + b"\nw0rd: 7\n" + sent + b"\nw0rd 3 abc\n"

    for cut in cuts:
        stderr.write(everything[:cut])
        everything = everything[cut:]
    stderr.write(everything)

    assert (stderr.close(), stderr.code) == (Last(3, "abc"), 7)
    assert stderr.output.written == len(said)
    assert stderr.archive.size == len(sent)
    stderr.archive.close()


@given(st.binary(max_size=400), st.lists(st.integers(1, 50), max_size=20))
def test_the_last_line_is_taken_off_wherever_it_is_cut(said: bytes, cuts: list[int]) -> None:
    stderr = Stderr("w0rd", Output(10_000), Archive(10_000))
    everything = said + b"\nw0rd 3 abc\n"

    for cut in cuts:
        stderr.write(everything[:cut])
        everything = everything[cut:]
    stderr.write(everything)

    assert stderr.close() == Last(3, "abc")
    assert stderr.output.written == len(said)


@pytest.mark.parametrize(
    "line",
    [b"", b"\nother 0 abc\n", b"\nw0rd x abc\n", b"\nw0rd 0\n", b"\nw0rd 0 a b\n", b"w0rd 0 a\n"],
)
def test_what_is_no_last_line_is_the_blocks_own(line: bytes) -> None:
    stderr = Stderr("w0rd", Output(10_000), Archive(10_000))
    stderr.write(b"said" + line)

    assert stderr.close() is None
    assert stderr.output.written == len(b"said" + line)


@given(st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=40))), st.integers(1, 30))
def test_streams_are_told_apart_wherever_they_are_cut(
    frames: list[tuple[int, bytes]], size: int
) -> None:
    sent = b"".join(bytes([stream, 0, 0, 0, 0, 0, 0, len(said)]) + said for stream, said in frames)
    taken = Frames()

    heard = [
        piece for at in range(0, len(sent), size) for piece in taken.feed(sent[at : at + size])
    ]

    for stream in (1, 2):
        expected = b"".join(said for one, said in frames if one == stream)
        assert b"".join(said for one, said in heard if one == stream) == expected


FORMS = ["gnu", "pax", "ustar"]


def packed(*entries: tuple[str, bytes, bytes], form: int = tarfile.GNU_FORMAT) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=form) as tar:
        for name, kind, content in entries:
            entry = tarfile.TarInfo(name)
            entry.type, entry.size, entry.linkname = kind, len(content), "/etc/passwd"
            tar.addfile(entry, io.BytesIO(content))
    return file.getvalue()


@contextmanager
def sent(data: bytes, limit_bytes: int = 100_000) -> Generator[Archive]:
    archive = Archive(limit_bytes)
    for at in range(0, len(data), 512):
        archive.write(data[at : at + 512])
    with closing(archive):
        yield archive


def contents(archive: Archive) -> tuple[dict[str, bytes | None], str]:
    found, left_out = archive.found()
    return {one.name: one.read and one.read() for one in found}, left_out


ENTRIES = (
    ("./", tarfile.DIRTYPE, b""),
    ("./a.txt", tarfile.REGTYPE, b"hi"),
    ("./link", tarfile.SYMTYPE, b""),
    ("./hard", tarfile.LNKTYPE, b""),
    ("./pipe", tarfile.FIFOTYPE, b""),
    ("./device", tarfile.CHRTYPE, b""),
    ("./" + "long/" * 38 + "ü.txt", tarfile.REGTYPE, b"x" * 600),
    ("./last", tarfile.REGTYPE, b""),
)


@pytest.mark.parametrize(
    "form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT], ids=FORMS
)
def test_files_come_out_of_an_archive_and_nothing_else_does(form: int) -> None:
    with sent(packed(*ENTRIES, form=form)) as archive:
        got, left_out = contents(archive)

    assert got == {
        "a.txt": b"hi",
        **dict.fromkeys(("link", "hard", "pipe", "device")),
        "long/" * 38 + "ü.txt": b"x" * 600,
        "last": b"",
    }
    assert left_out == ""


@pytest.mark.skipif(shutil.which("tar") is None, reason="this machine has no tar")
def test_what_tar_packs_is_read_as_it_is(tmp_path: Path) -> None:
    names = ["a", "b c", "line\nend", "d" * 99, "e" * 100, "f" * 101, "sub/" * 30 + "deep"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    done = subprocess.run(["tar", "-cf", "-", "."], cwd=tmp_path, capture_output=True, check=True)

    with sent(done.stdout) as archive:
        got, left_out = contents(archive)

    assert (got, left_out) == ({name: name.encode() for name in names}, "")


def test_a_file_may_claim_any_size() -> None:
    entry = tarfile.TarInfo("./sparse")
    entry.size = 1 << 40

    with sent(entry.tobuf(tarfile.GNU_FORMAT) + bytes(2_000)) as archive:
        found, left_out = archive.found()

    assert [(one.name, one.size) for one in found] == [("sparse", 1 << 40)]
    assert "may be left out" in left_out


def test_what_goes_in_stays_in_the_folder() -> None:
    files = [File.from_bytes(b"hi", name=name) for name in ("a/b.txt", "../../evil", "/etc/evil")]

    data, packed = pack(files)

    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        entries = [(one.name, one.isdir()) for one in tar]
    assert packed == {"a/b.txt": b"hi"}
    assert entries == [("a", True), ("a/b.txt", False)]


def test_an_archive_without_end_is_cut_off() -> None:
    with sent(packed(ENTRIES[1])[:1024], 10_000) as archive:
        while not archive.full:
            archive.write(b"\1" * 1024)
        size = archive.size
        archive.write(b"\1" * 1024)
        names = [one.name for one in archive.found()[0]]

        assert archive.size == size < 12_000
    assert names == ["a.txt"]


@pytest.mark.parametrize(
    "data", [b"", b"no archive", packed(("./a", tarfile.REGTYPE, b"x" * 999))[:700]]
)
def test_a_broken_archive_holds_nothing_that_could_be_read(data: bytes) -> None:
    with sent(data) as archive:
        found, left_out = archive.found()
        for one in found:
            assert one.read is not None
            with pytest.raises(OSError, match="unexpected"):
                one.read()

    assert "may be left out" in left_out


@given(st.lists(st.tuples(st.integers(0, 4_000), st.binary(min_size=1, max_size=12)), max_size=9))
def test_no_forged_archive_hurts_who_reads_it(forgeries: list[tuple[int, bytes]]) -> None:
    data = bytearray(packed(*ENTRIES, form=tarfile.PAX_FORMAT))
    for at, forged in forgeries:
        data[at : at + len(forged)] = forged

    with sent(bytes(data)) as archive:
        for one in archive.found()[0]:
            assert one.size >= 0
            with suppress(OSError):
                assert one.read is None or len(one.read()) == one.size


def test_a_folder_of_this_machine_tells_what_changed(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("old")
    folder = HostFolder(str(tmp_path))
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "new").write_text("new")

    first = {one.name: one.read and one.read() for one in folder.found()}
    (tmp_path / "old").write_text("newer")
    second = [one.name for one in folder.found()]

    assert (first, second, folder.found()) == ({"sub/new": b"new"}, ["old"], [])


def test_no_link_in_a_folder_of_this_machine_is_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    work = tmp_path / "work"
    work.mkdir()
    folder = HostFolder(str(work))
    (work / "link").symlink_to(tmp_path / "secret")
    (work / "folder").symlink_to(tmp_path)
    os.mkfifo(work / "pipe")

    found = {one.name: one.read for one in folder.found()}

    assert found == {"link": None, "folder": None, "pipe": None}


def link(path: Path, to: Path) -> None:
    path.symlink_to(to)


def pipe(path: Path, to: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize("swap", [link, pipe])
def test_a_file_that_becomes_a_trap_is_not_read(
    tmp_path: Path, swap: Callable[[Path, Path], None]
) -> None:
    (tmp_path / "secret").write_text("secret")
    work = tmp_path / "work"
    work.mkdir()
    folder = HostFolder(str(work))
    (work / "file").write_text("harmless")
    (one,) = folder.found()
    (work / "file").unlink()
    swap(work / "file", tmp_path / "secret")

    assert one.read is not None
    with pytest.raises(OSError, match="file"):
        one.read()


class FakeEngine:
    """Knows some images, and what comes of pulling and building."""

    def __init__(self, *progress: Mapping[str, Any], known: tuple[str, ...] = ()) -> None:
        self.known = list(known)
        self.progress = progress
        self.asked: list[str] = []

    def image(self, name: str) -> Mapping[str, Any] | None:
        digests = ["other@sha256:0", f"{name.partition('@')[0].partition(':')[0]}@sha256:d1"]
        return {"Id": f"id of {name}", "RepoDigests": digests} if name in self.known else None

    def pull(self, name: str) -> Iterator[Mapping[str, Any]]:
        self.asked.append(f"pull {name}")
        self.known.append(name)
        yield from self.progress

    def build(
        self, dockerfile: io.BytesIO, tag: str, labels: Mapping[str, str]
    ) -> Iterator[Mapping[str, Any]]:
        self.asked.append(f"build from {dockerfile.read().splitlines()[0].decode()}")
        self.known.append(tag)
        yield from self.progress


def ensured(engine: FakeEngine, packages: tuple[str, ...] = ()) -> Image:
    return ensure(cast("Engine", engine), IMAGE, packages, 60.0, Event())


def test_an_image_that_is_here_is_not_fetched() -> None:
    engine = FakeEngine(known=(IMAGE,))

    image = ensured(engine)

    assert image.identity == {"image": IMAGE, "id": f"id of {IMAGE}", "digest": "sha256:d1"}
    assert engine.asked == []


def test_an_image_that_is_not_here_is_fetched() -> None:
    engine = FakeEngine({"status": "Pulling"})

    assert ensured(engine).id == f"id of {IMAGE}"
    assert engine.asked == [f"pull {IMAGE}"]


def test_packages_are_baked_in_once() -> None:
    engine = FakeEngine({"stream": "Step 1/3"}, known=(IMAGE,))

    first, second = (ensured(engine, packages=("numpy",)) for _ in range(2))

    assert first == second
    assert first.identity["packages"] == ["numpy"]
    assert engine.asked == [f"build from FROM id of {IMAGE}"]


@pytest.mark.parametrize(
    ("packages", "sentence"),
    [
        pytest.param((), f"the image {IMAGE!r} cannot be pulled: denied", id="pull"),
        pytest.param(("nope",), "nope cannot be installed into the image", id="build"),
    ],
)
def test_what_goes_wrong_with_an_image_is_told(packages: tuple[str, ...], sentence: str) -> None:
    lines = ({"stream": "\x1b[91mNo matching distribution\x1b[0m"}, {"error": "denied"})
    engine = FakeEngine(*lines, known=(IMAGE,) if packages else ())

    with pytest.raises(SandboxUnavailable) as caught:
        ensured(engine, packages=packages)

    assert sentence.rpartition(":")[0] in str(caught.value)
    assert "No matching distribution; denied" in str(caught.value)


def test_fetching_an_image_ends_when_its_time_is_up() -> None:
    engine: Any = FakeEngine({"status": "Pulling"}, {"status": "Pulling"})

    with pytest.raises(SandboxUnavailable, match="start_limit_s="):
        ensure(engine, IMAGE, (), 1e-9, Event())


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        pytest.param(PermissionError(13, "Permission denied"), "usermod -aG docker", id="refused"),
        pytest.param(FileNotFoundError(2, "No such file"), "systemctl start docker", id="missing"),
        pytest.param(TimeoutError("timed out"), "did not answer within 20 s", id="mute"),
    ],
)
def test_why_there_is_no_engine_is_told_with_the_cure(
    monkeypatch: pytest.MonkeyPatch, error: Exception, sentence: str
) -> None:
    def fail(answer_s: float) -> None:
        aborted = ConnectionError("('Connection aborted.', ...)")
        aborted.__cause__ = error
        raise docker.errors.DockerException("Error while fetching") from aborted

    monkeypatch.setenv("DOCKER_HOST", "unix:///run/some.sock")
    monkeypatch.setattr(docker_engine, "Client", fail)

    with pytest.raises(SandboxUnavailable) as caught:
        Engine()

    assert str(caught.value).count("unix:///run/some.sock") == 1
    assert sentence in str(caught.value)
    assert caught.value.__suppress_context__


async def test_a_missing_sdk_is_named_with_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("stateflow.sandbox.docker_")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "docker", None)

    with pytest.raises(SandboxUnavailable, match=r"pip install 'stateflow-agents\[docker\]'"):
        await DockerSandbox(IMAGE).open()


def test_a_sandbox_is_a_value_that_imports_no_sdk() -> None:
    code = (
        "import sys; from stateflow.sandbox.docker import DockerSandbox; DockerSandbox('x');"
        "print([name for name in ('docker', 'requests') if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
