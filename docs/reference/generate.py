"""Writes the reference pages that the code itself can tell: commands, settings and error classes.

A page written by hand goes stale with the first change of an option. These are made from the parsers, the settings and
the error tree, `tests/test_docs_generated.py` fails when a page is not what this script writes, and whatever the code
does not say of itself must be said here, or nothing is written.

    python docs/reference/generate.py [--check]
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, get_args, get_origin

import typer
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from agent import settings as settings_module
from agent.errors import ErrorClass, handling
from agent.settings import Settings
from tui.cli.commands import COMMANDS, load_command
from tui.cli.main import app

__all__ = ["FOLDER", "commands_page", "error_classes_page", "pages", "settings_page"]

FOLDER: Final = Path(__file__).parent
_WIDTH: Final = 100
_MADE: Final = "<!-- Written by docs/reference/generate.py (`make docs`). Do not edit. -->\n"

_SETTINGS_SAID: Final = {
    "workspace": "The workspace folder. Set by `-w` or `AFFIDAVIT_WORKSPACE`; not read from the file.",
    "user": "Who is asking. `--as` beats it; empty means the login name. Nobody signs in a name from the file: that "
    "takes `--as` or `AFFIDAVIT_USER`.",
    "log_level": "How much goes into `.affidavit/affidavit.log`. No secret and no result row is ever logged.",
    "warehouse.db_schema": "The schema that unqualified table names mean; for MariaDB the database.",
    "ledger.url": "SQLAlchemy URL of SQLite or PostgreSQL; a relative SQLite path is taken from the workspace folder.",
    "model.provider": "Who serves the model. The address and key of the last three are set below.",
    "model.base_url": "The server's address: needed by `compatible` and `azure`, optional for `openai`.",
    "model.api_key": "The provider's key. Set it in the environment, not in the file.",
    "model.api_version": "Azure only, and needed there.",
    "model.context_tokens": "Embedded only: tokens of prompt and reply together.",
    "model.temperature": "Of the sampled drafts; the first draft is always greedy.",
    "model.max_tokens": "The longest reply.",
    "model.timeout_s": "Seconds for one request to the model, and for the whole of a run's repairs.",
    "memory.max_pieces": "The most pieces of grounding a model is shown.",
    "limits.max_rows": "Rows of a result; one more sets `truncated`. `policy.yaml` can tighten it.",
    "limits.max_bytes": "Bytes of a result.",
    "limits.timeout_s": "Seconds for one statement, kept by the database. `policy.yaml` can tighten it.",
    "limits.max_repairs": "How often a run may mend or redraft its statement.",
    "limits.max_question_chars": "A longer question is not answered.",
}
"""What the settings' own docstrings leave unsaid."""

_OTHER_VARIABLES: Final = {
    "AFFIDAVIT_PASSPHRASE": "The passphrase of the key that signs, or of the key that is made; where it is not set, a "
    "terminal asks for it. `--passphrase-file` beats it.",
    "AFFIDAVIT_BY_PASSPHRASE": "The passphrase of the admin's key in `affidavit identity create --by ADMIN`.",
    "AFFIDAVIT_DEBUG": "`1` shows the traceback of an error instead of one screen. Keys of the environment, tokens and "
    "passwords in URLs are withheld from it, but it quotes what the warehouse and the model's provider said: read it "
    "before you pass it on.",
    "OPENAI_API_KEY": "The key of provider `openai`, when `AFFIDAVIT_MODEL__API_KEY` is not set.",
    "AZURE_OPENAI_API_KEY": "The same for provider `azure`.",
    "HF_ENDPOINT": "Where `hf:` base models come from; default `https://huggingface.co`.",
    "NO_COLOR": "Any value switches colours off.",
}

_ERRORS_SAID: Final = {
    ErrorClass.EMPTY_QUESTION: "There is no question.",
    ErrorClass.QUESTION_TOO_LONG: "The question is longer than `limits.max_question_chars`.",
    ErrorClass.NOT_ABOUT_DATA: "Nothing in the question matches the warehouse.",
    ErrorClass.AMBIGUOUS_QUESTION: "The question can mean several things.",
    ErrorClass.WRITE_REQUESTED: "The question asks for data to be changed.",
    ErrorClass.COST_NOT_ACCEPTED: "The estimate is over `limits.max_scanned_rows`, and the asker is to be asked.",
    ErrorClass.NO_SQL: "The model's reply holds no SQL, or was cut off at `model.max_tokens`.",
    ErrorClass.SYNTAX: "The statement does not parse.",
    ErrorClass.UNKNOWN_TABLE: "The statement names a table that is not there.",
    ErrorClass.UNKNOWN_COLUMN: "The statement names a column that is not there.",
    ErrorClass.AMBIGUOUS_COLUMN: "A column without its table is in several of them.",
    ErrorClass.UNKNOWN_FUNCTION: "The warehouse has no such function.",
    ErrorClass.TYPE_MISMATCH: "Values of types that do not go together, or a value that its type cannot hold.",
    ErrorClass.GROUPING: "A column is neither grouped by nor aggregated.",
    ErrorClass.DIVISION_BY_ZERO: "A divisor is zero.",
    ErrorClass.NOT_READ_ONLY: "The statement is not one query.",
    ErrorClass.FORBIDDEN_FUNCTION: "The guard does not allow a function in it.",
    ErrorClass.FORBIDDEN_OBJECT: "The policy denies a table or column in it.",
    ErrorClass.MULTIPLE_STATEMENTS: "More than one statement.",
    ErrorClass.TOO_EXPENSIVE: "The estimate is over `limits.max_scanned_rows`.",
    ErrorClass.CHECK_FAILED: "A finding of severity `error` is left.",
    ErrorClass.LOW_CONFIDENCE: "The confidence is under `limits.min_confidence`.",
    ErrorClass.WAREHOUSE_URL: "The warehouse's URL is wrong, or its driver or file is missing.",
    ErrorClass.WAREHOUSE_UNREACHABLE: "The warehouse does not answer, hung up, or cannot read its own files.",
    ErrorClass.WAREHOUSE_AUTH: "The warehouse refuses the account.",
    ErrorClass.WAREHOUSE_PERMISSION: "The account may not read what was asked for.",
    ErrorClass.WAREHOUSE_WRITABLE: "The account can write, and `warehouse.require_read_only` is on.",
    ErrorClass.WAREHOUSE_TIMEOUT: "The statement took longer than `limits.timeout_s`, or too much room.",
    ErrorClass.WAREHOUSE_LOCKED: "Another program holds the warehouse, or won a deadlock.",
    ErrorClass.WAREHOUSE_OTHER: "Another error of the warehouse.",
    ErrorClass.MODEL_MISSING: "There is no such model or adapter, or it cannot be fetched.",
    ErrorClass.MODEL_CORRUPT: "The model's or adapter's file is not what it should be.",
    ErrorClass.MODEL_UNREACHABLE: "The model's server does not answer, or says that it failed (5xx).",
    ErrorClass.MODEL_AUTH: "No key is set, or the provider refuses it.",
    ErrorClass.MODEL_RATE_LIMIT: "The provider says: too many requests.",
    ErrorClass.MODEL_TIMEOUT: "The model took longer than `model.timeout_s`.",
    ErrorClass.MODEL_OTHER: "Another error of the model.",
    ErrorClass.WORKSPACE: "The workspace, or a file in it, is missing or cannot be used.",
    ErrorClass.SETTINGS: "A setting or an option is wrong.",
    ErrorClass.SEMANTICS: "`metrics.yaml` is wrong.",
    ErrorClass.POLICY: "`policy.yaml` is wrong, or a promotion is not allowed.",
    ErrorClass.MEMORY_UNAVAILABLE: "Memory cannot be read or written.",
    ErrorClass.AUDIT_UNAVAILABLE: "The ledger cannot be read or written.",
    ErrorClass.IDENTITY: "There is no usable key of that name.",
    ErrorClass.REVIEW: "The rules do not allow this decision on this run.",
    ErrorClass.INTERRUPTED: "Somebody stopped the run.",
    ErrorClass.INTERNAL: "A fault in Affidavit. Please report it.",
}

_FALLBACKS_SAID: Final = {
    "mend": "mended by rule; if no rule applies, drafted again with the error and what the model lacked",
    "regenerate": "drafted again, with the error",
    "next_model": "the next of `model.fallbacks` is asked; where there is none, the run ends",
    "abstain": "the run ends `abstained`, with its best draft",
    "stop": "the run ends",
}


def pages() -> dict[Path, str]:
    """Every generated page: where it belongs, and what it says."""
    return {
        FOLDER / "commands.md": commands_page(),
        FOLDER / "settings.md": settings_page(),
        FOLDER / "error-classes.md": error_classes_page(),
    }


def commands_page() -> str:
    """The help of every command, as the parsers print it."""
    root = typer.main.get_command(app)
    # Typer words these two by the shell it finds itself in, so they would differ from machine to machine.
    root.params = [each for each in root.params if each.name not in {"install_completion", "show_completion"}]
    context = _context(root, "affidavit")
    parts = [_MADE, "# Commands\n"]
    parts.append(
        "Every command takes `-w DIR` (or `AFFIDAVIT_WORKSPACE`), default the current folder. Who is asking or\n"
        "reviewing is `--as NAME` (or `AFFIDAVIT_USER`); a question takes the login name without it, a signature does\n"
        "not. Both may stand before or after the command's name. `--format json` prints JSON for programs. Exit\n"
        "codes: [ask-json.md](ask-json.md).\n"
    )
    parts.append(_help_block("affidavit", root, context, level=2))
    for name in COMMANDS:
        parts += _command_blocks(f"affidavit {name}", load_command(name), context, level=2)
    return "\n".join(parts)


def _context(command: Any, name: str, parent: Any = None) -> Any:
    settings = {**command.context_settings, "terminal_width": _WIDTH}
    return command.context_class(command, info_name=name, parent=parent, **settings)


def _command_blocks(path: str, command: Any, parent: Any, level: int) -> Iterator[str]:
    context = _context(command, path.rpartition(" ")[2], parent)
    yield _help_block(path, command, context, level)
    for name in getattr(command, "commands", {}):
        yield from _command_blocks(f"{path} {name}", command.commands[name], context, level + 1)


def _help_block(path: str, command: Any, context: Any, level: int) -> str:
    text = "\n".join(line.rstrip() for line in command.get_help(context).strip().splitlines())
    return f"{'#' * level} `{path}`\n\n```text\n{text}\n```\n"


def settings_page() -> str:
    """Every setting with its environment variable, type and default."""
    said = _attribute_docstrings()
    parts = [_MADE, "# Settings\n"]
    parts.append(
        "A flag beats the environment, which beats `affidavit.toml` in the workspace, which beats the default. An\n"
        "unknown key is an error. Keep passwords and keys out of the file: set them in the environment.\n"
    )
    top = [(name, field) for name, field in Settings.model_fields.items() if not _is_section(field)]
    parts.append("## At the top of the file\n\n" + _settings_table(top, "", said.get("Settings", {})))
    for section, field in Settings.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            rows = list(kind.model_fields.items())
            about = inspect.cleandoc(kind.__doc__ or "")
            parts.append(
                f"## `[{section}]`\n\n{about}\n\n{_settings_table(rows, section, said.get(kind.__name__, {}))}"
            )
    rows_of_others = "\n".join(f"| `{name}` | {text} |" for name, text in _OTHER_VARIABLES.items())
    parts.append(f"## Other environment variables\n\n| variable | what it does |\n|---|---|\n{rows_of_others}\n")
    return "\n".join(parts)


def _is_section(field: FieldInfo) -> bool:
    return isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)


def _settings_table(fields: list[tuple[str, FieldInfo]], section: str, said: dict[str, str]) -> str:
    lines = ["| key | environment | type | default | meaning |", "|---|---|---|---|---|"]
    for name, field in fields:
        key = f"{section}.{name}" if section else name
        meaning = said.get(name) or _SETTINGS_SAID[key]
        variable = "AFFIDAVIT_" + key.replace(".", "__").upper()
        lines.append(f"| `{name}` | `{variable}` | {_type(field)} | {_default(field)} | {meaning} |")
    return "\n".join(lines) + "\n"


def _type(field: FieldInfo) -> str:
    bounds = [f"{_SIGNS[type(each).__name__]} {next(iter(_bound(each)))}" for each in field.metadata]
    return ", ".join([_type_name(field.annotation), *bounds])


_SIGNS: Final = {"Ge": "≥", "Gt": ">", "Le": "≤", "Lt": "<"}


def _bound(bound: Any) -> Iterator[Any]:
    """The one value of an annotated bound such as `Ge(1)`."""
    return (getattr(bound, name) for name in ("ge", "gt", "le", "lt") if hasattr(bound, name))


def _type_name(annotation: Any) -> str:
    if get_origin(annotation) is not None:
        arguments = [each for each in get_args(annotation) if each is not type(None)]
        if all(isinstance(each, str) for each in arguments):
            return " or ".join(f"`{each}`" for each in arguments)
        if get_origin(annotation) is tuple:
            return "list of secret texts" if SecretStr in arguments else "list of tables"
        return " or ".join(_type_name(each) for each in arguments)
    names = {str: "text", int: "whole number", float: "number", SecretStr: "secret text", Path: "path"}
    return names.get(annotation, getattr(annotation, "__name__", str(annotation)))


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return "the user's cache folder"
    value = field.default
    if value is None or value is PydanticUndefined:
        return "none"
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    return f"`{value}`" if value not in ("", ()) else "empty"


def _attribute_docstrings() -> dict[str, dict[str, str]]:
    """class → attribute → the string that stands under it in `agent/settings.py`."""
    tree = ast.parse(inspect.getsource(settings_module))
    found: dict[str, dict[str, str]] = {}
    for node in tree.body:
        if not isinstance(node, ast.ClassDef):
            continue
        for before, after in zip(node.body, node.body[1:], strict=False):
            if (
                isinstance(before, ast.AnnAssign)
                and isinstance(before.target, ast.Name)
                and isinstance(after, ast.Expr)
                and isinstance(after.value, ast.Constant)
            ):
                text = " ".join(str(after.value.value).split())
                found.setdefault(node.name, {})[before.target.id] = text
    return found


def error_classes_page() -> str:
    """Every error class: who must act, whether it can be retried, and what the run does next."""
    parts = [_MADE, "# Error classes\n"]
    parts.append(
        "`error.class` of an answer and `error_class` on the ledger are one of these. “Retryable” means that the very\n"
        "same request is sent again by itself, after a pause: to a model twice at most, after what the provider asks\n"
        "for in `Retry-After`, or half a second and then a second; to the warehouse once, after half a second. The\n"
        "fallback is what the run does next; a mend or a new draft at most `limits.max_repairs` times.\n\n"
        "Every exception and code of the drivers and of the model's client belongs to one of these; the tables are in\n"
        "`agent/warehouse/error_codes.py` and `agent/model/failures.py`. `warehouse_other` and `model_other` are for\n"
        "what says nothing certain, and each code that ends there by intent is listed with its reason.\n"
    )
    used = [handling(each).fallback for each in ErrorClass]
    for fallback, meaning in _FALLBACKS_SAID.items():
        if fallback in used:
            parts.append(f"- `{fallback}`: {meaning}.")
    for actor in ("asker", "model", "operator"):
        parts.append(f"\n## The {actor} must act\n")
        parts.append("| class | what happened | retryable | fallback |\n|---|---|---|---|")
        parts += [
            f"| `{each.value}` | {_ERRORS_SAID[each]} | {'yes' if handling(each).retryable else 'no'} "
            f"| `{handling(each).fallback}` |"
            for each in ErrorClass
            if handling(each).actor == actor
        ]
    parts.append("\nA class of the model's ends a run `abstained` or `refused`, one of the operator's `failed`, one of")
    parts.append("the asker's `needs_clarification` or `refused`. Exit codes: [ask-json.md](ask-json.md).\n")
    return "\n".join(parts)


def main(arguments: list[str]) -> int:
    """Write the pages; with `--check` only say which are not current, and exit 1 if any."""
    stale = [path for path, text in pages().items() if not path.is_file() or path.read_text("utf-8") != text]
    if "--check" in arguments:
        sys.stdout.writelines(f"{path.name} is not current; run `make docs`.\n" for path in stale)
        return 1 if stale else 0
    for path, text in pages().items():
        if path in stale:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"wrote {path.name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
