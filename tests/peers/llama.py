# SPDX-License-Identifier: Apache-2.0
"""A Llama or Mixtral model in plain PyTorch: the second opinion about what the engine computes.

Written from the papers and from what config.json says, not from the engine's sources, and for the eye, not for
speed: one loop per layer and per expert, nothing fused, in whatever precision the caller asks for. Modules carry the
names of the Hugging Face layout, so a checkpoint's tensors and this model's gradients compare by name.

  RMSNorm           Zhang & Sennrich 2019, eq. 4
  rotary positions  Su 2021, eq. 34; halves of a head are paired (i, i + D/2), as in the Hugging Face layout
  attention         Vaswani 2017, eq. 1; grouped key/value heads: Ainslie 2023, sec. 2.2
  SwiGLU            Shazeer 2020, eq. 6
  mixture           Jiang 2024, sec. 2.1; with gate "all" Fedus 2021, eq. 2
  auxiliary losses  load balance: Fedus 2021, eq. 4-6; router z: Zoph 2022, eq. 5
"""

import json
import math
import os

import torch
import torch.nn as nn
import torch.nn.functional as F

import tensorfile


class Config:
    """The numbers of a config.json."""

    def __init__(self, table):
        extra = table.get("isoflop", {})
        self.width = table["hidden_size"]
        self.ffn = table["intermediate_size"]
        self.depth = table["num_hidden_layers"]
        self.heads = table["num_attention_heads"]
        self.kv_heads = table.get("num_key_value_heads", self.heads)
        self.head_size = table.get("head_dim") or self.width // self.heads
        self.vocabulary = table["vocab_size"]
        self.norm_eps = table["rms_norm_eps"]
        self.rope_base = table.get("rope_theta", 10000.0)
        self.rope_scaling = table.get("rope_scaling") or {"rope_type": "default"}
        self.tied = table.get("tie_word_embeddings", False)
        self.routed = table["model_type"] == "mixtral"
        self.qk_norm = extra.get("qk_norm", table["model_type"] == "qwen3")
        self.shared_experts = extra.get("shared_experts", 0)
        self.capacity = extra.get("capacity", 0.0)
        self.experts = table.get("num_local_experts", 1)
        self.experts_per_token = table.get("num_experts_per_tok", 1)
        self.load_balance = table.get("router_aux_loss_coef", 0.0)
        self.router_z = extra.get("router_z", 0.0)
        self.gate_all = extra.get("gate_all", False)
        self.mup = extra.get("mup", False)
        self.base_width = extra.get("base_width", self.width)


class RMSNorm(nn.Module):
    def __init__(self, width, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x):
        return x / torch.sqrt((x * x).mean(-1, keepdim=True) + self.eps) * self.weight


def frequencies(D, base, scaling):
    """base^(-2i/D), slowed down for longer texts: all alike (Chen 2023, eq. 4), or by their wavelength (Llama 3.1)."""
    frequency = base ** (-2 * torch.arange(D // 2, dtype=torch.float64) / D)
    if scaling["rope_type"] == "linear":
        return frequency / scaling["factor"]
    if scaling["rope_type"] == "llama3":
        low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
        wavelength, length = 2 * math.pi / frequency, scaling["original_max_position_embeddings"]
        smooth = (length / wavelength - low) / (high - low)
        slow = frequency / scaling["factor"]
        middle = torch.where(wavelength > length / low, slow, (1 - smooth) * slow + smooth * frequency)
        return torch.where(wavelength < length / high, frequency, middle)
    return frequency


def rotate(x, base, scaling):
    """x (B,T,heads,D): the pair (i, i + D/2) at position t turns by the angle t * frequency(i)."""
    T, D = x.shape[1], x.shape[3]
    frequency = frequencies(D, base, scaling)
    angle = torch.outer(torch.arange(T, dtype=torch.float64), frequency)
    cosine, sine = angle.cos().to(x)[:, None, :], angle.sin().to(x)[:, None, :]
    first, second = x[..., : D // 2], x[..., D // 2 :]
    return torch.cat((first * cosine - second * sine, second * cosine + first * sine), -1)


class Attention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        self.q_proj = nn.Linear(c.width, c.heads * c.head_size, bias=False)
        self.k_proj = nn.Linear(c.width, c.kv_heads * c.head_size, bias=False)
        self.v_proj = nn.Linear(c.width, c.kv_heads * c.head_size, bias=False)
        self.o_proj = nn.Linear(c.heads * c.head_size, c.width, bias=False)
        if c.qk_norm:  # one gain per channel of a head, for all heads, before the rotation
            self.q_norm = RMSNorm(c.head_size, c.norm_eps)
            self.k_norm = RMSNorm(c.head_size, c.norm_eps)

    def forward(self, x):
        c, (B, T, _) = self.c, x.shape
        q = self.q_proj(x).view(B, T, c.heads, c.head_size)
        k = self.k_proj(x).view(B, T, c.kv_heads, c.head_size)
        if c.qk_norm:
            q, k = self.q_norm(q), self.k_norm(k)
        q, k = (rotate(x, c.rope_base, c.rope_scaling) for x in (q, k))
        v = self.v_proj(x).view(B, T, c.kv_heads, c.head_size)
        k = k.repeat_interleave(c.heads // c.kv_heads, 2)  # neighbouring query heads share a key/value head
        v = v.repeat_interleave(c.heads // c.kv_heads, 2)
        scores = torch.einsum("bthd,bshd->bhts", q, k) / c.head_size**0.5
        future = torch.ones(T, T, dtype=torch.bool).triu(1)
        p = scores.masked_fill(future, float("-inf")).softmax(-1)
        return self.o_proj(torch.einsum("bhts,bshd->bthd", p, v).reshape(B, T, -1))


class FeedForward(nn.Module):
    def __init__(self, width, ffn):
        super().__init__()
        self.gate_proj = nn.Linear(width, ffn, bias=False)
        self.up_proj = nn.Linear(width, ffn, bias=False)
        self.down_proj = nn.Linear(ffn, width, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Expert(nn.Module):
    """A feed-forward layer under Mixtral's names: w1 is the gate, w3 goes up, w2 down."""

    def __init__(self, c):
        super().__init__()
        self.w1 = nn.Linear(c.width, c.ffn, bias=False)
        self.w2 = nn.Linear(c.ffn, c.width, bias=False)
        self.w3 = nn.Linear(c.width, c.ffn, bias=False)

    def forward(self, x):
        return self.w2(F.silu(self.w1(x)) * self.w3(x))


class Mixture(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        self.gate = nn.Linear(c.width, c.experts, bias=False)
        self.experts = nn.ModuleList(Expert(c) for _ in range(c.experts))
        if c.shared_experts:  # experts that every token visits are one wider one (Dai 2024, eq. 9)
            self.shared_expert = FeedForward(c.width, c.shared_experts * c.ffn)
        self.auxiliary = None  # the last call's auxiliary losses, weighted
        self.limited = False  # whether experts serve no more than their capacity: while training

    def served(self, chosen):
        """Which pairs of token and rank an expert has room for, in the order of tokens, then ranks: at most
        ceil(capacity n k / E) of its own (Fedus 2021, eq. 3)."""
        c = self.c
        if not (self.limited and c.capacity):
            return torch.ones_like(chosen, dtype=torch.bool)
        room = math.ceil(c.capacity * chosen.numel() / c.experts)
        wanted = F.one_hot(chosen.flatten(), c.experts)
        place = (wanted.cumsum(0) * wanted).sum(1)  # 1 for the first that wants this expert
        return (place <= room).view_as(chosen)

    def forward(self, x):
        c = self.c
        rows = x.reshape(-1, c.width)
        logits = self.gate(rows)
        best, chosen = logits.topk(c.experts_per_token, -1)
        weight = logits.softmax(-1).gather(1, chosen) if c.gate_all else best.softmax(-1)
        served = self.served(chosen)
        out = self.shared_expert(rows) if c.shared_experts else torch.zeros_like(rows)
        for e, expert in enumerate(self.experts):
            token, rank = ((chosen == e) & served).nonzero(as_tuple=True)
            out = out.index_add(0, token, weight[token, rank, None] * expert(rows[token]))
        self.auxiliary = self.losses(logits, chosen)
        return out.view_as(x)

    def losses(self, logits, chosen):
        c = self.c
        if c.experts == 1:
            return logits.new_zeros(())
        share = torch.bincount(chosen.flatten(), minlength=c.experts).to(logits) / chosen.numel()
        balance = c.experts * (share * logits.softmax(-1).mean(0)).sum()
        z = (logits.logsumexp(-1) ** 2).mean()
        return c.load_balance * balance + c.router_z * z


class Layer(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.input_layernorm = RMSNorm(c.width, c.norm_eps)
        self.self_attn = Attention(c)
        self.post_attention_layernorm = RMSNorm(c.width, c.norm_eps)
        name = "block_sparse_moe" if c.routed else "mlp"
        self.add_module(name, Mixture(c) if c.routed else FeedForward(c.width, c.ffn))
        self.feed_forward = [getattr(self, name)]  # in a list: not a second name for its weights

    def forward(self, x):
        x = x + self.self_attn(self.input_layernorm(x))
        return x + self.feed_forward[0](self.post_attention_layernorm(x))


class Trunk(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.embed_tokens = nn.Embedding(c.vocabulary, c.width)
        self.layers = nn.ModuleList(Layer(c) for _ in range(c.depth))
        self.norm = RMSNorm(c.width, c.norm_eps)


class Llama(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        self.model = Trunk(c)
        if not c.tied:
            self.lm_head = nn.Linear(c.width, c.vocabulary, bias=False)

    def forward(self, tokens):
        """Logits (B,T,V) for tokens (B,T)."""
        x = self.model.embed_tokens(tokens)
        for layer in self.model.layers:
            x = layer(x)
        head = self.model.embed_tokens if self.c.tied else self.lm_head
        return F.linear(self.model.norm(x), head.weight)

    def losses(self, tokens, targets):
        """The mean cross-entropy in nats, and the sum over layers of the auxiliary losses."""
        mixtures = [layer.feed_forward[0] for layer in self.model.layers if self.c.routed]
        for mixture in mixtures:
            mixture.limited = True
        loss = F.cross_entropy(self(tokens).flatten(0, 1), targets.flatten())
        for mixture in mixtures:
            mixture.limited = False
        return loss, sum((mixture.auxiliary for mixture in mixtures), torch.zeros_like(loss))


def load(folder, dtype, changed=None):
    """The model of a checkpoint; every tensor of the file has a place, and every weight is in the file. `changed`
    are keys of config.json to read differently."""
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        model = Llama(Config({**json.load(file), **(changed or {})})).to(dtype)
    tensors = tensorfile.read(os.path.join(folder, "model.safetensors"))
    model.load_state_dict({name: tensor.to(dtype) for name, tensor in tensors.items()}, strict=True)
    return model


def save(model, folder, table, dtype, files=1):
    """A checkpoint with config.json `table` and weights of that type, in one file or, with an index, in several."""
    os.makedirs(folder, exist_ok=True)
    tensors = {name: tensor.detach().to(dtype) for name, tensor in model.state_dict().items()}
    if files == 1:
        tensorfile.write(os.path.join(folder, "model.safetensors"), tensors)
    else:
        weight_map = {}
        for i in range(files):
            name = f"model-{i + 1:05}-of-{files:05}.safetensors"
            part = dict(list(tensors.items())[i::files])
            tensorfile.write(os.path.join(folder, name), part)
            weight_map.update(dict.fromkeys(part, name))
        with open(os.path.join(folder, "model.safetensors.index.json"), "w", encoding="utf-8") as file:
            json.dump({"metadata": {}, "weight_map": weight_map}, file)
    with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as file:
        json.dump(table, file, indent=2)


def adamw(model, rate, betas, epsilon, weight_decay):
    """AdamW (Loshchilov & Hutter 2019, algorithm 2) with muP's rates (Yang 2022, table 3, Adam): matrices between
    width-sized spaces, the router and the head learn at base_width / width of the rate, embeddings and gains at the
    whole of it. Of a tied model the last norm's gain carries the output multiplier and learns like the head would.
    Gains and embeddings do not decay; what decay takes from the others does not depend on the width. Returns the
    optimiser and its groups' factors on the rate."""
    c = model.c
    narrowing = c.base_width / c.width if c.mup else 1.0
    vectors, matrices, multiplier = [], [], []
    for name, parameter in model.named_parameters():
        if c.tied and name == "model.norm.weight":
            multiplier.append(parameter)
        elif parameter.dim() == 1 or name.endswith("embed_tokens.weight"):
            vectors.append(parameter)
        else:
            matrices.append(parameter)
    groups = [{"params": vectors, "weight_decay": 0.0}, {"params": matrices, "weight_decay": weight_decay / narrowing}]
    factors = [1.0, narrowing]
    if multiplier:
        groups.append({"params": multiplier, "weight_decay": 0.0})
        factors.append(narrowing)
    return torch.optim.AdamW(groups, lr=rate, betas=betas, eps=epsilon), factors


def rate_factor(step, steps, warmup, decay):
    """Warm-up, stable, decay (Hu 2024, eq. 1): linear rise over the first share of the steps, linear fall over the
    last; the first step already moves, and the step after the last would have rate zero."""
    rise, fall = max(1, round(warmup * steps)), max(1, round(decay * steps))
    return min(1.0, (step + 1) / rise, (steps - step) / fall)
