"""`affidavit audit export` and `affidavit audit verify BUNDLE`: the evidence of one answer, handed on and judged."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tui.cli.audit import app
from tui.cli.invocation import OutputFormat, WorkspaceOption, refuse_without_folder, settings_of, text_in

if TYPE_CHECKING:
    from audit.evidence_check import EvidenceCheck
    from audit.identity import Identity

__all__ = ["app", "judge_bundle"]


@app.command("export")
def export_command(
    ctx: typer.Context,
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's id, or enough of its beginning.")],
    *,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", metavar="FILE", help="The bundle, as JSON; default: evidence-RUN.json."),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="The page for people; default: beside the bundle."),
    ] = None,
    sealed: Annotated[
        bool,
        typer.Option("--sealed", help="Leave what is encrypted by subject encrypted: do not disclose this run's key."),
    ] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Write everything that one answer stands on into one file, and a page to read it by.

    The bundle holds the run's records, the keys and the policy that its reviews are judged by, and the proof that all
    of them are on the ledger. It has no result rows. The page has the bundle inside it; either is checked with
    `affidavit audit verify FILE --key HEX`, on any machine, with the workspace's public key alone.

    \b
    Examples:
      affidavit audit export 019b2c
      affidavit audit export 019b2c -o answer.json --html answer.html
    """
    from agent.model.lineage import known_models
    from agent.services import open_ledger
    from audit.evidence import export_evidence
    from audit.seal import canonical_bytes
    from tui.cli.console import facts
    from tui.evidence.page import page_of

    settings = settings_of(ctx, workspace)
    refuse_without_folder(out, "--out")
    refuse_without_folder(html, "--html")
    with open_ledger(settings, create=False) as ledger:
        models = known_models(settings.state_dir)
        bundle = export_evidence(ledger, run, settings.state_dir, disclose=not sealed, models=models)
    written = canonical_bytes(bundle)
    name = f"evidence-{bundle['run_id']}"
    target = out or Path(f"{name}.json")
    page = html or target.with_suffix(".html")
    if page == target:
        raise typer.BadParameter(f"{page} would be both the bundle and the page.", param_hint="--html")
    for path, content in ((target, written), (page, page_of(written).encode())):
        path.write_bytes(content)
    facts(
        [
            ("bundle", target),
            ("page", page),
            ("records", len(bundle["records"])),
            ("signed by the key", bundle["checkpoint"]["key_id"]),
            ("verify", f"affidavit audit verify {target} --key PUBLIC_KEY"),
        ]
    )


def judge_bundle(bundle: Path, *, key: str, keys: Path | None, output: OutputFormat) -> None:
    """Check a bundle or a page, say what that proved, and leave with 1 if it does not hold."""
    from audit.errors import SealError
    from audit.evidence_bundle import read_evidence
    from audit.evidence_check import EvidenceCheck, check_evidence
    from tui.cli.console import print_json
    from tui.evidence.page import bundle_in, is_page, page_problem

    trusted = _trusted(key, keys)
    data = bundle.read_bytes()
    try:
        held = bundle_in(data) if is_page(data) else data
        found = check_evidence(read_evidence(held), trusted, reviewers=keys is not None)
        problem = page_problem(data, held) if found.ok and is_page(data) else ""
        if problem:
            found = EvidenceCheck(False, problem, found.workspace, found.run_id)
    except SealError as error:
        found = EvidenceCheck(False, error.message)
    if output is OutputFormat.JSON:
        print_json(found.to_json())
    else:
        _print_check(found)
    if not found.ok:
        raise typer.Exit(1)


def _trusted(key: str, keys: Path | None) -> tuple[Identity, ...]:
    from audit.evidence_check import read_keys
    from audit.keyring import public_identity

    if key and keys is not None:
        raise typer.BadParameter(
            "Give the workspace's public key, or a file of all keys, not both.", param_hint="--key"
        )
    if keys is not None:
        found = read_keys(text_in(keys, "--keys"))
        if not found:
            raise typer.BadParameter(f"{keys} holds no key.", param_hint="--keys")
        return found
    return (public_identity("workspace", key),) if key else ()


def _print_check(found: EvidenceCheck) -> None:
    from tui.cli.console import facts

    if not found.ok:
        facts([("✗ does not hold", found.problem)])
        return
    said = "It holds, and is signed with the key you gave." if found.key_given else "It agrees with itself."
    lines: list[tuple[str, object]] = [
        ("✓ verified" if found.key_given else "~ consistent", said),
        ("run", found.run_id),
        ("workspace", found.workspace),
        ("records", found.records),
        ("reviews of this run", found.reviews),
        *([("of what it was recalled from", found.basis_reviews)] if found.basis_reviews else []),
        *([("relied on revoked", ", ".join(found.relied_on_revoked))] if found.relied_on_revoked else []),
        ("as of", found.as_of),
        ("key id", found.key_id),
    ]
    lines += [("proved" if not number else "", each) for number, each in enumerate(found.proved)]
    lines += [("not proved" if not number else "", each) for number, each in enumerate(found.not_proved)]
    facts(lines)
