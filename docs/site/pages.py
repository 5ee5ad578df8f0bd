"""What the site is built from: the documents, every target's own text, the library's reference, the worksheets."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import tomllib
from functools import cache
from html import escape
from pathlib import Path
from urllib.parse import urlencode

import freezecore as fc
from app.service.lessons import LESSONS, title
from app.text import LANGUAGES, Words
from freezecore._export import TARGETS
from freezecore.errors import FreezeError, RuleError
from freezecore.tree import LayerTree

ROOT = Path(__file__).parents[2]
TREES = ROOT / "tests" / "freezecore" / "trees"
RULES = "freeze all; train head"
SHOWN = ("timm:resnet18", "resnet18"), ("config:llama", "llama")  # the second where the first has no such text
VERBS = (
    *("read_tree", "estimate", "fits", "diff", "timeline", "per_device", "summary", "trace", "pricer", "show"),
    *("apply", "frozen", "release", "trainable_parameters", "parameter_groups", "proof", "unfreezing", "save"),
    *("run_probe", "run_sweep", "run_find", "run_suggest", "compare", "ProofCallback"),
)
NOUNS = (
    *("source.ModelSource", "tree.LayerTree", "spec.FreezeSpec", "mask.Mask", "workload.Workload"),
    *("_estimate.cost.Estimate", "probe.ProbeRequest", "probe.ProbeResult"),
)
EXPLORER = ROOT / "site"  # the page without a server, where `make site` has built it
TICKED = {  # of packed models the kept tree, and how the page's link names them
    "resnet18": {"model": "timm:resnet18"},
    "bert": {"model": "config:bert", "task": "sequence-classification", "labels": "2"},
}
TRY = {"en": "Tick these examples", "ja": "この例を試す", "zh": "动手试试这些例子"}
EXAMPLE = re.compile(r"^    (.+?) +# .*$", re.MULTILINE)
OUTSIDE = re.compile(r"\[([^\]]*)\]\(\.\./([^)]+)\)")
FIELD = re.compile(r"\{[^}]*\}")
SHEET = {  # heading, how to print, name, before, guess, measured, after, mind
    "en": ("Worksheets", "Print this page: each lesson is a sheet.", "Name", "Before", "Your guess",
           "What was measured", "After", "Mind"),
    "ja": ("ワークシート", "印刷すると、課題ごとに1枚になります。", "名前", "はじめる前に", "予想",
           "測定の結果", "終わってから", "気をつけること"),
    "zh": ("练习纸", "打印本页：每课一张。", "姓名", "课前", "你的猜测", "测得的结果", "课后", "注意"),
}  # fmt: skip


def main(folder: Path = ROOT / "build" / "pages") -> None:
    """Put together what the site is built from: the documents as they stand, and the pages that are made."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(
        ROOT / "docs", folder, ignore=shutil.ignore_patterns("site", "*.py", "*.json", "*.ipynb", "__pycache__")
    )
    contributing = (ROOT / "CONTRIBUTING.md").read_text("utf-8").replace("](docs/", "](")  # it lies beside them here
    (folder / "contributing.md").write_text(contributing, encoding="utf-8")
    shutil.copy(ROOT / "app" / "theme" / "logo.svg", folder / "pictures")
    shutil.copy(ROOT / "docs" / "site" / "site.css", folder)
    made = {"targets.md": targets(), "reference.md": reference()}
    made |= {f"worksheets.{lang}.md".replace(".en", ""): worksheets(lang) for lang in LANGUAGES}
    for name, content in made.items():
        (folder / name).write_text(content, encoding="utf-8")
    if (EXPLORER / "index.html").exists():
        shutil.copytree(EXPLORER, folder / "explorer")
        for lang in LANGUAGES:
            page = folder / f"rules.{lang}.md".replace(".en", "")
            page.write_text(with_a_frame(page.read_text("utf-8"), lang), encoding="utf-8")
    for page in folder.glob("*.md"):
        page.write_text(leading_somewhere(page.read_text("utf-8")), encoding="utf-8")


def leading_somewhere(text: str) -> str:
    """A link to a file of the project leads there where the build names its base address; else its words stand."""
    base = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["freeze-explorer"]["base-address"]
    return OUTSIDE.sub(lambda link: f"[{link[1]}]({base.rstrip('/')}/{link[2]})" if base else link[1], text)


def with_a_frame(text: str, lang: str) -> str:
    """The rules, and below their examples a frame with the page without a server, in which each can be ticked."""
    links = [(_linked(rules, tree, lang), rules) for rules, tree in examples(text)]
    row = '<li><a href="{}" target="explorer"><code>{}</code></a></li>'
    listed = "".join(row.format(link, escape(rules)) for link, rules in links)
    frame = f'<iframe name="explorer" title="Freeze Explorer" src="{links[0][0]}" loading="lazy"></iframe>'
    made = f'<details class="explorer"><summary>{TRY[lang]}</summary><ul>{listed}</ul>{frame}</details>'
    end = list(EXAMPLE.finditer(text))[-1].end()
    return f"{text[:end]}\n\n{made}{text[end:]}"


def _linked(rules: str, tree: str, lang: str) -> str:
    """The link of a selection, from the rules' page in this language."""
    asked = {"embed": "1", "lang": lang, **TICKED[tree], "rules": rules}
    return escape(f"{'' if lang == 'en' else '../'}explorer/?{urlencode(asked, safe=':/')}")


def examples(text: str) -> list[tuple[str, str]]:
    """The rules in such a page's list, each with a tree of which it hits something.

    Raises:
        RuleError: an example that hits nothing in any of them.
    """
    return [(rules, _hit(rules)) for rules in EXAMPLE.findall(text)]


def _hit(rules: str) -> str:
    for tree in TICKED:
        try:
            fc.resolve(rules, _tree(tree))
            return tree
        except RuleError as error:
            problem = error
    raise problem


def targets() -> str:
    """What each target is written as; where neither model shown has such a text, what is said of it."""
    parts = ["# Every target", f"`{RULES}`, as `freezecore export SOURCE --rules TEXT --to TARGET` writes it."]
    for name, target in TARGETS.items():
        source, code = _exported(name)
        if name in ("notebook", "spec"):
            code = "\n".join([*code.splitlines()[:24], "…"])
        parts += [f"## {name}", f"For `{source}`:", f"```{target.language}\n{code.rstrip()}\n```"]
    return "\n\n".join(parts)


def _exported(target: str) -> tuple[str, str]:
    """A source and the target's text for it."""
    for source, tree in SHOWN:
        try:
            return source, fc.export(source, RULES, target, tree=_tree(tree))
        except FreezeError as error:
            found = source, f"# {error}"
    return found


@cache
def _tree(name: str) -> LayerTree:
    return LayerTree.from_json(json.loads(gzip.decompress((TREES / f"{name}.json.gz").read_bytes())))


def reference() -> str:
    """The verbs and nouns of the library, by their docstrings."""
    verbs = [f"::: freezecore.api.{name}" for name in VERBS]
    nouns = [f"::: freezecore.{name}" for name in NOUNS]
    written = ["::: freezecore._export.export", "::: freezecore._resolve.resolve", "::: freezecore._review.review"]
    begin = "`import freezecore as fc`: each name is `fc.NAME`; a model is an object, or such as `timm:resnet18`."
    return "\n\n".join(["# Library", begin, "## Verbs", *verbs, *written, "## Nouns", *nouns])


def worksheets(lang: str) -> str:
    """The lessons on paper: what is measured on the spot is left to be filled in."""
    words = Words(lang)
    heading, about, name, before, guess, measured, after, mind = SHEET[lang]
    parts = [f"# {heading}", about]
    for lesson in LESSONS:
        parts += ['<section class="sheet" markdown>']
        key = f"lesson.{lesson.key}"
        parts += [f"## {title(lesson.key, words)}", f"{name}: " + "_" * 30, f"*{words(f'{key}.about')}*"]
        parts += [f"**{before}.** {_blank(words(f'{key}.before.question'))}", *_choices(words, f"{key}.before")]
        parts += [f"**{guess}.** {_blank(words(f'{key}.question'))}", "_" * 60]
        parts += [f"**{measured}**", "_" * 60, "_" * 60]
        parts += [f"**{after}.** {_blank(words(f'{key}.after.question'))}", *_choices(words, f"{key}.after")]
        parts += [f"**{mind}.** {_blank(words(f'{key}.careful'))}", "</section>"]
    return "\n\n".join(parts)


def _choices(words: Words, key: str) -> list[str]:
    return ["\n".join(f"- [ ] {_blank(words(f'{key}.{letter}'))}" for letter in "abc")]


def _blank(text: str) -> str:
    return FIELD.sub(r"\_\_\_\_\_\_", text)


if __name__ == "__main__":
    main()
