"""Exports the encoder: fp32, int8 and fp16 graphs, checked against the trained model, the tokeniser, and the graphs that are measured.

    python export.py --work DIR --out MODEL_DIR [--fp16]
"""

import argparse
import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic

import encoder
import graph
from config import CONFIG


def load(saved: dict, which: str) -> encoder.Encoder:
    """`shipped`, or `measured.N`, which has not seen the sources of `held_out[N]`."""
    config, state = saved["identity"]["config"], saved[which]
    sizes = len(state["words.weight"]), config["layers"], len(state["positions.weight"]), len(state["head.bias"])
    model = encoder.Encoder(*sizes, config["read"], config["reach"])
    model.load_state_dict(state)
    return model.eval()


def write(model: encoder.Encoder, path: Path, half: bool = False) -> Path:
    state = {name: value.detach().numpy() for name, value in model.state_dict().items()}
    onnx.save(graph.build(state, len(model.layers), model.read, model.reach, half), path)
    return path


def session(path: Path, threads: int = 1) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def feeds(batch: int, tokens: int, vocabulary: int, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    ids = rng.integers(5, vocabulary, (batch, tokens))
    return {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}


def latency(path: Path, vocabulary: int, seconds: float = 2.0) -> dict[str, float]:
    """Median and quickest milliseconds of one window on one thread."""
    run, result = session(path), {}
    for tokens in (32, 128):
        given, times = feeds(1, tokens, vocabulary), []
        stop = time.monotonic() + seconds
        for _ in range(3):
            run.run(None, given)
        while time.monotonic() < stop:
            begun = time.perf_counter()
            run.run(None, given)
            times.append(1000 * (time.perf_counter() - begun))
        result[f"{tokens} tokens"] = {"median_ms": round(float(np.median(times)), 2), "least_ms": round(min(times), 2)}
    return result


def check(path: Path, model: encoder.Encoder, tolerance: float) -> float:
    """Largest difference of a logit to the trained model, over padded batches of several sizes."""
    run, worst = session(path), 0.0
    for batch, tokens in ((1, 5), (3, 40), (4, 128)):
        given = feeds(batch, tokens, model.words.num_embeddings, tokens)
        for row in range(1, batch):
            given["attention_mask"][row, tokens - 3 * row :] = 0
            given["token_type_ids"][row] = row
        with torch.no_grad():
            wanted = model(*(torch.from_numpy(given[name]) for name in ("input_ids", "attention_mask", "token_type_ids"))).numpy()
        worst = max(worst, float(np.abs(run.run(None, given)[0] - wanted).max()))
    if not worst <= tolerance:
        raise SystemExit(f"{path}: logits differ by {worst} from the trained model's")
    return worst


def export(model: encoder.Encoder, out: Path, work: Path, fp16: bool) -> dict[str, Path]:
    files = {"fp32": write(model, work / "model.fp32.onnx"), "int8": out / "model.int8.onnx"}
    print("fp32 differs by", check(files["fp32"], model, 2e-3))
    quantize_dynamic(
        files["fp32"],
        files["int8"],
        per_channel=True,
        # Without VNNI the product of two full-range bytes overflows 16 bits.
        reduce_range=CONFIG["reduce_range"],
        weight_type=QuantType.QInt8,
        nodes_to_exclude=["head/MatMul"],
        extra_options={"MatMulConstBOnly": True, "DefaultTensorType": onnx.TensorProto.FLOAT},
    )
    print("int8 differs by", check(files["int8"], model, 3.0))
    if fp16:
        # Not compared here: the CPU provider has no fp16 kernels for all of these operators. The engine's warm-up runs it.
        files["fp16"] = write(model, out / "model.fp16.onnx", half=True)
    return files


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    for name in ("work", "out"):
        arguments.add_argument(f"--{name}", type=Path, required=True)
    arguments.add_argument("--fp16", action="store_true")
    args = arguments.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    saved = torch.load(args.work / "encoder.pt", map_location="cpu")
    for which in (name for name in saved if name.startswith("measured.")):
        measured = load(saved, which)
        print(f"{which} differs by", check(write(measured, args.work / f"{which}.fp32.onnx"), measured, 2e-3))
    model = load(saved, "shipped")
    files = export(model, args.out, args.work, args.fp16)
    (args.out / "tokenizer.json").write_bytes((args.work / "tokenizer.json").read_bytes())
    for precision, path in files.items():
        print(precision, f"{path.stat().st_size / 1e6:.1f} MB", latency(path, model.words.num_embeddings) if precision != "fp16" else "")


if __name__ == "__main__":
    main()
