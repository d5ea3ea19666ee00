"""The loss that pytorch_peer.py computes, as it trains (fused rows 21..32 only), on golden weights and tokens.

  python pytorch_loss.py GOLDEN.json [compile]     prints {"loss": ...}

Runs in the workshop, beside the peer.
"""

import contextlib
import io
import json
import sys

golden = json.load(open(sys.argv[1]))
compiled = sys.argv[2:] == ["compile"]

# The peer is a program: it does its shortest task while it is imported.
sys.argv = ["pytorch_peer.py", "--task", "data", "--steps", "1", "--runs", "1", "--warmup", "0"]
with contextlib.redirect_stdout(io.StringIO()):
    import pytorch_peer as peer

torch = peer.torch
torch.set_num_threads(1)
model = peer.Adder()
weights = {name: torch.tensor(values) for name, values in golden["weights"].items()}
shaped = {name: weights.get(name, weights["tok_emb.weight"]).reshape(tensor.shape) for name, tensor in model.state_dict().items()}
model.load_state_dict(shaped)

tokens = torch.tensor(golden["batches"][0]["tokens"])[:, :33]
targets = torch.cat([tokens[:, 22:33], torch.full((len(tokens), 1), peer.EOS)], 1)
net = peer.AnswerOnly(model)


def loss(tokens, targets):
    return peer.F.cross_entropy(net(tokens).reshape(-1, peer.VOCAB), targets.reshape(-1))


if compiled:
    loss = torch.compile(loss)
print(json.dumps({"loss": float(loss(tokens, targets).detach())}))
