"""What the rivals in Python share: the protocol of ../protocol.ts."""

import json
import sys
import time

import numpy as np

POSITIONS, FIRST_QUERY, QUERIES = 33, 21, 12
ARGUMENTS = sys.argv[1:]
GOLDEN = json.load(open("golden.json"))
WEIGHTS = {w["name"]: np.array(w["values"], np.float32).reshape(w["shape"]) for w in GOLDEN["weights"]}


def split(problems):
    """(batch, 34) -> the tokens that are read (batch, 33), and those that follow positions 21 to 32 (batch, 12)"""
    return problems[:, :POSITIONS], problems[:, FIRST_QUERY + 1 :]


def main(state, take_step, task, batch=len(GOLDEN["problems"]), seconds=0, repeats=0):
    """`take_step(state, tokens, targets, learning rate)` returns the next state and the loss."""
    batch, seconds = int(batch), float(seconds)
    tokens, targets = split(np.resize(GOLDEN["problems"], (batch, POSITIONS + 1)))

    def step(rate):
        nonlocal state
        state, loss = take_step(state, tokens, targets, rate)
        return loss

    if task == "check":
        print(json.dumps({"losses": [float(step(0.02)) for _ in range(10)]}))
        return
    for _ in range(5):
        float(step(1e-3))  # compiles
    rates = []
    for _ in range(int(repeats)):
        wall, cpu, examples = time.perf_counter(), time.process_time(), 0
        while time.perf_counter() - wall < seconds:
            loss = step(1e-3)
            examples += batch
        float(loss)  # waits for what was asked for
        clocks = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
        rates.append({clock: examples / spent for clock, spent in clocks.items()})
    print(json.dumps(rates))
