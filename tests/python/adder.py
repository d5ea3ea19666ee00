"""The model as one writes it in PyTorch, with the names that checkpoints have. The 777 variant ends with a LayerNorm."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(7, 21, bias=False)
        self.proj = nn.Linear(7, 7, bias=False)

    def forward(self, x):
        query, key, value = self.qkv(x).chunk(3, dim=2)
        length = x.shape[1]
        scores = torch.einsum("bqd,bkd->bqk", query, key) / math.sqrt(7)
        hidden = torch.ones(length, length, dtype=torch.bool).triu(1)
        return self.proj(scores.masked_fill(hidden, -math.inf).softmax(2) @ value)


class FeedForward(nn.Module):
    def __init__(self, approximate):
        super().__init__()
        self.approximate = approximate
        self.w1 = nn.Linear(7, 14, bias=False)
        self.w2 = nn.Linear(14, 7, bias=False)

    def forward(self, x):
        return self.w2(F.gelu(self.w1(x), approximate=self.approximate))


class Block(nn.Module):
    def __init__(self, eps, approximate):
        super().__init__()
        self.ln1 = nn.LayerNorm(7, eps=eps)
        self.attn = Attention()
        self.ln2 = nn.LayerNorm(7, eps=eps)
        self.ffn = FeedForward(approximate)

    def forward(self, x):
        x = x + self.attn(self.ln1(x))
        return x + self.ffn(self.ln2(x))


class Adder(nn.Module):
    def __init__(self, parameters=763):
        super().__init__()
        larger = parameters == 777
        self.tok_emb = nn.Embedding(14, 7)
        self.pos_emb = nn.Embedding(35, 7)
        self.blocks = nn.ModuleList([Block(1e-6, "tanh") if larger else Block(1e-5, "none")])
        self.ln_f = nn.LayerNorm(7, eps=1e-6) if larger else nn.Identity()
        self.output_proj = nn.Linear(7, 14, bias=False)
        self.output_proj.weight = self.tok_emb.weight

    def forward(self, tokens):
        x = self.tok_emb(tokens) + self.pos_emb(torch.arange(tokens.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.output_proj(self.ln_f(x))
