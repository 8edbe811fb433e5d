"""The cheap first stage: logistic regression over hashed word n-grams, weights in int8."""

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse
from scipy.optimize import minimize

import features
from metrics import sigmoid
from records import CONTENT_KINDS, Record, is_synthetic, is_written

MAGIC = b"TMZLIN1\0"
MAX_WINDOWS = 16


@dataclass
class Windows:
    """One row per window: features scaled by 1/sqrt(count), which record it is of, and whether it is a training row."""

    matrix: sparse.csr_matrix
    record: np.ndarray
    usable: np.ndarray


def build(records: list[Record], bits: int) -> Windows:
    indices, pointers, owner, usable = [], [0], [], []
    for number, record in enumerate(records):
        spans = features.word_spans(record.folded)
        words = [record.folded[a:b] for a, b in spans]
        starts = features.window_starts(len(words), features.WINDOW, features.STRIDE)
        for start, buckets in zip(starts, features.window_buckets(words, bits)):
            indices.append(buckets.astype(np.int32))
            pointers.append(pointers[-1] + len(buckets))
            owner.append(number)
            if record.label and record.span and spans:
                first, last = spans[start][0], spans[min(start + features.WINDOW, len(spans)) - 1][1]
                begin, end = record.span
                shared = min(last, end) - max(first, begin)
                usable.append(shared >= 0.5 * (end - begin))
            else:
                usable.append(start // features.STRIDE < MAX_WINDOWS)
    pointers = np.array(pointers, dtype=np.int64)
    counts = np.maximum(np.diff(pointers), 1)
    values = np.repeat((1.0 / np.sqrt(counts)).astype(np.float32), np.diff(pointers))
    matrix = sparse.csr_matrix((values, np.concatenate(indices), pointers), shape=(len(owner), 1 << bits))
    return Windows(matrix, np.array(owner), np.array(usable))


def factor(source: str, synthetic: float, written: float) -> float:
    """How loud a source is for its size: what was made from templates less, what was written record by record more."""
    return synthetic if is_synthetic(source) else written if is_written(source) else 1.0


def source_weights(records: list[Record], chosen: np.ndarray, power: float, synthetic: float, cap: int, written: float) -> np.ndarray:
    """Weight of each record so that no source speaks louder than its size to `power`, and both labels have their share."""
    counts: dict[tuple, int] = {}
    for record, take in zip(records, chosen):
        if take:
            counts[record.source, record.label] = counts.get((record.source, record.label), 0) + 1
    mass = {key: min(n, cap) ** power * factor(key[0], synthetic, written) for key, n in counts.items()}
    total = {label: sum(m for (_, other), m in mass.items() if other == label) or 1.0 for label in (0, 1)}
    share = {0: 2 / 3, 1: 1 / 3}
    weights = np.zeros(len(records))
    for number, (record, take) in enumerate(zip(records, chosen)):
        if take:
            key = (record.source, record.label)
            weights[number] = share[record.label] * mass[key] / counts[key] / total[record.label]
    return weights


@dataclass
class Linear:
    weights: np.ndarray
    bias: np.ndarray

    def window_scores(self, windows: Windows, kinds: np.ndarray) -> np.ndarray:
        return windows.matrix @ self.weights + self.bias[kinds[windows.record]]

    def scores(self, windows: Windows, kinds: np.ndarray) -> np.ndarray:
        """Logit of each record: that of its highest window."""
        result = np.full(len(kinds), -np.inf)
        np.maximum.at(result, windows.record, self.window_scores(windows, kinds))
        return result

    def quantised(self) -> tuple["Linear", np.float32, np.ndarray]:
        scale = np.float32(max(np.abs(self.weights).max() / 127, 1e-8))
        whole = np.clip(np.rint(self.weights / scale), -127, 127).astype(np.int8)
        return Linear(whole.astype(np.float32) * scale, self.bias.astype(np.float32)), scale, whole


def train(windows: Windows, records: list[Record], chosen: np.ndarray, config: dict) -> Linear:
    """`chosen` marks the records to learn from. L-BFGS from zero: no seed, the same result each time."""
    labels = np.array([r.label for r in records], dtype=np.float32)
    kinds = np.array([r.content_kind for r in records])
    rows = np.flatnonzero(windows.usable & chosen[windows.record])
    per_record = np.bincount(windows.record[rows], minlength=len(records))
    weights = source_weights(records, chosen & (per_record > 0), config["power"], config["synthetic"], config["cap"], config["written"])
    owner = windows.record[rows]
    weight = (weights[owner] / per_record[owner]).astype(np.float32)
    matrix, target, kind = windows.matrix[rows], labels[owner], kinds[owner]
    # A word that one source alone uses says who wrote it, not what it does.
    sources = sorted({r.source for r in records})
    number = np.array([sources.index(r.source) for r in records])
    seen = np.zeros(matrix.shape[1], dtype=np.int32)
    for one in np.unique(number[owner]):
        seen += np.bincount(matrix[number[owner] == one].indices, minlength=matrix.shape[1]) > 0
    kept = np.flatnonzero(seen >= config["min_sources"])
    matrix = matrix[:, kept].tocsr()
    turned = matrix.T.tocsr()
    ridge, bias_ridge = config["ridge"], 1e-3

    def loss(theta):
        w, b = theta[:-5].astype(np.float32), theta[-5:]
        logits = matrix @ w + b[kind].astype(np.float32)
        signed = np.where(target > 0, logits, -logits)
        value = float((weight * np.logaddexp(0, -signed)).sum())
        slope = weight * (sigmoid(logits) - target)
        grad = np.concatenate([turned @ slope.astype(np.float32) + ridge * w, np.bincount(kind, slope, minlength=5) + bias_ridge * b])
        return value + 0.5 * ridge * float(w @ w) + 0.5 * bias_ridge * float(b @ b), grad.astype(np.float64)

    start = np.zeros(matrix.shape[1] + 5)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": config["iterations"], "maxcor": 6})
    full = np.zeros(1 << config["bits"], dtype=np.float32)
    full[kept] = found.x[:-5]
    bias = found.x[-5:].astype(np.float32)
    # Kinds that no record has: the nearest that some have.
    bias[CONTENT_KINDS.index("tool-arguments")] = bias[CONTENT_KINDS.index("tool-output")]
    bias[CONTENT_KINDS.index("model-output")] = bias[CONTENT_KINDS.index("tool-output")]
    return Linear(full, bias)


def write(model: Linear, bits: int, path: Path) -> Linear:
    """Writes linear.bin and returns the model as it will be read."""
    rounded, scale, whole = model.quantised()
    path.write_bytes(MAGIC + struct.pack("<If5f", bits, scale, *rounded.bias) + whole.tobytes())
    return rounded


def read(path: Path) -> tuple[Linear, int]:
    data = path.read_bytes()
    if data[:8] != MAGIC:
        raise SystemExit(f"{path}: not a linear stage")
    bits, scale, *bias = struct.unpack_from("<If5f", data, 8)
    whole = np.frombuffer(data, dtype=np.int8, offset=36)
    if len(whole) != 1 << bits:
        raise SystemExit(f"{path}: {len(whole)} weights, not 2^{bits}")
    return Linear(whole.astype(np.float32) * np.float32(scale), np.array(bias, dtype=np.float32)), bits
