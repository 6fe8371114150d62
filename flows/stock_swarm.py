"""Research a stock: a planner hands work to three others, and each hands back.

Nobody chooses speakers.  The planner's tools name whom it can hand off to, the others' name the
planner, and the table is made of that.

Source: the stock research example in AutoGen's notebook on swarms.
"""

from __future__ import annotations

from collections.abc import Callable

from stateflow import Assistant, handoff, says, swarm, tool

task = "Conduct market research for the Acme stock."


@tool
def get_stock_data(symbol: str) -> str:
    """Get the price of a stock, and how it moved.

    Args:
        symbol: its symbol, such as ACME.
    """
    return f"{symbol}: 180.25 USD, up 2.1 % this week, 40 times its earnings"


@tool
def get_news(query: str) -> str:
    """Get the latest news on a subject.

    Args:
        query: the subject.
    """
    return f"{query} opens a second factory; {query} recalls 200 anvils"


def analyst(name: str, call: str, told: str, look_up: Callable[[str], str]) -> Assistant:
    """Return somebody who looks one thing up and hands back."""
    return Assistant(
        name,
        f'scripted:{call}|transfer_to_planner({{"message": "{told}"}})',
        "Look up what you are asked for with your tool, then hand back to the planner.",
        tools=[look_up, handoff("planner")],
    )


planner = Assistant(
    "planner",
    'scripted:transfer_to_financial_analyst({"message": "How did the stock do?"})'
    '|transfer_to_news_analyst({"message": "What is the news?"})'
    '|transfer_to_writer({"message": "Write it up."})'
    "|The research is complete. TERMINATE",
    "You plan market research, and hand one step at a time to the others.",
    tools=[handoff("financial_analyst"), handoff("news_analyst"), handoff("writer")],
)
financial_analyst = analyst(
    "financial_analyst", 'get_stock_data({"symbol": "ACME"})', "Up 2.1 %, and dear.", get_stock_data
)
news_analyst = analyst(
    "news_analyst", 'get_news({"query": "Acme"})', "A new factory, and a recall.", get_news
)
writer = Assistant(
    "writer",
    'scripted:transfer_to_planner({"message": "Acme grows, and is dear: wait for the recall."})',
    "You write reports in one line, then hand back to the planner.",
    tools=[handoff("planner")],
)

flow = swarm(
    "stock_swarm",
    [planner, financial_analyst, news_analyst, writer],
    stop=says("TERMINATE", by=planner),
    turns=20,
    accept={"SF106": "a run that failed is kept as it was, and resumed by hand"},
)
