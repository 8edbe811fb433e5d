"""The encoder: a BERT of few layers over frozen word embeddings, pooled by mean and maximum, with one logit for
injection and one per label."""

import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import load_file
from torch import nn

HEADS = 12
WIDTH = 384
EPSILON = 1e-12


class Layer(nn.Module):
    def __init__(self, width: int = WIDTH, inner: int = 4 * WIDTH):
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm1 = nn.LayerNorm(width, eps=EPSILON)
        self.up = nn.Linear(width, inner)
        self.down = nn.Linear(inner, width)
        self.norm2 = nn.LayerNorm(width, eps=EPSILON)

    def forward(self, x, bias, dropout: float):
        batch, tokens, width = x.shape
        q, k, v = self.qkv(x).view(batch, tokens, 3, HEADS, width // HEADS).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        mixed = self.out(mixed.transpose(1, 2).reshape(batch, tokens, width))
        x = self.norm1(x + F.dropout(mixed, dropout, self.training))
        inner = self.down(F.gelu(self.up(x)))
        return self.norm2(x + F.dropout(inner, dropout, self.training))


class Encoder(nn.Module):
    def __init__(self, vocabulary: int, layers: int, positions: int, outputs: int, content_kinds: int = 5):
        super().__init__()
        self.words = nn.Embedding(vocabulary, WIDTH)
        self.positions = nn.Embedding(positions, WIDTH)
        self.kinds = nn.Embedding(content_kinds, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=EPSILON)
        self.layers = nn.ModuleList(Layer() for _ in range(layers))
        self.head = nn.Linear(2 * WIDTH, outputs)

    def forward(self, input_ids, attention_mask, token_type_ids, dropout: float = 0.0):
        places = self.positions.weight[: input_ids.shape[1]]
        x = self.norm(self.words(input_ids) + places + self.kinds(token_type_ids))
        bias = (1.0 - attention_mask[:, None, None, :].to(x.dtype)) * -1e4
        for layer in self.layers:
            x = layer(x, bias, dropout)
        mask = attention_mask[:, :, None].to(x.dtype)
        mean = (x * mask).sum(1) / mask.sum(1)
        top = (x + (1.0 - mask) * -1e4).amax(1)
        return self.head(F.dropout(torch.cat([mean, top], 1), dropout, self.training))


def from_base(folder: Path, kept_ids: list[int], layers: list[int], positions: int, outputs: int) -> Encoder:
    """The base model's embeddings of `kept_ids` and its `layers`; the head is new."""
    config = json.loads((folder / "config.json").read_text())
    if (config["hidden_size"], config["num_attention_heads"], config["intermediate_size"]) != (WIDTH, HEADS, 4 * WIDTH):
        raise SystemExit(f"{folder}: not a MiniLM of {WIDTH}")
    base = {name: torch.from_numpy(np.array(value)) for name, value in load_file(folder / "model.safetensors").items()}
    model = Encoder(len(kept_ids), len(layers), positions, outputs)
    state = {
        "words.weight": base["embeddings.word_embeddings.weight"][kept_ids],
        "positions.weight": base["embeddings.position_embeddings.weight"][:positions],
        "kinds.weight": base["embeddings.token_type_embeddings.weight"][:1].repeat(5, 1),
        "norm.weight": base["embeddings.LayerNorm.weight"],
        "norm.bias": base["embeddings.LayerNorm.bias"],
        "head.weight": torch.randn(outputs, 2 * WIDTH, generator=torch.Generator().manual_seed(0)) * 0.02,
        "head.bias": torch.zeros(outputs),
    }
    names = {"out": "attention.output.dense", "norm1": "attention.output.LayerNorm", "up": "intermediate.dense", "down": "output.dense", "norm2": "output.LayerNorm"}
    for to, number in enumerate(layers):
        at = f"encoder.layer.{number}."
        for part in ("weight", "bias"):
            state[f"layers.{to}.qkv.{part}"] = torch.cat([base[f"{at}attention.self.{x}.{part}"] for x in ("query", "key", "value")])
            for ours, theirs in names.items():
                state[f"layers.{to}.{ours}.{part}"] = base[f"{at}{theirs}.{part}"]
    model.load_state_dict(state)
    model.words.weight.requires_grad = False
    model.positions.weight.requires_grad = False
    return model
