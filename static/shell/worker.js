// The worker that computes: Pyodide, and in it the same Python that answers on a server. One question at a time, in the
// order in which they come; when nobody asks, what was left waiting is worked on.

import { loadPyodide } from "./pyodide/pyodide.mjs";

const waiting = [];
let wake = null;
let answers = null;
let files = null;
let worked = false; // since the page was last told

onmessage = ({ data }) => {
  waiting.push(data);
  wake?.();
};

begin().catch((error) => postMessage({ fault: String(error) }));

async function begin() {
  const [python, archive] = await Promise.all([
    loadPyodide({ indexURL: new URL("pyodide/", location.href).href, packages: [] }),
    fetch("python.zip").then((response) => (response.ok ? response.arrayBuffer() : Promise.reject(response.status))),
  ]);
  python.unpackArchive(archive, "zip", { extractDir: "/page" });
  python.runPython(`
import os, sys
os.environ["FREEZE_EXPLORER_HOME"] = "/home/kept"
sys.path.insert(0, "/page")
sys.setrecursionlimit(800)
from static import answers
answers.start()
`);
  answers = python.globals.get("answers");
  files = python.FS;
  postMessage({ ready: true });
  for (;;) {
    while (waiting.length) await reply(waiting.shift());
    if (answers.idle()) {
      worked = true;
      await breath();
      continue;
    }
    if (worked) postMessage({ known: true });
    worked = false;
    if (!waiting.length) await new Promise((resolve) => (wake = resolve));
    wake = null;
  }
}

function breath() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = resolve;
    port2.postMessage(null);
  });
}

async function reply({ id, question, file }) {
  try {
    if (file) files.writeFile((question.path = "/home/dropped"), new Uint8Array(file));
    let answer = JSON.parse(answers.answer(JSON.stringify(question)));
    while (answer.need) {
      const wrong = answers.add_pack(answer.need.source, await unpacked(`packs/${answer.need.file}`));
      if (wrong) throw JSON.parse(wrong);
      answer = JSON.parse(answers.answer(JSON.stringify(question)));
    }
    postMessage({ id, answer });
  } catch (error) {
    postMessage({ id, fault: error.problem ? error : { problem: "", hint: String(error).slice(-600) } });
  }
}

// A pack's text; one that was cut off is told as what it is.
async function unpacked(address) {
  const response = await fetch(address);
  if (!response.ok) throw { problem: "", hint: `${address}: ${response.status}` };
  const packed = new Uint8Array(await response.arrayBuffer());
  if (packed[0] !== 0x1f) return new TextDecoder().decode(packed); // a host that unpacks by itself
  try {
    return await new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  } catch {
    return "";
  }
}
