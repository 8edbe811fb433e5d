"""Writes the encoder as ONNX with the operators that ONNX Runtime is quickest with, so that no exporter and no pattern matching is needed.

On a CPU (1.32, AVX-512) its SkipLayerNormalization takes four times as long as a sum and a LayerNormalization, and BiasGelu half as long
again as a Gelu after a product that adds its bias itself. Sum, not Add: Add and LayerNormalization would be fused again on loading.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from encoder import EPSILON, HEADS, WIDTH

OPSET = 17
MICROSOFT = "com.microsoft"


class _Graph:
    def __init__(self, half: bool):
        self.nodes, self.weights, self.half = [], [], half

    def weight(self, name: str, value: np.ndarray) -> str:
        if value.dtype == np.float32 and self.half:
            value = value.astype(np.float16)
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, operator: str, inputs: list[str], outputs: list[str] | str, domain: str = "", **attributes) -> str:
        outputs = [outputs] if isinstance(outputs, str) else outputs
        self.nodes.append(helper.make_node(operator, inputs, outputs, name=outputs[0] + "/" + operator, domain=domain, **attributes))
        return outputs[0]


def build(state: dict[str, np.ndarray], layers: int, read: list[int], reach: int, half: bool = False) -> onnx.ModelProto:
    """`state`: the encoder's state, fp32 arrays by name. `half`: weights and arithmetic in fp16, input and output as before."""
    g = _Graph(half)
    for name in ("input_ids", "attention_mask", "token_type_ids"):
        g.node("Cast", [name], f"{name}.i32", to=TensorProto.INT32)
    embedded = [
        g.weight("words", state["words.weight"]),
        g.weight("positions", state["positions.weight"]),
        g.weight("kinds", state["kinds.weight"]),
        g.weight("norm.weight", state["norm.weight"]),
        g.weight("norm.bias", state["norm.bias"]),
    ]
    g.node(
        "EmbedLayerNormalization",
        ["input_ids.i32", "token_type_ids.i32", *embedded, "attention_mask.i32"],
        ["x0", "mask_index"],
        MICROSOFT,
        epsilon=EPSILON,
    )
    x, outputs = "x0", []
    for n in range(layers):
        at = f"layers.{n}."

        def linear(part: str, at=at) -> str:
            return g.weight(f"{at}{part}.weight", state[f"{at}{part}.weight"].T)

        def vector(name: str, at=at) -> str:
            return g.weight(at + name, state[at + name])

        mixed = g.node("Attention", [x, linear("qkv"), vector("qkv.bias"), "attention_mask.i32"], f"{at}mixed", MICROSOFT, num_heads=HEADS)
        def add_norm(part: str, number: int, at=at, x=x, linear=linear, vector=vector) -> str:
            """What the layer's `part` makes of its input, added to `x`."""
            norm = [vector(f"norm{number}.weight"), vector(f"norm{number}.bias")]
            out = f"{at}x{number}"
            if half:
                return g.node("SkipLayerNormalization", [x, f"{at}{part}", *norm, vector(f"{part}.bias")], out, MICROSOFT, epsilon=EPSILON)
            g.node("Add", [f"{at}{part}", vector(f"{part}.bias")], f"{at}{part}.biased")
            g.node("Sum", [x, f"{at}{part}.biased"], f"{out}.sum")
            return g.node("LayerNormalization", [f"{out}.sum", *norm], out, axis=-1, epsilon=EPSILON)

        g.node("MatMul", [mixed, linear("out")], f"{at}out")
        x = add_norm("out", 1)
        g.node("MatMul", [x, linear("up")], f"{at}up")
        if half:
            g.node("BiasGelu", [f"{at}up", vector("up.bias")], f"{at}inner", MICROSOFT)
        else:
            g.node("Add", [f"{at}up", vector("up.bias")], f"{at}up.biased")
            g.node("Gelu", [f"{at}up.biased"], f"{at}inner", MICROSOFT)
        g.node("MatMul", [f"{at}inner", linear("down")], f"{at}down")
        x = add_norm("down", 2, x=x)
        if n + 1 in read:
            outputs.append(x)
    kind = TensorProto.FLOAT16 if half else TensorProto.FLOAT
    g.weight("axis1", np.array([1], dtype=np.int64))
    g.weight("one", np.array(1.0, dtype=np.float32))
    g.weight("far", np.array(-1e4, dtype=np.float32))
    g.weight("least", np.array(1e-3, dtype=np.float32))
    g.node("Cast", ["attention_mask"], "mask.flat", to=kind)
    g.node("Unsqueeze", ["mask.flat", "axis1"], "mask")
    g.weight("head.weight", state["head.weight"].T)
    g.weight("head.bias", state["head.bias"])
    # Not Gemm: the head stays in floating point when the rest is quantised.
    g.node("Concat", outputs, "read", axis=2)
    g.node("MatMul", ["read", "head.weight"], "head")
    g.node("Add", ["head", "head.bias"], "head.logits")
    g.node("Transpose", ["head.logits"], "tokens", perm=[0, 2, 1])
    g.node("Mul", ["tokens", "mask"], "tokens.seen")
    # Means over `reach` tokens, of which those beyond the text do not count.
    around = {"kernel_shape": [reach], "strides": [1], "pads": [reach // 2, reach // 2], "count_include_pad": 1}
    g.node("AveragePool", ["tokens.seen"], "tokens.mean", **around)
    g.node("AveragePool", ["mask"], "mask.mean", **around)
    g.node("Max", ["mask.mean", "least"], "mask.share")
    g.node("Div", ["tokens.mean", "mask.share"], "near")
    g.node("Sub", ["one", "mask"], "mask.hidden")
    g.node("Mul", ["mask.hidden", "far"], "mask.far")
    g.node("Add", ["near", "mask.far"], "near.seen")
    last = "logits.half" if half else "logits"
    g.node("ReduceMax", ["near.seen"], last, axes=[2], keepdims=0)
    if half:
        g.node("Cast", [last], "logits", to=TensorProto.FLOAT)
    shape = ["batch", "tokens"]
    graph = helper.make_graph(
        g.nodes,
        "tamiz",
        [helper.make_tensor_value_info(name, TensorProto.INT64, shape) for name in ("input_ids", "attention_mask", "token_type_ids")],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", state["head.bias"].shape[0]])],
        g.weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)])
    model.ir_version = 8
    return model
