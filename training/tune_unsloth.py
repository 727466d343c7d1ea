"""Tunes a base model on the dataset in ./dataset with LoRA, by Unsloth on one GPU.

The output folder ./out gets the adapter. Copy the dataset's metadata.json beside it as
tuned.json. Install requirements-unsloth.txt first.
"""

from unsloth import FastLanguageModel
from datasets import load_dataset
from trl import SFTConfig, SFTTrainer

model, tokenizer = FastLanguageModel.from_pretrained(
    model_name="unsloth/Qwen2.5-Coder-1.5B",
    max_seq_length=4096,
    load_in_4bit=True,
)
model = FastLanguageModel.get_peft_model(
    model,
    r=32,
    lora_alpha=32,
    use_gradient_checkpointing="unsloth",
    random_state=42,
)
trainer = SFTTrainer(
    model=model,
    processing_class=tokenizer,
    args=SFTConfig(
        output_dir="out",
        dataset_text_field="text",
        max_length=4096,
        eos_token="<|endoftext|>",
        per_device_train_batch_size=4,
        gradient_accumulation_steps=4,
        learning_rate=1e-4,
        num_train_epochs=1,
    ),
    train_dataset=load_dataset("dataset", split="train"),
    eval_dataset=load_dataset("dataset", split="validation"),
)
trainer.train()
trainer.save_model("out")
