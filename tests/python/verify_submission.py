"""Asks a submission what the AdderBoard's verifier asks, and counts: verify_submission.py SUBMISSION.py PART PARTS

The verifier (verify.py of https://github.com/anadim/AdderBoard) imports the file, calls build_model() -> (model, metadata), and then
add(model, a, b) for its 10 edge cases and 10,000 pairs of random.Random(2025). Of these, this script asks every PARTS-th from PART on.
Prints one JSON object.
"""
import importlib.util
import json
import random
import sys

import torch

torch.set_num_threads(1)
path, part, parts = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
spec = importlib.util.spec_from_file_location("submission", path)
submission = importlib.util.module_from_spec(spec)
spec.loader.exec_module(submission)

most = 9_999_999_999
edges = [(0, 0), (0, 1), (most, 0), (most, 1), (most, most), (5_000_000_000, 5_000_000_000), (1_111_111_111, 8_888_888_889)]
edges += [(1_234_567_890, 9_876_543_210), (most, most), (1, most)]
generator = random.Random(2025)
cases = edges + [(generator.randint(0, most), generator.randint(0, most)) for _ in range(10_000)]

model, metadata = submission.build_model()


def answer(a, b):
    try:
        return submission.add(model, a, b)
    except Exception as error:  # the verifier counts it as a wrong sum, too
        return f"ERROR: {error}"


sums = [(a, b, answer(a, b)) for a, b in cases[part::parts]]
print(json.dumps({
    "metadata": metadata,
    "numel": sum(parameter.numel() for parameter in model.parameters()),
    "asked": [[a, b] for a, b, _ in sums],
    "wrong": [[a, b, got] for a, b, got in sums if got != a + b],
}))
