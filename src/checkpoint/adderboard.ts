// The board wants a `torch.nn.Module` with a forward pass from tokens to logits, a decoding loop outside of it, and counts unique parameters.
import { parameterCount, variantOf } from "../model/variant.ts";
import { toBase64 } from "../common/encoding.ts";
import { concatenate } from "./common/bytes.ts";
import { type CheckpointSource, tensorsToWrite } from "./safetensors/checkpoint.ts";

/**
 * Writes a submission to the AdderBoard, https://github.com/anadim/AdderBoard: a Python file that needs only PyTorch and contains the weights.
 * Run it by the board's `python verify.py submission.py`, or by `python submission.py 42 7`.
 *
 * @example Usage
 * ```ts
 * import { encodeAdderBoardSubmission } from "@x/tiny-adder/checkpoint";
 * import { assertMatch } from "@std/assert";
 *
 * const python = encodeAdderBoardSubmission({ model: 763, parameters: new Float32Array(763), metadata: {} });
 * assertMatch(python, /^def build_model\(\):$/m);
 * ```
 *
 * @returns The text of the file; the same weights give the same text
 * @throws {CheckpointError} If the number of parameters is wrong, or one is not finite
 */
export function encodeAdderBoardSubmission(source: CheckpointSource): string {
  const { model, tensors } = tensorsToWrite(source);
  const base64 = toBase64(concatenate(tensors.map(({ bytes }) => bytes)));
  const weights = base64.match(/.{1,100}/g)!.map((line) => `    "${line}"`).join("\n");
  const variant = variantOf(model);
  const { width, hidden, finalNorm, gelu, layerNormEpsilon } = variant;
  const count = parameterCount(variant);
  const table = tensors.map(({ name, shape }) => `    ("${name}", [${shape.join(", ")}]),`).join("\n");
  const activation = gelu === "erf" ? "F.gelu(self.w1(x))" : `F.gelu(self.w1(x), approximate="tanh")`;
  const epsilon = layerNormEpsilon.toExponential(); // both languages read what the other writes
  return [
    `"""A transformer of ${count} parameters that adds 10-digit numbers: a submission to the AdderBoard.

    python verify.py submission.py      # https://github.com/anadim/AdderBoard
    python submission.py 42 7

Written by tiny-adder, which trained the weights. They do the addition: exchange them, and the same code gives another answer.
"""
import base64
import math
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

VOCABULARY = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "+", "=", "<PAD>", "<EOS>"]
END = VOCABULARY.index("<EOS>")
CONTEXT = 35

# name and shape of each tensor, in the order of the bytes below
TENSORS = [
${table}
]

# float32, little-endian, in base64
WEIGHTS = (
${weights}
)`,
    `class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(${width}, ${3 * width}, bias=False)
        self.proj = nn.Linear(${width}, ${width}, bias=False)

    def forward(self, x):
        length = x.shape[1]
        query, key, value = self.qkv(x).split(${width}, dim=-1)
        scores = query @ key.transpose(1, 2) / math.sqrt(${width})
        future = torch.full((length, length), -math.inf).triu(1)
        return self.proj((scores + future).softmax(dim=-1) @ value)`,
    `class FeedForward(nn.Module):
    def __init__(self):
        super().__init__()
        self.w1 = nn.Linear(${width}, ${hidden}, bias=False)
        self.w2 = nn.Linear(${hidden}, ${width}, bias=False)

    def forward(self, x):
        return self.w2(${activation})`,
    `class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln1 = nn.LayerNorm(${width}, eps=${epsilon})
        self.attn = Attention()
        self.ln2 = nn.LayerNorm(${width}, eps=${epsilon})
        self.ffn = FeedForward()

    def forward(self, x):
        x = x + self.attn(self.ln1(x))
        return x + self.ffn(self.ln2(x))`,
    `class Adder(nn.Module):
    """A decoder-only transformer: one layer, one head, width ${width}, embeddings tied with the output."""

    def __init__(self):
        super().__init__()
        self.tok_emb = nn.Embedding(14, ${width})
        self.pos_emb = nn.Embedding(35, ${width})
        self.blocks = nn.ModuleList([Block()])
${finalNorm ? `        self.ln_f = nn.LayerNorm(${width}, eps=${epsilon})\n` : ""}
    def forward(self, tokens):
        """tokens: [batch, length] -> logits: [batch, length, 14]"""
        x = self.tok_emb(tokens) + self.pos_emb.weight[: tokens.shape[1]]
        for block in self.blocks:
            x = block(x)
        return F.linear(${finalNorm ? "self.ln_f(x)" : "x"}, self.tok_emb.weight)`,
    `def trained_weights():
    values = torch.frombuffer(bytearray(base64.b64decode(WEIGHTS)), dtype=torch.float32)
    parts = values.split([math.prod(shape) for _, shape in TENSORS])
    return {name: part.reshape(shape) for (name, shape), part in zip(TENSORS, parts)}`,
    `@torch.inference_mode()
def generate(model, prompt):
    """What the model writes after a prompt, greedily, up to the end of the sequence."""
    tokens = [VOCABULARY.index(letter) for letter in prompt]
    while len(tokens) < CONTEXT:
        token = int(model(torch.tensor([tokens]))[0, -1].argmax())
        if token == END:
            break
        tokens.append(token)
    return "".join(VOCABULARY[token] for token in tokens[len(prompt):])`,
    `def add(model, a: int, b: int) -> int:
    # the sum is written ones first; a text that is no number raises ValueError
    return int(generate(model, f"{a:010d}+{b:010d}=")[::-1])`,
    `def build_model():
    model = Adder().eval()
    model.load_state_dict(trained_weights())
    unique = {parameter.data_ptr(): parameter.numel() for parameter in model.parameters()}
    return model, {
        "name": "tiny-adder",
        "author": "tiny-adder",
        "params": sum(unique.values()),
        "architecture": "1-layer decoder, width ${width}, 1 head, feed-forward ${hidden}, pre-norm, learned positions",
        "tricks": ["tied embeddings", "no biases but in LayerNorm", "sum written ones first", "digit curriculum"],
    }`,
    `if __name__ == "__main__":
    a, b = map(int, sys.argv[1:])
    print(a, "+", b, "=", add(build_model()[0], a, b))
`,
  ].join("\n\n\n");
}
