"""What a person writes into a cassette by hand is held against what may stand there."""

from __future__ import annotations

from typing import Any

import pytest

from stateflow.conversation.message import NO_USAGE, Fault, Usage
from stateflow.testing.cassette import check
from stateflow.testing.cassette.trouble import Wrong
from stateflow.testing.cassette.values import fault_in, files_in, usage_in
from stateflow.testing.cassette.words import fault_json


def test_a_file_without_its_fields_is_refused_at_files() -> None:
    with pytest.raises(Wrong, match="a file has 'name'") as caught:
        files_in({"files": [{"name": "bill.pdf"}]})

    assert caught.value.keys == ["files"]


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        pytest.param(3, "and should be a mapping", id="no-mapping"),
        pytest.param({"usd": -1}, "nothing costs less than 0", id="negative"),
        pytest.param({"usd": "much"}, "and should be a number", id="no-number"),
        pytest.param({"dollars": 1}, "is no key of a usage", id="unknown"),
    ],
)
def test_a_usage_that_cannot_be_is_refused_at_its_name(said: Any, sentence: str) -> None:  # noqa: ANN401
    with pytest.raises(Wrong, match=sentence) as caught:
        usage_in({"usage": said}, "usage", 1)

    assert caught.value.keys[0] == "usage"


def test_a_usage_counts_the_calls_that_are_understood_and_a_price_nobody_knows() -> None:
    assert usage_in({"usage": {"usd": None}}, "usage", 2) == Usage(calls=2, usd=None)
    assert usage_in({}, "usage", 2) == NO_USAGE


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        pytest.param("boom", "and should be a mapping", id="no-mapping"),
        pytest.param({"text": "boom"}, "'name' is missing", id="no-name"),
        pytest.param({"name": "E", "txet": "x"}, "did you mean 'text'", id="slip"),
        pytest.param({"name": 1}, "and should be a text", id="no-text"),
    ],
)
def test_a_fault_that_cannot_be_is_refused_at_its_name(said: Any, sentence: str) -> None:  # noqa: ANN401
    with pytest.raises(Wrong, match=sentence) as caught:
        fault_in(said, "failed", 0)

    assert caught.value.keys[0] == "failed"


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault("E", "boom", ("E", "Exception"), 0), id="understood"),
        pytest.param(Fault("E", "", (), 3, "turns"), id="of-another-effect"),
    ],
)
def test_a_fault_comes_back_as_it_was_written(fault: Fault) -> None:
    assert fault_in(fault_json(fault, 0), "failed", 0) == fault


def test_a_list_with_another_value_than_a_text_is_refused_at_its_name() -> None:
    with pytest.raises(Wrong, match="one of 'options' is 1") as caught:
        check.texts({"options": ["yes", 1]}, "options")

    assert caught.value.keys == ["options"]


def test_a_whole_number_stands_for_a_number() -> None:
    assert check.field({"clock": 2}, "clock", float, 0.0) == 2.0
