#!/usr/bin/env python3
"""Makes models of the shapes that others use, with random weights, to measure what they cost on this machine:

    pip install onnx==1.23.2 numpy
    python3 benches/peer_models.py target/peers
    tamiz bench --encoder --model models/tamiz-mini-1 --peer target/peers/deberta-v3-xsmall --peer target/peers/deberta-v3-base

deberta-v3-xsmall is the shape of Prompt Guard 2 22M, deberta-v3-base that of PIGuard and ProtectAI v2; minilm-l6 that of a plain export of
our base. Weights decide what a model says and not how long it takes. The vocabulary is small (8,192): looking a token up costs
nothing beside the rest, and the files stay small. Attention is DeBERTa's: content to content, content to position, position to content,
with 256 position buckets and keys shared between them.
"""
import hashlib
import shutil
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

VOCABULARY = 8_192
MAX_TOKENS = 512
SHAPES = {
    # layers, hidden, heads, inner, DeBERTa
    "minilm-l6": (6, 384, 12, 1_536, False),
    "deberta-v3-xsmall": (12, 384, 6, 1_536, True),
    "deberta-v3-base": (12, 768, 12, 3_072, True),
}
BUCKETS = 256
KINDS = ["prompt", "tool-arguments", "tool-output", "tool-metadata", "model-output"]


class Graph:
    def __init__(self, hidden):
        self.nodes, self.constants, self.hidden, self.count = [], [], hidden, 0
        self.random = np.random.default_rng(1)

    def add(self, kind, *inputs, **attributes):
        self.count += 1
        name = f"{kind}_{self.count}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def constant(self, value):
        self.count += 1
        name = f"constant_{self.count}"
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def weights(self, *shape):
        return self.constant((self.random.standard_normal(shape) * 0.02).astype(np.float32))

    def linear(self, x, inner, outer):
        return self.add("Add", self.add("MatMul", x, self.weights(inner, outer)), self.weights(outer))

    def normal(self, x):
        scale, bias = self.constant(np.ones(self.hidden, np.float32)), self.weights(self.hidden)
        return self.add("LayerNormalization", x, scale, bias, axis=-1, epsilon=1e-7)

    def gelu(self, x):
        erf = self.add("Erf", self.add("Div", x, self.constant(np.float32(np.sqrt(2)))))
        half = self.add("Mul", x, self.constant(np.float32(0.5)))
        return self.add("Mul", half, self.add("Add", erf, self.constant(np.float32(1))))


def buckets():
    """Relative positions as DeBERTa v3 has them: exact up to half the buckets, logarithmic beyond."""
    relative = np.arange(MAX_TOKENS)[:, None] - np.arange(MAX_TOKENS)[None, :]
    middle = BUCKETS // 2
    far = np.maximum(np.abs(relative), middle)
    log = np.ceil(np.log(far / middle) / np.log((MAX_TOKENS - 1) / middle) * (middle - 1)) + middle
    bucket = np.where(np.abs(relative) <= middle, relative, np.sign(relative) * log).astype(np.int64)
    return bucket


def build(layers, hidden, heads, inner, deberta):
    graph, size = Graph(hidden), hidden // heads
    embedded = graph.add("Gather", graph.weights(VOCABULARY, hidden), "input_ids")
    embedded = graph.add("Add", embedded, graph.add("Gather", graph.weights(len(KINDS), hidden), "token_type_ids"))
    length = graph.add("Gather", graph.add("Shape", "input_ids"), graph.constant(np.int64(1)))
    zero, one_length = graph.constant(np.array([0])), graph.add("Unsqueeze", length, graph.constant(np.array([0])))
    if not deberta:
        positions = graph.add("Slice", graph.weights(MAX_TOKENS, hidden), zero, one_length, graph.constant(np.array([0])))
        embedded = graph.add("Add", embedded, positions)
    x = graph.normal(embedded)
    mask = graph.add("Unsqueeze", graph.add("Cast", "attention_mask", to=TensorProto.FLOAT), graph.constant(np.array([1, 2])))
    mask = graph.add("Mul", graph.add("Sub", graph.constant(np.float32(1)), mask), graph.constant(np.float32(-1e4)))
    split = graph.constant(np.array([0, 0, heads, size]))
    joined = graph.constant(np.array([0, 0, hidden]))
    if deberta:
        square = lambda table: graph.add("Slice", graph.add("Slice", graph.constant(table), zero, one_length, graph.constant(np.array([0]))),
                                         zero, one_length, graph.constant(np.array([1])))
        to_position = square(np.clip(buckets() + BUCKETS, 0, 2 * BUCKETS - 1))
        from_position = square(np.clip(-buckets() + BUCKETS, 0, 2 * BUCKETS - 1))
        relative = graph.normal(graph.weights(2 * BUCKETS, hidden))
        batch = graph.add("Gather", graph.add("Shape", "input_ids"), graph.constant(np.array([0])))
        shape = graph.add("Concat", batch, graph.constant(np.array([heads])), one_length, one_length, axis=0)
        to_position, from_position = (graph.add("Expand", index, shape) for index in (to_position, from_position))
    scale = graph.constant(np.float32(1 / np.sqrt(size * (3 if deberta else 1))))
    for _ in range(layers):
        weights = [(graph.weights(hidden, hidden), graph.weights(hidden)) for _ in range(3)]
        project = lambda y, at: graph.add("Add", graph.add("MatMul", y, weights[at][0]), weights[at][1])
        by_head = lambda y, order: graph.add("Transpose", graph.add("Reshape", y, split), perm=order)
        query, value = by_head(project(x, 0), [0, 2, 1, 3]), by_head(project(x, 2), [0, 2, 1, 3])
        key = by_head(project(x, 1), [0, 2, 3, 1])
        scores = graph.add("MatMul", query, key)
        if deberta:
            three = graph.constant(np.array([2 * BUCKETS, heads, size]))
            position = lambda at: graph.add("Transpose", graph.add("Reshape", project(relative, at), three), perm=[1, 2, 0])
            content_to_position = graph.add("MatMul", query, position(1))
            scores = graph.add("Add", scores, graph.add("GatherElements", content_to_position, to_position, axis=3))
            plain_key = graph.add("Transpose", key, perm=[0, 1, 3, 2])
            position_to_content = graph.add("MatMul", plain_key, position(0))
            gathered = graph.add("GatherElements", position_to_content, from_position, axis=3)
            scores = graph.add("Add", scores, graph.add("Transpose", gathered, perm=[0, 1, 3, 2]))
        scores = graph.add("Softmax", graph.add("Add", graph.add("Mul", scores, scale), mask), axis=-1)
        read = graph.add("Transpose", graph.add("MatMul", scores, value), perm=[0, 2, 1, 3])
        read = graph.linear(graph.add("Reshape", read, joined), hidden, hidden)
        x = graph.normal(graph.add("Add", x, read))
        x = graph.normal(graph.add("Add", x, graph.linear(graph.gelu(graph.linear(x, hidden, inner)), inner, hidden)))
    first = graph.add("Gather", x, graph.constant(np.int64(0)), axis=1)
    graph.nodes.append(helper.make_node("Identity", [graph.linear(first, hidden, 2)], ["logits"]))
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"])
              for name in ("input_ids", "attention_mask", "token_type_ids")]
    out = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 2])
    made = helper.make_model(helper.make_graph(graph.nodes, "peer", inputs, [out], graph.constants),
                             opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(made)
    return made.SerializeToString()


def card(name, tokenizer, graph):
    every = lambda value: "{ " + ", ".join(f"{kind} = {value}" for kind in KINDS) + " }"
    sha256 = lambda data: hashlib.sha256(data).hexdigest()
    return f'''version = 1
id = "{name}"
title = "Random weights in the shape of {name}, to measure its cost"
[tokenizer]
file = "tokenizer.json"
sha256 = "{sha256(tokenizer)}"
[input]
max_tokens = {MAX_TOKENS}
stride = {MAX_TOKENS - 128}
[labels]
kinds = ["none"]
[[graphs]]
precision = "fp32"
file = "model.onnx"
sha256 = "{sha256(graph)}"
providers = ["cpu", "cuda"]
[calibration]
{chr(10).join(f"{kind} = {{ scale = 1.0, bias = 0.0 }}" for kind in KINDS)}
[thresholds]
"0.01" = {every(0.5)}
"0.005" = {every(0.6)}
"0.001" = {every(0.7)}
'''


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: peer_models.py DIRECTORY")
    tokenizer = Path(__file__).parent.parent / "tests/fixtures/classifier/tokenizer.json"
    for name, shape in SHAPES.items():
        folder = Path(sys.argv[1]) / name
        folder.mkdir(parents=True, exist_ok=True)
        graph = build(*shape)
        shutil.copy(tokenizer, folder / "tokenizer.json")
        (folder / "model.onnx").write_bytes(graph)
        (folder / "model.toml").write_text(card(name, tokenizer.read_bytes(), graph))
        print(f"{folder}: {len(graph) / 1e6:.0f} MB")


main()
