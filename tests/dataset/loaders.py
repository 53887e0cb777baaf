"""Reads datasets with the loaders that they are made for: `python loaders.py LOADER FILE...` prints what it found.

Runs in an environment of its own (tests/dataset/loaders.txt), and asks no network.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

os.environ |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
os.environ["HF_HOME"] = tempfile.mkdtemp(prefix="loaders-")


def openai(path: str) -> Any:
    """The types that the `openai` package sends."""
    from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolUnionParam
    from pydantic import TypeAdapter

    messages = TypeAdapter(list[ChatCompletionMessageParam])
    tools = TypeAdapter(list[ChatCompletionToolUnionParam])
    found = []
    for line in _lines(path):
        # The types' own fields alone: what they do not know, an endpoint refuses.
        assert _plain(messages.validate_python(line["messages"], extra="forbid")) == line["messages"]
        assert _plain(tools.validate_python(line["tools"], extra="forbid")) == line["tools"]
        found.append([message["role"] for message in line["messages"]])
    return found


def anthropic(path: str) -> Any:
    """The types that the `anthropic` package sends."""
    from anthropic.types import MessageParam, ToolParam
    from pydantic import TypeAdapter

    messages = TypeAdapter(list[MessageParam])
    tools = TypeAdapter(list[ToolParam])
    found = []
    for line in _lines(path):
        assert _plain(messages.validate_python(line["messages"], extra="forbid")) == line["messages"]
        assert _plain(tools.validate_python(line["tools"], extra="forbid")) == line["tools"]
        found.append([message["role"] for message in line["messages"]])
    return found


def trl(path: str) -> Any:
    """`datasets` loads it; TRL takes it for a conversation and renders it by two of its own templates, as its trainer
    does, with masks of what the assistant said."""
    from trl.data_utils import apply_chat_template, is_conversational

    found = []
    for example in _dataset("json", path):
        assert is_conversational(example)
        tools = json.loads(example["tools"])  # what SFTTrainer does
        texts = []
        for template in ("qwen3_training", "llama3_training"):
            tokenizer = _tokenizer(template)
            texts.append(apply_chat_template(example, tokenizer, tools=tools)["text"])
            masked = tokenizer.apply_chat_template(
                example["messages"], tools=tools, return_dict=True, return_assistant_tokens_mask=True
            )
            assert 0 < sum(masked["assistant_masks"]) < len(masked["input_ids"])
        found.append({"messages": example["messages"], "text": texts[0]})
    return found


def trl_preference(path: str) -> Any:
    """`datasets` loads it; TRL renders prompt, chosen and rejected as its DPO trainer does."""
    from trl.data_utils import apply_chat_template, is_conversational, maybe_extract_prompt

    found = []
    for example in _dataset("json", path):
        assert is_conversational(example)
        assert maybe_extract_prompt(example) == example
        tools = json.loads(example["tools"])
        found.append(apply_chat_template(example, _tokenizer("qwen3"), tools=tools))
    return found


def folder(path: str) -> Any:
    """`datasets` loads a folder as its card says."""
    import datasets

    datasets.disable_progress_bars()
    loaded = datasets.load_dataset(path)
    return {split: list(rows) for split, rows in loaded.items()}


def croissant(path: str) -> Any:
    """`mlcroissant` validates a dataset's metadata and reads every record that it tells of, SHA-256 checked."""
    import mlcroissant

    dataset = mlcroissant.Dataset(jsonld=path)
    records = {
        of.name: [_text(record) for record in dataset.records(of.name)] for of in dataset.metadata.record_sets
    }
    return {"errors": sorted(dataset.metadata.issues.errors), "records": records}


def _text(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _text(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_text(each) for each in value]
    if isinstance(value, bytes):
        return value.decode()
    return value.item() if hasattr(value, "item") else value


def _tokenizer(template: str) -> Any:
    """A tokenizer of whole words with one of TRL's templates: what matters is what they render."""
    from pathlib import Path

    import trl.chat_template_utils
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    own = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    own.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=own, unk_token="[UNK]")
    folder = Path(trl.chat_template_utils.__file__).parent / "chat_templates"
    tokenizer.chat_template = (folder / f"{template}.jinja").read_text(encoding="utf-8")
    return tokenizer


def _dataset(kind: str, path: str) -> Any:
    import datasets

    datasets.disable_progress_bars()
    return datasets.load_dataset(kind, data_files=path, split="train")


def _lines(path: str) -> Iterator[Any]:
    with open(path, encoding="utf-8") as file:
        yield from map(json.loads, file)


def _plain(value: Any) -> Any:
    """What pydantic read, with iterables that it would read later as lists."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, str | bytes | int | float) or value is None:
        return value
    return [_plain(each) for each in value]


LOADERS: dict[str, Callable[..., Any]] = {
    "openai": openai,
    "anthropic": anthropic,
    "trl": trl,
    "trl-preference": trl_preference,
    "folder": folder,
    "croissant": croissant,
}

if __name__ == "__main__":
    print(json.dumps(LOADERS[sys.argv[1]](*sys.argv[2:])))
