"""Which kind of text it is, and what reads it: rules, a saved spec, names, a configuration, pasted Python."""

from __future__ import annotations

import re

from freezecore._resolve import resolve
from freezecore.adapter_targets import base_of
from freezecore.errors import ExportError, shortened
from freezecore.importing.command_line import options_in
from freezecore.importing.configurations import READERS, bases_of, read_configuration
from freezecore.importing.imported import Imported, hint_for
from freezecore.importing.names import read_names
from freezecore.importing.notebooks import copied_source, notebook_source
from freezecore.importing.python import has_statements, looks_like_python, read_python
from freezecore.importing.unknown_text import as_text, mapping_in, refuse_foreign
from freezecore.saved_spec import carry, load_spec
from freezecore.spec import FreezeSpec
from freezecore.tree import LayerTree

SPEC = re.compile(r"^(?:freeze_explorer|rules):", re.MULTILINE)
VERBS = ("freeze", "train", "norms", "dropout")


def import_rules(text: str | bytes, tree: LayerTree) -> Imported:
    """Read a selection for this tree from a text that a person has.

    Understood are rules; a spec saved by this project; a list of names, or of names with True or False; axolotl's
    `unfrozen_parameters`, LLaMA-Factory's `freeze_*` and PEFT's `modules_to_save`, as a configuration or as the options
    of a command line; and Python, a script or a
    notebook, which a process of its own runs against a stand-in of the model.

    Raises:
        ExportError: it is too large, binary, or nothing in it can be read.
        RuleError: it is rules, and one of them cannot be read or hits nothing.
    """
    text = as_text(text)
    refuse_foreign(text)
    if (notebook := notebook_source(text)) is not None:
        return read_python(notebook.text, tree, notebook.dropped)
    copied = copied_source(text)
    text = copied.text
    if _looks_like_rules(text):
        spec = FreezeSpec.parse(text)
        resolve(spec, tree)
        return Imported("rules", spec)
    if SPEC.search(text):
        return _from_spec(text, tree)
    mapping = None if has_statements(text) else mapping_in(text)
    if mapping is not None:
        return _from_mapping(text, mapping, tree)
    options = {} if has_statements(text) else options_in(text)
    if options and (told := read_configuration(text, options, base_of(tree))) is not None:
        return told
    if looks_like_python(text):
        return read_python(text, tree, copied.dropped)
    found = read_names(text, tree)
    if found.spec is None:
        raise ExportError("Nothing in this text says what to freeze.", hint_for(found.missing, found.unread, tree))
    return found


def _from_spec(text: str, tree: LayerTree) -> Imported:
    carried = carry(load_spec(text), tree)
    if carried.spec is None:
        raise ExportError(
            "This spec does not fit {source}: {reason}",
            "It may be of another model; nothing was applied.",
            source=shortened(tree.source),
            reason=carried.reason,
        )
    moved = {old: new for old, new in carried.mapped if old != new}
    return Imported("spec", carried.spec, moved, carried.missing, carried.new)


def _from_mapping(text: str, mapping: dict, tree: LayerTree) -> Imported:
    found = read_configuration(text, mapping, base_of(tree))
    if found is None:
        bases = bases_of(mapping)
        raise ExportError(
            "This configuration has no key that says what to freeze.",
            "It stands on another, under '{key}': paste that one."
            if bases
            else "Understood are rules, {names} and the like.",
            key=bases[0] if bases else "",
            names=", ".join(keys[0] for keys, *_ in READERS),
        )
    return found


def _looks_like_rules(text: str) -> bool:
    """Whether the first statement begins as a rule does; a call such as `freeze(model)` does not."""
    for line in text.splitlines():
        words = line.split("#")[0].split(";")[0].split()
        if words:
            if words[0] == "from":
                return words[1:2] == ["epoch"]
            return words[0] in VERBS and len(words) > 1 and words[1] not in ("=", "True", "False")
    return False
