"""Merges a tuned adapter into its base model and writes one GGUF file for llama.cpp.

    export.py tuned --output tuned.gguf

The weights are written as 16-bit floats; `llama-quantize tuned.gguf small.gguf Q4_K_M`
makes a smaller file. This script writes models of the Qwen2 architecture, which
Qwen2.5-Coder has. For others use llama.cpp's `convert_hf_to_gguf.py` on the folder of
`--merged`.

Install requirements.txt first.
"""

import argparse
import json
import pathlib
import sys

import gguf
import torch
from peft import AutoPeftModelForCausalLM
from transformers import AutoModelForCausalLM, AutoTokenizer

MARKERS = {"pre": "<|fim_prefix|>", "suf": "<|fim_suffix|>", "mid": "<|fim_middle|>"}


def merged(folder):
    """The model in `folder`: that of an adapter with its base, or a whole one."""
    if (folder / "adapter_config.json").exists():
        adapter = AutoPeftModelForCausalLM.from_pretrained(str(folder), dtype=torch.float32)
        return adapter.merge_and_unload()
    return AutoModelForCausalLM.from_pretrained(str(folder), dtype=torch.float32)


def add_vocabulary(writer, tokenizer, size):
    """The tokens by number, the merges, and the tokens that the server stops at or
    recognises by name."""
    content = json.loads(tokenizer.backend_tokenizer.to_str())
    added = {token["id"]: token for token in content["added_tokens"]}
    names = {number: name for name, number in tokenizer.get_vocab().items()}
    tokens, kinds = [], []
    for number in range(size):
        # The embedding has room for more tokens than the vocabulary.
        tokens.append(names.get(number, f"[PAD{number}]"))
        if number not in names:
            kinds.append(gguf.TokenType.UNUSED)
        elif added.get(number, {}).get("special"):
            kinds.append(gguf.TokenType.CONTROL)
        elif number in added:
            kinds.append(gguf.TokenType.USER_DEFINED)
        else:
            kinds.append(gguf.TokenType.NORMAL)
    merges = content["model"]["merges"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in merges])
    writer.add_eos_token_id(tokenizer.eos_token_id)
    writer.add_add_bos_token(False)
    for name, token in MARKERS.items():
        if token in tokenizer.get_vocab():
            number = tokenizer.convert_tokens_to_ids(token)
            writer.add_uint32(f"tokenizer.ggml.fim_{name}_token_id", number)


def write(model, tokenizer, path):
    config = model.config
    writer = gguf.GGUFWriter(str(path), "qwen2")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    add_vocabulary(writer, tokenizer, model.get_input_embeddings().num_embeddings)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.QWEN2, config.num_hidden_layers)
    embeddings = model.get_input_embeddings().weight
    for name, tensor in model.state_dict().items():
        # A model without an output layer of its own uses the embeddings.
        if name == "lm_head.weight" and torch.equal(tensor, embeddings):
            continue
        known = names.get_name(name, try_suffixes=(".weight", ".bias"))
        if known is None:
            sys.exit(f"{name}: the Qwen2 architecture has no such tensor")
        # Vectors stay 32-bit, as llama.cpp expects.
        kind = torch.float16 if tensor.dim() > 1 else torch.float32
        writer.add_tensor(known, tensor.to(kind).numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=pathlib.Path, help="folder that train.py wrote, or a base model")
    parser.add_argument("--output", required=True, type=pathlib.Path, help="GGUF file to write")
    parser.add_argument("--merged", type=pathlib.Path, help="folder for the merged model, too")
    args = parser.parse_args()
    model = merged(args.model)
    tokenizer = AutoTokenizer.from_pretrained(str(args.model))
    if args.merged:
        model.save_pretrained(str(args.merged))
        tokenizer.save_pretrained(str(args.merged))
    if model.config.model_type != "qwen2":
        sys.exit(
            f"{args.model}: architecture {model.config.model_type}; this script writes qwen2. "
            "Use --merged FOLDER, then llama.cpp's convert_hf_to_gguf.py on that folder"
        )
    write(model, tokenizer, args.output)
    print(f"{args.output}: {args.output.stat().st_size >> 20} MiB")


if __name__ == "__main__":
    main()
