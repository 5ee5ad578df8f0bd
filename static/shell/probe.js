// A probe in the reader's browser: the pretrained body gives features once, and a new head is trained on them.
//
// It is a worker, so that the page goes on. Nothing leaves it: pictures come as pixels, figures go back.

import * as ort from "./onnx/ort.wasm.min.mjs";

const BATCH = 30;
const USUAL = { seed: 0, steps: 60, batch: 32, rate: 1e-2 }; // as the server's probe trains a head alone
const DECAY = 0.01;

let body = null;
let about = null;
const kept = new Map(); // features by what the pictures are called
let last = null; // the head that was trained last, and its data

onmessage = async ({ data }) => {
  try {
    postMessage({ result: await (data.picture ? named(data.picture) : probe(data)) });
  } catch (error) {
    postMessage({ fault: String(error?.message ?? error) });
  }
};

async function load() {
  about ??= await (await fetch("probe/about.json")).json();
  if (body) return;
  ort.env.wasm.numThreads = crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency || 1) : 1;
  ort.env.wasm.wasmPaths = new URL("onnx/", location.href).href;
  ort.env.logLevel = "error";
  body = await ort.InferenceSession.create("probe/body.onnx", { executionProviders: ["wasm"] });
}

// `own` are a person's own pictures: { pixels (uint8, three planes of size² each), classes, targets, train, test };
// else so many drawn ones are learnt from, and tried on.
async function probe(question) {
  const { own } = question;
  postMessage({ phase: "model" });
  await load();
  const begun = performance.now();
  const { train = about.train, test = about.test } = question;
  const key = question.key ?? `shapes ${train} ${test}`;
  if (!kept.has(key)) kept.set(key, await features(own ?? (await shapes(train, test))));
  const seconds = (performance.now() - begun) / 1000;
  const data = kept.get(key);
  const at = performance.now();
  const how = { ...USUAL, ...question };
  const before = right(head(data, { ...how, steps: 0 }), data, data.test);
  const trained = head(data, how);
  const after = right(trained, data, data.test);
  last = { weights: trained, classes: data.classes };
  return {
    scores: after.map(Number).join(""), given: data.test.map((row) => highest(trained, data.features, row, data.classes.length)),
    before: count(before), after: count(after), samples: data.test.length, training: count(right(trained, data, data.train)),
    trainSize: data.train.length, better: after.filter((ok, i) => ok && !before[i]).length,
    worse: before.filter((ok, i) => ok && !after[i]).length, classes: data.classes.length,
    features: seconds, head: (performance.now() - at) / 1000, threads: ort.env.wasm.numThreads, trainable: (about.features + 1) * data.classes.length,
  };
}

const count = (found) => found.filter(Boolean).length;

// What the head that was trained last says of one picture: the class, and how sure it is.
async function named(pixels) {
  const found = await features({ pixels, targets: [0] });
  const chances = softmax(scores(last.weights, found.features, 0, about.features, last.classes.length));
  const share = Math.max(...chances);
  return { name: last.classes[chances.indexOf(share)], share };
}

async function shapes(train, test) {
  const { side, size, across, classes } = about;
  const sheet = await createImageBitmap(await (await fetch(`probe/pictures-${train + test}.jpg`)).blob());
  const canvas = new OffscreenCanvas(sheet.width, sheet.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(sheet, 0, 0);
  const total = train + test;
  const pixels = new Uint8Array(total * 3 * size * size);
  for (let i = 0; i < total; i++) {
    const { data } = context.getImageData((i % across) * side, Math.floor(i / across) * side, side, side);
    enlarge(data, side, size, pixels, i * 3 * size * size);
  }
  const all = [...Array(total).keys()];
  return { pixels, classes, targets: all.map((i) => i % classes.length), train: all.slice(0, train), test: all.slice(train) };
}

// A square of RGBA to three planes of another size, as torch's bilinear interpolation does it.
function enlarge(from, side, size, to, start) {
  const scale = side / size;
  const places = Array.from({ length: size }, (_, i) => {
    const at = Math.max(0, (i + 0.5) * scale - 0.5);
    const low = Math.min(Math.floor(at), side - 1);
    return [low, Math.min(low + 1, side - 1), at - low];
  });
  for (let y = 0; y < size; y++) {
    const [top, bottom, fy] = places[y];
    for (let x = 0; x < size; x++) {
      const [left, right, fx] = places[x];
      for (let c = 0; c < 3; c++) {
        const value = (row, column) => from[4 * (row * side + column) + c];
        const above = value(top, left) * (1 - fx) + value(top, right) * fx;
        const below = value(bottom, left) * (1 - fx) + value(bottom, right) * fx;
        to[start + c * size * size + y * size + x] = Math.round(above * (1 - fy) + below * fy);
      }
    }
  }
}

async function features(data) {
  const plane = 3 * about.size * about.size;
  const total = data.targets.length;
  const found = new Float32Array(total * about.features);
  for (let start = 0; start < total; start += BATCH) {
    const end = Math.min(total, start + BATCH);
    const pictures = new ort.Tensor("uint8", data.pixels.subarray(start * plane, end * plane), [end - start, 3, about.size, about.size]);
    const { features: given } = await body.run({ pictures });
    found.set(given.data, start * about.features);
    postMessage({ phase: "capture", share: end / total });
  }
  return { ...data, pixels: null, features: found };
}

// A linear head on the features, `steps` steps of AdamW from small random weights.
function head({ features: rows, targets, train, classes }, { seed, steps, batch: most, rate }) {
  const width = about.features, outputs = classes.length;
  const next = random(seed + 1);
  const bound = 1 / Math.sqrt(width);
  const size = outputs * (width + 1);
  const weights = Float32Array.from({ length: size }, () => (2 * next() - 1) * bound);
  const [first, second, gradient] = [new Float32Array(size), new Float32Array(size), new Float32Array(size)];
  let order = [], at = 0;
  for (let step = 1; step <= steps; step++) {
    gradient.fill(0);
    const batch = [];
    while (batch.length < Math.min(most, train.length)) {
      if (at >= order.length) [order, at] = [shuffled(train, next), 0];
      batch.push(order[at++]);
    }
    for (const row of batch) {
      const chances = softmax(scores(weights, rows, row, width, outputs));
      for (let o = 0; o < outputs; o++) {
        const error = (chances[o] - (targets[row] === o ? 1 : 0)) / batch.length;
        const base = o * (width + 1);
        for (let i = 0; i < width; i++) gradient[base + i] += error * rows[row * width + i];
        gradient[base + width] += error;
      }
    }
    for (let i = 0; i < size; i++) {
      first[i] = 0.9 * first[i] + 0.1 * gradient[i];
      second[i] = 0.999 * second[i] + 0.001 * gradient[i] * gradient[i];
      const [one, two] = [first[i] / (1 - 0.9 ** step), second[i] / (1 - 0.999 ** step)];
      weights[i] -= rate * (one / (Math.sqrt(two) + 1e-8) + DECAY * weights[i]);
    }
  }
  return weights;
}

function scores(weights, rows, row, width, outputs) {
  return Array.from({ length: outputs }, (_, o) => {
    const base = o * (width + 1);
    let sum = weights[base + width];
    for (let i = 0; i < width; i++) sum += weights[base + i] * rows[row * width + i];
    return sum;
  });
}

function softmax(values) {
  const most = Math.max(...values);
  const powers = values.map((value) => Math.exp(value - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

function right(weights, { features: rows, targets, classes }, samples) {
  return samples.map((row) => highest(weights, rows, row, classes.length) === targets[row]);
}

function highest(weights, rows, row, outputs) {
  const given = scores(weights, rows, row, about.features, outputs);
  return given.indexOf(Math.max(...given));
}

function shuffled(items, next) {
  const found = [...items];
  for (let i = found.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [found[i], found[j]] = [found[j], found[i]];
  }
  return found;
}

function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
