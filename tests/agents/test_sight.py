"""What assistants see of the transcript, and that no window cuts a call from its result."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from stateflow import (
    Assistant,
    FallbackModel,
    Flow,
    Model,
    RateLimited,
    Retry,
    State,
    canonical,
    last,
    only,
    summarised,
    to,
    tool,
    turns_at_least,
    within,
)
from stateflow.conversation.message import ToolCall
from stateflow.conversation.window import Window
from stateflow.journal.event import EffectDone, EffectFailed
from stateflow.models.base import ModelReply, ModelRequest, estimate_tokens
from stateflow.stores.memory import MemoryStore
from stateflow.value import canonical_json
from tests.support.cutting import RUN, drive, every_cut
from tests.support.talking import Talker, asking, effects, go, summing, talk, told


def test_a_request_is_within_the_tokens_as_the_provider_counts_them() -> None:
    """With the prompt, and with as many of the newest messages as fit."""
    ann = Talker()
    result = go(talk(within(tokens=60), 40), ann=ann)

    sizes = [ann.words(request) for request in ann.requests]
    assert max(sizes) <= 60
    assert min(sizes[6:]) > 60 - 12, "one more question would not have fitted"
    assert all(isinstance(e, EffectDone) for e in effects(result, "model.count"))


def test_a_request_that_is_small_anyway_is_not_counted() -> None:
    """A count costs time."""
    ann = Talker()
    result = go(talk(within(tokens=100_000), 8), ann=ann)
    assert not effects(result, "model.count")
    assert told(ann.requests[-1]).startswith("user: Go. | bob: q0")


def test_a_provider_that_does_not_count_says_so_once_and_its_last_bill_is_gone_by() -> None:
    """The estimate is bytes; this provider bills words of four bytes, and so sees more."""
    ann = Talker(counts=False)
    result = go(talk(within(tokens=120), 60, bob=asking(30)), ann=ann)

    assert len(effects(result, "model.count")) == 1
    sizes = [ann.words(request) for request in ann.requests]
    assert max(sizes) <= 120
    assert min(sizes[8:]) > 120 - 2 * 34, "not much is left unused"


def test_what_else_a_request_holds_counts_too_where_nobody_counts() -> None:
    """At the first visit, before anything was billed."""
    ann = Assistant("ann", "scripted:x", prompt="Be kind. " * 40)
    flow = Flow(
        "talk",
        State("ask", asking(9), to("answer", when=turns_at_least(20)), to("ask")),
        State("answer", ann, to(None), sees=within(tokens=200)),
    )
    model = Talker(counts=False)
    go(flow, ann=model)
    assert 150 < estimate_tokens(model.requests[0]) <= 200


def test_a_count_that_fails_does_not_fail_the_turn() -> None:
    """The estimate does as well."""

    class Failing(Talker):
        async def count(self, request: ModelRequest, /) -> int | None:
            raise RateLimited("Not now.")

    ann = Failing()
    result = go(talk(within(tokens=60), 10), ann=ann)
    assert result.stop.kind == "done"
    assert {type(e) for e in effects(result, "model.count")} == {EffectFailed}
    assert max(map(ann.words, ann.requests)) <= 60


def test_a_file_is_as_large_as_the_provider_counts_it() -> None:
    """The estimate takes it for nothing; three of these fit."""
    ann = Talker()
    go(talk(within(tokens=360), 16, bob=asking(0, files=range(9))), ann=ann)
    files = [sum(len(m.files) for m in request.messages) for request in ann.requests]
    assert files == [1, 2, 3, 3, 3, 3, 3, 3]


def test_what_was_cut_is_counted_again() -> None:
    """Where the rest is dearer than what was left out, one count is not enough."""
    ann = Talker()
    result = go(talk(within(tokens=180), 14, bob=asking(40, files=[3])), ann=ann)
    assert max(map(ann.words, ann.requests)) <= 180
    places = [effect.key.ordinal for effect in effects(result, "model.count")]
    assert max(places) == 2


def test_one_large_file_is_no_measure_for_the_text_after_it() -> None:
    """A token is a byte at least."""
    ann = Talker()
    go(talk(within(tokens=400), 8, bob=asking(20, files=[2])), ann=ann)
    assert "q0" in told(ann.requests[-1])


def test_tries_that_failed_are_no_measure() -> None:
    """They were billed for the same request."""

    class Unsteady(Talker):
        async def complete(
            self, request: ModelRequest, /, *, on_delta: Callable[[str], None]
        ) -> ModelReply:
            reply = await super().complete(request, on_delta=on_delta)
            if len(self.requests) % 2:
                error = RateLimited("Again.")
                error.usage = reply.usage
                raise error
            return reply

    steady, unsteady = Talker(counts=False), Unsteady(counts=False)
    model = Model("scripted:x", retry=Retry(attempts=2, wait_s=0.0))
    flow = talk(within(tokens=60), 20, model=model)
    go(flow, steady)
    go(flow, unsteady)
    assert unsteady.requests[1::2] == steady.requests


def test_the_last_message_is_seen_even_if_it_is_too_large() -> None:
    """The provider decides."""
    ann = Talker()
    result = go(talk(within(tokens=5), 4, bob=asking(30)), ann=ann)
    assert [told(request)[:8] for request in ann.requests] == ["bob: q0 ", "bob: q1 "]
    assert not effects(result, "model.count"), "there is nothing to leave out"


def test_every_agent_and_every_state_has_a_measure_of_its_own() -> None:
    """What one provider bills says nothing of another."""

    class Dear(Talker):
        def words(self, request: ModelRequest) -> int:
            return 3 * super().words(request)

    ann, eve = Talker(counts=False), Dear(name="scripted:y", counts=False)
    flow = Flow(
        "talk",
        State("ask", asking(9), to("answer")),
        State("answer", Assistant("ann", "scripted:x"), to("more"), sees=within(tokens=120)),
        State(
            "more",
            Assistant("eve", "scripted:y"),
            to(None, when=turns_at_least(59)),
            to("ask"),
            sees=within(tokens=120),
        ),
    )
    go(flow, eve, ann=ann)
    assert len(ann.requests[-1].messages) > len(eve.requests[-1].messages)
    assert 60 < ann.words(ann.requests[-1]) <= 120
    assert 60 < eve.words(eve.requests[-1]) <= 120


def test_the_first_of_several_models_counts_and_so_does_one_that_the_run_gives() -> None:
    """It is the one that is asked."""
    first, second = Talker(), Talker(name="scripted:y")
    model = FallbackModel(Model("scripted:x"), Model("scripted:y"))
    flow = talk(within(tokens=60), 20, model=model)
    go(flow, first, second)
    assert first.requests
    assert not second.requests

    given = Talker(name="scripted:z")
    result = go(flow, ann=given)
    assert effects(result, "model.count")
    assert max(map(given.words, [*first.requests, *given.requests])) <= 60


@pytest.mark.parametrize(
    "sees", [within(tokens=60), summarised(beyond=4, keep=1)], ids=["within", "summarised"]
)
async def test_a_run_cut_at_any_commit_sees_the_same(sees: Window) -> None:
    """Between a summary and the answer, too; and the print does not grow."""
    flow = talk(sees, 12)
    store = MemoryStore()
    await drive(store, flow, "Go.", models={"ann": Talker()})
    journal = await store.journal(RUN)
    expected = canonical(journal)
    args = [e.event.args for e in journal.events if isinstance(e.event, EffectDone)]
    assert max(len(canonical_json(one)) for one in args) < 350

    async for place, cut in every_cut(
        lambda cut: drive(cut, flow, "Go.", models={"ann": Talker()})
    ):
        await drive(cut, flow, "Go.", models={"ann": Talker()})
        assert canonical(await cut.journal(RUN)) == expected, place


@pytest.mark.parametrize(
    "sees",
    [last(2), only("ann", "bob"), within(tokens=70), summarised(beyond=2, keep=1)],
    ids=["last", "only", "within", "summarised"],
)
def test_calls_of_tools_and_their_results_are_never_cut_apart(sees: Window) -> None:
    """Own ones stay native; a summary is told of both."""

    @tool
    def look_up(what: str) -> str:
        """Look something up."""
        return f"found {what}"

    class Looking(Talker):
        async def complete(
            self, request: ModelRequest, /, *, on_delta: Callable[[str], None]
        ) -> ModelReply:
            reply = await super().complete(request, on_delta=on_delta)
            if summing(request) or request.messages[-1].role == "tool":
                return reply
            call = ToolCall(f"c{len(self.requests)}", "look_up", f'{{"what": "{reply.text}"}}')
            return ModelReply("", (call,), usage=reply.usage)

    ann = Looking()
    flow = Flow(
        "talk",
        State("ask", asking(), to("answer")),
        State(
            "answer",
            Assistant("ann", "scripted:x", tools=[look_up]),
            to(None, when=turns_at_least(9)),
            to("ask"),
            sees=sees,
        ),
    )
    go(flow, ann=ann)
    for request in ann.requests:
        asked = [call.id for message in request.messages for call in message.calls]
        assert asked == [m.call_id for m in request.messages if m.role == "tool"]
        if summing(request):
            assert told(request).count("look_up with") == told(request).count("gave: found")
    assert any("look_up with" in told(r) for r in ann.requests if summing(r)) == (
        "summarised" in canonical_json(sees.form)
    )
