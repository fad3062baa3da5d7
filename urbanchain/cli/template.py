"""node.toml as a template: every setting at its default, explained where it stands."""

import ast
import json
import textwrap
from collections.abc import Iterable, Sequence

from urbanchain.config import SettingDoc

_HEADER = """\
# node.toml: what may differ from validator to validator. Every setting is shown at its default.
# Paths are relative to this file's directory. URBANCHAIN_<SECTION>_<SETTING> in the environment
# overrides a setting. Check it: urbanchain config check --home DIR
"""
_PEERS_EXAMPLE = '# validator-1 = "10.0.0.2:7070"\n'


def render_template(settings: Iterable[SettingDoc], name: str) -> str:
    """The text of a template for the validator `name`."""
    parts, section = [_HEADER], ""
    for setting in settings:
        own, _, key = setting.key.rpartition(".")
        if own != section and setting.type != "table":
            section = own
            parts.append(f"[{section}]\n")
        parts.append(_render(setting, key, name))
        if setting.type == "table":
            section = setting.key
    return "\n".join(parts)


def _render(setting: SettingDoc, key: str, name: str) -> str:
    comment = textwrap.fill(
        setting.description, 96, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False
    )
    if setting.type == "table":
        return f"[{setting.key}]\n{comment}\n{_PEERS_EXAMPLE}"
    value = json.dumps(name) if not setting.default else _toml(ast.literal_eval(setting.default))
    return f"{comment}\n{key} = {value}\n" if setting.description else f"{key} = {value}\n"


def _toml(value: object) -> str:
    """A scalar of TOML; strings and booleans are written as in JSON."""
    return json.dumps(value, ensure_ascii=False)


def render_table(settings: Sequence[SettingDoc]) -> str:
    """The settings as a Markdown table, for docs/operations.md."""
    rows = [
        f"| `{s.key}` | {s.type} | {s.default or 'required'} | {s.description} |" for s in settings
    ]
    return "\n".join(["| setting | type | default | meaning |", "|---|---|---|---|", *rows]) + "\n"
