"""Files as people have them, of PyTorch and NumPy: foreign_files.py SOURCE.pt FOLDER

Writes what is in tests/golden/import, with Debian's PyTorch 1.13 and NumPy 1.24. Each file holds the weights of SOURCE.pt in another way, or
something else: tests/checkpoint/import_checkpoint_test.ts says which. NAME.f32 are the weights that NAME.* must be read as, where they are not those of SOURCE.pt.
"""
import argparse
import bz2
import collections
import dataclasses
import datetime
import decimal
import enum
import gzip
import json
import pathlib
import pickle
import random
import struct
import sys
import tarfile
import types
import zipfile

import numpy
import torch
import torch.nn as nn

from adder import Adder

torch.manual_seed(1)
numpy.random.seed(1)
random.seed(1)
state = {name: tensor.clone() for name, tensor in torch.load(sys.argv[1]).items() if name != "output_proj.weight"}
folder = pathlib.Path(sys.argv[2])
arrays = {name: tensor.numpy() for name, tensor in state.items()}


def save(name, content, **options):
    torch.save(content, folder / name, **options)


def prefixed(prefix, tensors=state):
    return {prefix + name: tensor for name, tensor in tensors.items()}


def safetensors(name, tensors, dtype, metadata=None):
    header, data = {} if metadata is None else {"__metadata__": metadata}, b""
    for key, array in tensors.items():
        end = len(data) + len(array.tobytes())
        header[key] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [len(data), end]}
        data += array.tobytes()
    text = json.dumps(header).encode()
    (folder / name).write_bytes(struct.pack("<Q", len(text)) + text + data)


def expected(name, tensors):
    (folder / f"{name}.f32").write_bytes(b"".join(tensor.float().numpy().astype("<f4").tobytes() for tensor in tensors.values()))


@dataclasses.dataclass
class Config:
    width: int = 7
    name: str = "adder"


class Phase(enum.Enum):
    EXPLORE = 1


class AttributeTensor(torch.Tensor):
    pass


class AttributeDict(dict):
    pass


# what wraps the model
save("wrapper_net.pt", {"net": state, "epoch": 3, "acc": 0.99})
save("wrapper_three_levels.pt", {"trainer": {"module": {"weights": state}}, "step": 8000})
save("wrapper_list.pt", [{"epoch": 1}, {"state_dict": state}])
save("wrapper_own_class.pt", AttributeDict(generator=AttributeDict(state)))
save("wrapper_number_keys.pt", {"checkpoints": {3: {("best", 1): state}}})
save("wrapper_bytes_keys.pt", {b"model": {None: state}, b"empty": {}, "more": collections.OrderedDict()})
save("wrapper_tuple_of_dicts.pt", ({"lr": 0.02}, state, {}))

save("wrapper_with_masks.pt", {"masks": {name: tensor > 0 for name, tensor in state.items()}, "model": state})
save("wrapper_with_teacher.pt", {"teacher": {name: torch.zeros([8 if extent == 7 else extent for extent in tensor.shape]) for name, tensor in state.items()}, "student": state})

# what comes before the names
save("prefix_compiled_parallel.pt", {"model": prefixed("_orig_mod.module.")})
save("prefix_deepspeed.pt", {"module": prefixed("_forward_module.")})
save("prefix_fabric.ckpt", {"model": prefixed("_forward_module._orig_mod.")})
save("prefix_fsdp.pt", {"model": prefixed("_fsdp_wrapped_module._checkpoint_wrapped_module.")})
module = Adder()
module.load_state_dict({**state, "output_proj.weight": state["tok_emb.weight"]})
optimizer = torch.optim.AdamW(module.parameters())
sum(parameter.sum() for parameter in module.parameters()).backward()
optimizer.step()
lightning = {**prefixed("model."), "train_acc.tp": torch.zeros(1, dtype=torch.int64), "loss.weight": torch.ones(14)}
save("prefix_lightning.ckpt", {
    "epoch": 4, "global_step": 12000, "pytorch-lightning_version": "2.2.0", "state_dict": collections.OrderedDict(lightning),
    "loops": {"fit_loop": {"state_dict": {}}}, "optimizer_states": [optimizer.state_dict()], "lr_schedulers": [],
    "callbacks": {"ModelCheckpoint{'monitor': 'val'}": {"best_model_score": torch.tensor(0.99), "dirpath": pathlib.PurePosixPath("/runs/1")}},
    "hparams_name": "kwargs", "hyper_parameters": AttributeDict(lr=0.02, args=argparse.Namespace(seed=1)),
})

# what is beside it
NEIGHBOURS = {
    "namespace": argparse.Namespace(lr=0.02, seeds=[1, 2], out=pathlib.Path("run")),
    "paths": {"posix": pathlib.PosixPath("/runs"), "windows": pathlib.PureWindowsPath("C:/runs")},
    "sets": {"tags": {"a", "b"}, "frozen": frozenset([1, 2]), "by_pair": {(1, 2): 3}, "complex": 1 + 2j, "range": range(3)},
    "random_states": {"torch": torch.get_rng_state(), "numpy": numpy.random.get_state(), "python": random.getstate()},
    "numpy": {"scalar": numpy.float32(0.5), "array": numpy.arange(6).reshape(2, 3), "bool": numpy.bool_(True), "strings": numpy.array(["a", "bc"])},
    "collections": {"counter": collections.Counter("abca"), "deque": collections.deque([1, 2], maxlen=5), "log": collections.defaultdict(list, loss=[0.5])},
    "own_classes": {"config": Config(), "phase": Phase.EXPLORE, "space": types.SimpleNamespace(a=1), "time": datetime.datetime(2026, 1, 1), "price": decimal.Decimal("0.1")},
    "torch": {"size": torch.Size([1, 2]), "dtype": torch.bfloat16, "device": torch.device("cuda:0"), "long": torch.arange(5), "sparse": torch.eye(3).to_sparse(), "half": torch.ones(2).bfloat16()},
    "optimizer": {"optimizer_state": optimizer.state_dict(), "scheduler": torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10).state_dict(), "scaler": torch.cuda.amp.GradScaler(enabled=False).state_dict()},
}
for name, neighbour in NEIGHBOURS.items():
    save(f"neighbour_{name}.pt", {"model_state_dict": state, "extra": neighbour}, pickle_protocol=4 if name in ["sets", "numpy"] else 2)
save("neighbour_long_log.pt", {"model": state, "losses": [1 / (i + 1) for i in range(3000)]})

subclasses = {name: tensor.as_subclass(AttributeTensor) for name, tensor in state.items()}
subclasses["tok_emb.weight"].decay = True
save("neighbour_subclasses.pt", subclasses)

# other numbers
half = {name: tensor.half() for name, tensor in state.items()}
brain = {name: tensor.bfloat16() for name, tensor in state.items()}
double = {name: tensor.double() * (1 + 1e-9) for name, tensor in state.items()}
save("half_float16.pt", half)
expected("half_float16", half)
save("half_bfloat16.pt", {"model": brain, "step": 1})
expected("half_bfloat16", brain)
mixed = {name: tensor.half() if "ffn" in name else tensor for name, tensor in state.items()}
save("half_mixed.pt", mixed)
expected("half_mixed", mixed)
safetensors("half_f16.safetensors", {name: tensor.numpy() for name, tensor in half.items()}, "F16", {"format": "pt"})
expected("half_f16", half)
safetensors("half_f64.safetensors", {name: tensor.numpy() for name, tensor in double.items()}, "F64")
expected("half_f64", double)
small = {**half, "blocks.0.ln1.bias": torch.tensor([6e-8, -6e-8, 6.1e-5, 65504, -65504, 0.333, -0.0]).half()}  # subnormal, largest
save("half_extremes.pt", small)
expected("half_extremes", small)

# NumPy
numpy.savez(folder / "npz_plain.npz", **arrays)
numpy.savez_compressed(folder / "npz_compressed.npz", **arrays)
numpy.savez(folder / "npz_column_major.npz", **{name: numpy.asfortranarray(array) for name, array in arrays.items()})
numpy.savez(folder / "npz_big_endian.npz", **{name: array.astype(">f4") for name, array in arrays.items()})
numpy.savez(folder / "npz_prefix_and_more.npz", step=numpy.int64(5), losses=numpy.ones(10), **prefixed("module.", arrays))
numpy.savez(folder / "npz_float16.npz", **{name: array.astype("f2") for name, array in arrays.items()})
expected("npz_float16", half)
numpy.savez(folder / "npz_big_endian_double.npz", **{name: numpy.asfortranarray(array).astype(">f8") for name, array in arrays.items()})
numpy.savez(folder / "npz_objects_and_texts.npz", config=numpy.array({"a": 1}, dtype=object), name=numpy.array("adder"), **prefixed("model/", arrays))
for protocol in [2, 4, 5]:
    (folder / f"pickled_arrays_{protocol}.pkl").write_bytes(pickle.dumps({"params": arrays, "step": numpy.int64(5)}, protocol))



def repacked(name, source, **options):
    """The same entries in a new archive, in a folder if one is named, with a comment at the end."""
    inside = options.pop("inside", "")
    with zipfile.ZipFile(folder / source) as old, zipfile.ZipFile(folder / name, "w", **options) as new:
        if inside:
            new.writestr(inside, b"")
        for entry in old.namelist():
            new.writestr(inside + entry, old.read(entry))
        new.comment = b"backup of 1 May"


repacked("npz_in_a_folder.npz", "npz_plain.npz", inside="weights/")
repacked("deflated_wrapper.pt", "wrapper_net.pt", compression=zipfile.ZIP_DEFLATED)
repacked("file_lzma.npz", "npz_plain.npz", compression=zipfile.ZIP_LZMA)

# another architecture
save("other_two_layers.pt", {**state, **{name.replace("blocks.0", "blocks.1"): tensor for name, tensor in state.items() if "blocks" in name}})
save("other_wider.pt", {"model": {name: torch.zeros([8 if extent == 7 else extent for extent in tensor.shape]) for name, tensor in state.items()}})
wte = {"transformer.wte.weight": torch.zeros(14, 7), "transformer.wpe.weight": torch.zeros(35, 7), "transformer.h.0.ln_1.weight": torch.ones(7), "lm_head.weight": torch.zeros(14, 7)}
save("other_nanogpt.pt", {"model": prefixed("_orig_mod.", wte), "optimizer": optimizer.state_dict(), "config": {"n_layer": 1}})
safetensors("other_huggingface.safetensors", {"model.embed_tokens.weight": numpy.zeros((14, 8), "f4"), "model.norm.weight": numpy.ones(8, "f4")}, "F32", {"format": "pt"})
numpy.savez(folder / "other_flat.npz", w1=numpy.zeros((7, 14), "f4"), b1=numpy.zeros(14, "f4"))

# no dictionary of tensors, or no model in it
save("none_list.pt", list(state.values()))
save("none_parameters.pt", tuple(module.parameters()))
save("none_scalar.pt", torch.tensor(1.5))
save("none_optimizer.pt", optimizer.state_dict())
save("none_metrics.pt", {"acc": 0.99, "losses": [1, 2]})
save("none_whole_module.pt", module)
save("none_text.pt", "best model so far")
save("two_models.pt", {"model": state, "ema": {name: tensor + 1 for name, tensor in state.items()}})
save("two_equal_models.pt", {"model": state, "best": {name: tensor.clone() for name, tensor in state.items()}})

# other files
torch.jit.save(torch.jit.script(nn.Linear(7, 14, bias=False)), folder / "file_torchscript.pt")
save("inner.pt", state)
with zipfile.ZipFile(folder / "file_zipped.zip", "w", zipfile.ZIP_DEFLATED) as archive:
    archive.write(folder / "inner.pt", "runs/best.pt")
with zipfile.ZipFile(folder / "file_of_texts.zip", "w") as archive:
    for name in ["README.md", "train.py", "data.csv", "LICENSE"]:
        archive.writestr(name, "text")
with zipfile.ZipFile(folder / "file_of_nothing.zip", "w"):
    pass
inner = (folder / "inner.pt").read_bytes()
(folder / "inner.pt").unlink()
(folder / "file_gzipped.pt.gz").write_bytes(gzip.compress(inner, mtime=0))
(folder / "file_bzipped.pt.bz2").write_bytes(bz2.compress(inner))
numpy.save(folder / "file_flat.npy", numpy.concatenate([array.ravel() for array in arrays.values()]))
numpy.save(folder / "file_dict.npy", arrays, allow_pickle=True)
numpy.savez(folder / "file_objects.npz", params=numpy.array(arrays, dtype=object))
save("file_legacy.pt", {"a": torch.ones(1)}, _use_new_zipfile_serialization=False)
(folder / "file_pickled_tensors.pkl").write_bytes(pickle.dumps(state))
(folder / "file_pickled_metrics.pkl").write_bytes(pickle.dumps({"acc": 0.5}))
(folder / "file_index.json").write_text(json.dumps({"metadata": {"total_size": 3052}, "weight_map": {"tok_emb.weight": "model-00001-of-00002.safetensors"}}))
(folder / "file_config.json").write_text('{"n_layer": 1}\n')
(folder / "file_page.pt").write_text("\n\n<html><head><title>404</title></head></html>\n")
(folder / "file_pointer.ckpt").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:" + 64 * "b" + "\nsize 7722\n")
(folder / "file_text.pt").write_text("Entry not found\n")
(folder / "file_pointer_of_windows.pt").write_bytes(b"\xef\xbb\xbfversion https://git-lfs.github.com/spec/v1\r\noid sha256:" + 64 * b"b" + b"\r\nsize 7722\r\n")
(folder / "file_page_utf16.pt").write_bytes("\ufeff<!-- saved -->\r\n<!DOCTYPE html>".encode("utf-16-le"))
(folder / "file_old_pickle_0.pkl").write_bytes(pickle.dumps(arrays, 0))
(folder / "file_old_pickle_1.pkl").write_bytes(pickle.dumps({"params": arrays}, 1))
with tarfile.open(folder / "file_tar.tar", "w") as archive:
    archive.addfile(tarfile.TarInfo("runs/best.pt"))
