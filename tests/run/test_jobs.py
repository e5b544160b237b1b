"""What every job of the workflow finds in its environment."""

import os
import sys
from pathlib import Path

import pytest

from camfuse.run.jobs import prepare_jobs


@pytest.mark.parametrize("conda", [False, True])
def test_jobs_find_the_checkout_and_their_python(monkeypatch: pytest.MonkeyPatch, conda: bool) -> None:
    monkeypatch.setattr(os, "environ", {"PATH": "/bin", "PYTHONPATH": "/other"})
    prepare_jobs(Path("/checkout"), conda=conda)
    assert os.environ["PYTHONPATH"] == f"/checkout{os.pathsep}/other"
    own = f"{Path(sys.executable).parent}{os.pathsep}/bin"
    assert os.environ["PATH"] == ("/bin" if conda else own)  # conda's comes from the job's own environment
    assert ("PYTHONNOUSERSITE" in os.environ) == conda
