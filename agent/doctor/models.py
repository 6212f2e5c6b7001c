"""Could the model be asked? Found out without starting the embedded one, and with one cheap request of a hosted one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from agent.doctor.diagnosis import Diagnosis
from agent.doctor.parts import Parts
from agent.errors import AffidavitError
from agent.model.adapters import resolve_adapter
from agent.model.connect import connect_model, fallback_settings
from agent.model.failures import model_error
from agent.model.store import KNOWN_MODELS, find_base, local_base
from agent.settings import Settings

__all__ = ["check_fallbacks", "check_model"]

_PATIENCE_S: Final = 3.0
_NO_SUCH_REQUEST: Final = frozenset({404, 405, 501})


def check_model(parts: Parts) -> Iterator[Diagnosis]:
    """The model that is asked first: its files, or its key and address."""
    settings = parts.settings
    yield _embedded(settings) if settings.model.provider == "embedded" else _hosted(settings, "model")


def check_fallbacks(parts: Parts) -> Iterator[Diagnosis]:
    """The models asked when that one fails; one that cannot be asked is no error before it is needed."""
    for settings in fallback_settings(parts.settings):
        name = f"{settings.model.name} ({settings.model.provider})"
        try:
            yield _hosted(settings, "fallbacks")
        except AffidavitError as error:
            why = "It cannot stand in when the model fails."
            yield Diagnosis("fallbacks", "warning", f"{name}: {error.message}", why, error.hint)


def _embedded(settings: Settings) -> Diagnosis:
    adapter = resolve_adapter(settings)
    name, served = settings.model.base, f"adapter {adapter.stem}" if adapter else "no adapter"
    fetchable = name in KNOWN_MODELS or name.startswith("hf:")
    if fetchable and local_base(name, settings.cache_dir) is None:
        return Diagnosis(
            "model",
            "warning",
            f"The base model {name} is not on this machine yet.",
            "The first question waits for it, and fails without a network.",
            "Run `affidavit models fetch`.",
        )
    found = find_base(name, settings.cache_dir)
    checked = f"sha256 {found.sha256[:12]}… is right" if name in KNOWN_MODELS else f"sha256 {found.sha256[:12]}…"
    return Diagnosis("model", "ok", f"{name} (embedded) is at {found.path}, {checked}; {served}.")


def _hosted(settings: Settings, check: str) -> Diagnosis:
    model = settings.model
    name = f"{model.name} ({model.provider})"
    listed = _listed_models(settings)
    if listed is None:
        return Diagnosis(
            check,
            "warning",
            f"{name}: the address answers, but does not list its models.",
            "Whether it serves this one is not known; a wrong path in the address looks the same.",
            "Check that model.base_url ends where the API begins, often in /v1, then ask a question.",
        )
    if model.provider != "azure" and listed and model.name not in listed:
        return Diagnosis(
            check,
            "warning",
            f"{name}: the address answers, but does not list this model.",
            "A question may fail, or be answered by another model than the record says.",
            f"Set model.name to one that it lists, such as {', '.join(listed[:5])}.",
        )
    return Diagnosis(check, "ok", f"{name} answers.")


def _listed_models(settings: Settings) -> list[str] | None:
    """The models that the provider lists; None where it answers, but has no such list.

    Raises:
        UsageError, FailedError: a setting or the key is missing; it does not answer in time, or refuses the key.
    """
    import openai

    connection = connect_model(settings)
    try:
        asked = connection.client.with_options(timeout=_PATIENCE_S, max_retries=0)
        # Raw, because whatever listens at a wrong address may send anything.
        reply: Any = asked.models.with_raw_response.list().http_response.json()
    except openai.APIStatusError as error:
        if error.status_code in _NO_SUCH_REQUEST:
            return None
        raise model_error(error, connection.client.api_key) from error
    except openai.OpenAIError as error:
        raise model_error(error, connection.client.api_key) from error
    except ValueError:  # no JSON
        return None
    finally:
        connection.client.close()
    listed = reply.get("data") if isinstance(reply, dict) else None
    if not isinstance(listed, list):
        return None
    return [str(entry["id"]) for entry in listed if isinstance(entry, dict) and "id" in entry]
