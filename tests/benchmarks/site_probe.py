"""The head probe in a browser beside bare onnxruntime-web: what the pictures' passes through the body alone take.

    python -m tests.benchmarks.site_probe [--site site] [--rounds 3] [--write site_probe.json]

`make site` comes first. In turn, each in a browser of its own: a worker that loads the body and runs as many pictures
through it, and the page's own probe (the same, and a head trained and scored), then a second head on what is kept. With
the two headers that threads need, as the page's service worker sets them, and without. Medians, and processor seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.benchmarks.site import Pages, host, processor_seconds, since
from tests.benchmarks.tick import HERE, window
from tests.browser.chromium import find

LATE_MS = 580_000
PAGE = """<!doctype html><title>probe</title><script type="module">
window.asked = (script, question) => new Promise((resolve, reject) => {
  window.worker ??= new Worker(script, { type: "module" });
  const begun = performance.now();
  worker.onerror = (event) => reject(new Error(event.message));
  worker.onmessage = ({ data }) => {
    if (data.fault) reject(new Error(data.fault));
    if (data.result) resolve({ ...data.result, s: (performance.now() - begun) / 1000 });
  };
  worker.postMessage(question);
});
document.title = "ready";
</script>"""
BARE = """import * as ort from "./onnx/ort.wasm.min.mjs";
onmessage = async () => {
  const about = await (await fetch("probe/about.json")).json();
  ort.env.wasm.numThreads = crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency || 1) : 1;
  ort.env.wasm.wasmPaths = new URL("onnx/", location.href).href;
  ort.env.logLevel = "error";
  const body = await ort.InferenceSession.create("probe/body.onnx", { executionProviders: ["wasm"] });
  const [total, plane, most] = [about.train + about.test, 3 * about.size ** 2, 30];
  const pixels = Uint8Array.from({ length: total * plane }, (_, i) => (i * 37) % 256);
  for (let start = 0; start < total; start += most) {
    const end = Math.min(total, start + most);
    const shape = [end - start, 3, about.size, about.size];
    await body.run({ pictures: new ort.Tensor("uint8", pixels.subarray(start * plane, end * plane), shape) });
  }
  postMessage({ result: { threads: ort.env.wasm.numThreads } });
};
"""
MADE: Pages = {"/probing.html": (PAGE.encode, "text/html"), "/bare_probe.js": (BARE.encode, "text/javascript")}
THREADS = {"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp"}


def asked(browser: Browser, address: str, script: str, questions: list[dict]) -> list[dict]:
    """What a worker answers to each question, with seconds by the clock and of the processors."""
    with window(browser) as page:
        page.set_default_timeout(LATE_MS)
        page.goto(f"{address}/probing.html")
        page.wait_for_function("document.title === 'ready'")
        found = []
        for question in questions:
            spent = processor_seconds()
            answer = page.evaluate("([script, question]) => asked(script, question)", [script, question])
            found.append({**answer, "cpu": since(spent)})
        return found


def compared(browser: Browser, address: str, rounds: int) -> dict:
    """Whole probe and second head, each as many times the bare passes of the same rounds."""
    bare, whole, second = [], [], []
    for number in range(rounds):
        bare += asked(browser, address, "bare_probe.js", [{}])
        one, two = asked(browser, address, "probe.js", [{"seed": number}, {"seed": number + 1}])
        whole.append(one)
        second.append(two)
        print(f"bare {bare[-1]['s']:.1f} s, whole {one['s']:.1f} s, second {two['s']:.2f} s", flush=True)

    def of(rows: list[dict], name: str) -> float:
        return statistics.median(row[name] for row in rows)

    return {
        "threads": bare[0]["threads"],
        **{f"{name}_s": round(of(rows, "s"), 2) for name, rows in (("bare", bare), ("whole", whole), ("next", second))},
        "accuracy": round(statistics.median(row["after"] / row["samples"] for row in whole), 4),
        "whole_ratio": round(of(whole, "s") / of(bare, "s"), 2),
        "whole_cpu_ratio": round(of(whole, "cpu") / of(bare, "cpu"), 2),
        "next_ratio": round(of(second, "s") / of(bare, "s"), 4),
        "next_cpu_ratio": round(of(second, "cpu") / of(bare, "cpu"), 4),
    }


def main() -> None:
    """Measure, print, and write the figures where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--site", type=Path, default=HERE.parents[1] / "site")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    figures: dict = {"command": " ".join(["python -m tests.benchmarks.site_probe", *sys.argv[1:]])}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=arguments)
        for name, headers in (("one_thread", {}), ("threads", THREADS)):
            with host(options.site, MADE, headers) as address:
                figures[name] = compared(browser, address, options.rounds)
        browser.close()
    figures["load_average"] = os.getloadavg()[0]
    print(json.dumps(figures, indent=1))
    if options.write:
        options.write.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
