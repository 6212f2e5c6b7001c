"""What the commands of `affidavit identity` show: a person that was enrolled, and a line of the list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tui.cli.invocation import OutputFormat

if TYPE_CHECKING:
    from audit.identity import Identity, Keyring, Standing
    from audit.ledger import Ledger

__all__ = ["line_of", "roles_before", "row_of", "show_enrolled"]


def show_enrolled(ledger: Ledger, key_id: str, output: OutputFormat, before: Identity | None) -> None:
    """Show who was enrolled with this key; `before` is what the person was enrolled as until then."""
    from audit.identity import read_register
    from tui.cli.console import facts, print_json

    standing = next(each for each in read_register(ledger).standings if each.identity.key_id == key_id)
    name, roles = standing.identity.name, sorted(standing.identity.roles)
    if output is OutputFormat.JSON:
        replaced = sorted(before.roles) if before else []
        print_json({"name": name, "key_id": key_id, "enrolled": True, "roles": roles, "roles_before": replaced})
        return
    alone = "nobody: the first person here, and its admin from now on"
    facts(
        [
            ("name", name),
            ("roles", ", ".join(roles)),
            *roles_before(before, roles, "replace"),
            ("key id", key_id),
            ("vouched by", alone if standing.bootstrap else standing.vouched_by),
            ("next", f'affidavit review list --as "{name}"'),
        ]
    )


def roles_before(before: Identity | None, roles: list[str], what: str) -> list[tuple[str, object]]:
    """Roles are replaced, not added to: what a person had and has no more is said."""
    if before is None or before.roles == frozenset(roles):
        return []
    return [("", f"They {what} the roles enrolled before: {', '.join(sorted(before.roles))}.")]


def line_of(standing: Standing, keyring: Keyring) -> dict[str, Any]:
    """One person as `identity list --format json` has them."""
    identity = standing.identity
    here = not identity.retired and keyring.holds(identity.name)
    return {
        "name": identity.name,
        "roles": sorted(identity.roles),
        "key_id": identity.key_id,
        "public_key": identity.public_key,
        "since": standing.since,
        "vouched_by": standing.vouched_by or None,
        "bootstrap": standing.bootstrap,
        "retired": standing.retired or None,
        "retired_by": standing.retired_by or None,
        "reason": standing.reason or None,
        "key_here": here,
        "protection": keyring.protection(identity.name).value if here else None,
    }


def row_of(line: dict[str, Any]) -> tuple[object, ...]:
    """The same as cells of the table."""
    vouched = "nobody, the first" if line["bootstrap"] else line["vouched_by"] or "nobody"
    here = {None: "no", "none": "yes, no passphrase", "passphrase": "yes, passphrase", "keyring": "yes, in the keyring"}
    return (
        line["name"],
        ", ".join(line["roles"]),
        "itself" if line["roles"] == ["workspace"] else vouched,
        line["since"][:10],
        (line["retired"] or "")[:10],
        line["key_id"],
        "yes" if line["roles"] == ["workspace"] and line["key_here"] else here[line["protection"]],
    )
