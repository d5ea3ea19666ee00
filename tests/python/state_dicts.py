"""Files of torch.save as people have them: state_dicts.py SOURCE.pt FOLDER

Each holds the weights of SOURCE.pt in another way, or something that is not these weights. Names of the latter begin with `bad`.
"""
import collections
import pathlib
import sys

import torch
import torch.nn as nn

from adder import Adder

state = torch.load(sys.argv[1])
folder = pathlib.Path(sys.argv[2])


def save(name, content, **options):
    torch.save(content, folder / f"{name}.pt", **options)


class Original(Adder):
    """With the buffer that the original's attention registers."""

    def __init__(self):
        super().__init__()
        self.blocks[0].attn.register_buffer("mask", torch.triu(torch.ones(35, 35), diagonal=1).bool())


model = Adder()
model.load_state_dict(state)
original = Original()
original.load_state_dict(state, strict=False)
optimizer = torch.optim.AdamW(model.parameters())
sum(parameter.sum() for parameter in model.parameters()).backward()
optimizer.step()
model.load_state_dict(state)

tied = original.state_dict()
untied = {name: tensor.clone() for name, tensor in tied.items()}  # storages of their own
changed = {**untied, "output_proj.weight": untied["output_proj.weight"] + 1e-6}
without = {name: tensor for name, tensor in state.items() if name != "output_proj.weight"}

save("original", tied)
save("untied_but_equal", untied)
save("without_output_projection", without)
save("lm_head", {**without, "lm_head.weight": state["tok_emb.weight"].clone()})
save("head", {**without, "head.weight": state["tok_emb.weight"].clone()})
save("parameters", dict(model.named_parameters()))
save("data_parallel", nn.DataParallel(model).state_dict())
save("reversed", collections.OrderedDict(reversed(list(tied.items()))))
for protocol in [2, 3, 4, 5]:
    save(f"protocol_{protocol}", tied, pickle_protocol=protocol)
for key in ["model", "model_state_dict", "state_dict"]:
    save(f"under_{key}", {key: tied, "optimizer": optimizer.state_dict(), "step": 8000, "loss": 0.5, "done": True, "notes": ["x", None]})
flat = torch.cat([tensor.flatten() for tensor in without.values()])
parts = flat.split([tensor.numel() for tensor in without.values()])
save("windows_on_one_storage", {name: part.reshape(tensor.shape) for (name, tensor), part in zip(without.items(), parts)})
save("transposed", {name: tensor.t().contiguous().t() if tensor.dim() == 2 else tensor for name, tensor in without.items()})
nano = torch.tril(torch.ones(35, 35)).view(1, 1, 35, 35)
save("float_mask", {**without, "blocks.0.attn.bias": nano})

save("bad_untied", changed)
save("double", {name: tensor.double() for name, tensor in without.items()})
save("bad_missing", {name: tensor for name, tensor in without.items() if name != "blocks.0.ln2.bias"})
save("bad_extra", {**without, "blocks.1.ln1.weight": torch.ones(7)})
save("bad_bias", {**without, "blocks.0.attn.bias": torch.ones(7)})
save("bad_mask", {**without, "blocks.0.attn.mask": torch.ones(35, 35).bool()})
save("bad_shape", {**without, "tok_emb.weight": torch.ones(7, 14)})
save("bad_nan", {**without, "blocks.0.ln1.weight": torch.full((7,), float("nan"))})
save("bad_whole_model", model)
save("bad_tensor", torch.ones(763))
save("bad_legacy", tied, _use_new_zipfile_serialization=False)
save("bad_quantized", {**without, "blocks.0.ln1.weight": torch.quantize_per_tensor(torch.ones(7), 0.1, 0, torch.qint8)})
