"""The documentation site: built strictly, asks no other server for anything, and shows what there is."""

import html
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
import yaml

from app.link import read_link
from app.text import LANGUAGES
from docs.commands import COMMANDS as SHOWN
from docs.site import pages
from freezecore import api
from freezecore._export import TARGETS
from freezecore.cli import COMMANDS

ROOT = Path(__file__).parents[1]
LOADED = re.compile(r"<(?:script|link|img|iframe|source)\b[^>]*?(?:src|href)=\"?(https?://[^\s\">]+)", re.IGNORECASE)
LINK = re.compile(r"<a\b[^>]*?href=\"?([^\s\">]+)")
FROM_CSS = re.compile(r"(?:url\(|@import )[\"']?(https?://[^\"')]+)")


@pytest.fixture(scope="session")
def built(tmp_path_factory) -> Path:
    """The site's folder, built as `make docs` builds it."""
    folder = tmp_path_factory.mktemp("site")
    pages.main(folder / "pages")
    settings = yaml.load((ROOT / "mkdocs.yml").read_text("utf-8"), yaml.SafeLoader)
    settings |= {"docs_dir": str(folder / "pages"), "site_dir": str(folder / "docs")}
    settings["plugins"][2]["mkdocstrings"]["handlers"]["python"]["paths"] = [str(ROOT)]
    (folder / "mkdocs.yml").write_text(yaml.safe_dump(settings, allow_unicode=True), "utf-8")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--config-file", folder / "mkdocs.yml"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder / "docs"


@pytest.mark.slow
def test_no_page_asks_another_server_for_anything(built):
    files = [file for file in built.rglob("*") if file.suffix in (".html", ".css")]
    found = {(file.name, link) for file in files for link in LOADED.findall(file.read_text("utf-8"))}
    found |= {(file.name, link) for file in files for link in FROM_CSS.findall(file.read_text("utf-8"))}
    assert len(files) > 50 and found == set()


@pytest.mark.slow
def test_each_argument_and_error_has_a_line_of_its_own_in_the_reference(built):
    text = (built / "reference.html").read_text("utf-8")
    rows = re.findall(r"<tr class=\"?doc-section-item\"?.*?</tr>", text, re.DOTALL)
    assert len(rows) > 100
    assert [row for row in rows if re.search(r",(?:</span>)?</code>|Error: ", row)] == []


@pytest.mark.slow
def test_each_link_within_the_site_leads_somewhere(built):
    """mkdocs itself lets some pass, such as one to a document's source."""
    pages_built = [file for file in built.rglob("*.html") if "explorer" not in file.parts and file.name != "404.html"]
    linked = {(file, urlsplit(link)) for file in pages_built for link in LINK.findall(file.read_text("utf-8"))}
    within = {(file, unquote(link.path)) for file, link in linked if link.path and not (link.scheme or link.netloc)}
    assert len(within) > 500
    assert {(str(file.relative_to(built)), to) for file, to in within if not (file.parent / to).exists()} == set()


@pytest.mark.slow
@pytest.mark.parametrize("page", ["index", "rules", "multimodal", "teaching", "worksheets"])
def test_guide_pages_stand_in_every_language(built, page):
    texts = {(built / ("" if lang == "en" else lang) / f"{page}.html").read_text("utf-8") for lang in LANGUAGES}
    bodies = {re.search(r"<article.*?</article>", text, re.DOTALL)[0] for text in texts}
    assert len(bodies) == len(LANGUAGES)


@pytest.mark.slow
def test_every_command_stands_there_with_what_it_printed(built):
    text = (built / "commands.html").read_text("utf-8")
    assert {command.split()[0] for command in SHOWN} == set(COMMANDS)
    assert {name for name in COMMANDS if f'<h2 id="{name}">' not in text} == set()
    assert (ROOT / "docs" / "commands.md").read_text("utf-8").count("$ freezecore ") == len(SHOWN)


@pytest.mark.slow
def test_every_target_and_every_verb_stands_there(built):
    text = (built / "targets.html").read_text("utf-8")
    assert {name for name in TARGETS if f'<h2 id="{name}">' not in text} == set()
    verbs = {name for name, one in vars(api).items() if hasattr(one, "__wrapped__") and not name.startswith("_")}
    assert verbs - set(pages.VERBS) == set()
    reference = (built / "reference.html").read_text("utf-8")
    assert {name for name in pages.VERBS if f'id="freezecore.api.{name}"' not in reference} == set()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_examples_of_rules_can_be_ticked_where_the_page_without_a_server_is_built(lang):
    text = (ROOT / "docs" / f"rules.{lang}.md".replace(".en", "")).read_text("utf-8")
    found = pages.examples(text)
    assert ("freeze all; train head", "resnet18") in found and ("freeze embeddings; freeze blocks:0-2", "bert") in found
    framed = pages.with_a_frame(text, lang)
    links = re.findall(r'href="([^"]+)" target="explorer"', framed)
    read = [read_link(dict(parse_qsl(urlsplit(html.unescape(link)).query)))[0] for link in links]
    assert [link.rules for link in read] == [rules for rules, _ in found]
    assert {link.task for link in read} == {None, "sequence-classification"} and '<iframe name="explorer"' in framed


def test_the_build_folder_is_no_part_of_the_repository():
    ignored = subprocess.run(["git", "check-ignore", "build/docs/index.html"], cwd=ROOT, capture_output=True)
    assert ignored.returncode == 0
