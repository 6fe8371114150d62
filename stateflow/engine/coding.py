"""Running code for an agent: opening its sandbox, running a block, and bringing back what is lost.

A sandbox that keeps a work folder is a session that lies outside the journal.  Where it is gone
(the process died, the engine was restarted, another machine goes on), the recorded blocks of the
run are run again in a new one, and must come out as they are recorded; else the session is lost,
and the run says so rather than go on over something else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, cast

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
    await _refuse_moved(effect, scene)
    session = await sandboxes.open(scene.run, _place(effect), sandbox)
    return {
        "identity": dict(session.identity),
        "languages": list(session.languages),
        **({"keeps": True} if sandbox.keeps else {}),
    }, NO_USAGE


async def code_run(effect: Effect, scene: Scene) -> tuple[Json, Usage]:
    """Run one block; its files go to the store."""
    args, place = _args(effect), _place(effect)
    block = _agent(scene).blocks(scene.turn)[int(args["block"]) - 1]
    sandboxes, sandbox = _sandbox(effect, scene)
    session = sandboxes.get(scene.run, place)
    try:
        if session is None:
            session = await sandboxes.open(scene.run, place, sandbox)
            await _bring_back(effect, scene, session, keeps=sandbox.keeps)
        await session.put(await _contents(args, _store(scene)))
        execution = await session.run(block)
    except BaseException:  # what is in it now is not known
        await sandboxes.forget(scene.run, place)
        raise
    if execution.reset:
        await sandboxes.forget(scene.run, place)
    await scene.turn.door.keep(*execution.files)
    return execution.to_json(), NO_USAGE


async def _bring_back(
    effect: Effect, scene: Scene, session: SandboxSession, *, keeps: bool
) -> None:
    """Bring *session* to where the recorded blocks of the run had left the one that is gone.

    A block that made its sandbox begin anew ends what has to be run again; what was attached to
    the conversation is there again in any case, and came when it came.

    Raises:
        SessionLost: it is another sandbox than was recorded, or a block comes out otherwise.
    """
    await _refuse_moved(effect, scene)
    opened, ran = await _recorded(effect, scene)
    if keeps and opened is not None:
        _hold_identity(_result(opened)["identity"], session, scene, _args(effect)["sandbox"])
    last = max((n for n, done in enumerate(ran) if _result(done).get("reset")), default=-1)
    codes = _codes(scene) if keeps and ran else {}
    for number, done in enumerate(ran):
        await session.put(await _contents(_args(done), _store(scene)))
        if keeps and number > last:
            await _run_again(done, codes, scene, session)


_CURE = "start a new run"


def _hold_identity(was: Json, session: SandboxSession, scene: Scene, name: str) -> None:
    now: Json = scene.turn.door.redact(dict(session.identity))
    if was != now:
        raise SessionLost(
            f"sandbox {name!r} is not what this run began with: it was {was}, and is {now} now; "
            f"bring that back, or {_CURE}"
        )


async def _recorded(effect: Effect, scene: Scene) -> tuple[EffectDone | None, list[EffectDone]]:
    """Return what opened the sandbox first, and the blocks run in it, in order."""
    same = [one for one in await _code_effects(effect, scene) if _place(one) == _place(effect)]
    opened = next((one for one in same if one.op == "code.open"), None)
    return opened, [one for one in same if one.op == "code.run"]


async def _refuse_moved(effect: Effect, scene: Scene) -> None:
    """Refuse to go on elsewhere than where this agent has left files: its flow was changed.

    Raises:
        SessionLost: it has.
    """
    done = await _code_effects(effect, scene)
    left = [_place(one) for one in done if one.op == "code.open" and _result(one).get("keeps")]
    for one in done:
        moved = one.op == "code.run" and _place(one) != _place(effect) and _place(one) in left
        if moved and _args(one)["agent"] == scene.agent.name:
            raise SessionLost(
                f"agent {scene.agent.name!r} has run code of this run in "
                f"{_place(one)['sandbox']!r}, with settings that are changed since; what that left "
                f"behind is not here: change them back, or {_CURE}"
            )


async def _code_effects(effect: Effect, scene: Scene) -> list[EffectDone]:
    """Return what the run has on record of sandboxes, in order, but for *effect* itself."""
    events = canonical_events(one.event for one in await _store(scene).read(scene.run))
    return [
        one
        for one in events
        if isinstance(one, EffectDone) and one.op.startswith("code.") and one.key != effect.key
    ]


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
    return sandboxes, sandboxes.find(agent.name, agent.sandbox, _place(effect))


def _store(scene: Scene) -> Store:
    if scene.store is None:
        raise RunError("code needs a store")  # pragma: no cover - the door's
    return scene.store


def _place(effect: Effect | EffectDone) -> dict[str, Any]:
    args = _args(effect)
    return {word: args.get(word) for word in ("sandbox", "settings")}


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
