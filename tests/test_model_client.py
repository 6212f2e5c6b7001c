"""The client against a provider that behaves as providers do: refusing, failing, stalling, leaving things out."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import openai
import pytest
from fixtures_agent import Reply, ScriptedProvider, scripted_provider

from agent.errors import AffidavitError, ErrorClass, FailedError, Handling, UsageError, handling
from agent.model.client import ModelClient
from agent.model.connect import open_fallbacks, open_model, prompt_style
from agent.model.failures import retry_pause_s
from agent.settings import FallbackModel, ModelSettings, Settings

ASK: Any = [{"role": "user", "content": "how many orders?"}]


@pytest.fixture
def provider() -> Iterator[ScriptedProvider]:
    with scripted_provider() as served:
        yield served


@pytest.fixture
def client(provider: ScriptedProvider) -> Iterator[ModelClient]:
    opened = client_of(provider)
    yield opened
    opened.close()


def client_of(served: ScriptedProvider, /, **given: Any) -> ModelClient:
    model = ModelSettings(
        **{"provider": "compatible", "name": "scripted", "base_url": served.url, "timeout_s": 5.0, **given}
    )
    return open_model(Settings(model=model))


def test_one_request_gives_all_samples_with_their_confidence(provider: ScriptedProvider, client: ModelClient) -> None:
    provider.replies = [Reply(("SELECT 1", "SELECT 2", "SELECT 3"), probability=0.8)]
    got = client.complete(ASK, n=3, temperature=0.5)
    assert [completion.text for completion in got] == ["SELECT 1", "SELECT 2", "SELECT 3"]
    assert all(completion.confidence == pytest.approx(0.8) for completion in got)
    assert [completion.tokens for completion in got] == [2, 2, 2]
    (request,) = provider.requests
    assert (request["n"], request["temperature"], request["model"]) == (3, 0.5, "scripted")
    assert "grammar" not in request
    assert client.usage.requests == 1
    assert client.usage.completion_tokens == 21


def test_no_token_probabilities_is_told_apart_from_low_ones(provider: ScriptedProvider, client: ModelClient) -> None:
    provider.replies = [Reply(probability=None), Reply(probability=0.01)]
    assert client.complete(ASK)[0].confidence is None
    assert client.complete(ASK)[0].confidence == pytest.approx(0.01)


def test_a_provider_that_ignores_n_is_asked_again_and_no_more_than_needed(
    provider: ScriptedProvider, client: ModelClient
) -> None:
    provider.answer = lambda _request: Reply(choices=1)
    assert len(client.complete(ASK, n=3, temperature=0.5)) == 3
    assert len(provider.requests) == 3


@pytest.mark.parametrize("parameter", ["logprobs", "temperature", "max_tokens", "n"])
def test_a_parameter_the_provider_refuses_is_dropped_for_good(
    provider: ScriptedProvider, client: ModelClient, parameter: str
) -> None:
    def script(request: dict[str, Any]) -> Reply:
        if parameter in request:
            return Reply(status=400, body=json.dumps({"error": {"message": "no", "param": parameter}}))
        return Reply(("SELECT 1",))

    provider.answer = script
    assert client.complete(ASK, n=2, temperature=0.3)[0].text == "SELECT 1"
    before = len(provider.requests)
    client.complete(ASK)
    assert len(provider.requests) == before + 1
    assert ("max_completion_tokens" in provider.requests[-1]) == (parameter == "max_tokens")


def test_a_refusal_without_end_ends(provider: ScriptedProvider, client: ModelClient) -> None:
    provider.answer = lambda request: Reply(status=400, body='{"error": {"message": "no", "param": "n"}}')
    with pytest.raises(FailedError) as caught:
        client.complete(ASK, n=2)
    assert caught.value.error_class is ErrorClass.MODEL_OTHER
    assert len(provider.requests) <= 8


@pytest.mark.parametrize(
    ("reply", "expected", "tries"),
    [
        (Reply(status=401, body='{"error": {"message": "bad key"}}'), ErrorClass.MODEL_AUTH, 1),
        (Reply(status=403, body='{"error": {"message": "not yours"}}'), ErrorClass.MODEL_AUTH, 1),
        (Reply(status=404, body='{"error": {"message": "no model"}}'), ErrorClass.MODEL_MISSING, 1),
        (Reply(status=429, body='{"error": {"message": "slow down"}}'), ErrorClass.MODEL_RATE_LIMIT, 3),
        (Reply(status=500, body='{"error": {"message": "oops"}}'), ErrorClass.MODEL_UNREACHABLE, 3),
        (Reply(status=400, body='{"error": {"message": "maximum context length"}}'), ErrorClass.MODEL_OTHER, 1),
        (Reply(body="<html>a proxy's page</html>"), ErrorClass.MODEL_OTHER, 1),
        (Reply(body='{"choices": []}'), ErrorClass.MODEL_OTHER, 1),
        (Reply(hang_up=True), ErrorClass.MODEL_UNREACHABLE, 3),
    ],
)
def test_every_failure_has_its_class_and_retries_are_bounded(
    provider: ScriptedProvider, client: ModelClient, reply: Reply, expected: ErrorClass, tries: int
) -> None:
    provider.answer = lambda _request: reply
    with pytest.raises(FailedError) as caught:
        client.complete(ASK)
    assert caught.value.error_class is expected
    assert caught.value.hint
    assert len(provider.requests) == tries


@pytest.mark.parametrize("key", ["sk-hunter2hunter2", "hunter2"])
@pytest.mark.parametrize("status", [400, 401, 404, 429, 500])
def test_a_provider_that_repeats_the_key_does_not_give_it_away(
    provider: ScriptedProvider, key: str, status: int
) -> None:
    def repeating(_request: dict[str, Any]) -> Reply:
        said = f"{'so ' * 90}Authorization: {provider.keys[-1]} (or Bearer abcdef123456, sk-other-1234) is wrong"
        return Reply(status=status, body=json.dumps({"error": {"message": said[status % 2 * 200 :]}}))

    provider.answer = repeating
    client = client_of(provider, api_key=key)
    with pytest.raises(FailedError) as caught:
        client.complete(ASK)
    client.close()
    assert key in provider.keys[-1]
    assert not any(token in caught.value.message for token in ("hunter2", "abcdef", "sk-"))
    if status == 401:
        assert caught.value.message.count("(withheld)") == 3


def test_no_key_at_all_is_no_secret(provider: ScriptedProvider, client: ModelClient) -> None:
    provider.answer = lambda _request: Reply(status=401, body='{"error": {"message": "none given, Bearer expected"}}')
    with pytest.raises(FailedError, match="none given, Bearer expected"):
        client.complete(ASK)


def test_whether_a_failure_is_retried_is_what_its_class_says(
    provider: ScriptedProvider, client: ModelClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def as_said_otherwise(error_class: ErrorClass) -> Handling:
        return replace(handling(error_class), retryable=not handling(error_class).retryable)

    monkeypatch.setattr("agent.model.client.handling", as_said_otherwise)
    provider.answer = lambda _request: Reply(status=503, body="{}")
    with pytest.raises(FailedError):
        client.complete(ASK)
    assert len(provider.requests) == 1
    provider.answer = lambda _request: Reply(status=401, body="{}")
    with pytest.raises(FailedError):
        client.complete(ASK)
    assert len(provider.requests) == 1 + 3


def test_a_pause_is_the_providers_or_doubles() -> None:
    def busy(retry_after: str) -> Exception:
        request = httpx.Request("POST", "http://127.0.0.1/v1")
        response = httpx.Response(429, headers={"retry-after": retry_after} if retry_after else {}, request=request)
        return openai.RateLimitError("busy", response=response, body=None)

    assert retry_pause_s(busy("7"), 1) == 7
    for unusable in ("", "600", "Wed, 21 Oct 2026 07:28:00 GMT", "-1"):
        assert 0.375 <= retry_pause_s(busy(unusable), 1) <= 0.5
    assert 1.5 <= retry_pause_s(None, 3) <= 2


def test_a_failure_that_passes_is_not_seen(provider: ScriptedProvider, client: ModelClient) -> None:
    provider.replies = [Reply(status=503, body="{}"), Reply(("SELECT 7",))]
    assert client.complete(ASK)[0].text == "SELECT 7"


def test_a_stalled_provider_times_out(provider: ScriptedProvider) -> None:
    provider.answer = lambda _request: Reply(delay_s=1.5)
    client = client_of(provider, timeout_s=0.2)
    with pytest.raises(FailedError) as caught:
        client.complete(ASK)
    client.close()
    assert caught.value.error_class is ErrorClass.MODEL_TIMEOUT


def test_nobody_at_the_address_is_unreachable() -> None:
    client = open_model(
        Settings(model=ModelSettings(provider="compatible", name="m", base_url="http://127.0.0.1:9/v1", timeout_s=2))
    )
    with pytest.raises(FailedError) as caught:
        client.complete(ASK)
    client.close()
    assert caught.value.error_class is ErrorClass.MODEL_UNREACHABLE
    assert "base_url" in caught.value.hint


def test_azure_uses_the_deployment_and_the_api_version(provider: ScriptedProvider) -> None:
    client = client_of(
        provider,
        provider="azure",
        name="my-deployment",
        base_url=provider.url.removesuffix("/v1"),
        api_key="secret-key",
        api_version="2025-01-01",
    )
    assert client.complete(ASK)[0].model == "my-deployment"
    client.close()
    assert provider.paths[0].startswith("/openai/deployments/my-deployment/chat/completions?api-version=2025-01-01")
    assert provider.keys == ["secret-key"]


def test_openai_sends_the_key_it_was_given(provider: ScriptedProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "from-environment")
    with_setting = client_of(provider, provider="openai", api_key="from-settings")
    from_environment = client_of(provider, provider="openai")
    for client in (with_setting, from_environment):
        client.complete(ASK)
        client.close()
    assert provider.keys == ["Bearer from-settings", "Bearer from-environment"]


@pytest.mark.parametrize(
    ("given", "kind", "error_class"),
    [
        ({"provider": "openai", "name": "gpt"}, FailedError, ErrorClass.MODEL_AUTH),
        ({"provider": "openai", "api_key": "k"}, UsageError, ErrorClass.SETTINGS),
        ({"provider": "compatible", "name": "m"}, UsageError, ErrorClass.SETTINGS),
        ({"provider": "azure", "name": "m", "base_url": "http://x"}, UsageError, ErrorClass.SETTINGS),
        (
            {"provider": "azure", "name": "m", "base_url": "http://x", "api_version": "v"},
            FailedError,
            ErrorClass.MODEL_AUTH,
        ),
    ],
)
def test_missing_settings_are_named_before_anything_is_asked(
    given: dict[str, Any], kind: type[AffidavitError], error_class: ErrorClass, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("OPENAI_API_KEY", "AZURE_OPENAI_API_KEY"):
        monkeypatch.delenv(variable, raising=False)
    client = open_model(Settings(model=ModelSettings(**given)))
    with pytest.raises(kind) as caught:
        client.complete(ASK)
    assert caught.value.error_class is error_class
    client.close()


def test_connecting_happens_once_and_its_failure_is_told_to_everyone_who_asks() -> None:
    tries: list[int] = []

    def connect() -> Any:
        tries.append(1)
        raise FailedError(ErrorClass.MODEL_MISSING, "not there", "fetch it")

    client = ModelClient(connect)
    client.warm_up().join()
    for _ in range(2):
        with pytest.raises(FailedError, match="not there"):
            client.complete(ASK)
    assert tries == [1]
    client.close()


def test_closing_while_connecting_lets_go_of_what_was_made_late(provider: ScriptedProvider) -> None:
    made = client_of(provider)
    began, may_end, closed = threading.Event(), threading.Event(), threading.Event()

    def connect() -> Any:
        import dataclasses

        began.set()
        may_end.wait(10)
        return dataclasses.replace(made._connection.get(), close=closed.set)

    client = ModelClient(connect)
    thread = client.warm_up()
    began.wait(10)
    threading.Timer(0.3, may_end.set).start()
    client.close()
    thread.join()
    assert closed.is_set()
    with pytest.raises(FailedError):
        client.complete(ASK)


def test_a_fallback_takes_the_key_and_address_of_its_own_provider_only(
    provider: ScriptedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "from-environment")
    given = {"base_url": provider.url, "api_key": "from-settings"}
    fallbacks = (
        FallbackModel(provider="compatible", name="second"),
        FallbackModel(provider="openai", name="third", base_url=provider.url),
    )
    model = ModelSettings(provider="compatible", name="first", fallbacks=fallbacks, **given)
    for client in open_fallbacks(Settings(model=model)):
        client.complete(ASK)
        client.close()
    assert [request["model"] for request in provider.requests] == ["second", "third"]
    assert provider.keys == ["Bearer from-settings", "Bearer from-environment"]


def test_auto_prompts_compactly_only_for_the_model_that_is_trained_on_it() -> None:
    assert prompt_style(ModelSettings()) == "compact"
    assert prompt_style(ModelSettings(provider="openai", name="m")) == "full"
    assert prompt_style(ModelSettings(prompt_style="full")) == "full"


@pytest.mark.parametrize("error_class", list(ErrorClass))
def test_every_error_class_has_its_handling(error_class: ErrorClass) -> None:
    assert handling(error_class).actor in {"asker", "model", "operator"}
    passing = {"model_", "warehouse_unreachable", "warehouse_locked"}
    assert not handling(error_class).retryable or any(error_class.value.startswith(part) for part in passing)


@pytest.mark.parametrize("url", ["localhost:8000/v1", "http://[::1", "ftp://127.0.0.1/v1", "http://x:port/v1"])
def test_an_address_that_is_none_is_a_wrong_setting_and_is_not_asked_again(url: str) -> None:
    client = open_model(Settings(model=ModelSettings(provider="compatible", name="m", base_url=url)))
    with pytest.raises(FailedError) as caught:
        client.complete(ASK)
    client.close()
    assert caught.value.error_class is ErrorClass.SETTINGS
    assert "base_url" in caught.value.message
