"""Running code for an agent: opening its sandbox, running a block, and bringing back what is lost.

A sandbox that keeps a work folder is a session that lies outside the journal.  Where it is gone
(the process died, the engine was restarted, another machine goes on), the recorded blocks of the
run are run again in a new one, and must come out as they are recorded; else the session is lost,
and the run says so rather than go on over something else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeVar, cast

from stateflow.agents.code import Verdict, code_hash
from stateflow.conversation.agent import Turn
from stateflow.conversation.effect import Effect
from stateflow.conversation.file import File
from stateflow.conversation.message import NO_USAGE, Usage
from stateflow.engine.sandboxes import Sandboxes
from stateflow.engine.scene import Scene
from stateflow.errors import RunError, SessionLost
from stateflow.journal.canonical import canonical_events
from stateflow.journal.event import EffectDone
from stateflow.sandbox.base import Sandbox, SandboxSession
from stateflow.sandbox.blocks import Block, blocks_of
from stateflow.stores.base import Store
from stateflow.value import Json

__all__ = ["code_approve", "code_open", "code_run"]

T = TypeVar("T")


class _Runner(Protocol):
    """An agent that runs code."""

    name: str
    sandbox: Sandbox

    def blocks(self, turn: Turn) -> tuple[Block, ...]: ...
    async def verdict(self, blocks: Sequence[Block]) -> Verdict: ...


async def code_approve(effect: Effect, scene: Scene) -> tuple[Json, Usage]:
    """Ask the agent's function whether its code may be run."""
    del effect
    agent = _agent(scene)
    return await agent.verdict(agent.blocks(scene.turn)), NO_USAGE


async def code_open(effect: Effect, scene: Scene) -> tuple[Json, Usage]:
    """Open the sandbox of an agent, and say what it is."""
    sandboxes, sandbox = _sandbox(effect, scene)
    session = await sandboxes.open(scene.run, sandbox)
    return {"identity": dict(session.identity), "languages": list(session.languages)}, NO_USAGE


async def code_run(effect: Effect, scene: Scene) -> tuple[Json, Usage]:
    """Run one block; its files go to the store."""
    args: Any = effect.call.args
    block = _agent(scene).blocks(scene.turn)[args["block"] - 1]
    sandboxes, sandbox = _sandbox(effect, scene)
    session = sandboxes.get(scene.run, sandbox)
    if session is None:
        session = await sandboxes.open(scene.run, sandbox)
        await _guarded(effect, scene, _bring_back(effect, scene, session))
    await _guarded(effect, scene, session.put(await _contents(args, _store(scene))))
    execution = await _guarded(effect, scene, session.run(block))
    if execution.reset:
        await sandboxes.forget(scene.run, sandbox)
    await scene.turn.door.keep(*execution.files)
    return execution.to_json(), NO_USAGE


async def _guarded(effect: Effect, scene: Scene, work: Awaitable[T]) -> T:
    """Do *work* in a session, and forget the session if that fails: what is in it is not known."""
    try:
        return await work
    except BaseException:
        sandboxes, sandbox = _sandbox(effect, scene)
        await sandboxes.forget(scene.run, sandbox)
        raise


async def _bring_back(effect: Effect, scene: Scene, session: SandboxSession) -> None:
    """Bring *session* to where the recorded blocks of the run had left the one that is gone.

    A block that made its sandbox begin anew ends what has to be run again; what was attached to
    the conversation is there again in any case.

    Raises:
        SessionLost: it is another sandbox than was recorded, or a block comes out otherwise.
    """
    opened, ran = await _recorded(effect, scene)
    identity: Any = scene.turn.door.redact(dict(session.identity))
    if opened is not None and cast("Any", opened.result)["identity"] != identity:
        was = cast("Any", opened.result)["identity"]
        raise SessionLost(
            f"sandbox {_args(effect)['sandbox']!r} is not what this run began with: it was {was}, "
            f"and is {identity} now; bring that back, or {_CURE}"
        )
    for done in ran:
        await session.put(await _contents(_args(done), _store(scene)))
    _, sandbox = _sandbox(effect, scene)
    if not sandbox.keeps:
        return
    last = max((n for n, done in enumerate(ran) if _result(done).get("reset")), default=-1)
    codes = _codes(scene)
    for done in ran[last + 1 :]:
        await _run_again(done, codes, scene, session)


_CURE = "start a new run"


async def _recorded(effect: Effect, scene: Scene) -> tuple[EffectDone | None, list[EffectDone]]:
    """Return what opened the sandbox first, and the blocks run in it, in order."""
    events = canonical_events(one.event for one in await _store(scene).read(scene.run))
    same = [
        one
        for one in events
        if isinstance(one, EffectDone) and one.key != effect.key and _place(one) == _place(effect)
    ]
    opened = next((one for one in same if one.op == "code.open"), None)
    return opened, [one for one in same if one.op == "code.run"]


async def _run_again(
    done: EffectDone, codes: Mapping[str, str], scene: Scene, session: SandboxSession
) -> None:
    """Run a recorded block again, and hold what comes of it against the record."""
    args, was = _args(done), _result(done)
    code = codes.get(args["code"])
    if code is None:
        raise SessionLost(
            f"{done.key}: the code that was run there is no longer in the conversation, so its "
            f"sandbox cannot be brought back; {_CURE}"
        )
    again = await session.run(Block(code, args["language"], args.get("name", "")))
    now: Any = scene.turn.door.redact(again.to_json())
    if was.get("fault") and was.get("fault") == now.get("fault"):
        return  # cut short again; how far it came is chance
    for part in sorted({*was, *now}):
        if was.get(part) != now.get(part):
            raise SessionLost(
                f"{done.key}: the sandbox was gone, and this block came out differently when it "
                f"was run again: {part} was {_shown(was.get(part))}, and is "
                f"{_shown(now.get(part))} now; {_CURE}, or use a sandbox with keep=False"
            )


async def _contents(args: Mapping[str, Any], store: Store) -> list[File]:
    """Return the files that go in before a block, with their content."""
    return [
        replace(file, content=await store.file(file.sha256))
        for file in map(File.from_json, args.get("files", ()))
    ]


def _codes(scene: Scene) -> dict[str, str]:
    """Return the code of every block in the conversation, by its hash."""
    return {
        code_hash(block.code): block.code
        for message in scene.turn.view.transcript
        for block in blocks_of(message.text)
    }


def _sandbox(effect: Effect, scene: Scene) -> tuple[Sandboxes, Sandbox]:
    agent, sandboxes = _agent(scene), scene.sandboxes
    if sandboxes is None:
        raise RunError("code needs a run")  # pragma: no cover - the door's
    return sandboxes, sandboxes.find(agent.name, agent.sandbox, _args(effect)["sandbox"])


def _store(scene: Scene) -> Store:
    if scene.store is None:
        raise RunError("code needs a store")  # pragma: no cover - the door's
    return scene.store


def _place(effect: Effect | EffectDone) -> tuple[Json, Json]:
    args = _args(effect)
    return args.get("sandbox"), args.get("settings")


def _args(effect: Effect | EffectDone) -> Any:  # noqa: ANN401 - JSON, whose shape the agent knows
    args = effect.call.args if isinstance(effect, Effect) else effect.args
    return args if isinstance(args, Mapping) else {}


def _result(done: EffectDone) -> Any:  # noqa: ANN401 - JSON, whose shape Execution knows
    return done.result


def _shown(value: Json) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


_LONGEST = 200


def _agent(scene: Scene) -> _Runner:
    return cast("_Runner", scene.agent)
