#!/usr/bin/env python3
"""Writes a small Llama with random weights as GGUF 3, and a drafter of its first layer: what llama_cpp_peer.sh runs."""
import random
import struct
import sys

DIM, HEADS, HIDDEN, CONTEXT = 64, 4, 128, 1024
TOKENS = ["<unk>", "<s>", "</s>"] + ["<0x%02X>" % byte for byte in range(256)] + ["\u2581"] + [chr(97 + i) for i in range(26)]
KINDS = [2, 3, 3] + [6] * 256 + [1] * 27  # unknown, control, byte, normal
U32, I32, F32, STRING, ARRAY = 4, 5, 6, 8, 9


def string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def number(key, value, kind=U32):
    return string(key) + struct.pack("<I" + ("f" if kind == F32 else "I"), kind, value)


def array(key, kind, items):
    return string(key) + struct.pack("<IIQ", ARRAY, kind, len(items)) + b"".join(items)


def metadata(layers):
    count = len(TOKENS)
    return [
        string("general.architecture") + struct.pack("<I", STRING) + string("llama"),
        string("tokenizer.ggml.model") + struct.pack("<I", STRING) + string("llama"),
        number("llama.context_length", CONTEXT),
        number("llama.embedding_length", DIM),
        number("llama.block_count", layers),
        number("llama.feed_forward_length", HIDDEN),
        number("llama.attention.head_count", HEADS),
        number("llama.attention.head_count_kv", HEADS),
        number("llama.rope.dimension_count", DIM // HEADS),
        number("llama.attention.layer_norm_rms_epsilon", 1e-5, F32),
        number("llama.vocab_size", count),
        array("tokenizer.ggml.tokens", STRING, [string(token) for token in TOKENS]),
        array("tokenizer.ggml.scores", F32, [struct.pack("<f", 0)] * count),
        array("tokenizer.ggml.token_type", I32, [struct.pack("<i", kind) for kind in KINDS]),
        number("tokenizer.ggml.bos_token_id", 1),
        number("tokenizer.ggml.eos_token_id", 2),
        number("tokenizer.ggml.unknown_token_id", 0),
    ]


def tensors(layers):
    """Name, shape with the fastest dimension first, and spread of the weights; None for ones."""
    yield "token_embd.weight", [DIM, len(TOKENS)], 1.0
    yield "output_norm.weight", [DIM], None
    yield "output.weight", [DIM, len(TOKENS)], 0.15
    for layer in range(layers):
        base = "blk.%d." % layer
        yield base + "attn_norm.weight", [DIM], None
        yield base + "ffn_norm.weight", [DIM], None
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            yield base + part + ".weight", [DIM, DIM], 0.12
        yield base + "ffn_gate.weight", [DIM, HIDDEN], 0.12
        yield base + "ffn_up.weight", [DIM, HIDDEN], 0.12
        yield base + "ffn_down.weight", [HIDDEN, DIM], 0.12


def write(path, layers):
    pairs = metadata(layers)
    infos, data = [], b""
    for name, shape, spread in tensors(layers):
        size = shape[0] * (shape[1] if len(shape) > 1 else 1)
        infos.append(string(name) + struct.pack("<I%dQIQ" % len(shape), len(shape), *shape, 0, len(data)))
        draw = random.Random(name)
        values = [1.0 if spread is None else draw.gauss(0, spread) for _ in range(size)]
        data += struct.pack("<%df" % size, *values)
        data += bytes(-len(data) % 32)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(infos), len(pairs)) + b"".join(pairs) + b"".join(infos)
    with open(path, "wb") as file:
        file.write(head + bytes(-len(head) % 32) + data)


write(sys.argv[1] + "/target.gguf", 4)
write(sys.argv[1] + "/draft.gguf", 1)
