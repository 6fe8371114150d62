"""How often the slogan flow succeeds on the embedded model: ``python -m benchmarks.slogan``."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter

from flows.slogan import flow
from stateflow import Runner

SHOPS = """a bakery: bread; a bicycle shop: ride; a library: books; a garden centre: green;
a coffee bar: coffee; a language school: speak; a swimming pool: water; a bookshop: read;
a vegetable market: fresh; a toy shop: play; a train line: travel; a flower shop: flowers;
a music school: music; a repair workshop: old; a gym: strong; a hotel: sleep; a museum: past;
a pizzeria: pizza; a zoo: animals; a theatre: stage; a pharmacy: health; a tailor: suit;
a bank: money; a cinema: film; a ferry: island; a farm: milk; a bridge club: cards;
a hair salon: hair; a tea house: tea; a chess club: mind"""


async def main() -> None:
    """Run every shop once and count repairs."""
    repairs: Counter[int] = Counter()
    gave_up = 0
    async with Runner() as runner:
        for line in SHOPS.split(";"):
            shop, _, word = line.strip().partition(": ")
            result = await runner.start(flow, f'Write a slogan for {shop} with the word "{word}".')
            if result.stop.kind == "done":
                repairs[result.path.count("repair")] += 1
            else:
                gave_up += 1
            shown = result.messages[-1].text if result.stop.ok else str(result.stop)
            sys.stdout.write(f"{shop:20} {result.path.count('repair')} repairs  {shown[:70]}\n")
    table = ", ".join(f"{repairs[n]} after {n}" for n in range(8))
    sys.stdout.write(f"passed: {table}; gave up: {gave_up}; of {repairs.total() + gave_up}\n")


if __name__ == "__main__":
    asyncio.run(main())
