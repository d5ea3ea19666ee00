"""Every activation of a model by PyTorch's own hooks, in float64: hooks.py FOLDER

For each NAME.pt in FOLDER: loads it into a module, runs it on the tokens in NAME.tokens (bytes, [n, 33]), and writes what the hooks got as
NAME.ACTIVATION (float64), at every position for embedded, key and value, at positions 21 to 32 for the others.
"""
import pathlib
import sys

import numpy
import torch
from torch.overrides import TorchFunctionMode

from adder import Adder

torch.set_num_threads(1)
OF_POSITIONS = ["embedded", "key", "value"]


class Attention(TorchFunctionMode):
    """Softmax is a function of a tensor, and no module that a forward hook could be put on."""

    def __torch_function__(self, function, types, arguments=(), options=None):
        result = function(*arguments, **(options or {}))
        if function is torch.Tensor.softmax:
            seen["scores"], seen["pattern"] = arguments[0], result
        return result


for path in sorted(pathlib.Path(sys.argv[1]).glob("*.pt")):
    state = torch.load(path)
    hidden, width = state["blocks.0.ffn.w1.weight"].shape
    model = Adder(width, hidden, "ln_f.weight" in state)
    model.load_state_dict(state)
    model = model.double().eval()
    seen = {}

    def keep(name, of="output", chunks=None):
        def hook(module, inputs, output):
            found = inputs[0] if of == "input" else output
            parts = [found] if chunks is None else found.chunk(chunks, dim=2)
            seen.update(zip([name] if chunks is None else name, parts))
        return hook

    block = model.blocks[0]
    block.ln1.register_forward_hook(keep("embedded", "input"))
    block.attn.qkv.register_forward_hook(keep(["query", "key", "value"], chunks=3))
    block.attn.proj.register_forward_hook(keep("mixed", "input"))
    block.attn.proj.register_forward_hook(keep("attentionOut"))
    block.ln2.register_forward_hook(keep("middle", "input"))
    block.ffn.w1.register_forward_hook(keep("hidden"))
    block.ffn.w2.register_forward_hook(keep("activated", "input"))
    block.ffn.w2.register_forward_hook(keep("feedForwardOut"))
    model.output_proj.register_forward_hook(keep("output", "input"))
    model.output_proj.register_forward_hook(keep("logits"))

    tokens = numpy.fromfile(path.with_suffix(".tokens"), dtype=numpy.uint8).reshape(-1, 33)
    with torch.inference_mode(), Attention():
        model(torch.from_numpy(tokens.astype(numpy.int64)))
    for name, found in seen.items():
        rows = found if name in OF_POSITIONS else found[:, 21:]
        rows.contiguous().numpy().astype("<f8").tofile(path.with_suffix(f".{name}"))
