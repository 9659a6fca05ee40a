#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench_train.py PROBE [SHAPE...] — training steps and decoding, the engine and PyTorch side by side.

Both run one thread, on the same weights and the same batch, in turns (A B A B ...), so that a neighbour's load falls
on both; a table of medians is printed. Both use the OpenBLAS kernels that fit the processor. PyTorch's side is
written as one would for speed: fused projections, precomputed rotation and mask, scores by one baddbmm, AdamW over
lists of tensors; before anything is timed it has to give the engine's loss. Both do the whole step: gradients, their
clipping, AdamW. Seconds are those of the processor, so that waiting for other programs is nobody's."""

import argparse
import os
import statistics
import sys
import tempfile
import time

from engine import Engine

# name: width, layers, heads, batch, tokens, vocabulary. Heads as the program chooses them by itself.
SHAPES = {
    "64": (64, 2, 4, 16, 128, 256),
    "128": (128, 4, 4, 16, 128, 256),
    "256": (256, 6, 8, 16, 128, 256),
    "512": (512, 8, 16, 8, 256, 256),
    "768": (768, 12, 24, 4, 64, 50257),
}
ADAMW = {"rate": 1e-4, "beta1": 0.9, "beta2": 0.99, "epsilon": 1e-8, "weight_decay": 0.1, "clip": 1}
AGREES = 1e-4


def options():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("probe")
    parser.add_argument("shapes", nargs="*", metavar="SHAPE", help=f"widths among {', '.join(SHAPES)} (default: all)")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each side (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=0.5, help="of work in a turn, at least (default: %(default)s)")
    found = parser.parse_intermixed_args()
    for name in found.shapes:
        if name not in SHAPES:
            parser.error(f"no shape '{name}'; there are {', '.join(SHAPES)}")
    return found


OPTIONS = options()

# OpenBLAS reads these while it is loaded, with PyTorch here and with the probe there.
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"
with Engine(OPTIONS.probe) as asked:
    os.environ["OPENBLAS_CORETYPE"] = asked.ask("core")[0]

# pylint: disable=wrong-import-position
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402

import llama  # noqa: E402
from check_parity import distance, draw_batches, give_batches  # noqa: E402


def rms_norm(x, weight, eps):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * weight


def by_vector(x, weight):
    """F.linear for one token: a product of matrix and vector, which linear itself would give to the wrong kernel."""
    return torch.mv(weight, x)


class Fast:
    """The same model, for speed: a list of tensors and one function."""

    def __init__(self, model, context):
        c = self.c = model.c
        state = {name: tensor.detach() for name, tensor in model.state_dict().items()}
        self.embed, self.head = state["model.embed_tokens.weight"], state["lm_head.weight"]
        self.norm = state["model.norm.weight"]
        self.layers = []
        for i in range(c.depth):
            at = f"model.layers.{i}."
            qkv = [state[f"{at}self_attn.{x}_proj.weight"] for x in "qkv"]
            gate_up = [state[f"{at}mlp.{x}_proj.weight"] for x in ("gate", "up")]
            self.layers.append(
                [state[at + "input_layernorm.weight"], torch.cat(qkv), state[at + "self_attn.o_proj.weight"],
                 state[at + "post_attention_layernorm.weight"], torch.cat(gate_up), state[at + "mlp.down_proj.weight"]]
            )  # fmt: skip
        frequency = c.rope_base ** (-torch.arange(0, c.head_size, 2, dtype=torch.float64) / c.head_size)
        angle = torch.outer(torch.arange(context, dtype=torch.float64), frequency).repeat(1, 2)
        self.cosine, self.sine = angle.cos().float()[:, None, :], angle.sin().float()[:, None, :]
        self.mask = torch.full((context, context), float("-inf")).triu(1)
        self.scale = c.head_size**-0.5

    def train(self):
        vectors = [self.embed, self.norm] + [layer[i] for layer in self.layers for i in (0, 3)]
        matrices = [self.head] + [layer[i] for layer in self.layers for i in (1, 2, 4, 5)]
        self.parameters = [tensor.requires_grad_() for tensor in vectors + matrices]
        self.optimizer = torch.optim.AdamW(
            [{"params": vectors, "weight_decay": 0.0}, {"params": matrices, "weight_decay": ADAMW["weight_decay"]}],
            lr=ADAMW["rate"], betas=(ADAMW["beta1"], ADAMW["beta2"]), eps=ADAMW["epsilon"], foreach=True,
        )  # fmt: skip

    def rotate(self, x, cosine, sine):
        half = self.c.head_size // 2
        return x * cosine + torch.cat((-x[..., half:], x[..., :half]), -1) * sine

    def project(self, x, layer, linear, cosine, sine):
        """Queries and keys (...,2H,D), rotated, and values (...,H,D)."""
        c = self.c
        qkv = linear(rms_norm(x, layer[0], c.norm_eps), layer[1]).view(*x.shape[:-1], 3 * c.heads, c.head_size)
        return self.rotate(qkv[..., : 2 * c.heads, :], cosine, sine), qkv[..., 2 * c.heads :, :]

    def feed_forward(self, x, layer, linear):
        gate, up = linear(rms_norm(x, layer[3], self.c.norm_eps), layer[4]).chunk(2, -1)
        return x + linear(F.silu(gate) * up, layer[5])

    def loss(self, tokens, targets):
        c, (B, T) = self.c, tokens.shape
        x = F.embedding(tokens, self.embed)
        for layer in self.layers:
            qk, v = self.project(x, layer, F.linear, self.cosine[:T], self.sine[:T])
            q, k = (part.transpose(1, 2).reshape(B * c.heads, T, -1) for part in qk.chunk(2, 2))
            v = v.transpose(1, 2).reshape(B * c.heads, T, -1)
            p = torch.baddbmm(self.mask[:T, :T], q, k.transpose(1, 2), alpha=self.scale).softmax(-1)
            attended = torch.bmm(p, v).view(B, c.heads, T, -1).transpose(1, 2).reshape(B, T, -1)
            x = self.feed_forward(x + F.linear(attended, layer[2]), layer, F.linear)
        logits = F.linear(rms_norm(x, self.norm, c.norm_eps), self.head)
        return F.cross_entropy(logits.view(B * T, -1), targets.reshape(-1))

    def step(self, tokens, targets):
        self.optimizer.zero_grad(set_to_none=True)
        self.loss(tokens, targets).backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, ADAMW["clip"])
        self.optimizer.step()

    @torch.inference_mode()
    def decode(self, tokens):
        """Feeds tokens (T) one by one through a cache; the logits after the last."""
        c, T = self.c, len(tokens)
        keys = torch.empty(c.depth, c.heads, T, c.head_size)
        values = torch.empty_like(keys)
        for t in range(T):
            x = self.embed[tokens[t]]
            for i, layer in enumerate(self.layers):
                qk, v = self.project(x, layer, by_vector, self.cosine[t], self.sine[t])
                keys[i, :, t], values[i, :, t] = qk[c.heads :], v
                scores = torch.bmm(keys[i, :, : t + 1], qk[: c.heads, :, None]) * self.scale
                attended = torch.bmm(scores.softmax(1).transpose(1, 2), values[i, :, : t + 1])
                x = self.feed_forward(x + torch.mv(layer[2], attended.view(-1)), layer, by_vector)
            logits = torch.mv(self.head, rms_norm(x, self.norm, c.norm_eps))
        return logits


def seconds_of(work, n):
    start = time.process_time()
    for _ in range(n):
        work()
    return time.process_time() - start


def in_turns(ours, theirs, items):
    """ours(n), theirs(n): seconds for n pieces of work of `items` tokens. The medians of tokens per second, and of the
    ratio within a turn."""
    sides, counts, rates = (ours, theirs), [], ([], [])
    for side in sides:
        side(1)  # warm: pages, caches, frequencies
        counts.append(max(1, round(OPTIONS.seconds / side(1))))
    for _ in range(OPTIONS.rounds):
        for side, n, found in zip(sides, counts, rates):
            found.append(n * items / side(n))
    ratio = statistics.median(a / b for a, b in zip(*rates))
    return (*(statistics.median(found) for found in rates), ratio)


def prepare(engine, name, folder):
    """The same weights and batch on both sides, which must then agree on the loss."""
    width, depth, heads, batch, tokens, vocabulary = SHAPES[name]
    ffn = -(-8 * width // 3 // 32) * 32 if 8 * width % 96 == 0 else (8 * width // 96 + 1) * 32
    engine.new(width=width, depth=depth, heads=heads, kv_heads=heads, ffn=ffn, batch=batch, context=tokens,
               vocabulary=vocabulary, mup=0, **ADAMW)  # fmt: skip
    batches = draw_batches(1, batch, tokens, vocabulary, 1)
    give_batches(engine, batches, os.path.join(folder, "batches"))
    engine.ask("save", folder)
    fast = Fast(llama.load(folder, torch.float32), tokens)
    loss = engine.numbers("gradients", 0)[0]
    logits = engine.array("prefill", os.path.join(folder, "array"))[:vocabulary]
    with torch.inference_mode():
        peer_loss = fast.loss(*batches[0]).item()
    if not abs(loss - peer_loss) <= AGREES * peer_loss:
        sys.exit(f"bench_train: width {width}: the engine's loss is {loss}, PyTorch's {peer_loss}: not the same model")
    if not distance(fast.decode(batches[0][0, 0].tolist()), logits) <= AGREES:
        sys.exit(f"bench_train: width {width}: the engine and PyTorch do not decode to the same logits")
    return fast, batches[0]


def row(what, name, ours, theirs, ratio):
    width, depth, _, batch, tokens, vocabulary = SHAPES[name]
    shape = f"{width} x {depth}, {batch if what == 'train' else 1}x{tokens}, V={vocabulary}"
    print(f"{what:<7} {shape:<26} {ours:>12.5g} {theirs:>12.5g} {ratio:>8.2f}", flush=True)


def bench(engine, name, folder):
    fast, (tokens, targets) = prepare(engine, name, folder)
    context = tokens.shape[1]
    decoding = in_turns(
        lambda n: sum(engine.numbers("time-decode", context)[0] for _ in range(n)),
        lambda n: seconds_of(lambda: fast.decode(tokens[0].tolist()), n),
        context,
    )
    fast.train()
    training = in_turns(
        lambda n: engine.numbers("time-train", n)[0], lambda n: seconds_of(lambda: fast.step(tokens, targets), n),
        tokens.numel(),
    )  # fmt: skip
    row("train", name, *training)
    row("decode", name, *decoding)


def main():
    torch.set_num_threads(1)
    print(f"PyTorch {torch.__version__}, OpenBLAS kernels {os.environ['OPENBLAS_CORETYPE']}, one thread, "
          f"medians of {OPTIONS.rounds} turns")  # fmt: skip
    print(f"{'':<7} {'width x layers, BxT':<26} {'ours tok/s':>12} {'torch tok/s':>12} {'ratio':>8}")
    with tempfile.TemporaryDirectory() as folder, Engine(OPTIONS.probe) as engine:
        for name in OPTIONS.shapes or SHAPES:
            bench(engine, name, folder)


if __name__ == "__main__":
    main()
