"""What the page without a server takes: bytes, the start beside a bare Pyodide's, a tick beside the server page's.

    python -m tests.benchmarks.site [--site site] [--rounds 5] [--ticks 20] [--server [--large]] [--write site.json]

`make site` comes first. In turn, so many rounds, a page that does nothing but start Pyodide from the same folder, and
the whole page until a tick of one's own has moved its numbers, each in a browser of its own. `--server` ticks the
server's page in the same run. Browser, file host and clock share one machine and its loopback.
"""

from __future__ import annotations

import argparse
import functools
import gzip
import http.server
import json
import os
import re
import statistics
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from static.build import LIBRARY, NPM
from tests.benchmarks.tick import HERE, NARROW_BERT, READY_S, WARM_UP, page_server, window
from tests.browser.chromium import find

REST_MS = 400
HAND_MS = 100  # from the mouse's arrival to the press; people take longer
LOOK_MS = 50  # between looks: one at every frame would itself take much of the processor
MODEL = "timm:resnet18"
PUBLISHED = NPM / "node_modules" / "pyodide" / LIBRARY
Pages = dict[str, tuple[Callable[[], bytes], str]]
BARE = """<!doctype html><title>bare</title><script type="module">
const worker = new Worker("bare.js" + location.hash, { type: "module" });
worker.onmessage = ({ data }) => { document.title = data; };
</script>"""
BARE_WORKER = """import { loadPyodide } from "./pyodide/pyodide.mjs";
const stdLibURL = location.hash ? new URL("published.zip", location.href).href : undefined;
const python = await loadPyodide({ indexURL: new URL("pyodide/", location.href).href, packages: [], stdLibURL });
postMessage(String(python.runPython("6 * 7")));
"""


MADE: Pages = {
    "/bare.html": (BARE.encode, "text/html"), "/bare.js": (BARE_WORKER.encode, "text/javascript"),
    "/published.zip": (PUBLISHED.read_bytes, "application/zip"),
}  # fmt: skip


class Files(http.server.SimpleHTTPRequestHandler):
    """A plain file host, with pages of a benchmark's own beside the site, and headers of its own to all of them."""

    def __init__(self, *about, made: Pages, headers: dict[str, str], **more) -> None:
        self.made, self.own = made, headers
        super().__init__(*about, **more)

    def log_message(self, *about: object) -> None:
        """Nothing."""

    def end_headers(self) -> None:
        for name, value in self.own.items():
            self.send_header(name, value)
        super().end_headers()

    def do_GET(self) -> None:
        if self.path not in self.made:
            super().do_GET()
            return
        content, kind = self.made[self.path]
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(content())


@contextmanager
def host(folder: Path, made: Pages = MADE, headers: dict[str, str] | None = None) -> Iterator[str]:
    """Its address; `made` are a page's content and kind by its path."""
    handler = functools.partial(Files, directory=str(folder), made=made, headers=headers or {})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def first_bytes(folder: Path) -> int:
    """What a first visit fetches before its first own tick, each file gzipped where it is not yet."""
    first = json.loads(re.search(r"const FIRST = (.*);", (folder / "offline.js").read_text())[1])  # type: ignore[index]
    more = ["packs/timm.tf_efficientnet_lite0.json.gz", "screens/timm.tf_efficientnet_lite0.en.json"]
    return sum(min(len(content), len(gzip.compress(content, 6)))
               for name in dict.fromkeys([*first, *more]) for content in [(folder / name).read_bytes()])  # fmt: skip


def bare_start(browser: Browser, address: str, library: str = "") -> dict[str, float]:
    """Seconds from opening a page to the first answer of a Pyodide that knows nothing else, by the clock and of the
    processors; `#published` takes Python's own library as Pyodide publishes it, and not the site's."""
    with window(browser) as page:
        spent = processor_seconds()
        page.goto(f"{address}/bare.html{library}")
        page.wait_for_function("document.title === '42'", timeout=READY_S * 1000, polling=LOOK_MS)
        return {"s": page.evaluate("performance.now()") / 1000, "cpu": since(spent)}


def site_start(browser: Browser, address: str) -> dict[str, float]:
    """Seconds from opening the page to its first picture, and to the numbers of a tick made as soon as one may be."""
    with window(browser) as page:
        spent = processor_seconds()
        page.goto(address)
        page.locator(".charts-room .numbers .value").first.wait_for(timeout=READY_S * 1000)
        picture = page.evaluate("performance.now()") / 1000
        before = page.locator(".charts-room .numbers .value").first.text_content()
        boxes(page).nth(2).click()
        page.wait_for_function(
            "before => document.querySelector('.charts-room').shadowRoot.querySelector('.numbers .value').textContent"
            " !== before", arg=before, timeout=READY_S * 1000, polling=LOOK_MS,
        )  # fmt: skip
        own = page.evaluate("performance.now()") / 1000
        return {"picture": picture, "tick": own, "cpu": since(spent)}


def boxes(page: Page):
    return page.get_by_role("treeitem").locator(".box")


def ticked(page: Page, ticks: int, hand_ms: int = HAND_MS) -> dict[str, float]:
    """Milliseconds from a press until the new numbers are written, and until they are painted: medians. The mouse rests
    on the box for `hand_ms` before, as a hand does."""
    page.wait_for_timeout(5000)
    found, times = boxes(page), []
    for i in range(WARM_UP + ticks):
        found.nth(i * 3 % 8).hover()
        page.wait_for_timeout(hand_ms)
        found.nth(i * 3 % 8).click()
        page.wait_for_timeout(REST_MS)
        seen = page.evaluate("tickTimes()")
        if i >= WARM_UP and seen.get("numbers") is not None:
            times.append(seen)
    return {name: round(statistics.median(one[name] for one in times), 1) for name in ("answered", "numbers")}


def site_ticks(browser: Browser, address: str, ticks: int) -> tuple[dict[str, float], dict[str, float], dict[str, int]]:
    """Times of ticks and of ticks that nothing foresaw, and what the tab takes with its worker after the first."""
    with window(browser) as page:
        page.goto(f"{address}/?model={MODEL}")
        page.locator(".starting[hidden]").wait_for(state="attached", timeout=READY_S * 1000)
        times, memory = ticked(page, ticks), tab_bytes()
        return times, unforeseen(page, ticks), memory


def unforeseen(page: Page, ticks: int) -> dict[str, float]:
    """The same where no answer is asked for before the press."""
    page.evaluate("channels.get('layers').foresee = null")
    return ticked(page, ticks)


def site_ticks_of_file(
    browser: Browser, address: str, file: Path, ticks: int
) -> tuple[dict[str, float], dict[str, float]]:
    """The same of a model file that is dropped on the page."""
    with window(browser) as page:
        page.set_default_timeout(READY_S * 1000)
        page.goto(f"{address}/?model={MODEL}")
        page.locator(".starting[hidden]").wait_for(state="attached")
        page.locator(".first input[type=file]").set_input_files(file)
        page.wait_for_url("**model=file:**")
        page.wait_for_timeout(30_000)  # its rows' prices and depth curve are worked on meanwhile
        return ticked(page, ticks), unforeseen(page, ticks)


def large_model(folder: Path) -> tuple[Path, Path]:
    """A BERT of 5,000 parameters, as a configuration for the server and as a file for the page without one."""
    from freezecore import model_file
    from freezecore.api import read_tree, trace
    from freezecore.source import ModelSource
    from freezecore.workload import Workload

    config, file = folder / "bert-5000.json", folder / "model.json"
    config.write_text(json.dumps(NARROW_BERT))
    source = ModelSource.parse(f"config:{config}")
    model_file.write(file, read_tree(source), trace(source, Workload(batch_size=32)))
    return config, file


def browser_processes() -> Iterator[Path]:
    """Where /proc tells of the browser that this run has started: every process below this one."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:  # ended meanwhile
            continue
    for process in parents:
        above = process
        while above in parents and above != os.getpid():
            above = parents[above]
        if above == os.getpid() != process:
            yield Path(f"/proc/{process}")


def processor_seconds() -> dict[str, float]:
    """What each of the browser's processes has had of the processors: the load of others counts little in it."""
    found = {}
    for folder in browser_processes():
        try:
            told = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        found[folder.name] = sum(map(int, told[11:13])) / os.sysconf("SC_CLK_TCK")
    return found


def since(before: dict[str, float]) -> float:
    """Seconds of the processors that the browser has had since."""
    return sum(now - before.get(process, 0) for process, now in processor_seconds().items())


def tab_bytes() -> dict[str, int]:
    """Bytes of this browser's largest tab: its own, as its task manager tells it; and with its share of what it
    has in common with others, such as the browser's program, which is less where other browsers run beside it."""
    found = [{"shared": 0, "own": 0}]
    for folder in browser_processes():
        try:
            if "--type=renderer" in (folder / "cmdline").read_text():
                told = {"shared": ("smaps_rollup", "Pss"), "own": ("status", "RssAnon")}
                found.append({name: kilobytes(folder / file, field) for name, (file, field) in told.items()})
        except OSError:
            continue
    return max(found, key=lambda sizes: sizes["own"])


def kilobytes(file: Path, field: str) -> int:
    """A figure of /proc, in bytes."""
    return 1024 * int(re.search(rf"^{field}:\s+(\d+)", file.read_text(), re.MULTILINE)[1])  # type: ignore[index]


def server_ticks(browser: Browser, folder: Path, model: str, ticks: int) -> dict[str, float]:
    with page_server(folder) as (address, _), window(browser) as page:
        page.goto(f"{address}/?model={model}")
        page.locator(".charts .curve").wait_for(timeout=READY_S * 1000)
        return ticked(page, ticks)


def beside(figures: dict, server: dict[str, float]) -> None:
    """The server page's times of ticks, and the ratios of the site's to them."""
    figures["server"] = server
    figures["ratio"] = {name: round(figures["site"][name] / server[name], 2) for name in server}
    figures["unforeseen_ratio"] = {name: round(figures["unforeseen"][name] / server[name], 2) for name in server}


def rounded(rows: list[dict[str, float]], name: str) -> list[float]:
    return [round(row[name], 2) for row in rows]


def ratio(times: list[float], others: list[float]) -> float:
    """Of the medians."""
    return round(statistics.median(times) / statistics.median(others), 2)


def main() -> None:
    """Measure, print, and write the figures where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--site", type=Path, default=HERE.parents[1] / "site")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--ticks", type=int, default=20)
    parser.add_argument("--server", action="store_true", help="tick the server's page as well")
    parser.add_argument("--large", action="store_true", help="and a model of 5,000 parameters on both")
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    figures: dict = {"command": " ".join(["python -m tests.benchmarks.site", *sys.argv[1:]])}
    figures |= {"first_load_bytes": first_bytes(options.site), "load_average": os.getloadavg()[0]}
    with host(options.site) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=arguments)
        bare, published, starts = [], [], []
        for _ in range(options.rounds):
            bare.append(bare_start(browser, address))
            published.append(bare_start(browser, address, "#published"))
            starts.append(site_start(browser, address))
            print(f"bare {bare[-1]}, as published {published[-1]}, {starts[-1]}", flush=True)
        figures["start"] = {
            "bare_s": rounded(bare, "s"), "picture_s": rounded(starts, "picture"), "tick_s": rounded(starts, "tick"),
            "ratio": ratio(rounded(starts, "tick"), rounded(bare, "s")), "bare_cpu_s": rounded(bare, "cpu"),
            "tick_cpu_s": rounded(starts, "cpu"), "cpu_ratio": ratio(rounded(starts, "cpu"), rounded(bare, "cpu")),
            "published_s": rounded(published, "s"), "published_cpu_s": rounded(published, "cpu"),
            "published_cpu_ratio": ratio(rounded(starts, "cpu"), rounded(published, "cpu")),
        }  # fmt: skip
        times, plain, memory = site_ticks(browser, address, options.ticks)
        figures["tick_ms"] = {"site": times, "unforeseen": plain}
        figures["tab_bytes"] = memory
        print(json.dumps(figures), flush=True)
        if options.server:
            with tempfile.TemporaryDirectory() as name:
                beside(figures["tick_ms"], server_ticks(browser, Path(name), MODEL, options.ticks))
                if options.large:
                    config, file = large_model(Path(name))
                    times, plain = site_ticks_of_file(browser, address, file, options.ticks)
                    figures["tick_ms_5000"] = {"site": times, "unforeseen": plain}
                    server = server_ticks(browser, Path(name), f"config:{config}", options.ticks)
                    beside(figures["tick_ms_5000"], server)
        browser.close()
    print(json.dumps(figures, indent=1))
    if options.write:
        options.write.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
