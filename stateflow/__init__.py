"""Explicit state machines for conversations between agents.

Layers, each importing only those below it:

    cli
    testing                 replay as a test
    engine                  a run: door, runner, choosers, budget
    agents                  who can speak
    models | stores         how models are reached; where journals lie
    diagram                 draw a flow
    journal                 what happened: events, their fold, their canonical form
    machine                 what may happen: guards, states, flows, the kernel
    conversation            what has been said
    value | log
    errors

This module re-exports what a flow author needs; everything else is imported from its own
module.  Importing it imports no SDK.
"""

from __future__ import annotations

from stateflow.agents.assistant import Assistant
from stateflow.agents.function import FunctionAgent
from stateflow.agents.scripted import Scripted
from stateflow.conversation.agent import Agent, Turn
from stateflow.conversation.effect import Call, ChildResult, Given
from stateflow.conversation.message import PASS, Fault, Message, Outcome, ToolCall, Usage
from stateflow.conversation.view import View
from stateflow.conversation.window import last
from stateflow.engine.choosers import at_random, by_human, by_model, in_turn
from stateflow.engine.result import Result
from stateflow.engine.run import fork, replay, resume, run, run_sync, stream
from stateflow.engine.runner import Live, Runner
from stateflow.errors import (
    AnswerRefused,
    AuthFailed,
    BadReply,
    BadRequest,
    ChildFailed,
    ContextTooLong,
    DefinitionError,
    Exhausted,
    FaultError,
    ModelNotFound,
    NoCode,
    NoReply,
    OffTable,
    Overloaded,
    RateLimited,
    Refused,
    ReplayDivergence,
    RunError,
    RunTaken,
    StateflowError,
    StoreError,
    TimedOut,
    UnknownRun,
    Unreachable,
)
from stateflow.journal.canonical import canonical
from stateflow.journal.event import Journal
from stateflow.journal.stop import Stop
from stateflow.machine.budget import UNLIMITED, Budget
from stateflow.machine.choose import Chat, Chooser
from stateflow.machine.flow import Flow
from stateflow.machine.guard import Guard, guard
from stateflow.machine.guards import (
    answered,
    called,
    data_is,
    ended,
    equals,
    exhausted,
    exit_code,
    failed,
    handed_to,
    matches,
    raised,
    replied,
    says,
    spent,
    succeeded,
    timed_out,
    turns_at_least,
    visited,
)
from stateflow.machine.state import Final, Junction, State, steps
from stateflow.machine.transition import to
from stateflow.models.base import Settings

__all__ = [
    "PASS",
    "UNLIMITED",
    "Agent",
    "AnswerRefused",
    "Assistant",
    "AuthFailed",
    "BadReply",
    "BadRequest",
    "Budget",
    "Call",
    "Chat",
    "ChildFailed",
    "ChildResult",
    "Chooser",
    "ContextTooLong",
    "DefinitionError",
    "Exhausted",
    "Fault",
    "FaultError",
    "Final",
    "Flow",
    "FunctionAgent",
    "Given",
    "Guard",
    "Journal",
    "Junction",
    "Live",
    "Message",
    "ModelNotFound",
    "NoCode",
    "NoReply",
    "OffTable",
    "Outcome",
    "Overloaded",
    "RateLimited",
    "Refused",
    "ReplayDivergence",
    "Result",
    "RunError",
    "RunTaken",
    "Runner",
    "Scripted",
    "Settings",
    "State",
    "StateflowError",
    "Stop",
    "StoreError",
    "TimedOut",
    "ToolCall",
    "Turn",
    "UnknownRun",
    "Unreachable",
    "Usage",
    "View",
    "answered",
    "at_random",
    "by_human",
    "by_model",
    "called",
    "canonical",
    "data_is",
    "ended",
    "equals",
    "exhausted",
    "exit_code",
    "failed",
    "fork",
    "guard",
    "handed_to",
    "in_turn",
    "last",
    "matches",
    "raised",
    "replay",
    "replied",
    "resume",
    "run",
    "run_sync",
    "says",
    "spent",
    "steps",
    "stream",
    "succeeded",
    "timed_out",
    "to",
    "turns_at_least",
    "visited",
]
