"""Reading, checking, changing and writing a config."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from camfuse.config.base import Section
from camfuse.config.run import Config
from camfuse.errors import ConfigError, bullet_list

TEXT_EXPECTED = ("Input should be a valid string", "Input is not a valid path")
"""What pydantic says of a value that is neither text nor made of it."""


def parse_config(values: dict[str, Any], source: str = "config") -> Config:
    """Validate a nested dictionary, listing every wrong key at once.

    Raises
    ------
    ConfigError
        With one line per wrong or unknown key.
    """
    try:
        config = Config.model_validate(values)
    except ValidationError as error:
        raise _config_error(source, _problems(error)) from error
    wrong: list[str] = []
    for name, overrides in config.experiments.items():
        try:
            Config.model_validate(_changed(config, overrides.given()))
        except ValidationError as error:
            wrong += [f"experiments.{name}.{line}" for line in _problems(error)]
    if wrong:
        raise _config_error(source, wrong)
    return config


def change(config: Config, changes: dict[str, Any], source: str = "config") -> Config:
    """Return the config of one run with nested values changed; it has no experiments and no ablation of its own.

    Raises
    ------
    ConfigError
        As `parse_config`.
    """
    return parse_config(_changed(config, changes), source)


def _changed(config: Config, changes: dict[str, Any]) -> dict[str, Any]:
    return merged(config.model_dump(mode="json", exclude={"experiments", "ablation"}), changes)


def merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return `base` with the nested values of `changes` put in."""
    out = dict(base)
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(base.get(key), dict)
        out[key] = merged(base[key], value) if both else value
    return out


def _config_error(source: str, lines: list[str]) -> ConfigError:
    return ConfigError(f"{source}: {len(lines)} problem(s)\n{bullet_list(lines)}")


def _problems(error: ValidationError) -> list[str]:
    return [
        f"{'.'.join(str(part) for part in e['loc']) or 'config'}: {_reason(e['msg'], e['input'])}"
        for e in error.errors()
    ]


def _reason(message: str, found: object) -> str:
    if message == "Extra inputs are not permitted":
        return "unknown key; see config/README.md for the keys there are"
    if isinstance(found, bool) and message.startswith(TEXT_EXPECTED):
        words, quoted = ("`yes`, `on` and `true`", '"yes"') if found else ("`no`, `off` and `false`", '"no"')
        return f"expected text, found {str(found).lower()}: YAML reads {words} as that; write it in quotes: {quoted}"
    shown = "" if isinstance(found, dict) else f", found {found!r}"
    return message.removeprefix("Value error, ") + shown


def load_config(path: Path) -> Config:
    """Read and validate a YAML file.

    Raises
    ------
    ConfigError
        If the file is missing, is not YAML, or has wrong keys.
    """
    return parse_config(load_values(path), str(path))


def load_values(path: Path) -> dict[str, Any]:
    """Read a YAML file's keys and values, as they stand there.

    Raises
    ------
    ConfigError
        If the file is missing or is not YAML with keys.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except IsADirectoryError as error:
        raise ConfigError(f"{path}: expected a config, found a folder; a run's is its config.yaml") from error
    except NotADirectoryError as error:
        raise ConfigError(f"{path.parent}: expected a folder with a config.yaml in it, found a file") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot read the config: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: expected text in UTF-8, found byte {error.object[error.start]:#x}") from error
    # of the rest YAML's reader throws what it trips over, as a thirteenth month or brackets in brackets without end
    except (yaml.YAMLError, ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise ConfigError(f"{path}: not valid YAML: {error}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: expected keys and values, found {type(values).__name__}")
    return values


def _with_nulls(section: Section, values: dict[str, Any]) -> dict[str, Any]:
    """Put the nulls back that are not the default: without them, `model.rgb: null` would be read as the default."""
    out = dict(values)
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if value is None and field.default is not None and not field.is_required():
            out[name] = None
        elif isinstance(value, Section) and name in out:
            out[name] = _with_nulls(value, out[name])
    return out


def plain_values(section: Section) -> dict[str, Any]:
    """Return a section as nested plain values: every default resolved, and nulls only where they are no default."""
    return _with_nulls(section, section.model_dump(mode="json", exclude_none=True))


def dump_config(config: Config) -> str:
    """Write a config as YAML with every default resolved."""
    return yaml.safe_dump(plain_values(config), sort_keys=False, allow_unicode=True)
