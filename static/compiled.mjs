// Run by the build, in node: compiles what the page's first tick imports, by the very Python that will run it.
//
//     node static/compiled.mjs PYODIDE PAGE PACK OUT
//
// PAGE is the folder of Python that the page gets, PACK the pack of the model that it opens with. Written into OUT:
// `page/….pyc` and `library/….pyc`, in place of the sources that were imported on the way to the first numbers.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { gunzipSync } from "node:zlib";

const [pyodide, page, pack, out] = process.argv.slice(2).map((path) => resolve(path));
const { loadPyodide } = await import(pathToFileURL(`${pyodide}/pyodide.mjs`).href);
const python = await loadPyodide({ packages: [], env: { PYTHONNODEBUGRANGES: "1", FREEZE_EXPLORER_HOME: "/home/kept" } });
python.FS.mkdirTree("/page");
python.FS.mkdirTree("/out");
python.mountNodeFS("/page", page);
python.mountNodeFS("/out", out);
python.globals.set("content", gunzipSync(readFileSync(pack)).toString("utf-8"));
python.runPython(`
import json, sys
sys.dont_write_bytecode = True
sys.path.insert(0, "/page")
from static import answers

answers.start()
ask = lambda question: json.loads(answers.answer(json.dumps({"lang": "en", "theme": "light", **question})))
query = "?"
while need := ask({"do": "open", "query": query}).get("need"):
    wrong = answers.add_pack(need["source"], content)
    assert not wrong, wrong
shown = ask({"do": "open", "query": query})
ticks = next(part for part in shown["parts"] if "bits" in part)
assert ask({"do": "tick", "query": query, "tree": shown["model"], "bits": ticks["bits"], "sequence": 1})["parts"]

import importlib.util, zipfile
from importlib._bootstrap_external import _code_to_hash_pyc
from pathlib import Path

LIBRARY = next(path for path in sys.path if path.endswith(".zip"))
imported = [getattr(module.__spec__, "origin", None) or "" for module in list(sys.modules.values())]
with zipfile.ZipFile(LIBRARY) as library:
    for root, room, read in (
        ("/page", "page", lambda name: Path("/page", name).read_bytes()), (LIBRARY, "library", library.read),
    ):
        for origin in sorted(set(imported)):
            if origin.startswith(root + "/") and origin.endswith(".py"):
                source = read(origin.removeprefix(root + "/"))
                code = compile(source, origin, "exec", dont_inherit=True)
                file = Path("/out", room, origin.removeprefix(root + "/") + "c")
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(_code_to_hash_pyc(code, importlib.util.source_hash(source), False))
`);
