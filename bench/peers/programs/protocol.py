"""What the rivals in Python share: the protocol of ../protocol.ts."""

import json
import sys
import time

import numpy as np

SHAPES = json.load(open("shapes.json"))  # of the tensors by name, in the order of the parameters
POSITIONS, FIRST_QUERY, QUERIES, EOS = 33, 21, 12, 13
ARGUMENTS = sys.argv[1:]


def targets_of(tokens):
    """(batch, 33) -> (batch, 12): the next tokens at positions 21 to 32."""
    return np.concatenate([tokens[:, FIRST_QUERY + 1 :], np.full((len(tokens), 1), EOS, tokens.dtype)], 1)


def main(train_step, task, file, *numbers):
    """`train_step(weights)` gives a function of (tokens, learning rate) that takes a step and returns the loss."""
    step = train_step(np.fromfile(file, np.float32, 763))
    problems = np.fromfile(file, np.int32, offset=4 * 763).reshape(-1, POSITIONS).astype(np.int64)
    if task == "check":
        print(json.dumps({"losses": [float(step(problems, 0.02)) for _ in range(10)]}))
        return
    batch, seconds, repeats = int(numbers[0]), float(numbers[1]), int(numbers[2])
    tokens = np.resize(problems, (batch, POSITIONS))
    for _ in range(5):
        float(step(tokens, 1e-3))  # compiles
    rates = []
    for _ in range(repeats):
        wall, cpu, examples = time.perf_counter(), time.process_time(), 0
        while time.perf_counter() - wall < seconds:
            loss = step(tokens, 1e-3)
            examples += batch
        float(loss)  # waits for what was asked for
        clocks = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
        rates.append({clock: examples / spent for clock, spent in clocks.items()})
    print(json.dumps(rates))
