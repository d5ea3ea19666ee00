"""The training step in JAX: the twelve rows that the loss reads, all weights in one vector, the whole step in one jit.

  python jax_jit.py check|train ...
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jax.nn import standardize

from protocol import ARGUMENTS, FIRST_QUERY, POSITIONS, QUERIES, WEIGHTS, main

MASK = np.tril(np.ones((QUERIES, POSITIONS), bool), FIRST_QUERY)
START, tensors_of = ravel_pytree(list(WEIGHTS.values()))


def loss_of(weights, tokens, targets):
    tok, pos, n1, b1, qkv, proj, n2, b2, w1, w2 = tensors_of(weights)
    x = tok[tokens] + pos[:POSITIONS]
    y, x = standardize(x) * n1 + b1, x[:, FIRST_QUERY:]
    q = y[:, FIRST_QUERY:] @ qkv[:7].T
    k, v = jnp.split(y @ qkv[7:].T, 2, -1)
    scores = jnp.where(MASK, q @ k.swapaxes(1, 2) * 7**-0.5, -jnp.inf)
    x = x + jax.nn.softmax(scores) @ v @ proj.T
    x = x + jax.nn.gelu((standardize(x) * n2 + b2) @ w1.T, approximate=False) @ w2.T
    return -(jax.nn.log_softmax(x @ tok.T) * jax.nn.one_hot(targets, 14)).sum(-1).mean()


@functools.partial(jax.jit, donate_argnums=0)
def take_step(state, tokens, targets, rate):
    weights, m, v, count = state
    loss, gradient = jax.value_and_grad(loss_of)(weights, tokens, targets)
    gradient *= jnp.minimum(1, 1 / (jnp.linalg.norm(gradient) + 1e-6))
    m, v, count = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2, count + 1
    correction = lambda beta: -jnp.expm1(count * np.log(beta))  # 1 - beta^count, exact also where that is small
    update = m / correction(0.9) / (jnp.sqrt(v / correction(0.999)) + 1e-8)
    return (weights - rate * (update + 0.1 * weights), m, v, count), loss


main((START, jnp.zeros(763), jnp.zeros(763), jnp.float32(0)), take_step, *ARGUMENTS)
