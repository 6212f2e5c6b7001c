"""Our import names are generic, so nothing else in the environment may claim them; what the demo copies is packaged."""

import re
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from demo.workspace import FILES
from finetune.pairs.templates import load_templates

ROOT = Path(__file__).parent.parent
OURS = ("agent", "memory", "audit", "finetune", "tui", "demo")


@pytest.mark.parametrize("package", OURS)
def test_only_we_claim_our_import_names(package):
    owners = set(packages_distributions().get(package, ()))
    assert owners <= {"affidavit"}


def test_no_test_folder_shadows_a_package():
    assert not [name for name in OURS if (ROOT / "tests" / name).exists()]


@pytest.mark.parametrize("lock", sorted(ROOT.glob("requirements*.lock")), ids=lambda path: path.name)
def test_locks_pin_and_hash_everything_and_name_no_index(lock):
    text = lock.read_text()
    assert "://" not in text
    pinned = re.findall(r"^[a-z0-9][\w.\-\[\],]*==", text, flags=re.MULTILINE)
    assert pinned
    assert text.count("--hash=sha256:") >= len(pinned)


def test_torch_and_its_cuda_packages_stay_out_of_the_locks():
    for lock in ROOT.glob("requirements*.lock"):
        assert not re.search(r"^(torch|nvidia-|cuda-|triton)\S*==", lock.read_text(), flags=re.MULTILINE)


def test_the_demo_copies_every_file_that_is_packaged_and_no_other():
    folder = ROOT / "demo" / "files"
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert {name for name in there if not name.startswith("adapter/")} == set(FILES)


def test_wheel_and_sdist_take_the_whole_of_demo():
    targets = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    assert set(OURS) <= set(targets["targets"]["wheel"]["packages"])
    assert set(OURS) <= set(targets["targets"]["sdist"]["only-include"])
    assert "exclude" not in str(targets)
    ignored = [line.strip("/") for line in (ROOT / ".gitignore").read_text().split()]  # hatchling leaves these out
    assert not [name for name in FILES for part in Path("demo/files", name).parts if part in ignored]


def test_a_demo_workspace_has_the_templates_of_every_topic(tmp_path):
    from demo.workspace import create

    create(tmp_path, orders=10)
    packaged = load_templates(ROOT / "demo" / "files" / "templates.yaml")
    copied = load_templates(tmp_path / "templates.yaml")
    topics = [name for name in FILES if name.startswith("templates/")]
    assert (
        len(copied.templates)
        == len(packaged.templates)
        > sum((tmp_path / name).read_text().count("\n  - id:") for name in topics)
        > 0
    )
    assert copied.sha256 == packaged.sha256
