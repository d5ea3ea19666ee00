"""Adds with an exported model in ONNX Runtime (pip install onnxruntime).

deno run --allow-write=adder.onnx cli.ts export --to adder.onnx
python3 examples/onnxruntime_add.py adder.onnx 42 7
"""
import sys

import numpy as np
import onnxruntime

path, a, b = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
session = onnxruntime.InferenceSession(path)

# 0-9 are the digits, 10 is +, 11 is =; the sum is written ones first
tokens = [*map(int, f"{a:010}"), 10, *map(int, f"{b:010}"), 11]
for _ in range(11):
    (logits,) = session.run(["logits"], {"tokens": np.array([tokens], dtype=np.int64)})
    tokens.append(int(logits[0, -1].argmax()))
print(a, "+", b, "=", int("".join(map(str, reversed(tokens[22:])))))
