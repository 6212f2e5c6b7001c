"""One frozen `Settings`, loaded once at the entry point and passed in from there.

A flag beats the environment (`AFFIDAVIT_*`, `__` between section and key), which beats the workspace's
`affidavit.toml`, which beats the default. Every path inside is absolute once loaded.
"""

from __future__ import annotations

import os
import re
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from platformdirs import user_cache_path
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from agent.errors import ErrorClass, UsageError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

__all__ = [
    "CONFIG_NAME",
    "FallbackModel",
    "GuardLimits",
    "LedgerSettings",
    "MemorySettings",
    "ModelSettings",
    "Settings",
    "WarehouseSettings",
    "absolute_file_url",
    "load_settings",
    "url_from_workspace",
]

CONFIG_NAME = "affidavit.toml"

_RELATIVE_FILE: Final = re.compile(
    r"(?P<scheme>(?:sqlite|duckdb)(?:\+\w+)?):///(?P<path>(?!file:)[^/:?][^?]*)(?P<rest>.*)"
)


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class WarehouseSettings(_Section):
    """The database being asked."""

    url: SecretStr = SecretStr("sqlite:///warehouse.sqlite")
    """SQLAlchemy URL; a relative SQLite or DuckDB path is taken from the workspace folder."""
    db_schema: str | None = None
    require_read_only: bool = False
    """Refuse to work with an account that can write. `affidavit doctor` says what it can. A file has no accounts: it is
    opened read-only, whatever its permissions are."""


class LedgerSettings(_Section):
    """The database Affidavit keeps its record in; never the warehouse."""

    url: SecretStr = SecretStr("sqlite:///.affidavit/ledger.sqlite")
    workspace: str = ""
    """The name of this workspace's chain in that database, made by `init`. Empty takes the name that older workspaces
    have: the folder's on a server, `workspace` in a file."""
    subjects_url: SecretStr = SecretStr("sqlite:///.affidavit/subjects.sqlite")
    """Where the keys are that content on the ledger is encrypted with (`record: {encrypt: subject}` in policy.yaml).
    Never the ledger's database, and never in its backups. Several machines that share a ledger share this."""
    checkpoint_every: int = Field(default=100, ge=1)
    """Records between two signed checkpoints; one more is written when a session ends."""
    checkpoint_seconds: float = Field(default=0.0, ge=0)
    """The longest that a record waits for a checkpoint; 0 waits for `checkpoint_every` or the session's end."""
    checkpoint_to: tuple[SecretStr, ...] = ()
    """Places that checkpoints are sent to, best ones that whoever owns the ledger's database cannot write: a file,
    `git:FOLDER` for a commit in that repository, an `http` or `https` URL that takes a POST of JSON lines, `stdout` or
    `stderr`. What a place does not take is sent again later; no answer waits for it. Relative paths are taken from the
    workspace folder."""
    timestamp_url: SecretStr = SecretStr("")
    """The `http` or `https` address of a time-stamping authority (RFC 3161). The newest checkpoint is stamped in the
    background, as it is sent; the tokens are kept in `.affidavit/timestamps.jsonl`. Empty asks none."""
    checkpoint_timeout_s: float = Field(default=5.0, gt=0)
    """Seconds one place has for its answer, and the longest that the end of a session waits for all of them."""


class FallbackModel(_Section):
    """A hosted model that is asked when the one before it fails."""

    provider: Literal["openai", "azure", "compatible"]
    name: str
    base_url: str | None = None
    api_key: SecretStr | None = None
    api_version: str | None = None


class ModelSettings(_Section):
    """The model being asked for SQL."""

    provider: Literal["embedded", "openai", "azure", "compatible"] = "embedded"
    name: str = "embedded"
    """Model name sent to the provider (the deployment name for Azure); ignored by `embedded`."""
    base_url: str | None = None
    api_key: SecretStr | None = None
    api_version: str | None = None
    base: str = "smollm2-135m-instruct"
    """Embedded only: a known model, a path to a GGUF file, or `hf:repo/file.gguf`."""
    adapter: str | None = None
    """Embedded only: a registered adapter's name or a path; None takes the promoted one."""
    threads: int = Field(default=0, ge=0)
    """Embedded only: 0 takes the machine's physical cores."""
    context_tokens: int = Field(default=4096, ge=512)
    samples: int = Field(default=3, ge=1, le=16)
    """Drafts per question that are executed and vote."""
    temperature: float = Field(default=0.5, ge=0.0, le=2.0)
    max_tokens: int = Field(default=400, ge=16)
    timeout_s: float = Field(default=120.0, gt=0)
    prompt_style: Literal["auto", "compact", "full"] = "auto"
    """`compact` for a model fine-tuned on this workspace, `full` for a general one; `auto` decides by provider."""
    grammar: Literal["off", "retry", "always"] = "retry"
    """Embedded only: hold output to the shape of one query never, when a reply held none, or always."""
    fallbacks: tuple[FallbackModel, ...] = ()
    """Asked in this order when the model cannot be reached, is busy, takes too long or fails otherwise: each a
    `[[model.fallbacks]]` with `provider` (not `embedded`), `name`, `base_url`, `api_key`, `api_version`. One of the
    same provider takes the last three from the model unless it has its own."""


class MemorySettings(_Section):
    """Where what is known lives, and how much of it a model is shown."""

    url: str | None = None
    """`http://host:port` of a Chroma server; None keeps a local store in `.affidavit/chroma`."""
    max_pieces: int = Field(default=24, ge=1)
    compile_plain: bool = True
    """Compile questions whose every word metrics.yaml accounts for, beside the model's draft."""
    confirm_compiled: bool = True
    """Have the model draft for compiled questions too. Where it differs, the answer stays and its confidence falls.
    `false` answers them without it, in some 50 ms and at one confidence, 0.95."""


class GuardLimits(_Section):
    """Caps that hold for every statement."""

    max_rows: int = Field(default=1000, ge=1)
    max_bytes: int = Field(default=4_000_000, ge=1000)
    timeout_s: float = Field(default=30.0, gt=0)
    max_scanned_rows: int | None = Field(default=None, ge=1)
    """Rows the database may expect to look at for one statement, by its own estimate (EXPLAIN); none: any number.
    `policy.yaml` can tighten it."""
    over_budget: Literal["refuse", "ask"] = "refuse"
    """What becomes of a statement over that: it is refused, or the asker is asked to accept the cost (`--allow-cost`).
    `policy.yaml` overrules it."""
    max_repairs: int = Field(default=2, ge=0)
    max_run_tokens: int = Field(default=60_000, ge=0)
    """Tokens of prompts and replies after which a run asks no model for another draft; rules still mend."""
    min_confidence: float = Field(default=0.75, ge=0.0, le=1.0)
    """Under this the run ends `abstained`, with the best draft shown as unverified."""
    max_question_chars: int = Field(default=2000, ge=1)


class Settings(BaseSettings):
    """Everything the product can be told, in one frozen value."""

    model_config = SettingsConfigDict(
        env_prefix="AFFIDAVIT_", env_nested_delimiter="__", frozen=True, extra="forbid", hide_input_in_errors=True
    )

    workspace: Path = Path()
    user: str = ""
    cache_dir: Path = Field(default_factory=lambda: user_cache_path("affidavit"))
    """Downloaded models live here, shared by every workspace."""
    log_level: Literal["debug", "info", "warning", "error"] = "warning"
    warehouse: WarehouseSettings = WarehouseSettings()
    ledger: LedgerSettings = LedgerSettings()
    model: ModelSettings = ModelSettings()
    memory: MemorySettings = MemorySettings()
    limits: GuardLimits = GuardLimits()

    @property
    def state_dir(self) -> Path:
        """The workspace's local state, `.affidavit/`."""
        return self.workspace / ".affidavit"

    @property
    def warehouse_url(self) -> str:
        """The warehouse's SQLAlchemy URL with its file path made absolute; holds the password."""
        return absolute_file_url(self.warehouse.url.get_secret_value(), self.workspace)

    @property
    def ledger_url(self) -> str:
        """The ledger's SQLAlchemy URL with its file path made absolute; holds the password."""
        return absolute_file_url(self.ledger.url.get_secret_value(), self.workspace)

    @property
    def subjects_url(self) -> str:
        """The URL of the store of subjects' keys with its file path made absolute; holds the password."""
        return absolute_file_url(self.ledger.subjects_url.get_secret_value(), self.workspace)

    @property
    def checkpoint_places(self) -> tuple[str, ...]:
        """Where checkpoints are sent, with file paths made absolute; may hold passwords."""
        return tuple(_absolute_place(place.get_secret_value(), self.workspace) for place in self.ledger.checkpoint_to)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment over file; the file's values arrive as init values, flags are laid on top by `load_settings`."""
        return env_settings, init_settings


def absolute_file_url(url: str, folder: Path) -> str:
    """A SQLite or DuckDB URL whose relative path is taken from `folder`; any other URL as it is."""
    found = _RELATIVE_FILE.fullmatch(url)
    return f"{found['scheme']}:///{os.path.normpath(folder / found['path'])}{found['rest']}" if found else url


def _absolute_place(place: str, folder: Path) -> str:
    """A place of `ledger.checkpoint_to` whose relative path is taken from `folder`."""
    if place in ("stdout", "stderr") or place.startswith(("http://", "https://")):
        return place
    kind = "git:" if place.startswith("git:") else ""
    return f"{kind}{os.path.normpath(folder / Path(place.removeprefix(kind)).expanduser())}"


def url_from_workspace(url: str, workspace: Path, here: Path) -> str:
    """A URL as somebody typed it in the folder `here`, as `affidavit.toml` must say it to mean the same.

    A relative SQLite or DuckDB path becomes relative to the workspace if the file lies in it, so that the workspace
    can be moved, and absolute if it does not. `workspace` and `here` are absolute.
    """
    found = _RELATIVE_FILE.fullmatch(url)
    if not found:
        return url
    typed = here / found["path"]
    file = typed.parent.resolve() / typed.name
    root = workspace.resolve()
    path = file.relative_to(root) if file.is_relative_to(root) else file
    return f"{found['scheme']}:///{path}{found['rest']}"


def load_settings(workspace: Path, flags: dict[str, Any] | None = None) -> Settings:
    """Read `workspace/affidavit.toml`, then the environment, then `flags` (nested dicts, the last word).

    Raises:
        UsageError: the folder or its file is missing or unreadable, or a value does not fit (key named).
    """
    root = workspace.expanduser().resolve()
    config = root / CONFIG_NAME
    try:
        text = config.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UsageError(
            ErrorClass.WORKSPACE,
            f"{root} is not an Affidavit workspace: it has no {CONFIG_NAME}.",
            "Make one with `affidavit init DIR` (or `affidavit init --demo DIR`), or name one with -w DIR.",
        ) from error
    except NotADirectoryError as error:
        raise UsageError(
            ErrorClass.WORKSPACE, f"{root} is not a folder.", "-w wants the workspace's folder, not a file in it."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(ErrorClass.WORKSPACE, f"Cannot read {config}: {error}", "Check its permissions.") from error
    try:
        file_values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(ErrorClass.SETTINGS, f"{config} is not valid TOML: {error}", "Mend that line.") from error
    try:
        loaded = Settings(**{**file_values, "workspace": root})
        if flags:
            loaded = Settings.model_validate(_laid_over(loaded.model_dump(), flags))
        return loaded.model_copy(update={"workspace": root})
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise UsageError(
            ErrorClass.SETTINGS,
            f"Setting `{key}` is wrong: {_said(first)}",
            f"Mend it in {config}, or in AFFIDAVIT_{key.replace('.', '__').upper()}.",
        ) from error


def _said(error: ErrorDetails) -> str:
    """What does not fit, in words about settings; pydantic's own for what its types say."""
    if error["type"] != "extra_forbidden":
        return error["msg"] + "."
    section: type[BaseModel] = Settings
    for name in error["loc"][:-1]:
        kind = section.model_fields[str(name)].annotation if str(name) in section.model_fields else None
        if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
            return "there is no such setting."
        section = kind
    near = get_close_matches(str(error["loc"][-1]), section.model_fields, n=1)
    return "there is no such setting" + (f"; did you mean `{near[0]}`?" if near else ".")


def _laid_over(base: dict[str, Any], top: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in top.items():
        merged[key] = _laid_over(merged[key], value) if isinstance(value, dict) and key in merged else value
    return merged
