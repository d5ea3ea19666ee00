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
import pytorch as peer
from protocol import draw as draw_tokens
from protocol import initial, targets_of

recipe = json.load(open(sys.argv[1]))
seed, threads = int(sys.argv[2]), int(sys.argv[3])

torch = peer.torch
torch.set_num_threads(threads)
generator = np.random.default_rng(seed + 1)


def learning_rate(stage, step):
    peak, warmup, floor = stage["learningRate"], stage["warmupSteps"], stage["floor"]
    if step < warmup:
        return peak * step / warmup
    progress = (step - warmup) / (stage["steps"] - warmup)
    return peak * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * progress)))


def draw(batch, low, high):
    tokens = draw_tokens(generator, batch, low, high)
    return torch.from_numpy(tokens), torch.from_numpy(targets_of(tokens))


def train_stage(stage, loss_of, parameters, optimizer):
    """One stage; returns the steps taken, and whether the gate let the run through."""
    group = optimizer.param_groups[0]
    group["weight_decay"], group["betas"], group["eps"] = stage["weightDecay"], (stage["beta1"], stage["beta2"]), stage["epsilon"]
    gate = stage.get("gate")
    recent = []
    for step in range(stage["steps"]):
        phase = [p for p in stage["curriculum"] if p["fromStep"] <= step][-1]
        group["lr"] = learning_rate(stage, step)
        loss = loss_of(*draw(stage["batch"], phase["minDigits"], phase["maxDigits"]))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, stage["clipNorm"])
        optimizer.step()
        if gate and gate["atStep"] - gate["window"] <= step < gate["atStep"]:
            recent.append(loss.detach())
            if step == gate["atStep"] - 1 and float(torch.stack(recent).mean()) > gate["loss"]:
                return step + 1, False
    return stage["steps"], True


def attempt(number):
    net = model = peer.Adder(initial(np.random.default_rng(seed + 1000 * number)))
    parameters = list(model.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=0.0, fused=True)
    loss_of = peer.loss_function(model, compiled=True)
    steps = 0
    for stage in recipe["stages"]:
        taken, good = train_stage(stage, loss_of, parameters, optimizer)
        steps += taken
        if not good:
            return net, steps, False
    return net, steps, True


def exact_match(net, problems=100_000, batch=2_000):
    """All twelve tokens right with the right ones before them is the same as greedy decoding being right."""
    right = 0
    with torch.inference_mode():
        for _ in range(problems // batch):
            idx, targets = draw(batch, 10, 10)
            right += int((net(idx).argmax(-1) == targets).all(1).sum())
    return right / problems


total = 0
for number in range(recipe["maxAttempts"]):
    net, steps, good = attempt(number)
    total += steps
    if good:
        break
share = exact_match(net)
print(json.dumps({"seconds": time.perf_counter() - begin, "exactMatch": share, "attempts": number + 1, "steps": total}))
