"""Optional packages, and entries found by the name of their module."""

import pytest

from camfuse.entries import Package, find_entry
from camfuse.prep.pose.entry import EstimatorEntry


def test_a_package_is_looked_for_without_importing_it() -> None:
    assert not Package("json", "").missing
    assert Package("no_such_package", "").missing


def test_an_entry_has_the_type_that_is_asked_for() -> None:
    assert isinstance(find_entry("camfuse.prep.pose", "rtmlib", EstimatorEntry), EstimatorEntry)
    with pytest.raises(TypeError, match="expected Package, found EstimatorEntry"):
        find_entry("camfuse.prep.pose", "rtmlib", Package)
