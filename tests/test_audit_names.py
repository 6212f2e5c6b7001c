"""Names that could be taken for others: letters of two scripts in one word, wherever somebody is enrolled."""

from __future__ import annotations

import pytest
from fixtures_audit_parts import Office

from audit.enrolment import request_of
from audit.errors import IdentityError
from audit.identity import Keyring, create_identity, enrol_request, request_enrolment
from audit.names import refuse_mixed_scripts

pytest_plugins = ("fixtures_audit",)


@pytest.mark.parametrize(
    "name",
    [
        "Ada Lovelace",
        "Zoë Núñez-O'Neil 2",
        "Иван Петров",
        "Ada Петрова",
        "Anna-Мария",
        "Μαρία",
        "山田たろう",
        "ヤマダ太郎",
        "サーバー",
        "김철수金",
        "أحمد",
        "ａｄａ",
        "42",
        "e\u0301lan",
    ],
)
def test_a_word_of_one_script_is_a_name(name: str) -> None:
    refuse_mixed_scripts(name)


@pytest.mark.parametrize(
    ("name", "scripts"),
    [
        ("\u0430dmin", "Cyrillic and Latin"),
        ("Ada Lov\u0435lace", "Latin and Cyrillic"),
        ("ad\u03bfn", "Latin and Greek"),
        ("a.\u0435", "Latin and Cyrillic"),
        ("山a", "Cjk and Latin"),
        ("たろう김", "Hiragana and Hangul"),
    ],
)
def test_a_word_of_two_is_none(name: str, scripts: str) -> None:
    with pytest.raises(IdentityError, match=f"mixes letters of {scripts}"):
        refuse_mixed_scripts(name)


def test_nobody_is_enrolled_under_such_a_name_on_any_way(office: Office) -> None:
    alike, before = "R\u0435viewer", office.ledger.head()
    with pytest.raises(IdentityError, match="Latin and Cyrillic"):
        create_identity(office.ledger, office.keyring, alike, by=office.admin)
    assert not office.keyring.holds(alike)
    elsewhere = Keyring(office.keyring.directory.parent / "elsewhere").create(alike)
    with pytest.raises(IdentityError, match="Latin and Cyrillic"):
        request_enrolment(office.ledger, elsewhere)
    request = request_of(elsewhere, ("reviewer",), office.ledger.workspace)
    with pytest.raises(IdentityError, match="Latin and Cyrillic"):
        enrol_request(office.ledger, request, by=office.admin)
    assert office.ledger.head() == before
