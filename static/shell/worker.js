// The worker that computes: Pyodide, and in it the same Python that answers on a server. One question at a time, in the
// order in which they come; when nobody asks, what was left waiting is worked on.

import { loadPyodide } from "./pyodide/pyodide.mjs";

const waiting = [];
let wake = null;
let answers = null;
let files = null;
let worked = false; // since the page was last told
const early = new Map(); // what was fetched before it was asked for

onmessage = ({ data }) => {
  waiting.push(data);
  wake?.();
};

begin().catch((error) => postMessage({ fault: String(error) }));

async function begin() {
  await start();
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

// Python with everything in it; what was fetched for it is let go of.
async function start() {
  const first = location.hash.slice(1);
  if (first.startsWith("packs/")) early.set(first, unpacked(first).catch(() => null));
  const [python, archive] = await Promise.all([
    loadPyodide({ indexURL: new URL("pyodide/", location.href).href, packages: [] }),
    plain("python.tar.gz"),
  ]);
  unpack(archive, python.FS, "/page");
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
      const file = `packs/${answer.need.file}`;
      const wrong = answers.add_pack(answer.need.source, (await early.get(file)) ?? (await unpacked(file)));
      early.clear();
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
  const found = await plain(address).catch((error) => {
    if (error.status) throw error;
    return new Uint8Array();
  });
  return new TextDecoder().decode(found);
}

// A file's bytes, unpacked where the host has not done so by itself.
async function plain(address) {
  const response = await fetch(address);
  if (!response.ok) throw Object.assign(new Error(`${address}: ${response.status}`), { status: response.status });
  const packed = new Uint8Array(await response.arrayBuffer());
  if (packed[0] !== 0x1f) return packed;
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// A tar archive's files, written below `folder`: a header of 512 bytes each, then the content in blocks of as many.
function unpack(archive, files, folder) {
  const text = (start, length) => new TextDecoder().decode(archive.subarray(start, start + length)).replace(/\0.*/s, "");
  const folders = new Set();
  for (let at = 0; archive[at];) {
    const [name, prefix, size] = [text(at, 100), text(at + 345, 155), parseInt(text(at + 124, 12), 8)];
    const path = [folder, prefix, name].filter(Boolean).join("/");
    const above = path.slice(0, path.lastIndexOf("/"));
    if (!folders.has(above)) files.mkdirTree(above);
    folders.add(above);
    files.writeFile(path, archive.slice(at + 512, at + 512 + size), { canOwn: true });
    at += 512 + 512 * Math.ceil(size / 512);
  }
}
