"""Reads datasets with the loaders that they are made for: `python loaders.py LOADER FILE...` prints what it found.

Runs in an environment of its own (tests/dataset/loaders.txt), and asks no network.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import os
import sys
import tempfile
import types
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


def trl(sessions: str, pairs: str) -> Any:
    """`datasets` loads both; TRL takes them for conversations and renders sessions by two of its own templates, as its
    trainer does, with masks of what the assistant said, and pairs as its DPO trainer does."""
    from trl.data_utils import apply_chat_template, is_conversational, maybe_extract_prompt

    found, preferences = [], []
    for example in _dataset("json", sessions):
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
    for example in _dataset("json", pairs):
        assert is_conversational(example)
        assert maybe_extract_prompt(example) == example
        tools = json.loads(example["tools"])
        preferences.append(apply_chat_template(example, _tokenizer("qwen3"), tools=tools))
    return {"sessions": found, "pairs": preferences}


def sharegpt(path: str) -> Any:
    """LLaMA-Factory's own converter and formatters make turns and prompts of it."""
    _without_init("llamafactory", "llamafactory.data", "llamafactory.extras")
    hidden = types.ModuleType("peft.utils")  # two names of files, which bring torch
    vars(hidden).update(SAFETENSORS_WEIGHTS_NAME="", WEIGHTS_NAME="")
    sys.modules |= {"peft": types.ModuleType("peft"), "peft.utils": hidden}
    from llamafactory.data.converter import SharegptDatasetConverter
    from llamafactory.data.formatter import FunctionFormatter, ToolFormatter

    known: dict[str, Any] = dict.fromkeys(
        ("system", "images", "videos", "audios", "chosen", "rejected", "kto_tag")
    )
    known |= {"messages": "conversations", "tools": "tools", "ranking": False, "load_from": "file"}
    known |= {"role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt"}
    known |= {"observation_tag": "observation", "function_tag": "function_call", "system_tag": "system"}
    convert = SharegptDatasetConverter(types.SimpleNamespace(**known), None)
    call = FunctionFormatter(slots=["{{content}}"], tool_format="qwen")
    thought = ("<think>\n", "\n</think>\n\n")
    found = []
    for example in _dataset("json", path):
        made = convert(example)
        assert made["_response"], "LLaMA-Factory skips it"
        (tools,) = ToolFormatter(tool_format="qwen").apply(content=made["_tools"])
        turns = [*made["_prompt"], *made["_response"]]
        prompts = [
            call.apply(content=turn["content"], thought_words=thought)[0]
            if turn["role"] == "function"
            else ""
            for turn in turns
        ]
        found.append({"turns": turns, "prompts": prompts, "tools": tools})
    return found


def swe_bench(path: str) -> Any:
    """SWE-bench's harness reads its predictions."""
    _without_init("swebench", "swebench.harness")
    from swebench.harness.utils import get_predictions_from_file

    return get_predictions_from_file(path, "any", "test")


def _without_init(*packages: str) -> None:
    """Packages of which modules are imported, but not what their __init__ would: torch, docker."""
    for package in packages:
        parent, _, name = package.rpartition(".")
        if parent:
            places = [os.path.join(place, name) for place in sys.modules[parent].__path__]
        else:
            spec = importlib.util.find_spec(package)
            assert spec is not None, f"{package} is not installed"
            places = list(spec.submodule_search_locations or ())
        made = types.ModuleType(package)
        made.__path__ = places
        sys.modules[package] = made


def openinference(path: str) -> Any:
    """OpenTelemetry's own messages take every line, and no attribute is unknown to OpenInference."""
    from google.protobuf import json_format
    from openinference.semconv.resource import ResourceAttributes
    from openinference.semconv.trace import (
        OpenInferenceMimeTypeValues,
        OpenInferenceSpanKindValues,
        SpanAttributes,
    )
    from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

    known = {value for name, value in vars(SpanAttributes).items() if not name.startswith("_")}
    known |= {value for name, value in vars(ResourceAttributes).items() if not name.startswith("_")}
    found = []
    for line in _lines(path):
        _as_base64(line)
        data = TracesData()
        json_format.ParseDict(line, data)
        for of_resource in data.resource_spans:
            for span in of_resource.scope_spans[0].spans:
                told = {pair.key: pair.value.string_value for pair in span.attributes}
                assert set(told) <= known, set(told) - known
                OpenInferenceSpanKindValues(told["openinference.span.kind"])
                OpenInferenceMimeTypeValues(told.get("output.mime_type", "text/plain"))
                found.append(
                    {
                        "trace": span.trace_id.hex(),
                        "span": span.span_id.hex(),
                        "parent": span.parent_span_id.hex(),
                        "name": span.name,
                        "nanos": [span.start_time_unix_nano, span.end_time_unix_nano],
                        "attributes": told,
                        "events": [event.name for event in span.events],
                    }
                )
    return found


def _as_base64(value: Any) -> None:
    """OTLP has ids in hex, protobuf's JSON bytes in base64: the one place where they differ."""
    if isinstance(value, list):
        for each in value:
            _as_base64(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key in ("traceId", "spanId", "parentSpanId"):
                value[key] = base64.b64encode(bytes.fromhex(each)).decode()
            else:
                _as_base64(each)


def inspect(*paths: str) -> Any:
    """Inspect reads its log."""
    from inspect_ai.log import read_eval_log

    found = []
    for path in paths:
        log = read_eval_log(path)
        assert log.samples is not None
        (sample,) = log.samples
        found.append(
            {
                "status": log.status,
                "id": sample.id,
                "input": sample.input,
                "roles": [message.role for message in sample.messages],
                "calls": [
                    call.arguments
                    for message in sample.messages
                    if message.role == "assistant"
                    for call in message.tool_calls or ()
                ],
                "reward": sample.scores["outcome"].as_float() if sample.scores else None,
            }
        )
    return found


def folder(path: str) -> Any:
    """`datasets` loads a folder as its card says; `mlcroissant` as its croissant.json says."""
    import datasets

    datasets.disable_progress_bars()
    loaded = datasets.load_dataset(path)
    told = croissant(os.path.join(path, "croissant.json"))
    return {"splits": {split: list(rows) for split, rows in loaded.items()}, "croissant": told}


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


def atif(*paths: str) -> Any:
    """The models of the `atif` package, and Harbor's own validator."""
    from atif import Trajectory
    from harbor.utils.trajectory_validator import TrajectoryValidator

    found = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            read = Trajectory.model_validate_json(file.read())
        validator = TrajectoryValidator()
        assert validator.validate(path), validator.errors
        calls = sum(len(step.tool_calls or ()) for step in read.steps)
        found.append({"steps": len(read.steps), "calls": calls})
    return found


def harbor(*paths: str) -> Any:
    """Harbor's own models of a task."""
    from harbor.models.task.task import Task

    found = []
    for path in paths:
        task = Task(path)
        assert task.paths.discovered_solve_path is not None
        assert task.paths.discovered_test_path_for(task.config.environment.os) is not None
        found.append({"name": task.name, "proof": task.config.metadata["proof"]})
    return found


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
    "sharegpt": sharegpt,
    "swe-bench": swe_bench,
    "openinference": openinference,
    "inspect": inspect,
    "atif": atif,
    "harbor": harbor,
    "folder": folder,
    "croissant": croissant,
}

if __name__ == "__main__":
    print(json.dumps(LOADERS[sys.argv[1]](*sys.argv[2:])))
