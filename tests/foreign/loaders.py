"""Loads datasets with PyPI's `datasets` and `pyarrow`, and reads the recipes.

    loaders.py load FOLDER...       every row of every folder, in every way
    loaders.py recipes END FILE...  what the recipes name, in ./dataset

Prints what it has compared, one line each; ends with a traceback otherwise.
"""

import ast
import importlib.util
import itertools
import json
import pathlib
import sys

import pyarrow
import pyarrow.parquet
import yaml
import zstandard
from datasets import List, load_dataset

SPLITS = {"train": "train", "validation": "val"}
TYPES = {
    "string": pyarrow.string(),
    "uint64": pyarrow.uint64(),
    "float64": pyarrow.float64(),
    "bool": pyarrow.bool_(),
}


def rows_of(file):
    """The rows of a file, without `datasets`."""
    if file.suffix == ".parquet":
        return pyarrow.parquet.read_table(file).to_pylist()
    data = file.read_bytes()
    if file.suffix == ".zst":
        data = zstandard.ZstdDecompressor().stream_reader(data).read()
    return [json.loads(line) for line in data.decode().splitlines() if line]


def present(row):
    """The row without what it lacks: a null in a column, no key in JSON."""
    return {name: value for name, value in row.items() if value is not None}


def same(loaded, expected, what):
    """Compares row by row: a difference in one is easier to read."""
    missing = {"no": "row"}
    for number, (row, wanted) in enumerate(
        itertools.zip_longest(loaded, expected, fillvalue=missing)
    ):
        assert present(row) == present(wanted), f"{what}: row {number}: {row!r} is not {wanted!r}"


def declared(feature):
    """The type that the card declares; that of a list's values in a list."""
    return [feature["list"]] if "list" in feature else feature["dtype"]


def found(features):
    """The types that `datasets` found, likewise."""
    return {
        name: [f.feature.dtype] if isinstance(f, List) else f.dtype for name, f in features.items()
    }


def arrow(kind):
    """The Arrow type of a declared one."""
    if isinstance(kind, list):
        return pyarrow.list_(pyarrow.field("item", TYPES[kind[0]], nullable=False))
    return TYPES[kind]


def load(folder, first):
    """Loads `folder` in every way; every row must be as in the folder `first`."""
    card = (folder / "README.md").read_text()
    front = yaml.safe_load(card.split("---\n")[1])
    features = {f["name"]: declared(f) for f in front["dataset_info"]["features"]}
    for split, stem in SPLITS.items():
        files = sorted(folder.glob(f"{stem}[.-]*"))
        expected = [row for file in sorted(first.glob(f"{stem}[.-]*")) for row in rows_of(file)]
        assert expected and expected[0].keys() <= features.keys()
        where = f"{folder.name} {split}"
        same((row for file in files for row in rows_of(file)), expected, where)

        loaded = load_dataset(str(folder), split=split)
        assert found(loaded.features) == features, loaded.features
        assert loaded.num_rows == len(expected)
        same(loaded, expected, f"{where}, loaded")

        streamed = load_dataset(str(folder), split=split, streaming=True)
        assert found(streamed.features) == features, streamed.features
        same(streamed, expected, f"{where}, streamed")

        # Without the dataset card, like trainers that get the names of files.
        kind = "parquet" if files[0].suffix == ".parquet" else "json"
        plain = load_dataset(kind, data_files=[str(file) for file in files], split="train")
        same(plain, expected, f"{where}, as {kind} files")

        if kind == "parquet":
            for file in files:
                parquet = pyarrow.parquet.ParquetFile(file)
                schema = {field.name: field.type for field in parquet.schema_arrow}
                assert schema == {name: arrow(kind) for name, kind in features.items()}, schema
                assert parquet.metadata.created_by == "fimd", parquet.metadata
                codec = parquet.metadata.row_group(0).column(0).compression
                assert codec == "ZSTD", codec
        print(f"{where}: {len(files)} files, {len(expected)} rows")


def source_of(module, *path):
    """The parsed source of a file of an installed package, which is not run."""
    root = pathlib.Path(importlib.util.find_spec(module).origin).parent
    return ast.parse(root.joinpath(*path).read_text())


def classes(tree):
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}


def fields(*nodes):
    """The annotated names in the bodies of classes."""
    return {
        item.target.id
        for node in nodes
        for item in node.body
        if isinstance(item, ast.AnnAssign)
    }


def parameters(node, method):
    """The names of the parameters of a method."""
    (method,) = (f for f in node.body if isinstance(f, ast.FunctionDef) and f.name == method)
    return {arg.arg for arg in method.args.args + method.args.kwonlyargs}


def trainers():
    """For the calls and mappings of the recipes the names that they may use."""
    trl = classes(source_of("trl", "trainer", "sft_config.py"))["SFTConfig"]
    base = classes(source_of("trl", "trainer", "base_config.py"))["_BaseConfig"]
    arguments = classes(source_of("transformers", "training_args.py"))["TrainingArguments"]
    trainer = classes(source_of("trl", "trainer", "sft_trainer.py"))["SFTTrainer"]
    loader = classes(source_of("unsloth", "models", "loader.py"))["FastLanguageModel"]
    llama = classes(source_of("unsloth", "models", "llama.py"))["FastLlamaModel"]
    schemas = pathlib.Path(importlib.util.find_spec("axolotl").origin).parent / "utils/schemas"
    axolotl = {}
    for file in schemas.glob("*.py"):
        axolotl |= classes(ast.parse(file.read_text()))
    return {
        "SFTConfig": fields(trl, base, arguments),
        "SFTTrainer": parameters(trainer, "__init__"),
        "from_pretrained": parameters(loader, "from_pretrained"),
        "get_peft_model": parameters(llama, "get_peft_model"),
        "axolotl": fields(*(axolotl[n] for n in axolotl if n.endswith(("Config", "Parameters")))),
        "axolotl dataset": fields(axolotl["SFTDataset"]),
        "axolotl special_tokens": fields(axolotl["SpecialTokensConfig"]),
    }


def check_column(split, column, end, recipe):
    texts = load_dataset("dataset", split=split)[column]
    assert len(texts) > 0 and all(text.endswith(end) for text in texts)
    print(f"{recipe}: {len(texts)} rows of {split} end with {end}")


def constant(node):
    """The value of a constant; none of what the recipe is told or reads."""
    return node.value if isinstance(node, ast.Constant) else None


def check_python(recipe, source, known, end):
    columns, ends, splits = set(), set(), set()
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call):
            continue
        name = getattr(call.func, "id", None) or call.func.attr
        named = {k.arg: k.value for k in call.keywords}
        if name == "load_dataset":
            assert constant(call.args[0]) in ("dataset", None)
            splits.add(ast.literal_eval(named["split"]))
        if name in known:
            assert named.keys() <= known[name], (recipe, name, named.keys() - known[name])
            print(f"{recipe}: {len(named)} options of {name} exist")
        if name == "SFTConfig":
            columns.add(ast.literal_eval(named["dataset_text_field"]))
            ends.add(constant(named["eos_token"]))
    assert ends in ({end}, {None}), ends
    assert splits == set(SPLITS), splits
    (column,) = columns
    for split in sorted(splits):
        check_column(split, column, end, recipe)


def check_yaml(recipe, source, known, end):
    config = yaml.safe_load(source)
    assert config.keys() <= known["axolotl"], config.keys() - known["axolotl"]
    tokens = config["special_tokens"]
    assert tokens == {"eos_token": end} and tokens.keys() <= known["axolotl special_tokens"]
    for part in ["datasets", "test_datasets"]:
        (entry,) = config[part]
        assert entry.keys() <= known["axolotl dataset"], entry
        assert (entry["path"], entry["type"]) == ("dataset", "completion")
        # The file of the strategy of that name.
        source_of("axolotl", "prompt_strategies", f"{entry['type']}.py")
        check_column(entry["split"], entry["field"], end, recipe)
    print(f"{recipe}: {len(config)} options exist")


def recipes(end, *files):
    known = trainers()
    for file in map(pathlib.Path, files):
        check = {".py": check_python, ".yaml": check_yaml}[file.suffix]
        check(file.name, file.read_text(), known, end)


if sys.argv[1] == "load":
    folders = [pathlib.Path(folder) for folder in sys.argv[2:]]
    for folder in folders:
        load(folder, folders[0])
else:
    recipes(*sys.argv[2:])
