"""A recipe of ours from first weights to last in PyTorch 2, compiled, as pytorch.py trains: trimmed to the 12 rows, fused AdamW.

  python pytorch_recipe.py RECIPE.json SEED THREADS     prints {"seconds", "exactMatch", "attempts", "steps"}

RECIPE.json is our recipe as data: {"stages": [{"steps", "batch", "learningRate", ...}], "maxAttempts"}.
"""

import json
import math
import sys
import time

begin = time.perf_counter()
import numpy as np
import torch

from protocol import POSITIONS, SHAPES, targets_of
from pytorch import Adder, loss_function, take_step

recipe = json.load(open(sys.argv[1]))
seed, threads = int(sys.argv[2]), int(sys.argv[3])
torch.set_num_threads(threads)
generator = np.random.default_rng(seed + 1)


def initial(rng):
    """The weights of an untrained model, as one vector."""

    def tensor(name, shape):
        if ".ln" in name:
            return np.full(shape, name.endswith("weight"), np.float32)
        return rng.normal(0, 0.02 if "emb" in name else shape[1] ** -0.5, shape).astype(np.float32)

    return np.concatenate([tensor(name, shape).ravel() for name, shape in SHAPES.items()])


def draw(batch, low, high):
    """Tokens (batch, 33) and targets of problems whose operands have `low` to `high` digits."""
    limit = 10 ** generator.integers(low, high + 1, (batch, 1))
    a, b = generator.integers(0, limit), generator.integers(0, limit)
    powers = 10 ** np.arange(11)
    tokens = np.empty((batch, POSITIONS), np.int64)
    tokens[:, 0:10], tokens[:, 10] = a // powers[9::-1] % 10, 10
    tokens[:, 11:21], tokens[:, 21] = b // powers[9::-1] % 10, 11
    tokens[:, 22:33] = (a + b) // powers % 10
    return torch.from_numpy(tokens), torch.from_numpy(targets_of(tokens))


def learning_rate(stage, step):
    peak, warmup, floor = stage["learningRate"], stage["warmupSteps"], stage["floor"]
    if step < warmup:
        return peak * step / warmup
    progress = (step - warmup) / (stage["steps"] - warmup)
    return peak * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * progress)))


def train_stage(stage, loss_of, optimizer):
    """One stage; returns the steps taken, and whether the gate let the run through."""
    betas = (stage["beta1"], stage["beta2"])
    optimizer.param_groups[0].update(weight_decay=stage["weightDecay"], betas=betas, eps=stage["epsilon"])
    gate = stage.get("gate")
    recent = []
    for step in range(stage["steps"]):
        phase = [p for p in stage["curriculum"] if p["fromStep"] <= step][-1]
        loss = loss_of(*draw(stage["batch"], phase["minDigits"], phase["maxDigits"]))
        take_step(optimizer, loss, learning_rate(stage, step), stage["clipNorm"])
        if gate and gate["atStep"] - gate["window"] <= step < gate["atStep"]:
            recent.append(loss.detach())
            if step == gate["atStep"] - 1 and float(torch.stack(recent).mean()) > gate["loss"]:
                return step + 1, False
    return stage["steps"], True


def attempt(number):
    model = Adder(initial(np.random.default_rng(seed + 1000 * number)))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.0, fused=True)
    loss_of = loss_function(model, compiled=True)
    steps = 0
    for stage in recipe["stages"]:
        taken, good = train_stage(stage, loss_of, optimizer)
        steps += taken
        if not good:
            break
    return model, steps, good


def exact_match(model, problems=100_000, batch=2_000):
    """All twelve tokens right with the right ones before them is the same as greedy decoding being right."""
    right = 0
    with torch.inference_mode():
        for _ in range(problems // batch):
            tokens, targets = draw(batch, 10, 10)
            right += int((model(tokens).argmax(-1) == targets).all(1).sum())
    return right / problems


total = 0
for number in range(recipe["maxAttempts"]):
    model, steps, good = attempt(number)
    total += steps
    if good:
        break
share = exact_match(model)
print(json.dumps({"seconds": time.perf_counter() - begin, "exactMatch": share, "attempts": number + 1, "steps": total}))
