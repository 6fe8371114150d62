"""Blocks of code, as models really write them."""

from __future__ import annotations

from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stateflow.sandbox.blocks import Block, blocks_of, language_of

X = "x = 1\n"


def _py(code: str = X, name: str = "") -> Block:
    return Block(code, "python", name)


REPLIES: dict[str, tuple[str, list[Block]]] = {
    "one fence": ("Sure!\n\n```python\nx = 1\n```\n\nDone.", [_py()]),
    "tildes": ("~~~python\nx = 1\n~~~", [_py()]),
    "tildes that hold backticks": ("~~~py\nx = '''\n```\n'''\n~~~", [_py("x = '''\n```\n'''\n")]),
    "several": (
        "```bash\npip list\n```\nthen\n```py\nx = 1\n```",
        [Block("pip list\n", "bash"), _py()],
    ),
    "Windows line ends": (
        "```python\r\nx = 1\r\nif x:\r\n\tpass\r\n```\r\n",
        [_py("x = 1\nif x:\n\tpass\n")],
    ),
    "spaces behind the fence": ("```python  \nx = 1\n```  \n", [_py()]),
    "a space before the language": ("``` python\nx = 1\n```", [_py()]),
    "a longer end": ("```python\nx = 1\n`````", [_py()]),
    "a longer fence around a fence": (
        "````python\ns = '''\n```sh\nls\n```\n'''\n````",
        [_py("s = '''\n```sh\nls\n```\n'''\n")],
    ),
    "a readme that holds code": (
        ("```md filename=README.md\n# Title\n```python\nx\n```\nmore\n```\nbye\n```py\nx = 1\n```"),
        [Block("# Title\n```python\nx\n```\nmore\n", "file", "README.md"), _py()],
    ),
    "markdown shown, and nothing to run": ("```markdown\n# T\n```python\nx\n```\nmore\n```\n", []),
    "a script that writes a readme": (
        "```bash\ncat > R.md <<'EOF'\n```sh\nnpm i\n```\nEOF\n```\nDone.",
        [Block("cat > R.md <<'EOF'\n```sh\nnpm i\n```\nEOF\n", "bash")],
    ),
    "an end that is missing between two": (
        "```python\nx = 1\n\n```python\ny = 2\n```\n",
        [_py("x = 1\n\n```python\ny = 2\n")],
    ),
    "backticks in an indented docstring": (
        'Here:\n```python\ndef f():\n    """\n    ```\n    f()\n    ```\n    """\n```\n',
        [_py('def f():\n    """\n    ```\n    f()\n    ```\n    """\n')],
    ),
    "in a list": (
        "1. First:\n\n   ```python\n   x = 1\n   if x:\n       pass\n   ```\n2. Then",
        [_py("x = 1\nif x:\n    pass\n")],
    ),
    "right behind the marker of a list": ("- ```py\n  x = 1\n  ```\n- more", [_py()]),
    "in a list, further in than its text": (
        "- First:\n\n      ```py\n      x = 1\n      ```",
        [_py()],
    ),
    "in a list of a list": ("- a\n  - b\n    ~~~py\n    x = 1\n    ~~~\n", [_py()]),
    "in a list, code at the margin": (
        "1. First:\n   ```python\nx = 1\n   ```\n2. Then:\n   ```sh\nls\n```\nDone.",
        [_py(), Block("ls\n", "sh")],
    ),
    "in a list, an end too few": (
        "- ```py\n  x = 1\n  ```py\n  ```\nDone.",
        [_py("x = 1\n```py\n")],
    ),
    "in a list, its end at the margin": ("- Run:\n  ```python\n  x = 1\n```\nDone.", [_py()]),
    "in a quote": (
        "> Try:\n>\n> ```python\n> x = 1\n>\n> y = 2\n> ```\nDone.",
        [_py("x = 1\n\ny = 2\n")],
    ),
    "in a quote that goes on without its sign": (
        "> Try\nthis:\n> ```py\n> x = 1\n> ```\n",
        [_py()],
    ),
    "in a quote of a list": ("- > ```py\n  > x = 1\n  > ```", [_py()]),
    "indented by four": ("Here is the code:\n\n    ```python\n    x = 1\n    ```\n", [_py()]),
    "indented by four under a paragraph": (
        "The code:\n    ```python\n    x = 1\n    ```\n",
        [_py()],
    ),
    "indented by a tab": (
        "The code:\n\n\t```python\n\tx = 1\n\t\ty\n\t```\n",
        [_py("x = 1\n\ty\n")],
    ),
    "indented by three, less inside": ("   ```python\n  x = 1\n   ```", [_py()]),
    "no fence, only indented": ("Do:\n\n    import os\n    os.remove('x')\n", []),
    "no code": ("I would use `x = 1` for that, and ``` is a fence.", []),
    "a fence within a line": ("Use ```x = 1``` here.", []),
    "a fence begun within a line": (
        "Use ```python\nx = 1\n```\nand then\n```python\ny = 2\n```\n",
        [_py("y = 2\n")],
    ),
    "a fence around a fence": ("```\n```python\nx = 1\n```\n```\n", [_py()]),
    "cut short": ("```python\nx = 1\nfor y in", [_py("x = 1\nfor y in\n")]),
    "a stray fence at the end": ("```python\nx = 1\n```\nbye\n```\nand more", [_py()]),
    "only a fence": ("```", []),
    "only a fence with a language": ("```python", []),
    "empty": ("```python\n```\n\n```python x.py\n  \n\t\n```\n", []),
    "in tags of HTML": (
        "<answer>\n```python\nx = 1\n\ny = 2\n```\n</answer>",
        [_py("x = 1\n\ny = 2\n")],
    ),
    "in folded details": (
        "<details><summary>Code</summary>\n```py\nx = 1\n```\n</details>",
        [_py()],
    ),
    "in a comment": ("a\n<!--\n```python\nhidden\n```\n-->\n```py\nx = 1\n```", [_py()]),
    "in a comment behind a quote": ("> a\n<!--\n```py\nhidden\n```\n-->\n", []),
    "in a comment without end": ("<!-- so\n```python\nhidden\n```\n", []),
    "under a heading": ("# Code\n```py\nx = 1\n```\nOr\n===\n", [_py()]),
    "expected output": (
        "```python\nx = 1\n```\nOutput:\n```text\n1\n```\n```json\n{}\n```\n```output\n1\n```",
        [_py()],
    ),
    "no language": ("```\nx = 1\n```", [Block(X, "")]),
    "a language nobody runs": ("```Rust\nfn main() {}\n```", [Block("fn main() {}\n", "rust")]),
    "a shebang": (
        (
            "```\n#!/usr/bin/env python3\nx = 1\n```\n```\n#!/bin/sh -e\nls\n```\n```\n"
            "#!/usr/bin/env -S FOO=1 node --x\n1\n```\n```\n#!/usr/bin/perl\n1\n```\n"
        ),
        [
            _py("#!/usr/bin/env python3\nx = 1\n"),
            Block("#!/bin/sh -e\nls\n", "sh"),
            Block("#!/usr/bin/env -S FOO=1 node --x\n1\n", "javascript"),
            Block("#!/usr/bin/perl\n1\n", ""),
        ],
    ),
    "a language beats a shebang": ("```python\n#!/bin/sh\n```", [_py("#!/bin/sh\n")]),
    "a prompt and its output": (
        "```console\n$ pip list \\\n>   --user\nrequests 2\n$ ls\n\nx\n```",
        [Block("pip list \\\n  --user\nls\n", "sh")],
    ),
    "a prompt and a here-document": (
        "```console\n$ cat <<'END'\n> a\n  $ b\nEND\nout\n$ ls\n```",
        [Block("cat <<'END'\na\n  $ b\nEND\nls\n", "sh")],
    ),
    "prompts in a shell's block": ("```bash\n$ cd x\n$ ls\n```", [Block("cd x\nls\n", "bash")]),
    "no prompts in a shell's block": (
        "```bash\necho a\necho '$ b'\n$ c\n```",
        [Block("echo a\necho '$ b'\n$ c\n", "bash")],
    ),
    "a console that shows output only": ("```console\nok 1\n```\n```pycon\n>>> 1\n1\n```", []),
    "two of the same name": (
        "```python x.py\nx = 1\n```\nBetter:\n```python x.py\nx = 2\n```",
        [_py(X, "x.py"), _py("x = 2\n", "x.py")],
    ),
    "data with a name": (
        (
            "```json\n// filename: a/b.json\n{}\n```\n```csv title=x.csv\n1,2\n```\n```html\n"
            "<!-- filename: i.html -->\n<p>\n```\n"
        ),
        [
            Block("{}\n", "file", "a/b.json"),
            Block("1,2\n", "file", "x.csv"),
            Block("<p>\n", "file", "i.html"),
        ],
    ),
    "data with a name and nothing else": ("```json\n// filename: x.json\n```", []),
    "no language but a name": (
        "```\n# filename: x.py\nx = 1\n```\n```lib/y.sh\nls\n```\n```\n# filename: x.rs\n1\n```",
        [
            _py("# filename: x.py\nx = 1\n", "x.py"),
            Block("ls\n", "sh", "lib/y.sh"),
            Block("# filename: x.rs\n1\n", "rs", "x.rs"),
        ],
    ),
    "a name that leads out": (
        "```python\n# filename: ../../x\nx\n```",
        [_py("# filename: ../../x\nx\n", "../../x")],
    ),
    "NUL and half a surrogate": ("```py\n'\0\ud800'\n```", [_py("'\ufffd\ud800'\n")]),
}


@pytest.mark.parametrize(("text", "blocks"), REPLIES.values(), ids=REPLIES)
def test_blocks_are_found_as_models_write_them(text: str, blocks: list[Block]) -> None:
    assert blocks_of(text) == tuple(blocks)


@pytest.mark.parametrize(
    ("info", "name"),
    [
        *((info, "") for info in ("python", "Python", "py", "PY3", "python3", "python3.11")),
        *((info, "") for info in ("{.python}", "{python}", "{python, echo=FALSE}", ".python")),
        *((info, "") for info in ("python {1,3-4}", "python title='My code'", "python 3.11")),
        *((info, "x.py") for info in ('python title="x.py"', "python filename=x.py")),
        *((info, "x.py") for info in ("python:x.py", "python x.py", "python [x.py]")),
        *((info, "x.py") for info in ("{.python filename='x.py'}", "python name=x.py", "x.py")),
        *(
            (info, "x.py")
            for info in ("python # x.py", "python:title=x.py", "{.python #a .b} x.py")
        ),
        ("python file='my code.py'", "my code.py"),
        ("python a/b/x_1.test.py more", "a/b/x_1.test.py"),
        ("src/x.py", "src/x.py"),
    ],
)
def test_the_words_after_a_fence_tell_language_and_name(info: str, name: str) -> None:
    assert blocks_of(f"```{info}\nx = 1\n```") == (_py(X, name),)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("# filename: x.py", "x.py"),
        ("#filename:x.py", "x.py"),
        ("  # Filename : `a b.py`", "a b.py"),
        ("// FILENAME: x.js", "x.js"),
        ("<!-- filename: x.html -->", "x.html"),
        ("/* filename: x.css */", "x.css"),
        ("-- filename: x.sql", "x.sql"),
        ('# filename: "x.py"', "x.py"),
        ("#!/usr/bin/python3\n# filename: x.py", "x.py"),
        ("# x.py", ""),
        ("# the filename: x.py", ""),
        ("x = 1\n# filename: x.py", ""),
        ("# filename:", ""),
        (f"# filename: {'x' * 400}", ""),
    ],
)
def test_the_first_line_may_name_the_file_and_stays_in_code(line: str, name: str) -> None:
    assert blocks_of(f"```python\n{line}\nx = 1\n```") == (_py(f"{line}\nx = 1\n", name),)


def test_the_first_line_beats_the_fence() -> None:
    (block,) = blocks_of("```python a.py\n# filename: b.py\n```")

    assert block.name == "b.py"


@pytest.mark.parametrize(
    ("written", "language"),
    [
        *((word, "python") for word in ("python", " Py ", "py3", "python3", "python3.12")),
        *((word, "sh") for word in ("sh", "shell", "console", "terminal", "shell-session")),
        *((word, "bash") for word in ("bash", "BASH", "bash-session")),
        *((word, "javascript") for word in ("js", "node", "nodejs", "JavaScript", "mjs")),
        *((word, "file") for word in ("json", "text", "yaml", "sql", "pycon", "md", "file")),
        *((word, word) for word in ("", "rust", "zsh", "python2", "ipython", "ts", "c++")),
    ],
)
def test_languages_are_called_by_one_name(written: str, language: str) -> None:
    assert language_of(written) == language


HOSTILE = {
    "backticks": ("`" * 2_000_000, 0),
    "bare fences": ("```\n" * 30_000, 0),
    "fences": ("```py\nx\n```\n" * 10_000, 10_000),
    "openings": ("```py\n" * 30_000, 1),
    "openings in lists": ("- ```py\n" * 10_000, 0),
    "lines left of lists": ("- ```py\nx\n" * 10_000, 0),
    "nested fences that never end": ("```py\n```py\n```\n" * 10_000, 10_000),
    "nested fences in one item": ("- a\n" + "  ```py\n  ```py\n  ```\n" * 5_000 + "z\n~~~", 5_000),
    "deep quotes": (">" * 100_000 + "```py\nx\n```", 0),
    "quotes and lists in turn": ("- ```\n> - ```\n" * 5_000, 0),
    "deep lists": ("- " * 20_000 + "```py\n", 0),
    "stairs of lists": ("\n".join(f"{'  ' * n}- ```py" for n in range(1_000)), 1),
    "text behind quotes": ("> a\nb\n" * 10_000 + "```py\nx\n```", 1),
    "lists of words": ("- a\nb\n" * 10_000 + "```py\nx\n```", 1),
    "comments": ("<!--\n" * 30_000 + "```py\nx", 0),
    "a long fence": ("```" + "a=b " * 500_000 + "\nx\n```", 1),
    "a long first line": ("```py\n# filename:" + " " * 2_000_000 + "x\n```", 1),
    "wide indentation": ((" " * 200 + "```py\n") * 5_000, 1),
}


@pytest.mark.timeout(30)  # what is not linear takes hours; the whole table takes two seconds
@pytest.mark.parametrize(("text", "blocks"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_text_is_read_in_linear_time(text: str, blocks: int) -> None:
    assert len(blocks_of(text)) == blocks


PIECES = st.sampled_from(
    [
        *("```", "~~~", "````", "python", "\n", "\n\n", "\r\n", "- ", "1. ", "> ", "    ", "\t"),
        *("<!--", "-->", "# filename: ", "$ ", "```python\n", "```\n", "\0", "\ud800", "{", "="),
        *("x", '"'),
    ]
)


@given(st.lists(PIECES, max_size=40).map("".join) | st.text())
def test_any_text_is_read_and_blocks_hold_nothing_but_its_lines(text: str) -> None:
    lines = {line.strip() for line in text.replace("\0", "\ufffd").replace("\r", "\n").split("\n")}
    for block in blocks_of(text):
        assert block.code.strip()
        assert block.code.endswith("\n")
        for line in block.code.split("\n"):
            assert any(one.endswith(line.strip()) for one in lines)


CODE = st.text(st.sampled_from("`~ab #:\t-> \n") | st.characters(exclude_categories=["Cc", "Cs"]))


@given(CODE.filter(str.strip), st.sampled_from("`~"), st.sampled_from(["", "- ", "> ", "1) "]))
def test_a_fence_that_is_long_enough_gives_its_code_back(code: str, sign: str, marker: str) -> None:
    code = f"{code}\n"
    longest = max(len(run) for run in code.replace("\n", " ").split(" "))
    fence = sign * max(3, longest + 1)
    rest = marker if marker == "> " else " " * len(marker)
    text = f"{marker}{fence}python\n{code}{fence}".replace("\n", f"\n{rest}")

    (block,) = blocks_of(f"Look:\n\n{text}\n\nbye")

    assert (block.language, block.code) == ("python", code)


def test_code_keeps_its_own_indentation() -> None:
    code = dedent("""\
        def f():
            if 1:

                return
    """)

    assert blocks_of(f"```py\n{code}```")[0].code == code
