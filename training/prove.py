"""Proves the way from a dataset to grey text of a tuned model, with a model made here.

    prove.py target/release/fimd

Makes a dataset of the small project tests/fixtures/shop and a base model of two layers
with random weights and a tokenizer of its own, tunes it with train.py until it knows the
examples by heart, exports both models with export.py, serves them with serve.py, and
asks both: the prompt of each training example, and `fimd eval completion`. Fails unless
the loss falls and the tuned model completes nine in ten of the examples, of which the
base model completes none. Says nothing of how good a real model gets.

Install requirements.txt first. Needs two cores, some minutes and about 1.5 GB of memory.
"""

import argparse
import contextlib
import json
import pathlib
import resource
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).parent
SHOP = HERE.parent / "tests/fixtures/shop"
VOCABULARY, WIDTH, LAYERS, CONTEXT = 1000, 128, 2, 1024
LIMITS = {"max_total_chars": 1200, "max_context_chars": 300, "max_suffix_chars": 150}
ANSWER_TOKENS = 128


def run(*command, **more):
    """Runs a command to its end; its output stays visible."""
    print("$", *command, flush=True)
    return subprocess.run([str(part) for part in command], check=True, **more)


def script(name, *args):
    run(sys.executable, HERE / name, *args)


def generate(fimd, folder):
    sizes = [f"--{key.replace('_', '-')}={size}" for key, size in LIMITS.items()]
    run(fimd, "generate", SHOP, "--output", folder, "--cross-file-context", "--bm25-context",
        *sizes)  # fmt: skip
    lines = (folder / "train.jsonl").read_text().splitlines()
    return json.loads((folder / "metadata.json").read_text()), [json.loads(x) for x in lines]


def make_base(folder, texts, markers):
    """A Qwen2 model with random weights, and a byte-level BPE learnt from `texts`."""
    import torch
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

    words = (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
        r"|\s*[\r\n]+|\s+(?!\S)|\s+"
    )
    tokenizer = Tokenizer(models.BPE())
    # As Qwen2's tokenizer cuts text into words, which llama.cpp calls "qwen2".
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(words), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=VOCABULARY, special_tokens=markers, initial_alphabet=alphabet
        ),
    )
    end = markers[-1]
    whole = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=end, pad_token=end)
    whole.save_pretrained(folder)
    torch.manual_seed(7)
    config = Qwen2Config(
        vocab_size=len(whole),
        hidden_size=WIDTH,
        intermediate_size=4 * WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=False,
        eos_token_id=whole.eos_token_id,
        pad_token_id=whole.eos_token_id,
    )
    model = Qwen2ForCausalLM(config)
    model.save_pretrained(folder)
    print(f"base model: {model.num_parameters() / 1e6:.2f} million weights, {len(whole)} tokens")


@contextlib.contextmanager
def served(model):
    """The URL of a server with `model`, which ends with the block."""
    command = [sys.executable, HERE / "serve.py", model, "--port=0", f"--context={CONTEXT}"]
    server = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        for line in server.stdout:
            if line.startswith("url = "):
                yield json.loads(line.removeprefix("url = "))
                return
        sys.exit(f"serve.py {model} has not come up")
    finally:
        server.kill()
        server.wait()


def known_by_heart(url, examples):
    """How many middles of `examples` the server writes when it gets what stands before."""
    right = 0
    for example in examples:
        text, middle = example["text"], example["middle"]
        prompt = text[: text.rindex(middle)]
        body = {"prompt": prompt, "max_tokens": ANSWER_TOKENS, "temperature": 0}
        request = urllib.request.Request(
            f"{url}/v1/completions",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            right += json.load(answer)["choices"][0]["text"] == middle
    return right


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("fimd", type=pathlib.Path, help="the fimd program")
    parser.add_argument("--epochs", type=int, default=60)
    args = parser.parse_args()
    fimd, begun = args.fimd.resolve(), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        dataset, base, tuned = folder / "dataset", folder / "base", folder / "tuned"
        metadata, examples = generate(fimd, dataset)
        markers = [metadata["tokens"][name] for name in ["prefix", "suffix", "middle", "end"]]
        make_base(base, [example["text"] for example in examples], markers)
        script("train.py", dataset, "--model", base, "--output", tuned,
               f"--epochs={args.epochs}", "--learning-rate=3e-3", f"--rank={WIDTH}",
               f"--max-length={CONTEXT}", "--batch=8", "--accumulate=1", "--embeddings")  # fmt: skip
        losses = json.loads((tuned / "losses.json").read_text())
        training = losses["training"]
        print(f"training loss: {training[0]:.3f} at first, {training[-1]:.3f} at last")
        for model in [base, tuned]:
            script("export.py", model, "--output", model.with_suffix(".gguf"))
        with served(base.with_suffix(".gguf")) as base_url, served(
            tuned.with_suffix(".gguf")
        ) as tuned_url:
            by_base = known_by_heart(base_url, examples)
            by_tuned = known_by_heart(tuned_url, examples)
            print(f"examples known by heart, of {len(examples)}: base {by_base}, tuned {by_tuned}")
            sizes = ",".join(f"{key}={size}" for key, size in LIMITS.items())
            run(fimd, "eval", "completion", SHOP, "--holes", "60",
                "--training", dataset, "--allow-overlap",
                "--endpoint", f"base={base_url}", "--endpoint", f"tuned={tuned_url}",
                "--condition", f"all:{sizes},max_tokens=64")  # fmt: skip
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
    print(f"{time.monotonic() - begun:.0f} s, at most {memory} MiB of memory in one process")
    assert training[-1] < training[0] / 10, training
    assert by_base == 0 and by_tuned >= 0.9 * len(examples), (by_base, by_tuned)


if __name__ == "__main__":
    main()
