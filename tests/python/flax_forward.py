"""The forward pass of gpt-acc-jax's 777 model, in NumPy: flax_forward.py FOLDER

For each NAME.pkl in FOLDER, pickled Flax parameters, writes the logits of the tokens in NAME.tokens (bytes, [n, 33]) at positions 21 to 32
as NAME.logits (float32, [n, 12, 14]). Flax multiplies from the left, x @ kernel; its LayerNorm has epsilon 1e-6, and jax.nn.gelu is the one by tanh.
"""
import pathlib
import pickle
import sys

import numpy


def layer_norm(x, tree):
    centered = x - x.mean(-1, keepdims=True)
    deviation = numpy.sqrt((centered**2).mean(-1, keepdims=True) + 1e-6)
    return centered / deviation * tree["scale"] + tree["bias"]


def gelu(x):
    return x * (1 + numpy.tanh(numpy.sqrt(2 / numpy.pi) * (x + 0.044715 * x**3))) / 2


def attention(x, tree):
    query, key, value = numpy.split(x @ tree["Dense_0"]["kernel"], 3, axis=-1)
    scores = query @ key.transpose(0, 2, 1) / numpy.sqrt(7)
    scores = numpy.where(numpy.tril(numpy.ones(scores.shape[-2:])) == 0, -1e9, scores)
    weights = numpy.exp(scores - scores.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True) @ value @ tree["Dense_1"]["kernel"]


def forward(params, tokens):
    embedding = params["Embed_0"]["embedding"]
    x = embedding[tokens] + params["Embed_1"]["embedding"][: tokens.shape[1]]
    block = params["TransformerBlock_0"]
    x = x + attention(layer_norm(x, block["LayerNorm_0"]), block["CausalSelfAttention_0"])
    hidden = gelu(layer_norm(x, block["LayerNorm_1"]) @ block["Dense_0"]["kernel"])
    x = x + hidden @ block["Dense_1"]["kernel"]
    return layer_norm(x, params["LayerNorm_0"]) @ embedding.T


def as_float64(tree):
    return {name: as_float64(value) if isinstance(value, dict) else value.astype(numpy.float64) for name, value in tree.items()}


for path in sorted(pathlib.Path(sys.argv[1]).glob("*.pkl")):
    params = as_float64(pickle.loads(path.read_bytes())["params"])
    assert all(array.dtype == numpy.float64 for array in params["LayerNorm_0"].values())
    tokens = numpy.fromfile(path.with_suffix(".tokens"), dtype=numpy.uint8).reshape(-1, 33)
    forward(params, tokens)[:, 21:].astype("<f4").tofile(path.with_suffix(".logits"))
