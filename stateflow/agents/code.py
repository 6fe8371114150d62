"""An agent that runs the code others write.

It finds the fenced blocks of a message, has them allowed where somebody wants that, runs them in
order until one fails, and says what they came to.  Each step is an effect: a replay runs nothing,
and a crash between two blocks goes on with the second.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any, Final, Literal, TypeAlias, cast

from stateflow.conversation.agent import Kind, Reply, Turn
from stateflow.conversation.effect import Call, Made
from stateflow.conversation.execution import Execution, tell
from stateflow.conversation.file import File
from stateflow.conversation.message import Message, Outcome
from stateflow.conversation.window import Last, Window
from stateflow.errors import DefinitionError, NoCode, Refused
from stateflow.sandbox.base import Sandbox
from stateflow.sandbox.blocks import Block, blocks_of
from stateflow.sandbox.files import CODE_FILES, inside
from stateflow.sandbox.names import sandbox_of
from stateflow.value import Json, canonical_json, check_name, digest, plain

__all__ = ["Approve", "CodeRunner", "Verdict", "code_hash", "place_of", "visible"]

Verdict: TypeAlias = bool | str
"""What a function says of code: ``True``, run it; ``False`` or a reason, do not; ``"ask"``, let a
person decide."""

Approve: TypeAlias = Literal["always", "never"] | Callable[[Sequence[Block]], object]
"""Whether a person must allow code: always, never, or as a function of the blocks says.

The function gives a :data:`Verdict`, and may be async.  It runs once: what it said is journaled.
"""

YES, NO, ASK = "yes", "no", "ask"
MOST_BLOCKS: Final = 100
"""Of one message."""
_LONGEST_WORD: Final = 40
"""Most that is told of the name of a language [characters]."""


@dataclass(frozen=True, slots=True, init=False)
class CodeRunner:
    """Runs the code in what others say.

    Example:
        >>> CodeRunner("runner").sandbox.name, CodeRunner("runner", sandbox="docker:alpine").kind
        ('monty', 'code')
    """

    name: str
    sandbox: Sandbox
    languages: tuple[str, ...] | None
    """Languages it runs, the first where a block names none; ``None``: the sandbox's."""
    approve: Approve
    of: Window | str | None
    """Whose code: ``None``, the last message's; a window, the newest that holds code among the
    last ones; a name, the newest that this speaker said."""
    description: str
    kind: Kind
    composed: bool

    def __init__(
        self,
        name: str,
        *,
        sandbox: str | Sandbox = "monty",
        languages: Sequence[str] | None = None,
        approve: Approve = "never",
        of: object = None,
        description: str = "",
    ) -> None:
        """Declare it; nothing is opened yet.

        Args:
            name: what transcripts, drawings and guards call it.
            sandbox: where code runs: ``"monty"``, ``"docker:IMAGE"``, ``"local"``,
                ``"azure:POOL"``, or a sandbox with settings of its own.
            languages: only these; all that the sandbox runs if not given.
            approve: whether a person must allow code: ``"always"``, ``"never"``, or a function.
            of: whose code: the last message's, one of the ``last(n)``, or an agent's.
            description: what it does, for choosers.

        Raises:
            DefinitionError: there is no such sandbox, or it does not run a language.
        """
        box = sandbox_of(sandbox)
        if approve not in ("always", "never") and not callable(approve):
            raise DefinitionError(
                f"agent {name!r}: approve={approve!r} is none; write 'always', 'never', or give a "
                "function of the blocks"
            )
        values = {
            "name": check_name(name, "agent"),
            "sandbox": box,
            "languages": _languages(name, box, languages),
            "approve": approve,
            "of": _source(name, of),
            "description": description,
            "kind": "code",
            "composed": True,
        }
        for field, value in values.items():
            object.__setattr__(self, field, value)

    async def reply(self, turn: Turn, /) -> Reply:
        """Run the code, and say what it came to.

        Raises:
            NoCode: nobody has said any.
            FaultError: the sandbox cannot be reached, or an approval failed.
        """
        blocks = self.blocks(turn)
        unfit = _unfit(blocks, self._known(turn))
        why = None if unfit else await self._refused(turn, blocks)
        if why is not None:
            unfit = Execution(blocks[0].language, fault="Refused", detail=why)
        if unfit is None:
            opened: Any = (await self._opened(turn)).result.value
            there = opened["languages"]
            unfit = _unfit(blocks, [one for one in self.languages or there if one in there])
        if unfit is not None:
            return _message([unfit], tell([unfit]))
        return await self._run(turn, blocks)

    def blocks(self, turn: Turn) -> tuple[Block, ...]:
        """Return the blocks to run in this turn, each with its language.

        Raises:
            NoCode: nobody has said any.
            Refused: there are too many.
        """
        for message in self._heard(turn):
            if found := blocks_of(message.text):
                if len(found) > MOST_BLOCKS:
                    raise Refused(
                        f"agent {self.name!r} runs up to {MOST_BLOCKS} blocks of a message, and "
                        f"that of {message.speaker!r} holds {len(found)}"
                    )
                first = (self.languages or self.sandbox.languages)[0]
                return tuple(
                    one if one.language else Block(one.code, first, one.name) for one in found
                )
        whose = f"what {self.of!r} said" if isinstance(self.of, str) else "what was said"
        raise NoCode(
            f"agent {self.name!r} finds no code to run: {whose} holds no fenced block of code; the "
            "prompt of who writes it can ask for one, such as ```python"
        )

    def _heard(self, turn: Turn) -> Iterator[Message]:
        """Yield the messages that may hold the code, newest first, none older than the last run.

        What it ran once it does not find again: its own last message ends the search.
        """
        transcript = turn.view.transcript
        most = self.of.count if isinstance(self.of, Last) else len(transcript)
        for back in range(1, min(most, len(transcript)) + 1):
            message = transcript[-back]
            if message.speaker == self.name:
                return
            mine = message.speaker == self.of or not isinstance(self.of, str)
            if mine and not message.executions:  # what a program printed is nobody's code
                yield message
            if self.of is None:
                return

    def _known(self, turn: Turn) -> Sequence[str] | None:
        """Return the languages as far as they are known before the sandbox is open."""
        replaced = turn.given_sandbox() is not None
        return self.languages or (None if replaced else self.sandbox.languages)

    async def _refused(self, turn: Turn, blocks: Sequence[Block]) -> str | None:
        """Return why the code may not be run; ``None``: it may."""
        if self.approve == "never":
            return None
        if callable(self.approve):
            codes: list[Json] = [code_hash(block.code) for block in blocks]
            (said,) = await turn.perform(Call("code.approve", {"code": codes}))
            verdict = said.unwrap()
            if verdict != ASK:
                return None if verdict is True else f"it was not allowed: {verdict or 'no reason'}"
        answer = await turn.ask(self._question(turn, blocks), [YES, NO])
        return None if answer.strip().lower() == YES else f"a person did not allow it: {answer}"

    def _question(self, turn: Turn, blocks: Sequence[Block]) -> str:
        """Return what a person is shown: all that runs, and what is there beside it."""
        where = str(self._place(turn)["sandbox"])
        if turn.given_sandbox() is None:
            where += f" {canonical_json(self.sandbox.form)}"
        files = ", ".join(f"{file.name} ({file.size} bytes)" for file in self._attached(turn))
        beside = f"\n\nIn the work folder: {visible(files)}" if files else ""
        return f"Run this code in {where}?\n\n{_shown(blocks)}{beside}"

    async def verdict(self, blocks: Sequence[Block]) -> Verdict:
        """Return what the function says of *blocks*.

        Raises:
            DefinitionError: it says nothing that can be understood.
        """
        if not callable(self.approve):
            raise DefinitionError(f"agent {self.name!r} has no function that approves code")
        said: Any = self.approve(blocks)
        if isinstance(said, Awaitable):
            said = await cast("Awaitable[object]", said)
        if not isinstance(said, bool | str):
            raise DefinitionError(
                f"agent {self.name!r}: approve returned {said!r}; return True, False, a reason "
                "why not, or 'ask' to let a person decide"
            )
        return said

    async def _opened(self, turn: Turn) -> Made:
        """Open the sandbox, once in a run, and return what it said of itself."""
        place = self._place(turn)
        keep = f"sandbox {' '.join(map(str, place.values()))}"
        kept = turn.kept(keep)
        if kept is not None:
            return kept
        (result,) = await turn.perform(Call("code.open", {**place, "keep": keep}))
        result.unwrap()
        return Made("code.open", None, result)

    async def _run(self, turn: Turn, blocks: Sequence[Block]) -> Message:
        """Run *blocks* in order until one fails."""
        place = self._place(turn)
        files: Json = [file.to_json() for file in self._attached(turn)]
        first = turn.next_ordinal
        for number, block in enumerate(blocks, 1):
            args: dict[str, Json] = {
                **place,
                "agent": self.name,
                "language": block.language,
                "code": code_hash(block.code),
                "block": number,
                "of": len(blocks),
                **({"name": block.name} if block.name else {}),
                **({"files": files} if files and number == 1 else {}),
            }
            (result,) = await turn.perform(Call("code.run", args))
            if not Execution.from_json(result.unwrap()).ok:
                break
        made = [one for ordinal, one in turn.made().items() if ordinal >= first]
        ran = [Execution.from_json(_value(one), one.seconds) for one in made]
        return _message(ran, tell(ran, len(blocks)))

    def _attached(self, turn: Turn) -> list[File]:
        """Return the files of messages since its last turn, oldest first; the newest of a name.

        A name that leads out of the work folder is cut to its last part.
        """
        transcript, found = turn.view.transcript, dict[str, File]()
        for back in range(1, len(transcript) + 1):
            message = transcript[-back]
            if message.speaker == self.name:
                break
            for file in message.files:
                name = _fitting(file)
                found.setdefault(name, file if file.name == name else replace(file, name=name))
        return list(reversed(found.values()))

    def _place(self, turn: Turn) -> dict[str, Json]:
        """Return what says where code runs: the sandbox, and a print of its settings."""
        given = turn.given_sandbox()
        return dict(given) if given is not None else place_of(self.sandbox)


def place_of(sandbox: Sandbox) -> dict[str, Json]:
    """Return how journals tell *sandbox* from others: its name, and a print of its settings."""
    return {"sandbox": sandbox.name, "settings": digest(sandbox.form)}


def _fitting(file: File) -> str:
    """Return the name that *file* has in the work folder."""
    for name in (file.name, PurePosixPath(file.name).name):
        fits = inside(name)
        if fits is not None and fits not in CODE_FILES.values():
            return fits
    return f"file-{file.sha256[:8]}"


def _unfit(blocks: Sequence[Block], languages: Sequence[str] | None) -> Execution | None:
    """Return the refusal of the first block that cannot be run here at all."""
    for block in blocks:
        if languages is not None and block.language not in {*languages, "file"}:
            known = ", ".join(languages) or "none"
            language = plain(block.language)[:_LONGEST_WORD]
            why = f"{language} is not run here; languages: {known}"
            return Execution(language, fault="Refused", detail=why)
        if block.name and inside(block.name) is None:
            name = block.name[:_LONGEST_WORD]
            why = f"file name {name!r} leaves the work folder; name a file inside it"
            return Execution(block.language, fault="Refused", detail=why)
    return None


def _languages(
    name: str, sandbox: Sandbox, languages: Sequence[str] | None
) -> tuple[str, ...] | None:
    if languages is None:
        return None
    if isinstance(languages, str) or not languages:
        raise DefinitionError(
            f"agent {name!r}: languages={languages!r} is no list of languages; write "
            "languages=['python']"
        )
    for language in languages:
        if language not in sandbox.languages:
            raise DefinitionError(
                f"agent {name!r}: sandbox {sandbox.name!r} does not run {language!r}; it runs: "
                f"{', '.join(sandbox.languages)}"
            )
    return tuple(languages)


def _source(name: str, of: object) -> Window | str | None:
    """Return whose code it runs, an agent by its name."""
    if of is None or isinstance(of, Last | str):
        return of
    speaker: object = getattr(of, "name", None)
    if isinstance(speaker, str):
        return speaker
    raise DefinitionError(
        f"agent {name!r}: of={of!r} is nobody's code; give last(n), an agent or its name, or "
        "leave it out for the last message"
    )


def _message(executions: Sequence[Execution], text: str) -> Message:
    last = executions[-1]
    outcome = Outcome(last.ok, last.exit_code, timed_out=last.fault == "TimedOut", fault=last.fault)
    return Message(text, outcome=outcome, executions=tuple(executions))


def _shown(blocks: Sequence[Block]) -> str:
    """Return *blocks* as Markdown; no code can end its own fence, or hide a part of itself."""
    parts: list[str] = []
    for block in blocks:
        runs = [len(run) for run in re.findall("`+", block.code)]
        fence = "`" * max(3, max(runs, default=0) + 1)
        title = f" {visible(block.name)}" if block.name else ""
        parts.append(f"{fence}{block.language}{title}\n{visible(block.code).rstrip()}\n{fence}")
    return "\n\n".join(parts)


def visible(text: str) -> str:
    """Return *text* with every character that is not seen written out, line breaks apart.

    A form feed, a line separator or a mark that turns the direction of writing means something to
    an interpreter, and nothing to the eye.

    Example:
        >>> visible("# harmless" + chr(0x2028) + "evil()")
        '# harmless<U+2028>evil()'
    """
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() or one in "\n\t" else f"<U+{ord(one):04X}>" for one in text
    )


def code_hash(code: str) -> str:
    """Return what a journal calls *code* by: its SHA-256, in hexadecimal."""
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).hexdigest()


def _value(made: Made) -> Any:  # noqa: ANN401 - JSON, whose shape Execution knows
    return made.result.value
