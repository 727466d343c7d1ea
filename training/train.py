"""Tunes a base model on a dataset of `fimd generate` with LoRA, by TRL.

    train.py DATASET --model Qwen/Qwen2.5-Coder-1.5B --output tuned

DATASET is the folder that `fimd generate` wrote. The output folder gets the adapter,
the tokenizer, `tuned.json`, which `fimd doctor` and completions compare with the
settings, and `losses.json`: the mean loss per token of the validation examples before
and after training, and of training at each logged step.

Install requirements.txt first.
"""

import argparse
import json
import math
import pathlib
import sys

import torch
from datasets import load_dataset
from peft import LoraConfig
from trl import SFTConfig, SFTTrainer

# What fimd reads of a dataset's metadata.json to know how its examples are made.
TUNED_KEYS = ["generator", "version", "options", "tokens", "formats"]


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dataset", type=pathlib.Path, help="folder of the dataset")
    parser.add_argument("--model", required=True, help="name or folder of the base model")
    parser.add_argument("--output", required=True, type=pathlib.Path, help="folder to write")
    parser.add_argument("--epochs", type=float, default=1)
    parser.add_argument("--learning-rate", type=float, default=1e-4)
    parser.add_argument("--rank", type=int, default=32, help="rank of the adapter")
    parser.add_argument("--max-length", type=int, default=4096, help="tokens of an example")
    parser.add_argument("--batch", type=int, default=4, help="examples in memory at a time")
    parser.add_argument("--accumulate", type=int, default=4, help="batches of an update")
    parser.add_argument(
        "--embeddings",
        action="store_true",
        help="train the embeddings, too: for a model that does not know the control tokens yet",
    )
    parser.add_argument("--seed", type=int, default=42)
    return parser.parse_args()


def main():
    args = arguments()
    metadata = json.loads((args.dataset / "metadata.json").read_text())
    if metadata["counts"]["val"] == 0:
        sys.exit(f"{args.dataset}: no validation examples; generate it without --val-split 0")
    end = metadata["tokens"]["end"]
    # Without a GPU, 16-bit floats and recomputing cost more time than they save.
    has_gpu = torch.accelerator.is_available()
    trainer = SFTTrainer(
        model=args.model,
        args=SFTConfig(
            output_dir=str(args.output / "checkpoints"),
            dataset_text_field="text",
            max_length=args.max_length,
            # The text ends with the end token of the dataset's family; no other is added.
            eos_token=end,
            per_device_train_batch_size=args.batch,
            per_device_eval_batch_size=args.batch,
            gradient_accumulation_steps=args.accumulate,
            learning_rate=args.learning_rate,
            num_train_epochs=args.epochs,
            logging_steps=10,
            save_strategy="epoch",
            save_total_limit=1,
            report_to="none",
            disable_tqdm=not sys.stderr.isatty(),
            seed=args.seed,
            use_cpu=not has_gpu,
            bf16=has_gpu,
            gradient_checkpointing=has_gpu,
        ),
        train_dataset=load_dataset(str(args.dataset), split="train"),
        eval_dataset=load_dataset(str(args.dataset), split="validation"),
        peft_config=LoraConfig(
            r=args.rank,
            lora_alpha=args.rank,
            target_modules="all-linear",
            modules_to_save=["embed_tokens", "lm_head"] if args.embeddings else None,
        ),
    )
    tokenizer = trainer.processing_class
    for name in ["prefix", "suffix", "middle", "end"]:
        token = metadata["tokens"][name]
        if len(tokenizer.encode(token, add_special_tokens=False)) != 1:
            sys.exit(
                f"{args.model}: {token!r} is not one token; generate the dataset with "
                f"--base-model for the family of this model ('fimd models' lists them)"
            )
    before = trainer.evaluate()["eval_loss"]
    trainer.train()
    after = trainer.evaluate()["eval_loss"]
    if not math.isfinite(after):
        sys.exit(f"the validation loss is {after}; try a smaller --learning-rate")
    trainer.save_model(str(args.output))
    tuned = {key: metadata[key] for key in TUNED_KEYS}
    (args.output / "tuned.json").write_text(json.dumps(tuned, indent=2) + "\n")
    steps = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    losses = {"validation_before": before, "validation_after": after, "training": steps}
    (args.output / "losses.json").write_text(json.dumps(losses, indent=2) + "\n")
    print(f"validation loss: {before:.3f} before, {after:.3f} after")


if __name__ == "__main__":
    main()
