"""Loads exported weights into PyTorch, 763 parameters, and adds with them.

deno run --allow-write=adder.pt cli.ts export --to adder.pt
python3 examples/pytorch.py adder.pt 42 7
"""
import math
import sys

import torch
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln1 = nn.LayerNorm(7)
        self.attn = nn.ModuleDict({"qkv": nn.Linear(7, 21, bias=False), "proj": nn.Linear(7, 7, bias=False)})
        self.ln2 = nn.LayerNorm(7)
        self.ffn = nn.ModuleDict({"w1": nn.Linear(7, 14, bias=False), "w2": nn.Linear(14, 7, bias=False)})

    def forward(self, x):
        query, key, value = self.attn["qkv"](self.ln1(x)).chunk(3, dim=-1)
        scores = query @ key.transpose(-2, -1) / math.sqrt(7)
        future = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
        x = x + self.attn["proj"](scores.masked_fill(future, -math.inf).softmax(-1) @ value)
        return x + self.ffn["w2"](F.gelu(self.ffn["w1"](self.ln2(x))))


class Adder(nn.Module):
    def __init__(self):
        super().__init__()
        self.tok_emb = nn.Embedding(14, 7)
        self.pos_emb = nn.Embedding(35, 7)
        self.blocks = nn.ModuleList([Block()])
        self.output_proj = nn.Linear(7, 14, bias=False)
        self.output_proj.weight = self.tok_emb.weight  # tied: counted once

    def forward(self, tokens):
        x = self.tok_emb(tokens) + self.pos_emb(torch.arange(tokens.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.output_proj(x)


@torch.no_grad()
def add(model, a, b):
    # 0-9 are the digits, 10 is +, 11 is =; the sum is written ones first
    tokens = [*map(int, f"{a:010}"), 10, *map(int, f"{b:010}"), 11]
    for _ in range(11):
        tokens.append(int(model(torch.tensor([tokens]))[0, -1].argmax()))
    return int("".join(map(str, reversed(tokens[22:]))))


path, a, b = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
model = Adder()
model.load_state_dict(torch.load(path))
print(sum(parameter.numel() for parameter in model.parameters()), "parameters")
print(a, "+", b, "=", add(model, a, b))
