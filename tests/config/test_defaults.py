"""A key that is given changes itself alone: everything else is as the table of ``config/README.md`` says."""

from collections.abc import Iterator
from typing import Any

import pytest

from camfuse.config import Config, Section, parse_config
from camfuse.config.read import merged

REQUIRED: dict[str, Any] = {"clips": {"folder": {"videos": "videos"}}, "pose": {"mediapipe": {}}}
ESTIMATORS = ("mediapipe", "mmpose", "rtmlib", "annotations")
SOURCES = ("folder", "csv", "wlasl", "autsl", "asl_citizen", "lsa64", "fingerspelling")


def leaves(section: Section, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    """Walk the keys that hold a value, and sections that are one value."""
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, Section) and not value.whole:
            yield from leaves(value, (*above, name))
        else:
            yield (*above, name), value


def nested(path: tuple[str, ...], value: object) -> dict[str, Any]:
    return {path[0]: nested(path[1:], value) if len(path) > 1 else value}


def other(value: object) -> list[object]:
    """Return candidates for another valid value of the same kind, the likeliest first."""
    match value:
        case bool():
            return [not value]
        case int() | float():
            return [value + 1, value * 2, value / 2, 0, 1, 0.5]
        case str():
            names = (
                "cpu",
                "adamw",
                "sgd",
                "step",
                "cosine",
                "7x7",
                "hands",
                "bf16-mixed",
                "skip",
                "drop",
                "debug",
                "time",
                "tuned",
            )
            return [*names, "another"]
        case tuple() if value:
            return [list(reversed(value)), [v + 1 for v in value if not isinstance(v, str)], [value[0]], [9, 9, 9, 9]]
        case _:
            return []


DEFAULT = parse_config(REQUIRED)
KEYS = [path for path, _ in leaves(DEFAULT) if path not in {("experiments",), ("ablation",), ("pose", "mediapipe")}]


def overridden(path: tuple[str, ...], value: object) -> Config | None:
    """Return the config with one key given another value that is valid, or None where none of the candidates is."""
    for candidate in other(value):
        try:
            changed = parse_config(merged(REQUIRED, nested(path, candidate)))
        except Exception:  # noqa: BLE001  # not a valid value of this key
            continue
        if dict(leaves(changed)).get(path) != value:
            return changed
    return None


@pytest.mark.parametrize("path", KEYS, ids=".".join)
def test_one_key_changes_itself_alone(path: tuple[str, ...]) -> None:
    values = dict(leaves(DEFAULT))
    changed = overridden(path, values[path])
    if changed is None:
        assert values[path] is None or isinstance(values[path], Section) or path[0] in ("clips", "machine", "output")
        return
    found = dict(leaves(changed))
    assert {key for key in values if found.get(key) != values[key]} == {path}


def test_the_keys_are_many_and_nearly_all_are_tried() -> None:
    values = dict(leaves(DEFAULT))
    tried = [path for path in KEYS if overridden(path, values[path]) is not None]
    assert len(tried) > 90
    assert {("train", part, key) for part in ("rgb", "pose", "fusion") for key in ("epochs", "rate", "schedule")} <= {
        *tried
    }


def test_a_phase_with_one_key_keeps_the_table() -> None:
    train = parse_config(REQUIRED | {"train": {"rgb": {"epochs": 2}, "pose": {"batch": 4}}}).train
    assert train.rgb.epochs == 2 and train.rgb.rate == DEFAULT.train.rgb.rate
    assert train.pose.weight_decay == DEFAULT.train.pose.weight_decay == 3e-4


def test_a_phase_with_the_four_required_keys_keeps_the_rest_of_the_table() -> None:
    keys = {"epochs": 1, "batch": 4, "rate": 0.01, "base_batch": 8}
    train = parse_config(REQUIRED | {"train": dict.fromkeys(("rgb", "pose", "fusion"), keys)}).train
    assert train.pose.weight_decay == 3e-4
    assert train.fusion.schedule == "step"
    assert train.rgb.schedule == "cosine"


def test_another_file_of_weights_replaces_the_default_whole() -> None:
    pose = parse_config(REQUIRED | {"pose": {"mmpose": {"weights": {"path": "own.pth"}}}}).pose.mmpose
    assert pose is not None
    assert (pose.weights.url, pose.weights.sha256) == (None, None)
