"""A recipe of ours from first weights to last in PyTorch 2, compiled, as pytorch.py trains: trimmed to the 12 rows, fused AdamW.

  python pytorch_recipe.py RECIPE.json SEED THREADS     prints {"exactMatch"}

RECIPE.json is our recipe as data: {"stages": [{"steps", "batch", "learningRate", ...}], "maxAttempts"}.
"""

import json
import math
import sys

import numpy as np
import torch

from protocol import POSITIONS, WEIGHTS, split
from pytorch import Adder, loss_function, take_step

recipe = json.load(open(sys.argv[1]))
seed, threads = int(sys.argv[2]), int(sys.argv[3])
torch.set_num_threads(threads)
generator = np.random.default_rng(seed + 1)


def initial(rng, name, shape):
    """A tensor of an untrained model."""
    if ".ln" in name:
        return np.full(shape, name.endswith("weight"), np.float32)
    return rng.normal(0, 0.02 if "emb" in name else shape[1] ** -0.5, shape).astype(np.float32)


def draw(batch, low, high):
    """Tokens and targets of problems whose operands have `low` to `high` digits."""
    limit = 10 ** generator.integers(low, high + 1, (batch, 1))
    a, b = generator.integers(0, limit), generator.integers(0, limit)
    powers = 10 ** np.arange(11)
    problems = np.empty((batch, POSITIONS + 1), np.int64)
    problems[:, 0:10], problems[:, 10] = a // powers[9::-1] % 10, 10
    problems[:, 11:21], problems[:, 21] = b // powers[9::-1] % 10, 11
    problems[:, 22:33], problems[:, 33] = (a + b) // powers % 10, 13
    return map(torch.from_numpy, split(problems))


def learning_rate(stage, step):
    peak, warmup, floor = stage["learningRate"], stage["warmupSteps"], stage["floor"]
    if step < warmup:
        return peak * step / warmup
    progress = (step - warmup) / (stage["steps"] - warmup)
    return peak * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * progress)))


def train_stage(stage, loss_of, optimizer):
    """One stage; returns whether the gate let the run through."""
    betas = (stage["beta1"], stage["beta2"])
    optimizer.param_groups[0].update(weight_decay=stage["weightDecay"], betas=betas, eps=stage["epsilon"])
    gate, losses = stage.get("gate"), []
    for step in range(stage["steps"]):
        phase = [p for p in stage["curriculum"] if p["fromStep"] <= step][-1]
        loss = loss_of(*draw(stage["batch"], phase["minDigits"], phase["maxDigits"]))
        take_step(optimizer, loss, learning_rate(stage, step), stage["clipNorm"])
        losses.append(loss.detach())
        if gate and step + 1 == gate["atStep"] and float(torch.stack(losses[-gate["window"] :]).mean()) > gate["loss"]:
            return False
    return True


def attempt(number):
    rng = np.random.default_rng(seed + 1000 * number)
    model = Adder(initial(rng, name, values.shape) for name, values in WEIGHTS.items())
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.0, fused=True)
    loss_of = loss_function(model, compiled=True)
    return model, all(train_stage(stage, loss_of, optimizer) for stage in recipe["stages"])


@torch.inference_mode()
def exact_match(model):
    """All twelve tokens right with the right ones before them is the same as greedy decoding being right."""
    batches = (draw(2_000, 10, 10) for _ in range(50))
    return sum(int((model(tokens).argmax(-1) == targets).all(1).sum()) for tokens, targets in batches) / 100_000


for number in range(recipe["maxAttempts"]):
    model, passed = attempt(number)
    if passed:
        break
print(json.dumps({"exactMatch": exact_match(model)}))
