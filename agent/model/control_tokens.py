"""Keeps text that we quote from being read as a chat model's control tokens.

A server puts messages into the model's chat template as text and reads the whole for its control tokens, so that a
question, a comment or a stored value holding `<|im_end|>` would end its turn there and could go on in another role.
One space inside the mark makes it plain text again, for the tokenizer and for whoever reads the prompt.
"""

from __future__ import annotations

import re

__all__ = ["as_plain_text"]

_NAMES = (
    "s|unk|pad|bos|eos|mask|sep|cls|think|thinking|reasoning|tools?|tool_calls?|tool_response|function_calls?|"
    "repo_?name|file_sep|filename|gh_stars|issue_\\w+|jupyter_\\w+|empty_output|commit_\\w+|fim[-_]\\w+|"
    "unused\\d+|\\w+_of_\\w+|start_\\w+|end_\\w+|system|user|assistant"
)
_MARK = re.compile(
    rf"<(?=[|｜])|<(?=/?(?:{_NAMES})>)|<(?=<SYS>>|</SYS>>)|"
    r"\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|IMG|PREFIX|SUFFIX|MIDDLE)\])",
    re.IGNORECASE,
)
"""The beginnings of the tokens of ChatML, Llama, Mistral, Gemma, DeepSeek, SmolLM and Qwen."""


def as_plain_text(text: str) -> str:
    """`text` with a space inside everything that looks like a control token; other text is unchanged, byte for byte."""
    return _MARK.sub(lambda mark: f"{mark.group()} ", text)
