"""Refund a flight: two agents and a customer hand the floor to each other.

The travel agent hands a refund to the refunder, which needs the number of the flight and asks the
customer for it.  The run waits for the answer, for days if need be, in no process at all; it goes
back to the one who asked.  Each handoff is a tool that the model calls, and only those along the
table are offered to it.

    stateflow run flows/flight_refund.py
    stateflow resume last --answer "507811"

Source: the customer support example in AutoGen's notebook on swarms.
"""

from __future__ import annotations

from stateflow import Assistant, Human, handoff, says, swarm, tool

task = "I need to refund my flight."


@tool(repeat=False)
def refund_flight(flight_id: str) -> str:
    """Refund a flight.

    Args:
        flight_id: its reference number.
    """
    return f"Flight {flight_id} was refunded."


travel_agent = Assistant(
    "travel_agent",
    "scripted:transfer_to_flights_refunder({})|Your flight was refunded. Safe travels! TERMINATE",
    "You plan travels. The refunder refunds flights. Say TERMINATE when all is done.",
    tools=[handoff("flights_refunder"), handoff("user")],
)
flights_refunder = Assistant(
    "flights_refunder",
    'scripted:transfer_to_user({"message": "What is the reference number of the flight?"})'
    '|refund_flight({"flight_id": "507811"})|transfer_to_travel_agent({})',
    "You refund flights, and need only their number. When it is done, hand back.",
    tools=[refund_flight, handoff("travel_agent"), handoff("user")],
)
customer = Human("user")

flow = swarm(
    "flight_refund",
    [travel_agent, flights_refunder],
    user=customer,
    stop=says("TERMINATE", by=travel_agent),
    accept={"SF106": "a run that failed is kept as it was, and resumed by hand"},
)
