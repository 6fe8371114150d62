"""Forms that people fill in."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Grade(BaseModel):
    """What a person fills in."""

    score: int = Field(ge=1, le=10)
    why: str = ""


class Part(BaseModel):
    """A part of a form."""

    size: float = 1.0


class Open(BaseModel):
    """A part that takes what it does not know."""

    model_config = ConfigDict(extra="allow")


class Order(BaseModel):
    """A form with parts."""

    items: list[str]
    part: Part = Part()
    how: Literal["fast", "slow"] = "slow"
    more: Any = None


class Loose(BaseModel):
    """Says itself what becomes of what it does not know."""

    model_config = ConfigDict(extra="ignore")

    a: int = 1


class Partly(BaseModel):
    """Has a part that takes more."""

    part: Open = Open()
