"""The encoder: the first layers of a BERT, and a head that gives every token a logit for injection and one per label.
A text's logit is the highest mean of some tokens in a row: an attack is a few words in a long text, and a mean over all of it drowns
them."""

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

    def forward(self, x, bias):
        batch, tokens, width = x.shape
        q, k, v = self.qkv(x).view(batch, tokens, 3, HEADS, width // HEADS).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        mixed = self.out(mixed.transpose(1, 2).reshape(batch, tokens, width))
        x = self.norm1(x + mixed)
        inner = self.down(F.gelu(self.up(x)))
        return self.norm2(x + inner)


class Encoder(nn.Module):
    def __init__(self, vocabulary: int, layers: int, positions: int, outputs: int, read: list[int], reach: int, content_kinds: int = 5):
        super().__init__()
        self.read, self.reach = read, reach
        self.words = nn.Embedding(vocabulary, WIDTH)
        self.positions = nn.Embedding(positions, WIDTH)
        self.kinds = nn.Embedding(content_kinds, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=EPSILON)
        self.layers = nn.ModuleList(Layer() for _ in range(layers))
        self.head = nn.Linear(len(read) * WIDTH, outputs)

    def tokens(self, input_ids, attention_mask, token_type_ids):
        """What the head reads of each token: the outputs of the layers in `read`, side by side."""
        places = self.positions.weight[: input_ids.shape[1]]
        x = self.norm(self.words(input_ids) + places + self.kinds(token_type_ids))
        bias = (1.0 - attention_mask[:, None, None, :].to(x.dtype)) * -1e4
        outputs = []
        for number, layer in enumerate(self.layers, 1):
            x = layer(x, bias)
            if number in self.read:
                outputs.append(x)
        return torch.cat(outputs, 2)

    def pool(self, logits, attention_mask):
        """Of each text and output, the highest mean over `reach` tokens, fewer at its ends."""
        logits = logits.transpose(1, 2)
        mask = attention_mask[:, None, :].to(logits.dtype)
        around = (self.reach, 1, self.reach // 2)
        mean = F.avg_pool1d(logits * mask, *around) / F.avg_pool1d(mask, *around).clamp(min=1e-3)
        return (mean + (1.0 - mask) * -1e4).amax(2)

    def forward(self, input_ids, attention_mask, token_type_ids):
        return self.pool(self.head(self.tokens(input_ids, attention_mask, token_type_ids)), attention_mask)


def from_base(folder: Path, kept_ids: list[int], layers: int, positions: int, outputs: int, read: list[int], reach: int) -> Encoder:
    """The base model's embeddings of `kept_ids` and its first `layers`; the head is empty."""
    config = json.loads((folder / "config.json").read_text())
    if (config["hidden_size"], config["num_attention_heads"], config["intermediate_size"]) != (WIDTH, HEADS, 4 * WIDTH):
        raise SystemExit(f"{folder}: not a MiniLM of {WIDTH}")
    base = {name: torch.from_numpy(np.array(value)) for name, value in load_file(folder / "model.safetensors").items()}
    model = Encoder(len(kept_ids), layers, positions, outputs, read, reach)
    state = {
        "words.weight": base["embeddings.word_embeddings.weight"][kept_ids],
        "positions.weight": base["embeddings.position_embeddings.weight"][:positions],
        "kinds.weight": base["embeddings.token_type_embeddings.weight"][:1].repeat(5, 1),
        "norm.weight": base["embeddings.LayerNorm.weight"],
        "norm.bias": base["embeddings.LayerNorm.bias"],
        "head.weight": torch.zeros(outputs, len(read) * WIDTH),
        "head.bias": torch.zeros(outputs),
    }
    names = {"out": "attention.output.dense", "norm1": "attention.output.LayerNorm", "up": "intermediate.dense", "down": "output.dense", "norm2": "output.LayerNorm"}
    for number in range(layers):
        at = f"encoder.layer.{number}."
        for part in ("weight", "bias"):
            state[f"layers.{number}.qkv.{part}"] = torch.cat([base[f"{at}attention.self.{x}.{part}"] for x in ("query", "key", "value")])
            for ours, theirs in names.items():
                state[f"layers.{number}.{ours}.{part}"] = base[f"{at}{theirs}.{part}"]
    model.load_state_dict(state)
    return model.eval()
