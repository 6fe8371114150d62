"""Explicit state machines for conversations between agents.

Layers, each importing only those below it:

    cli
    exchange | testing      flows as files; replay as a test
    patterns                conversation patterns, each returning a flow
    engine                  a run: door, runner, choosers, budget
    agents                  who can speak
    models | sandbox        how models are reached; how code is run
    tools | stores          what agents can do; where journals lie
    diagram                 draw a flow
    journal                 what happened: events, their fold, their canonical form
    machine                 what may happen: guards, states, flows, the kernel
    conversation            what has been said
    value | log
    errors

This module re-exports what a flow author needs; everything else is imported from its own
module.  Importing it imports no SDK, and the engine only when a run is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from stateflow.agents.assistant import Assistant
from stateflow.agents.code import CodeRunner
from stateflow.agents.function import FunctionAgent
from stateflow.agents.human import Human
from stateflow.agents.scripted import Scripted
from stateflow.conversation.agent import Agent, Turn
from stateflow.conversation.effect import Call, ChildResult, Given
from stateflow.conversation.execution import Execution
from stateflow.conversation.file import File
from stateflow.conversation.message import PASS, Fault, Message, Outcome, ToolCall, Usage
from stateflow.conversation.summary import last_message
from stateflow.conversation.view import View
from stateflow.conversation.window import last, only, summarised, within
from stateflow.errors import (
    AnswerRefused,
    AuthFailed,
    BadReply,
    BadRequest,
    ChildFailed,
    ContextTooLong,
    DeadlinePassed,
    DefinitionError,
    Exhausted,
    FaultError,
    ModelNotFound,
    NoCode,
    NoReply,
    OffTable,
    OutOfMemory,
    Overloaded,
    RateLimited,
    Refused,
    ReplayDivergence,
    RuleBroken,
    RunError,
    RunHeld,
    RunTaken,
    SandboxUnavailable,
    SessionLost,
    StateflowError,
    StoreError,
    TimedOut,
    TooManyRounds,
    UnknownRun,
    Unreachable,
)
from stateflow.machine.budget import UNLIMITED, Budget
from stateflow.machine.choose import Chat, Chooser
from stateflow.machine.deadline import days, hours, minutes
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
    messages_at_least,
    raised,
    replied,
    says,
    spent,
    spoke,
    succeeded,
    timed_out,
    turns_at_least,
    visited,
)
from stateflow.machine.nested import Nested, itself
from stateflow.machine.parallel import Parallel
from stateflow.machine.rule.rule import Rule, always, at_most, never
from stateflow.machine.state import Final, Junction, State, steps
from stateflow.machine.transition import to
from stateflow.models.base import Settings
from stateflow.models.model import FallbackModel, Model
from stateflow.models.price import FREE, Price
from stateflow.models.retry import NO_RETRY, Retry
from stateflow.sandbox.blocks import Block
from stateflow.sandbox.blocks import blocks_of as code_blocks
from stateflow.tools.base import ToolReply

if TYPE_CHECKING:
    from stateflow.engine.ceiling import bound
    from stateflow.engine.choosers import at_random, by_human, by_model, in_turn
    from stateflow.engine.planning import Next, Plan
    from stateflow.engine.result import Result
    from stateflow.engine.run import fork, plan, replay, resume, run, run_sync, stream
    from stateflow.engine.runner import Live, Runner
    from stateflow.exchange.json_form import flow_from_json, to_json
    from stateflow.exchange.python import to_python
    from stateflow.exchange.scxml import to_scxml
    from stateflow.exchange.xstate import flow_from_xstate, to_xstate
    from stateflow.journal.canonical import canonical
    from stateflow.journal.event import Journal
    from stateflow.journal.stop import Stop
    from stateflow.machine.bound.bound import Bound
    from stateflow.machine.check.check import check
    from stateflow.machine.check.finding import Finding
    from stateflow.patterns.chat import two_agents
    from stateflow.patterns.debate import debate
    from stateflow.patterns.fan_out import parallel
    from stateflow.patterns.group import group_chat, manual, round_robin, selector
    from stateflow.patterns.magentic import magentic
    from stateflow.patterns.nesting import hierarchy, nested
    from stateflow.patterns.reflection import reflection
    from stateflow.patterns.sequence import Leg, in_sequence
    from stateflow.patterns.swarm import swarm
    from stateflow.sandbox.azure import AzureSandbox
    from stateflow.sandbox.docker import DockerSandbox
    from stateflow.sandbox.local import LocalSandbox
    from stateflow.sandbox.monty import MontySandbox
    from stateflow.stores.content import attach
    from stateflow.tools.function import FunctionTool, tool
    from stateflow.tools.handoff import handoff
    from stateflow.tools.mcp import mcp_http, mcp_stdio

__all__ = [
    "FREE",
    "NO_RETRY",
    "PASS",
    "UNLIMITED",
    "Agent",
    "AnswerRefused",
    "Assistant",
    "AuthFailed",
    "AzureSandbox",
    "BadReply",
    "BadRequest",
    "Block",
    "Bound",
    "Budget",
    "Call",
    "Chat",
    "ChildFailed",
    "ChildResult",
    "Chooser",
    "CodeRunner",
    "ContextTooLong",
    "DeadlinePassed",
    "DefinitionError",
    "DockerSandbox",
    "Execution",
    "Exhausted",
    "FallbackModel",
    "Fault",
    "FaultError",
    "File",
    "Final",
    "Finding",
    "Flow",
    "FunctionAgent",
    "FunctionTool",
    "Given",
    "Guard",
    "Human",
    "Journal",
    "Junction",
    "Leg",
    "Live",
    "LocalSandbox",
    "Message",
    "Model",
    "ModelNotFound",
    "MontySandbox",
    "Nested",
    "Next",
    "NoCode",
    "NoReply",
    "OffTable",
    "OutOfMemory",
    "Outcome",
    "Overloaded",
    "Parallel",
    "Plan",
    "Price",
    "RateLimited",
    "Refused",
    "ReplayDivergence",
    "Result",
    "Retry",
    "Rule",
    "RuleBroken",
    "RunError",
    "RunHeld",
    "RunTaken",
    "Runner",
    "SandboxUnavailable",
    "Scripted",
    "SessionLost",
    "Settings",
    "State",
    "StateflowError",
    "Stop",
    "StoreError",
    "TimedOut",
    "TooManyRounds",
    "ToolCall",
    "ToolReply",
    "Turn",
    "UnknownRun",
    "Unreachable",
    "Usage",
    "View",
    "always",
    "answered",
    "at_most",
    "at_random",
    "attach",
    "bound",
    "by_human",
    "by_model",
    "called",
    "canonical",
    "check",
    "code_blocks",
    "data_is",
    "days",
    "debate",
    "ended",
    "equals",
    "exhausted",
    "exit_code",
    "failed",
    "flow_from_json",
    "flow_from_xstate",
    "fork",
    "group_chat",
    "guard",
    "handed_to",
    "handoff",
    "hierarchy",
    "hours",
    "in_sequence",
    "in_turn",
    "itself",
    "last",
    "last_message",
    "magentic",
    "manual",
    "matches",
    "mcp_http",
    "mcp_stdio",
    "messages_at_least",
    "minutes",
    "nested",
    "never",
    "only",
    "parallel",
    "plan",
    "raised",
    "reflection",
    "replay",
    "replied",
    "resume",
    "round_robin",
    "run",
    "run_sync",
    "says",
    "selector",
    "spent",
    "spoke",
    "steps",
    "stream",
    "succeeded",
    "summarised",
    "swarm",
    "timed_out",
    "to",
    "to_json",
    "to_python",
    "to_scxml",
    "to_xstate",
    "tool",
    "turns_at_least",
    "two_agents",
    "visited",
    "within",
]

_LATER = {
    "AzureSandbox": "stateflow.sandbox.azure",
    "Bound": "stateflow.machine.bound.bound",
    "DockerSandbox": "stateflow.sandbox.docker",
    "Finding": "stateflow.machine.check.finding",
    "FunctionTool": "stateflow.tools.function",
    "Journal": "stateflow.journal.event",
    "Leg": "stateflow.patterns.sequence",
    "Live": "stateflow.engine.runner",
    "Next": "stateflow.engine.planning",
    "Plan": "stateflow.engine.planning",
    "LocalSandbox": "stateflow.sandbox.local",
    "MontySandbox": "stateflow.sandbox.monty",
    "Result": "stateflow.engine.result",
    "Runner": "stateflow.engine.runner",
    "Stop": "stateflow.journal.stop",
    "at_random": "stateflow.engine.choosers",
    "attach": "stateflow.stores.content",
    "bound": "stateflow.engine.ceiling",
    "by_human": "stateflow.engine.choosers",
    "by_model": "stateflow.engine.choosers",
    "canonical": "stateflow.journal.canonical",
    "check": "stateflow.machine.check.check",
    "debate": "stateflow.patterns.debate",
    "flow_from_json": "stateflow.exchange.json_form",
    "flow_from_xstate": "stateflow.exchange.xstate",
    "fork": "stateflow.engine.run",
    "group_chat": "stateflow.patterns.group",
    "handoff": "stateflow.tools.handoff",
    "hierarchy": "stateflow.patterns.nesting",
    "in_sequence": "stateflow.patterns.sequence",
    "in_turn": "stateflow.engine.choosers",
    "magentic": "stateflow.patterns.magentic",
    "manual": "stateflow.patterns.group",
    "mcp_http": "stateflow.tools.mcp",
    "mcp_stdio": "stateflow.tools.mcp",
    "nested": "stateflow.patterns.nesting",
    "parallel": "stateflow.patterns.fan_out",
    "plan": "stateflow.engine.run",
    "reflection": "stateflow.patterns.reflection",
    "replay": "stateflow.engine.run",
    "resume": "stateflow.engine.run",
    "round_robin": "stateflow.patterns.group",
    "run": "stateflow.engine.run",
    "run_sync": "stateflow.engine.run",
    "selector": "stateflow.patterns.group",
    "stream": "stateflow.engine.run",
    "swarm": "stateflow.patterns.swarm",
    "to_json": "stateflow.exchange.json_form",
    "to_python": "stateflow.exchange.python",
    "to_scxml": "stateflow.exchange.scxml",
    "to_xstate": "stateflow.exchange.xstate",
    "tool": "stateflow.tools.function",
    "two_agents": "stateflow.patterns.chat",
}


def _displayed(flow: Flow) -> dict[str, str]:
    """Return what notebooks show of *flow*."""
    from stateflow.diagram.notebook import bundle

    return bundle(flow)


Flow.display = _displayed


def __getattr__(name: str) -> object:
    """Import what a flow can be written, drawn and checked without, when it is first asked for."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LATER[name]), name)


def __dir__() -> list[str]:
    """Return the public names."""
    return __all__
