"""Who may follow whom in a group."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from stateflow import DefinitionError, Flow, group_chat, in_turn, says
from tests.support.chatting import errors, speaker

ann, bob, eve = speaker("ann", "asks"), speaker("bob", "builds"), speaker("eve")
TEAM = [ann, bob, eve]
OVER = says("9")


def rows(flow: Flow) -> dict[str, list[str | None]]:
    """Return where each state leads to."""
    return {state.name: [way.target for way in state.transitions] for state in flow.states}


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        pytest.param(
            {}, {"ann": "ann bob eve", "bob": "ann bob eve", "eve": "ann bob eve"}, id="-"
        ),
        pytest.param(
            {"repeat": False}, {"ann": "bob eve", "bob": "ann eve", "eve": "ann bob"}, id="repeat"
        ),
        pytest.param(
            {"repeat": [bob]},
            {"ann": "bob eve", "bob": "ann bob eve", "eve": "ann bob"},
            id="one-repeats",
        ),
        pytest.param(
            {"disallowed": {ann: [eve, ann]}},
            {"ann": "bob", "bob": "ann bob eve", "eve": "ann bob eve"},
            id="disallowed",
        ),
        pytest.param(
            {"disallowed": {ann: [eve]}, "repeat": False},
            {"ann": "bob", "bob": "ann eve", "eve": "ann bob"},
            id="disallowed-and-repeat",
        ),
        pytest.param(
            {"allowed": {ann: [eve, bob, eve], bob: [bob], eve: [ann]}},
            {"ann": "eve bob", "bob": "bob", "eve": "ann"},
            id="allowed-in-its-own-order",
        ),
        pytest.param(
            {"first": eve},
            {"eve": "ann bob eve", "ann": "ann bob eve", "bob": "ann bob eve"},
            id="first",
        ),
    ],
)
def test_the_rules_are_rows_of_a_table(
    rules: Mapping[str, Any], expected: Mapping[str, str]
) -> None:
    """One state an agent; the first one begins."""
    flow = group_chat("team", TEAM, choose=in_turn(), stop=OVER, **rules)

    assert rows(flow) == {name: [None, *row.split()] for name, row in expected.items()}
    assert flow.initial == next(iter(expected))
    assert errors(flow) == []


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        pytest.param(
            lambda: group_chat(
                "team", TEAM, choose=in_turn(), turns=1, allowed={ann: [bob], bob: [ann]}
            ),
            "group_chat 'team': 'eve' has no row in allowed=; name who may follow, or write [None] "
            "to be done after it",
            id="no-row",
        ),
        pytest.param(
            lambda: group_chat(
                "team", TEAM, choose=in_turn(), turns=1, allowed={ann: [bob], bob: [], eve: [ann]}
            ),
            "group_chat 'team': 'bob' has an empty row in allowed=; name who may follow, or write "
            "[None] to be done after it",
            id="empty-row",
        ),
        pytest.param(
            lambda: group_chat(
                "team",
                TEAM,
                choose=in_turn(),
                turns=1,
                allowed=dict.fromkeys(TEAM, bob),  # type: ignore[arg-type]  # on purpose
            ),
            "group_chat 'team': allowed['ann']=FunctionAgent(name='bob', kind='tool', "
            "description='builds') is no list of agents; write [critic]",
            id="row-is-no-list",
        ),
        pytest.param(
            lambda: group_chat(
                "team", TEAM, choose=in_turn(), turns=1, disallowed={ann: [speaker("zoe")]}
            ),
            "group_chat 'team': disallowed['ann'] names 'zoe', who is none of its agents; there "
            "are: ann, bob, eve",
            id="row-names-nobody",
        ),
        pytest.param(
            lambda: group_chat(
                "team", TEAM, choose=in_turn(), turns=1, disallowed={speaker("zoe"): [ann]}
            ),
            "group_chat 'team': disallowed names 'zoe', who is none of its agents; there are: ann, "
            "bob, eve",
            id="row-of-nobody",
        ),
        pytest.param(
            lambda: group_chat("team", TEAM, choose=in_turn(), turns=1, disallowed={ann: TEAM}),
            "group_chat 'team': nobody may follow 'ann'; take somebody out of its row in "
            "disallowed=, or allow repeat=",
            id="nobody-left",
        ),
        pytest.param(
            lambda: group_chat(
                "team",
                TEAM,
                choose=in_turn(),
                turns=1,
                allowed={ann: [bob]},
                disallowed={ann: [ann]},
            ),
            "group_chat 'team': allowed= names all who may follow, and disallowed= says so again; "
            "leave one out",
            id="both-tables",
        ),
        pytest.param(
            lambda: group_chat(
                "team", TEAM, choose=in_turn(), turns=1, allowed={ann: [bob]}, repeat=False
            ),
            "group_chat 'team': allowed= names all who may follow, and repeat= says so again; "
            "leave one out",
            id="allowed-and-repeat",
        ),
        pytest.param(
            lambda: group_chat("team", TEAM, choose=in_turn(), turns=1, repeat=["zoe"]),  # type: ignore[list-item]  # on purpose
            "group_chat 'team': repeat names 'zoe', who is none of its agents; there are: ann, "
            "bob, eve",
            id="repeats-nobody",
        ),
        pytest.param(
            lambda: group_chat("team", TEAM, choose=in_turn(), turns=1, disallowed=[ann]),  # type: ignore[arg-type]  # on purpose
            "group_chat 'team': disallowed=[FunctionAgent(name='ann', kind='tool', "
            "description='asks')] is no table; write {writer: [critic]}",
            id="no-table",
        ),
    ],
)
def test_what_could_never_work_is_refused(make: Callable[[], Flow], sentence: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        make()

    assert str(caught.value) == sentence
