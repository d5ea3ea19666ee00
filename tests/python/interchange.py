"""What PyTorch makes of our files: interchange.py FOLDER

For each NAME.pt in FOLDER: loads it in every way that this version has, loads it into a module strictly, counts its parameters, saves it again as
NAME.again.pt and the module's own state dict as NAME.module.pt, and writes the module's logits for the tokens in NAME.tokens
(bytes, [n, 33]) at positions 21 to 32 as NAME.logits (float32, [n, 12, 14]).
Prints one JSON object: for each NAME the number of parameters.
"""
import json
import pathlib
import sys

import numpy
import torch

from adder import Adder

torch.set_num_threads(1)
report = {}
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.pt")):
    name = path.stem
    state = torch.load(path)
    careful = torch.load(path, weights_only=True)
    assert list(state) == list(careful) and all(torch.equal(state[key], careful[key]) for key in state)
    assert state["output_proj.weight"].data_ptr() == state["tok_emb.weight"].data_ptr(), "not tied"

    hidden, width = state["blocks.0.ffn.w1.weight"].shape
    module = Adder(width, hidden, "ln_f.weight" in state).eval()
    module.load_state_dict(state)
    report[name] = sum(parameter.numel() for parameter in module.parameters())
    torch.save(state, path.with_suffix(".again.pt"))
    torch.save(module.state_dict(), path.with_suffix(".module.pt"))

    tokens = numpy.fromfile(path.with_suffix(".tokens"), dtype=numpy.uint8).reshape(-1, 33)
    with torch.inference_mode():
        logits = module(torch.from_numpy(tokens.astype(numpy.int64)))[:, 21:]
    logits.contiguous().numpy().astype("<f4").tofile(path.with_suffix(".logits"))
print(json.dumps(report))
