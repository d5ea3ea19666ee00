"""The training step in PyTorch: queries, feed-forward and logits for the twelve rows that the loss reads, fused AdamW.

  python pytorch.py eager|compiled check|train ...
"""

import torch
import torch.nn.functional as F

from protocol import ARGUMENTS, FIRST_QUERY, POSITIONS, QUERIES, WEIGHTS, main

MASK = torch.ones(QUERIES, POSITIONS, dtype=torch.bool).tril(FIRST_QUERY)


class Adder(torch.nn.Module):
    def __init__(self, weights):
        """weights: arrays, in the order of WEIGHTS"""
        super().__init__()
        self.all = torch.nn.ParameterList(map(torch.tensor, weights))

    def forward(self, tokens):
        """(batch, 33) -> logits (batch, 12, 14)"""
        tok, pos, n1, b1, qkv, proj, n2, b2, w1, w2 = self.all
        x = F.embedding(tokens, tok) + pos[:POSITIONS]
        y, x = F.layer_norm(x, (7,), n1, b1), x[:, FIRST_QUERY:]
        q = y[:, FIRST_QUERY:] @ qkv[:7].T
        k, v = (y @ qkv[7:].T).split(7, -1)
        scores = (q @ k.transpose(1, 2) * 7**-0.5).masked_fill(~MASK, float("-inf"))
        x = x + scores.softmax(-1) @ v @ proj.T
        x = x + F.gelu(F.layer_norm(x, (7,), n2, b2) @ w1.T) @ w2.T
        return x @ tok.T


def loss_function(model, compiled):
    def loss(tokens, targets):
        return F.cross_entropy(model(tokens).flatten(0, 1), targets.flatten())

    return torch.compile(loss) if compiled else loss


def take_step(optimizer, loss, rate, clip_norm=1.0):
    group = optimizer.param_groups[0]
    group["lr"] = rate
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(group["params"], clip_norm)
    optimizer.step()


if __name__ == "__main__":
    torch.set_num_threads(1)
    model = Adder(WEIGHTS.values())
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.1, fused=True)
    loss_of = loss_function(model, ARGUMENTS[0] == "compiled")

    def step(_, tokens, targets, rate):
        loss = loss_of(torch.from_numpy(tokens), torch.from_numpy(targets))
        take_step(optimizer, loss, rate)
        return None, loss.detach()

    main(None, step, *ARGUMENTS[1:])
