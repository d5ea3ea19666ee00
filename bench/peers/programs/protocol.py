"""What the rivals in Python share: the protocol of ../rivals.ts."""

import json
import sys
import time

import numpy as np

SHAPES = {
    "tok_emb.weight": (14, 7),
    "pos_emb.weight": (35, 7),
    "blocks.0.ln1.weight": (7,),
    "blocks.0.ln1.bias": (7,),
    "blocks.0.attn.qkv.weight": (21, 7),
    "blocks.0.attn.proj.weight": (7, 7),
    "blocks.0.ln2.weight": (7,),
    "blocks.0.ln2.bias": (7,),
    "blocks.0.ffn.w1.weight": (14, 7),
    "blocks.0.ffn.w2.weight": (7, 14),
}
POSITIONS, FIRST_QUERY, QUERIES, EOS = 33, 21, 12, 13


def initial(rng):
    """The weights of an untrained model, as one vector."""

    def tensor(name, shape):
        if ".ln" in name:
            return np.full(shape, name.endswith("weight"), np.float32)
        return rng.normal(0, 0.02 if "emb" in name else shape[1] ** -0.5, shape).astype(np.float32)

    return np.concatenate([tensor(name, shape).ravel() for name, shape in SHAPES.items()])


def targets_of(tokens):
    """(batch, 33) -> (batch, 12): the next tokens at positions 21 to 32."""
    return np.concatenate([tokens[:, FIRST_QUERY + 1 :], np.full((len(tokens), 1), EOS, tokens.dtype)], 1)


def draw(rng, batch, low=1, high=10):
    """Tokens (batch, 33) of problems whose operands have `low` to `high` digits."""
    limit = 10 ** rng.integers(low, high + 1, (batch, 1))
    a, b = rng.integers(0, limit), rng.integers(0, limit)
    powers = 10 ** np.arange(11)
    tokens = np.empty((batch, POSITIONS), np.int64)
    tokens[:, 0:10], tokens[:, 10] = a // powers[9::-1] % 10, 10
    tokens[:, 11:21], tokens[:, 21] = b // powers[9::-1] % 10, 11
    tokens[:, 22:33] = (a + b) // powers % 10
    return tokens


def main(arguments, train_step):
    """`train_step(weights)` gives a function of (tokens, learning rate) that takes a step and returns the loss."""
    rng = np.random.default_rng(1)
    if arguments[0] == "check":
        content = np.fromfile(arguments[1], np.float32, 763)
        tokens = np.fromfile(arguments[1], np.int32, offset=4 * 763).reshape(-1, POSITIONS).astype(np.int64)
        step = train_step(content)
        print(json.dumps({"losses": [float(step(tokens, 0.02)) for _ in range(10)]}))
        return
    batch, seconds, repeats = int(arguments[1]), float(arguments[2]), int(arguments[3])
    step = train_step(initial(rng))
    for _ in range(5):
        float(step(draw(rng, batch), 1e-3))  # compiles
    rates = {"wall": [], "cpu": []}
    for _ in range(repeats):
        wall, cpu, examples = time.perf_counter(), time.process_time(), 0
        while time.perf_counter() - wall < seconds:
            loss = step(draw(rng, batch), 1e-3)
            examples += batch
        float(loss)  # waits for what was asked for
        rates["wall"].append(examples / (time.perf_counter() - wall))
        rates["cpu"].append(examples / (time.process_time() - cpu))
    print(json.dumps(rates))


def arguments():
    return sys.argv[1:]
