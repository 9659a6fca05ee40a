#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_parity.py PROBE — goal: a model written by others from the papers (llama.py) computes what the engine does.

Method: over a table of shapes, the engine makes a model and saves it; PyTorch reads the checkpoint and computes the
same things in double precision, so that what differs is the engine's rounding. Then the other way: PyTorch makes a
model, writes it as others do, and the engine reads it. Last, the bars have to notice wrong models. Prints TAP, each
line with the distance found."""

import os
import subprocess
import sys
import tempfile

import torch
import torch.nn.functional as F

import llama
import tensorfile
from engine import Engine, EngineError

# Largest relative distance from the peer.
LOGITS, LOSS, GRADIENT, STEPS = 1e-4, 1e-5, 1e-3, 1e-3

TRAINING = {"steps": 50, "rate": 0.004, "warmup": 0.1, "decay": 0.3, "beta1": 0.9, "beta2": 0.99, "epsilon": 1e-8,
            "weight_decay": 0.1, "clip": 1}  # fmt: skip
COMMON = {"vocabulary": 259, "context": 33, "depth": 2, "width": 48, "heads": 4, "kv_heads": 4, "ffn": 80, "tied": 0,
          "experts": 1, "experts_per_token": 1, "routed": 0, "gate_all": 0, "load_balance": 0, "router_z": 0,
          "head_size": 0, "qk_norm": 0, "shared_experts": 0, "capacity": 0,
          "rope_base": 10000, "norm_eps": 1e-5, "mup": 1, "base_width": 32, "seed": 5, "noise": 0.02, "batch": 3,
          "micro": 0, **TRAINING}  # fmt: skip
MIXTURE = {"routed": 1, "ffn": 40, "load_balance": 0.02, "router_z": 0.003}

SHAPES = {
    "dense": {},
    "dense, standard parametrisation": {"mup": 0, "rate": 0.002},
    "dense, tied": {"tied": 1, "rate": 0.002},
    "grouped heads": {"kv_heads": 2, "rope_base": 500000},
    "one key/value head, tied, standard": {"kv_heads": 1, "tied": 1, "mup": 0, "rope_base": 500000, "rate": 0.002},
    "wide and shallow": {"width": 96, "heads": 3, "kv_heads": 3, "ffn": 256, "depth": 1, "context": 70, "batch": 2},
    "narrow and deep": {"width": 20, "heads": 2, "kv_heads": 1, "ffn": 52, "depth": 5, "norm_eps": 1e-3},
    "heads wider than the stream": {"heads": 4, "kv_heads": 2, "head_size": 20},
    "heads narrower than the stream, tied": {"heads": 2, "kv_heads": 2, "head_size": 8, "tied": 1, "rate": 0.002},
    "two passes a batch": {"batch": 4, "micro": 2, "context": 17},
    "mixture 4, top 2": {**MIXTURE, "experts": 4, "experts_per_token": 2},
    "mixture 4, top 2, tied, grouped": {**MIXTURE, "experts": 4, "experts_per_token": 2, "tied": 1, "kv_heads": 2,
                                        "mup": 0, "rate": 0.002},  # fmt: skip
    "mixture 8, top 1 of all": {**MIXTURE, "experts": 8, "experts_per_token": 1, "gate_all": 1},
    "mixture 8, top 3 of all": {**MIXTURE, "experts": 8, "experts_per_token": 3, "gate_all": 1, "mup": 0},
    "norms of queries and keys": {"qk_norm": 1, "kv_heads": 2},
    "mixture 4, top 2, one shared": {**MIXTURE, "experts": 4, "experts_per_token": 2, "shared_experts": 1, "qk_norm": 1},
    "mixture 8, top 2, two shared, little room": {**MIXTURE, "experts": 8, "experts_per_token": 2, "shared_experts": 2,
                                                  "capacity": 0.75, "kv_heads": 2},  # fmt: skip
    "one routed expert": {**MIXTURE, "experts": 1, "experts_per_token": 1},
}

# Models that PyTorch writes for the engine to read: the plain keys of config.json that others write, nothing of ours.
LLAMA_JSON = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 40, "intermediate_size": 72,
              "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 131,
              "max_position_embeddings": 29, "rms_norm_eps": 1e-6, "rope_theta": 20000.0, "hidden_act": "silu",
              "tie_word_embeddings": False}  # fmt: skip
MIXTRAL_JSON = {**LLAMA_JSON, "architectures": ["MixtralForCausalLM"], "model_type": "mixtral",
                "num_local_experts": 6, "num_experts_per_tok": 2, "router_aux_loss_coef": 0.02}  # fmt: skip
LLAMA3_JSON = {"rope_type": "llama3", "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
               "original_max_position_embeddings": 16}  # fmt: skip
FOREIGN = {  # config.json, type, files
    "Llama": (LLAMA_JSON, torch.float32, 1),
    "Llama, tied": ({**LLAMA_JSON, "tie_word_embeddings": True}, torch.float32, 1),
    "Llama in F16, three files": (LLAMA_JSON, torch.float16, 3),
    "Llama in BF16": (LLAMA_JSON, torch.bfloat16, 1),
    "Mistral, heads of another size": ({**LLAMA_JSON, "architectures": ["MistralForCausalLM"], "model_type": "mistral",
                                        "head_dim": 24, "sliding_window": 29}, torch.bfloat16, 1),  # fmt: skip
    "Qwen3": ({**LLAMA_JSON, "architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "head_dim": 6},
              torch.float32, 1),  # fmt: skip
    "Llama, linear positions": ({**LLAMA_JSON, "rope_scaling": {"rope_type": "linear", "factor": 2.5}}, torch.float32, 1),
    "Llama 3.1's positions": ({**LLAMA_JSON, "rope_scaling": LLAMA3_JSON}, torch.float32, 1),
    "Mixtral": (MIXTRAL_JSON, torch.float32, 1),
    "Mixtral in BF16, two files": (MIXTRAL_JSON, torch.bfloat16, 2),
}

# Misreadings of a config.json; each has to put the logits further away than the bar.
MISREADINGS = {
    "another RoPE base": {"rope_theta": 11000.0},
    "another epsilon": {"rms_norm_eps": 1e-3},
    "fewer experts per token": {"num_experts_per_tok": 1},
    "positions of another scale": {"rope_scaling": LLAMA3_JSON},
    "the softmax over all experts": {"isoflop": {"gate_all": True}},
}


class Tap:
    def __init__(self):
        self.count = self.failed = 0

    def case(self, good, name):
        self.count += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.count} - {name}", flush=True)

    def within(self, distance, bar, name):
        self.case(distance <= bar, f"{name}: {distance:.1e} of {bar:.0e}")  # a NaN is not within anything


def distance(ours, theirs):
    """The larger of two relative distances: between the arrays as vectors, and between their worst elements."""
    ours, theirs = ours.double().flatten(), theirs.double().flatten()
    difference = ours - theirs
    if not theirs.any():
        return 0.0 if not ours.any() else float("inf")
    return max(float(difference.norm() / theirs.norm()), float(difference.abs().max() / theirs.abs().max()))


def draw_batches(steps, batch, context, vocabulary, seed):
    """(steps, 2, B, T) tokens and targets with something to learn: most tokens follow from the one before."""
    generator = torch.Generator().manual_seed(seed)
    text = torch.randint(vocabulary, (steps, batch, context + 1), generator=generator)
    follows = torch.rand((steps, batch, context), generator=generator) < 0.8
    for t in range(context):
        text[..., t + 1] = torch.where(follows[..., t], (3 * text[..., t] + 7) % vocabulary, text[..., t + 1])
    return torch.stack((text[..., :-1], text[..., 1:]), 1)


def give_batches(engine, batches, path):
    with open(path, "wb") as file:
        file.write(batches.to(torch.int32).numpy().tobytes())
    engine.ask("batches", path)


def compare_logits(tap, name, engine, model, tokens, folder):
    """One by one through the cache, and the last position of all at once."""
    with torch.no_grad():
        logits = model(tokens)
    path = os.path.join(folder, "array")
    tap.within(distance(engine.array("logits", path), logits), LOGITS, f"{name}: logits")
    tap.within(distance(engine.array("prefill", path), logits[:, -1]), LOGITS, f"{name}: logits of a prefill")


def compare_gradients(tap, name, engine, model, batch, folder):
    loss, auxiliary = engine.numbers("gradients", 0)
    peer_loss, peer_auxiliary = model.losses(*batch)
    (peer_loss + peer_auxiliary).backward()
    tap.within(abs(loss - peer_loss.item()) / peer_loss.item(), LOSS, f"{name}: loss")
    if model.c.experts > 1:
        worst = abs(auxiliary - peer_auxiliary.item()) / peer_auxiliary.item()
        tap.within(worst, LOSS, f"{name}: auxiliary losses")
    engine.ask("save-gradients", os.path.join(folder, "gradients"))
    ours = tensorfile.read(os.path.join(folder, "gradients", "model.safetensors"))
    theirs = {key: parameter.grad for key, parameter in model.named_parameters()}
    tap.case(ours.keys() == theirs.keys(), f"{name}: the same {len(theirs)} tensors have a gradient")
    worst, tensor = max((distance(ours[key], theirs[key]), key) for key in theirs)
    tap.within(worst, GRADIENT, f"{name}: gradients, worst {tensor}")


def train(model, batches, s):
    """The losses before each step, and how many steps were clipped."""
    optimizer, factors = llama.adamw(model, s["rate"], (s["beta1"], s["beta2"]), s["epsilon"], s["weight_decay"])
    losses, clipped = [], 0
    for step, (tokens, targets) in enumerate(batches):
        rate = s["rate"] * llama.rate_factor(step, s["steps"], s["warmup"], s["decay"])
        for group, factor in zip(optimizer.param_groups, factors):
            group["lr"] = rate * factor
        optimizer.zero_grad()
        loss, auxiliary = model.losses(tokens, targets)
        (loss + auxiliary).backward()
        clipped += bool(torch.nn.utils.clip_grad_norm_(model.parameters(), s["clip"]) > s["clip"])
        optimizer.step()
        losses.append(loss.item())
    return losses, clipped


def compare_training(tap, name, engine, model, batches, settings, folder):
    ours = engine.numbers("train")
    theirs, clipped = train(model, batches, settings)
    worst = max(abs(a - b) / b for a, b in zip(ours, theirs))
    tap.within(worst, STEPS, f"{name}: {len(ours)} steps, {clipped} clipped, loss {theirs[0]:.2f} to {theirs[-1]:.2f}")
    engine.ask("save", os.path.join(folder, "trained"))
    trained = tensorfile.read(os.path.join(folder, "trained", "model.safetensors"))
    worst, tensor = max((distance(trained[key], weights), key) for key, weights in model.state_dict().items())
    tap.within(worst, STEPS, f"{name}: weights after them, worst {tensor}")


def check_shape(tap, engine, name, shape, folder):
    settings = {**COMMON, **shape}
    batches = draw_batches(settings["steps"], settings["batch"], settings["context"], settings["vocabulary"], 1)
    engine.new(**settings)
    give_batches(engine, batches, os.path.join(folder, "batches"))
    engine.ask("save", os.path.join(folder, "weights"))
    model = llama.load(os.path.join(folder, "weights"), torch.float64)
    compare_logits(tap, name, engine, model, batches[0, 0], folder)
    compare_gradients(tap, name, engine, model, batches[0], folder)
    compare_training(tap, name, engine, model, batches, settings, folder)


def check_foreign(tap, engine, name, table, dtype, files, folder):
    torch.manual_seed(3)
    model = llama.Llama(llama.Config(table))
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, 1.0 if parameter.dim() == 1 else 0.0, 0.15)
    written = os.path.join(folder, name)
    llama.save(model, written, table, dtype, files)
    model.load_state_dict({key: tensor.to(dtype) for key, tensor in model.state_dict().items()})  # rounded, as written
    engine.ask("load", written)
    batches = draw_batches(1, COMMON["batch"], table["max_position_embeddings"], table["vocab_size"], 2)
    give_batches(engine, batches, os.path.join(folder, "batches"))
    compare_logits(tap, f"read from PyTorch, {name}", engine, model.double(), batches[0, 0], folder)


def check_eval(tap, name, table, folder):
    """The loss that `isoflop eval --ids` tells, against the mean over the same windows: each begins half a window after
    the one before, and every token but the first is foretold once."""
    window, count = 10, 64
    model = llama.load(os.path.join(folder, name), torch.float64)
    ids = draw_batches(1, 1, count, table["vocab_size"], 4)[0, 0, 0]
    path = os.path.join(folder, "ids")
    with open(path, "w", encoding="utf-8") as file:
        print(*ids.tolist(), file=file)
    command = [os.environ.get("ISOFLOP", "build/isoflop"), "eval", os.path.join(folder, name), "--ids", path]
    rows = subprocess.run([*command, "-T", str(window), "--csv", "-q"], capture_output=True, text=True, check=True).stdout
    told, total = 0, 0.0
    while told < count - 1:
        start = min(told and told - window // 2, count - 1 - window)
        with torch.no_grad():
            losses = F.cross_entropy(model(ids[None, start:start + window])[0], ids[start + 1:start + window + 1],
                                     reduction="none")  # fmt: skip
        total += losses[told - start:].sum().item()
        told = start + window
    loss = float(rows.splitlines()[1].split(",")[2])
    tap.within(abs(loss - total / (count - 1)) / loss, LOSS, f"isoflop eval --ids, {name}: loss")


def check_misreadings(tap, engine, folder):
    settings = {**COMMON, **SHAPES["mixture 4, top 2"]}
    batches = draw_batches(1, settings["batch"], settings["context"], settings["vocabulary"], 1)
    engine.new(**settings)
    give_batches(engine, batches, os.path.join(folder, "batches"))
    weights = os.path.join(folder, "weights")
    engine.ask("save", weights)
    logits = engine.array("logits", os.path.join(folder, "array"))
    for name, changed in MISREADINGS.items():
        with torch.no_grad():
            found = distance(logits, llama.load(weights, torch.float64, changed)(batches[0, 0]))
        tap.case(found > LOGITS, f"noticed: {name}, {found:.1e} away")


def main():
    torch.set_num_threads(1)
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder, Engine(sys.argv[1]) as engine:
        for name, shape in SHAPES.items():
            check_shape(tap, engine, name, shape, folder)
        for name, (table, dtype, files) in FOREIGN.items():
            try:
                check_foreign(tap, engine, name, table, dtype, files, folder)
                if files == 1:
                    check_eval(tap, name, table, folder)
            except EngineError as error:
                tap.case(False, f"read from PyTorch, {name}: {error}")
        check_misreadings(tap, engine, folder)
    print(f"1..{tap.count}")
    return tap.failed > 0


if __name__ == "__main__":
    sys.exit(main())
