"""Loads exported weights into PyTorch, 763 parameters, and adds with them. The module itself is an export, too: read it in adder.py.

deno run --allow-write=adder.py cli.ts export --to adder.py
deno run --allow-write=adder.pt cli.ts export --to adder.pt
python3 examples/pytorch.py adder.pt 42 7
"""
import sys

import torch

sys.path.append(".")
from adder import Adder, add

path, a, b = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
state = torch.load(path)
del state["output_proj.weight"]  # a second name of tok_emb.weight, which it is tied to
model = Adder()
model.load_state_dict(state)
print(sum(parameter.numel() for parameter in model.parameters()), "parameters")
print(a, "+", b, "=", add(model, a, b))
