"""Our import names are generic, so nothing else in the environment may claim them, and the locks name no index."""

import re
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

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
