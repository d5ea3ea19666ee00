"""The parameters of gpt-acc-jax as Flax, Optax and JAX pickle them: flax_files.py SOURCE.safetensors FOLDER

Needs jax, flax and optax (pip), so its files are in tests/golden/import; these were made with jax 0.10.2, flax 0.12.8 and optax 0.2.8.
The module below is written from the description of the model in https://github.com/yhavinga/gpt-acc-jax: what counts are the names that Flax gives
to its layers, and how the arrays pickle themselves.
"""
import json
import pathlib
import pickle
import struct
import sys

import flax.core
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy
import optax
from flax.training import train_state

raw = pathlib.Path(sys.argv[1]).read_bytes()
folder = pathlib.Path(sys.argv[2])
length = struct.unpack("<Q", raw[:8])[0]
weights = {}
for name, entry in json.loads(raw[8:8 + length]).items():
    if name != "__metadata__":
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        weights[name] = numpy.frombuffer(raw[begin:end], "<f4").reshape(entry["shape"])


class CausalSelfAttention(nn.Module):
    @nn.compact
    def __call__(self, x):
        query, key, value = jnp.split(nn.Dense(21, use_bias=False)(x), 3, axis=-1)
        scores = query @ key.transpose(0, 2, 1) / jnp.sqrt(7.0)
        scores = jnp.where(jnp.tril(jnp.ones(scores.shape[-2:])) == 0, -1e9, scores)
        return nn.Dense(7, use_bias=False)(jax.nn.softmax(scores, axis=-1) @ value)


class TransformerBlock(nn.Module):
    @nn.compact
    def __call__(self, x):
        x = x + CausalSelfAttention()(nn.LayerNorm()(x))
        hidden = jax.nn.gelu(nn.Dense(14, use_bias=False)(nn.LayerNorm()(x)))
        return x + nn.Dense(7, use_bias=False)(hidden)


class AdditionTransformer(nn.Module):
    tied: bool = True

    @nn.compact
    def __call__(self, tokens):
        embed = nn.Embed(14, 7)
        x = embed(tokens) + nn.Embed(35, 7)(jnp.arange(tokens.shape[1]))
        x = nn.LayerNorm()(TransformerBlock()(x))
        return embed.attend(x) if self.tied else nn.Dense(14, use_bias=False)(x)


tokens = jnp.asarray([[int("0123456789+=".index(letter)) for letter in "0000000042+0000000007=94000000000"]])
model = AdditionTransformer()
fresh = model.init(jax.random.PRNGKey(0), tokens)
params = {"params": {
    "Embed_0": {"embedding": weights["tok_emb.weight"]},
    "Embed_1": {"embedding": weights["pos_emb.weight"]},
    "TransformerBlock_0": {
        "LayerNorm_0": {"scale": weights["blocks.0.ln1.weight"], "bias": weights["blocks.0.ln1.bias"]},
        "CausalSelfAttention_0": {
            "Dense_0": {"kernel": weights["blocks.0.attn.qkv.weight"].T},
            "Dense_1": {"kernel": weights["blocks.0.attn.proj.weight"].T},
        },
        "LayerNorm_1": {"scale": weights["blocks.0.ln2.weight"], "bias": weights["blocks.0.ln2.bias"]},
        "Dense_0": {"kernel": weights["blocks.0.ffn.w1.weight"].T},
        "Dense_1": {"kernel": weights["blocks.0.ffn.w2.weight"].T},
    },
    "LayerNorm_0": {"scale": weights["ln_f.weight"], "bias": weights["ln_f.bias"]},
}}
assert jax.tree.map(jnp.shape, params) == jax.tree.map(jnp.shape, fresh), "the names are not those that Flax gives"
params = jax.tree.map(jnp.asarray, params)
arrays = jax.tree.map(numpy.asarray, params)
state = train_state.TrainState.create(apply_fn=None, params=params, tx=optax.adamw(0.02))
state = state.apply_gradients(grads=params)  # so that both moments differ from the parameters


def dump(name, value, protocol=4):
    (folder / f"flax_{name}.pkl").write_bytes(pickle.dumps(value, protocol))


dump("jax_arrays", params)  # pickle.dump(state.params, f)
dump("numpy_arrays_2", arrays, 2)
dump("numpy_arrays_5", arrays, 5)
dump("frozen", flax.core.freeze(arrays))
dump("with_state", {"params": params, "opt_state": state.opt_state, "step": state.step})
dump("without_params", {"best": arrays["params"], "val_acc": 0.9969})
bfloat16 = jax.tree.map(lambda array: array.astype(jnp.bfloat16), params)
dump("bfloat16", bfloat16)
untied = {"params": {**arrays["params"], "Dense_0": {"kernel": arrays["params"]["Embed_0"]["embedding"].T}}}
assert jax.tree.map(jnp.shape, untied) == jax.tree.map(jnp.shape, AdditionTransformer(False).init(jax.random.PRNGKey(0), tokens))
dump("untied_but_equal", untied)
dump("bad_untied", {"params": {**untied["params"], "Dense_0": {"kernel": numpy.zeros((7, 14), "f4")}}})
dump("bad_bias", {"params": {**arrays["params"], "TransformerBlock_0": {**arrays["params"]["TransformerBlock_0"], "Dense_0": {
    **arrays["params"]["TransformerBlock_0"]["Dense_0"], "bias": numpy.zeros(14, "f4")}}}})
dump("bad_without_norm", {"params": {name: value for name, value in arrays["params"].items() if name != "LayerNorm_0"}})

order = ["tok_emb.weight", "pos_emb.weight"] + [f"blocks.0.{part}" for part in (
    "ln1.weight", "ln1.bias", "attn.qkv.weight", "attn.proj.weight", "ln2.weight", "ln2.bias", "ffn.w1.weight", "ffn.w2.weight",
)] + ["ln_f.weight", "ln_f.bias"]
rounded = [numpy.asarray(jnp.asarray(weights[name]).astype(jnp.bfloat16).astype(jnp.float32)) for name in order]
(folder / "flax_bfloat16.f32").write_bytes(b"".join(array.astype("<f4").tobytes() for array in rounded))
logits = model.apply(params, tokens)[0, 21:]
(folder / "flax_logits.f32").write_bytes(numpy.asarray(logits).astype("<f4").tobytes())
