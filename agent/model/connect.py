"""From the settings to a model that can be asked: one function per kind of provider, one type out.

Missing keys and addresses are told apart here, before a request is made, because the `openai` package would
otherwise fall back to its own environment variables or fail with its own words.
"""

from __future__ import annotations

import hashlib
import os
from functools import partial
from pathlib import Path

from agent.errors import AffidavitError, ErrorClass, FailedError, UsageError
from agent.model.adapters import file_sha256, resolve_adapter
from agent.model.client import ModelClient
from agent.model.connection import Connection
from agent.model.failures import model_error
from agent.model.fetch import Progress
from agent.model.prompts import PromptStyle
from agent.settings import ModelSettings, Settings

__all__ = [
    "connect_model",
    "fallback_settings",
    "local_model_hash",
    "open_fallbacks",
    "open_model",
    "prompt_style",
]

_NO_KEY = "none"  # servers of one's own often want no key; the client insists on some


def open_model(settings: Settings, progress: Progress | None = None) -> ModelClient:
    """A client that connects when first asked, or when `warm_up` is called; nothing is started yet."""
    model = settings.model
    label = model.base if model.provider == "embedded" else model.name
    return ModelClient(
        partial(connect_model, settings, progress), max_tokens=model.max_tokens, label=f"{label} ({model.provider})"
    )


def open_fallbacks(settings: Settings) -> tuple[ModelClient, ...]:
    """The models of `model.fallbacks`, in order; nothing is connected yet."""
    return tuple(open_model(each) for each in fallback_settings(settings))


def fallback_settings(settings: Settings) -> tuple[Settings, ...]:
    """The settings with each of `model.fallbacks` as the model; what one leaves out is as for the one it stands in for.

    Address and key are not taken over from another provider.
    """
    found = []
    for fallback in settings.model.fallbacks:
        given = fallback.model_dump(exclude_none=fallback.provider == settings.model.provider)
        found.append(settings.model_copy(update={"model": settings.model.model_copy(update=given)}))
    return tuple(found)


def connect_model(settings: Settings, progress: Progress | None = None) -> Connection:
    """Connect to the model the settings name; the embedded one is fetched and started.

    Raises:
        UsageError: a setting is missing or names nothing.
        FailedError: the embedded model cannot be fetched or started, or a key is missing (`model_auth`).
    """
    provider = settings.model.provider
    if provider == "embedded":
        return _embedded(settings, progress)
    try:
        return _azure(settings.model) if provider == "azure" else _hosted(settings.model)
    except AffidavitError:
        raise
    except Exception as error:  # adapter boundary: an address that cannot be one is told in the words of httpx
        key = settings.model.api_key
        raise model_error(error, "" if key is None else key.get_secret_value()) from error


def local_model_hash(settings: Settings) -> str:
    """What the record would know the model by; nothing is started or fetched. Empty where its file is not here.

    Raises:
        UsageError, FailedError: the adapter is not registered, missing or was changed.
    """
    from agent.model.store import local_base

    if settings.model.provider != "embedded":
        return settings.model.name
    base = local_base(settings.model.base, settings.cache_dir)
    return "" if base is None else _embedded_hash(file_sha256(base), resolve_adapter(settings))


def prompt_style(model: ModelSettings) -> PromptStyle:
    """The style to ask this model in: `auto` is compact for the embedded model, which is trained on it, else full."""
    if model.prompt_style != "auto":
        return model.prompt_style
    return "compact" if model.provider == "embedded" else "full"


def _embedded(settings: Settings, progress: Progress | None) -> Connection:
    import openai

    from agent.model.embedded import EmbeddedServer
    from agent.model.store import find_base

    base = find_base(settings.model.base, settings.cache_dir, progress)
    adapter = resolve_adapter(settings)
    server = EmbeddedServer(
        base.path, adapter, threads=settings.model.threads, context_tokens=settings.model.context_tokens
    )
    client = openai.OpenAI(
        base_url=server.base_url,
        api_key=server.api_key,
        timeout=settings.model.timeout_s,
        max_retries=0,
        # A proxy of the user's must not be handed the loopback address and the key.
        http_client=openai.DefaultHttpxClient(trust_env=False),
    )
    name = settings.model.base if adapter is None else f"{settings.model.base}+{adapter.stem}"
    digest = _embedded_hash(base.sha256, adapter)
    # Nothing between us can be lost: a failure here is a real one, and stays one when asked again.
    return Connection(client, "embedded", name, digest, grammars=True, tries=1, close=server.stop)


def _embedded_hash(base: str, adapter: Path | None) -> str:
    """The base model's sha256, or with an adapter that of both files' hashes."""
    return base if adapter is None else hashlib.sha256(f"{base}\n{file_sha256(adapter)}".encode()).hexdigest()


def _hosted(model: ModelSettings) -> Connection:
    import openai

    key = model.api_key.get_secret_value() if model.api_key is not None else None
    if model.provider == "compatible":
        if not model.base_url:
            raise UsageError(
                ErrorClass.SETTINGS,
                "model.provider is `compatible` but model.base_url is not set.",
                "Set it to the server's address, such as http://127.0.0.1:8000/v1.",
            )
        key = key or _NO_KEY
    else:
        key = key or os.environ.get("OPENAI_API_KEY") or None
    if key is None:
        raise _missing_key("AFFIDAVIT_MODEL__API_KEY or OPENAI_API_KEY")
    client = openai.OpenAI(api_key=key, base_url=model.base_url, timeout=model.timeout_s, max_retries=0)
    name = _model_name(model)
    return Connection(client, name, name, name)


def _azure(model: ModelSettings) -> Connection:
    import openai

    if not model.base_url or not model.api_version:
        raise UsageError(
            ErrorClass.SETTINGS,
            "model.provider is `azure` but model.base_url or model.api_version is not set.",
            "Set base_url to the resource's endpoint and api_version to one it serves.",
        )
    key = model.api_key.get_secret_value() if model.api_key is not None else os.environ.get("AZURE_OPENAI_API_KEY")
    if not key:
        raise _missing_key("AFFIDAVIT_MODEL__API_KEY or AZURE_OPENAI_API_KEY")
    client = openai.AzureOpenAI(
        azure_endpoint=model.base_url,
        api_version=model.api_version,
        api_key=key,
        timeout=model.timeout_s,
        max_retries=0,
    )
    name = _model_name(model)
    return Connection(client, name, name, name)


def _model_name(model: ModelSettings) -> str:
    if model.name in {"", "embedded"}:
        raise UsageError(
            ErrorClass.SETTINGS,
            f"model.provider is `{model.provider}` but model.name is not set.",
            "Set it to the model's name (the deployment's name for Azure).",
        )
    return model.name


def _missing_key(variables: str) -> FailedError:
    return FailedError(ErrorClass.MODEL_AUTH, "No key is set for the model's provider.", f"Set {variables}.")
