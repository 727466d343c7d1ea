"""Serves a tiny model with random weights through llama.cpp's own HTTP server.

Writes the URL to stdout once it answers, and ends when stdin does. The model is
made here: two layers, a token for each printable ASCII character and for the
markers of fill-in-the-middle. What it says makes no sense and is always the same
at temperature 0.
"""

import sys
import tempfile
from pathlib import Path

import gguf
import numpy as np
import xllamacpp

MARKERS = ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|fim_pad|>"]
WIDTH, HEADS, HIDDEN, LAYERS, CONTEXT = 64, 4, 128, 2, 2048


def write_model(path):
    """A llama of the smallest kind that the server loads."""
    # The byte-level alphabet writes a newline as Ċ and a space as Ġ.
    tokens = ["Ċ", "Ġ", *map(chr, range(0x21, 0x7F)), "<|end|>", *MARKERS]
    plain = len(tokens) - len(MARKERS) - 1
    random = np.random.default_rng(7)

    def tensor(*shape):
        return random.normal(0, 0.5, shape).astype(np.float32)

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    kinds = [gguf.TokenType.NORMAL] * plain
    writer.add_token_types(kinds + [gguf.TokenType.CONTROL] * (len(tokens) - plain))
    # The loader requires at least one.
    writer.add_token_merges(["Ġ Ġ"])
    writer.add_eos_token_id(plain)
    writer.add_bos_token_id(plain)
    writer.add_add_bos_token(False)
    for name, marker in [("prefix", 0), ("suffix", 1), ("middle", 2), ("pad", 3)]:
        writer.add_uint32(f"tokenizer.ggml.fim_{name[:3]}_token_id", plain + 1 + marker)
    writer.add_tensor("token_embd.weight", tensor(len(tokens), WIDTH))
    writer.add_tensor("output_norm.weight", np.ones(WIDTH, np.float32))
    output = tensor(len(tokens), WIDTH)
    # The model must not generate control tokens.
    output[plain:] = 0
    writer.add_tensor("output.weight", output)
    for layer in range(LAYERS):
        for name in ["attn_norm", "ffn_norm"]:
            writer.add_tensor(f"blk.{layer}.{name}.weight", np.ones(WIDTH, np.float32))
        for name in ["attn_q", "attn_k", "attn_v", "attn_output"]:
            writer.add_tensor(f"blk.{layer}.{name}.weight", tensor(WIDTH, WIDTH))
        for name in ["ffn_gate", "ffn_up"]:
            writer.add_tensor(f"blk.{layer}.{name}.weight", tensor(HIDDEN, WIDTH))
        writer.add_tensor(f"blk.{layer}.ffn_down.weight", tensor(WIDTH, HIDDEN))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    with tempfile.TemporaryDirectory() as folder:
        model = str(Path(folder) / "tiny.gguf")
        write_model(model)
        params = xllamacpp.CommonParams()
        params.model.path = model
        params.hostnames = ["127.0.0.1"]
        params.port = 0
        params.n_ctx = CONTEXT
        params.n_parallel = 2
        params.warmup = False
        params.cpuparams.n_threads = 1
        params.cpuparams_batch.n_threads = 1
        server = xllamacpp.Server(params)
        print(server.listening_address, flush=True)
        sys.stdin.read()


main()
