"""What the doctor says of who can sign: whom nobody vouched for, and whose key lies bare."""

from __future__ import annotations

from pathlib import Path

import pytest
from fixtures_doctor import Shop, shop  # noqa: F401  (a fixture)

from audit import keystore
from audit.enrolment import Role, self_enrolment_of
from audit.errors import IdentityError
from audit.identity import Keyring, create_identity
from audit.session import open_session

WORDS = "four plain words here"


@pytest.fixture(autouse=True)
def _cheap_stretching(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keystore, "_COST", (1 << 10, 8, 1))


def _state(shop: Shop) -> tuple[str, Path]:  # noqa: F811
    state = shop.folder / ".affidavit"
    return f"sqlite:///{state / 'ledger.sqlite'}", state


def test_nobody_and_then_somebody_and_then_a_second_person(shop: Shop) -> None:  # noqa: F811
    shop.record()
    assert "Nobody is enrolled yet" in shop.only("identities").what
    url, state = _state(shop)
    with open_session(url, workspace="workspace", state_dir=state) as ledger:
        keyring = Keyring(state / "keys")
        reviewer = create_identity(ledger, keyring, "reviewer", passphrase=WORDS)
        found = shop.only("identities")
        assert found.severity == "ok"
        assert "reviewer came first, so no second person" in found.what
        create_identity(ledger, keyring, "colleague", by=reviewer)
    bare = shop.only("identities")
    assert bare.severity == "warning"
    assert "The key of colleague lies in" in bare.what
    keyring.protect("colleague", WORDS)
    assert "2 enrolled; reviewer can enrol and retire" in shop.only("identities").what


def test_enrolments_of_the_first_version_are_named(shop: Shop) -> None:  # noqa: F811
    shop.record()
    url, state = _state(shop)
    with open_session(url, workspace="workspace", state_dir=state) as ledger:
        signer = Keyring(state / "keys").create("reviewer", passphrase=WORDS)
        ledger.append("identity", self_enrolment_of(signer, Role.REVIEWER, "workspace"), actor="reviewer")
    found = shop.only("identities")
    assert found.severity == "warning"
    assert "Nobody vouched for reviewer" in found.what


def test_a_key_that_others_can_read_is_told(shop: Shop) -> None:  # noqa: F811
    shop.record()
    url, state = _state(shop)
    with open_session(url, workspace="workspace", state_dir=state) as ledger:
        create_identity(ledger, Keyring(state / "keys"), "reviewer")
    (state / "keys" / "reviewer.key").chmod(0o644)
    with pytest.raises(IdentityError, match="can be read by others"):
        shop.check("identities")
