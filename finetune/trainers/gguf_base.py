"""A model's folder as the GGUF file that llama.cpp serves, for the llama architecture and byte-level BPE.

Only what is needed to serve a freshly trained adapter on the weights it was trained on: f16, nothing quantised. The
names of tensors and keys are those of the GGUF specification (docs/gguf.md of ggml); rows of the query and key
projections are interleaved per head as llama.cpp keeps them. What this does not know how to write it refuses, and
llama.cpp's own `convert_hf_to_gguf.py` may.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from agent.errors import ErrorClass, UsageError
from finetune.trainers.gguf_adapter import interleave_heads
from finetune.trainers.lora_model import quieten, require_training_parts

__all__ = ["convert_folder"]

_LAYER: Final = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_OUTSIDE: Final = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
_LLAMA3_SPLIT: Final = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
_NORMAL, _CONTROL, _USER_DEFINED, _UNUSED = 1, 3, 4, 5  # token types of the GGUF specification


def convert_folder(folder: Path, target: Path) -> Path:
    """Write the llama-architecture model in `folder` to `target`; the file appears whole or not at all.

    Raises:
        UsageError: the folder cannot be loaded, or holds something that this cannot write.
        FailedError: the `train` extra is not installed.
    """
    require_training_parts()
    quieten()
    import gguf
    from transformers import AutoModelForCausalLM, AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
        model = AutoModelForCausalLM.from_pretrained(str(folder), dtype="float32", local_files_only=True)
        vocabulary = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise _refused(folder, f"it cannot be loaded: {error}") from error
    split = _pre_tokenizer(folder, vocabulary)
    draft = target.with_suffix(".partial")
    writer: Any = gguf.GGUFWriter(str(draft), "llama")
    writer.add_type("model")
    writer.add_name(folder.name)
    _add_shape(writer, model.config, folder)
    _add_vocabulary(writer, tokenizer, vocabulary, model.config.vocab_size, split)
    for name, weights in _tensors(model):
        writer.add_tensor(name, weights)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    os.replace(draft, target)
    return target


def _add_shape(writer: Any, config: Any, folder: Path) -> None:
    rope = config.rope_parameters or {}
    kind = rope.get("rope_type", "default")
    biased = getattr(config, "attention_bias", False) or getattr(config, "mlp_bias", False)
    if kind != "default" or biased:
        raise _refused(folder, "it has biases" if biased else f"its positions are scaled (`{kind}`)")
    writer.add_file_type(1)  # mostly f16
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(float(rope.get("rope_theta", 10000.0)))
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    writer.add_vocab_size(config.vocab_size)


def _add_vocabulary(writer: Any, tokenizer: Any, vocabulary: dict[str, Any], size: int, split: str) -> None:
    added = {token["id"]: token for token in vocabulary.get("added_tokens", ())}
    names = {number: name for name, number in tokenizer.get_vocab().items()}
    tokens, kinds = [], []
    for number in range(size):
        tokens.append(names.get(number, f"[PAD{number}]"))
        if number in added:
            kinds.append(_CONTROL if added[number]["special"] else _USER_DEFINED)
        else:
            kinds.append(_NORMAL if number in names else _UNUSED)
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in vocabulary["model"]["merges"]]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(split)
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(merges)
    for add, number in (
        (writer.add_bos_token_id, tokenizer.bos_token_id),
        (writer.add_eos_token_id, tokenizer.eos_token_id),
        (writer.add_pad_token_id, tokenizer.pad_token_id),
    ):
        if number is not None:
            add(number)
    writer.add_add_bos_token(False)  # the chat template says where one belongs
    if tokenizer.chat_template:
        writer.add_chat_template(tokenizer.chat_template)


def _pre_tokenizer(folder: Path, vocabulary: dict[str, Any]) -> str:
    """llama.cpp's name for how the tokenizer cuts text before merging."""
    if vocabulary["model"].get("type") != "BPE" or vocabulary["model"].get("byte_fallback"):
        raise _refused(folder, "its tokenizer is not byte-level BPE")
    outer = vocabulary.get("pre_tokenizer") or {}
    parts = outer.get("pretokenizers", [outer])
    kinds = [part.get("type") for part in parts]
    if kinds == ["ByteLevel"] and parts[0].get("use_regex", True):
        return "gpt-2"
    if kinds == ["Digits", "ByteLevel"] and parts[0].get("individual_digits"):
        return "smollm"
    if kinds == ["Split", "ByteLevel"] and _LLAMA3_SPLIT in str(parts[0].get("pattern", {}).get("Regex")):
        return "llama-bpe"
    raise _refused(folder, f"its tokenizer cuts text in a way that is not known here ({', '.join(map(str, kinds))})")


def _tensors(model: Any) -> Iterator[tuple[str, NDArray[Any]]]:
    config, tied = model.config, model.config.tie_word_embeddings
    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    for name, parameter in model.state_dict().items():
        stem = name.removesuffix(".weight")
        weights: NDArray[np.float32] = parameter.detach().float().numpy()
        if stem == "lm_head" and tied:
            continue
        if stem in _OUTSIDE:
            renamed = _OUTSIDE[stem]
        else:
            _, _, block, rest = stem.split(".", 3)
            renamed = f"blk.{block}.{_LAYER[rest]}"
            if _LAYER[rest] in heads:
                weights = interleave_heads(weights, heads[_LAYER[rest]])
        # norms stay float32, as llama.cpp wants them
        yield f"{renamed}.weight", np.ascontiguousarray(weights if weights.ndim == 1 else weights.astype(np.float16))


def _refused(folder: Path, why: str) -> UsageError:
    return UsageError(
        ErrorClass.SETTINGS,
        f"{folder} cannot be written as a GGUF: {why}.",
        "Convert it with llama.cpp's convert_hf_to_gguf.py and give the file it writes.",
    )
