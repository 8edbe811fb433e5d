#!/usr/bin/env python3
"""Makes the stand-in model of the tests, and what it must answer: tests/fixtures/classifier/.

It has the shape of a real one (inputs, outputs, files, card) in a few KB: a graph that adds up one number per token, a WordPiece
tokenizer over a few words, a linear stage of 4,096 weights. The answers in expected.json come from this script's own code and from the
Python packages, so they say whether the Rust code means the same.

    pip install onnx==1.23.2 onnxruntime==1.32.0 tokenizers==0.23.3 numpy
    python3 tests/make_classifier.py
"""
import hashlib
import json
import math
import struct
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

FOLDER = Path(__file__).parent / "fixtures" / "classifier"
KINDS = ["prompt", "tool-arguments", "tool-output", "tool-metadata", "model-output"]
LABELS = ["direct", "indirect"]
MAX_TOKENS, STRIDE = 16, 10

# What a token adds to the logits: injection, direct, indirect. `void` makes the answer no number.
WEIGHTS = {
    "zebra": (9.0, 3.0, -1.0),
    "heron": (5.25, -1.0, 2.0),
    "void": (float("nan"), 0.0, 0.0),
}
PLAIN = "the a of and to in is it we you please weather report lunch meeting notes page order number river stone green".split()
# What a content kind adds to the injection logit.
OF_KIND = [-5.0, -5.0, -5.0, -4.0, -6.0]
# The linear stage.
BITS, SCALE, BIAS = 12, 0.5, [-5.0, -5.0, -5.0, -4.0, -6.0]
GRAMS = {"zebra": 127, "heron": 127, "void": 127, "the weather": -20, "the weather report": 11, "!": 9}


def vocabulary():
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"] + sorted(PLAIN) + sorted(WEIGHTS)
    signs = [chr(code) for code in range(33, 127) if not chr(code).isupper()]
    letters = [sign for sign in signs if sign.isalnum()]
    return list(dict.fromkeys(words + signs + ["##" + letter for letter in letters]))


def tokenizer(words):
    made = Tokenizer(models.WordPiece({word: at for at, word in enumerate(words)}, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]"])
    return made


def graph(words, wide=False):
    """logits = sum over tokens of weight[token], where the mask is 1, + the kind's summand."""
    width = 1 + len(LABELS) + (1 if wide else 0)
    table = np.zeros((len(words), width), np.float32)
    for word, weights in WEIGHTS.items():
        table[words.index(word), :3] = weights
    kinds = np.zeros((len(KINDS), width), np.float32)
    kinds[:, 0] = OF_KIND
    kinds[:, 1:] = -1.0
    node = helper.make_node
    nodes = [
        node("Gather", ["table", "input_ids"], ["looked_up"]),
        node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        node("Unsqueeze", ["mask", "last"], ["mask_3d"]),
        node("Mul", ["looked_up", "mask_3d"], ["kept"]),
        node("ReduceSum", ["kept", "tokens"], ["summed"], keepdims=0),
        node("Gather", ["kinds", "token_type_ids"], ["kind_of_tokens"]),
        node("ReduceMax", ["kind_of_tokens", "tokens"], ["of_kind"], keepdims=0),
        node("Add", ["summed", "of_kind"], ["logits"]),
    ]
    ids = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"])
           for name in ("input_ids", "attention_mask", "token_type_ids")]
    out = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", width])
    constants = [
        numpy_helper.from_array(table, "table"), numpy_helper.from_array(kinds, "kinds"),
        numpy_helper.from_array(np.array([2]), "last"), numpy_helper.from_array(np.array([1]), "tokens"),
    ]
    made = helper.make_model(helper.make_graph(nodes, "stand-in", ids, [out], constants),
                             opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(made)
    return made.SerializeToString()


def fnv(text):
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 & (1 << 64) - 1
    return value


def linear_file():
    weights = bytearray(1 << BITS)
    for gram, weight in GRAMS.items():
        weights[fnv(gram) >> (64 - BITS)] = weight & 0xFF
    return b"TMZLIN1\0" + struct.pack("<If5f", BITS, SCALE, *BIAS) + bytes(weights)


def linear_words(text):
    words, word = [], ""
    for character in text + " ":
        if character.isalnum():
            word += character
            continue
        if word:
            words.append(word)
        word = ""
        if not character.isspace():
            words.append(character)
    return words


def linear_scores(text, kind):
    """The probability of each window of 64 words, a new one every 40."""
    words, scores, start = linear_words(text), [], 0
    by_bucket = {fnv(gram) >> (64 - BITS): weight for gram, weight in GRAMS.items()}
    while words:
        window = words[start:start + 64]
        grams = {" ".join(window[at:at + n]) for n in (1, 2, 3) for at in range(len(window) - n + 1)}
        buckets = {fnv(gram) >> (64 - BITS) for gram in grams}
        total = sum(by_bucket.get(bucket, 0) for bucket in buckets)
        scores.append(1 / (1 + math.exp(-(BIAS[kind] + SCALE * total / math.sqrt(len(buckets))))))
        if start + 64 >= len(words):
            break
        start += 40
    return scores


def card(files):
    digest = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    every = lambda value: "{ " + ", ".join(f"{kind} = {value}" for kind in KINDS) + " }"
    rates = lambda: "\n".join(f'"{rate}" = {every(value)}' for rate, value in (("0.01", 0.5), ("0.005", 0.6), ("0.001", 0.8)))
    return f'''# Made by tests/make_classifier.py. A stand-in for tests: it knows two words.
version = 1
id = "stand-in-1"
title = "Stand-in for tests"
description = "Calls texts with `zebra` or `heron` attacks. No use for anything but tests."
base = "none"
licence = "Apache-2.0"
training_data = "none"
created = "2026-11-22"

[tokenizer]
file = "tokenizer.json"
sha256 = "{digest["tokenizer.json"]}"

[input]
max_tokens = {MAX_TOKENS}
stride = {STRIDE}

[labels]
kinds = {json.dumps(LABELS)}

[[graphs]]
precision = "fp32"
file = "model.onnx"
sha256 = "{digest["model.onnx"]}"
providers = ["cpu"]

[calibration]
{chr(10).join(f"{kind} = {{ scale = 1.0, bias = 0.0 }}" for kind in KINDS)}

[thresholds]
{rates()}

[linear]
file = "linear.bin"
sha256 = "{digest["linear.bin"]}"
settle_benign = 0.02
settle_attack = 0.995

[linear.thresholds]
{rates()}
'''


TEXTS = [
    ("The weather report, please.", 2),
    ("zebra", 0),
    ("A heron in the river! And a zebra2.", 3),
    ("Don't stop [SEP] the weather; x<y && café über Ωmega 指示 2026-11-22", 1),
    ("we " * 300 + "zebra " + "the weather report " * 100, 4),
    ("notes of the meeting " * 20 + "heron", 2),
]


def main():
    words = vocabulary()
    made = tokenizer(words)
    files = {
        "tokenizer.json": made.to_str().encode(),
        "model.onnx": graph(words),
        "model.wide.onnx": graph(words, wide=True),
        "linear.bin": linear_file(),
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (FOLDER / name).write_bytes(data)
    (FOLDER / "model.toml").write_text(card(files))
    session = onnxruntime.InferenceSession(files["model.onnx"])
    made.encode_special_tokens = True
    start, end = words.index("[CLS]"), words.index("[SEP]")
    expected = []
    for text, kind in TEXTS:
        folded = text.lower()
        encoding = made.encode(folded, add_special_tokens=False)
        windows, at, body = [], 0, MAX_TOKENS - 2
        while at < len(encoding.ids):
            ids = np.array([[start] + encoding.ids[at:at + body] + [end]])
            logits = session.run(["logits"], {
                "input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.full_like(ids, kind)})[0][0]
            windows.append({"tokens": ids[0][1:-1].tolist(), "probability": 1 / (1 + math.exp(-float(logits[0]))),
                            "labels": sum(1 << place for place, logit in enumerate(logits[1:]) if logit > 0)})
            if at + body >= len(encoding.ids):
                break
            at += STRIDE
        expected.append({"text": folded, "kind": KINDS[kind], "linear": linear_scores(folded, kind), "windows": windows})
    (FOLDER / "expected.json").write_text(json.dumps(expected, ensure_ascii=False, indent=1) + "\n")


main()
