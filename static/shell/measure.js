// Measuring in this browser: the worker that does it, and a person's own pictures as it takes them.

export const FEWEST = 4, MOST_CLASSES = 10, MOST_PICTURES = 600;
const SIDE = 96, HELD_OUT = 4; // pixels of a side; every fourth picture of a class is held out

let prober = null;
let refuse = null; // ends the question that is open
let sets = 0;

// The answer to a question of `probe.js`; `told` hears how far it is.
export function probed(asked, told = () => {}) {
  prober ??= new Worker("probe.js", { type: "module" });
  return new Promise((resolve, reject) => {
    refuse = reject;
    prober.onerror = (event) => {
      prober = null;
      reject(new Error(event.message || "worker"));
    };
    prober.onmessage = ({ data }) => {
      if (data.result) resolve(data.result);
      else if (data.fault) reject(new Error(data.fault));
      else told(data);
    };
    prober.postMessage(asked);
  });
}

// End what goes on: its question is refused with `stopped`.
export function stop() {
  prober?.terminate();
  prober = null;
  refuse?.(Object.assign(new Error("stopped"), { stopped: true }));
}

// Classes of pictures ({ name, pictures }) as the probe's question.
export function question(classes) {
  const all = classes.flatMap(({ pictures }, target) => pictures.map((pixels, at) => ({ pixels, target, held: at % HELD_OUT === HELD_OUT - 1 })));
  const pixels = new Uint8Array(all.length * 3 * SIDE * SIDE);
  all.forEach((one, at) => pixels.set(one.pixels, at * one.pixels.length));
  const places = (held) => all.flatMap((one, at) => (one.held === held ? [at] : []));
  const own = { pixels, classes: classes.map(({ name }) => name), targets: all.map(({ target }) => target), train: places(false), test: places(true) };
  return { own, key: `own ${(sets += 1)}` };
}

// The pictures of chosen files by the folder that each lies in, at most so many; and how many files were none.
export async function folders(files) {
  const found = new Map();
  let left = 0;
  const seen = files.filter((file) => !file.name.startsWith("."));
  for (const file of seen.slice(0, MOST_PICTURES)) {
    const name = file.webkitRelativePath.split("/").at(-2) ?? "";
    if (name.startsWith(".")) continue;
    try {
      const pixels = await square(file);
      found.set(name, [...(found.get(name) ?? []), pixels]);
    } catch {
      left += 1; // no picture
    }
  }
  return { classes: [...found].map(([name, pictures]) => ({ name, pictures })), left, most: seen.length > MOST_PICTURES };
}

// The middle square of a picture (a file, or a frame of a camera) as three planes; raises where it is none.
export async function square(source) {
  const image = await createImageBitmap(source);
  const side = Math.min(image.width, image.height);
  const canvas = new OffscreenCanvas(SIDE, SIDE);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(image, (image.width - side) / 2, (image.height - side) / 2, side, side, 0, 0, SIDE, SIDE);
  const { data } = context.getImageData(0, 0, SIDE, SIDE);
  const planes = new Uint8Array(3 * SIDE * SIDE);
  for (let at = 0; at < SIDE * SIDE; at++) for (let c = 0; c < 3; c++) planes[c * SIDE * SIDE + at] = data[4 * at + c];
  return planes;
}

// Such planes as something to look at.
export function thumbnail(planes, alt) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", alt);
  const data = new ImageData(SIDE, SIDE);
  for (let at = 0; at < SIDE * SIDE; at++) {
    for (let c = 0; c < 3; c++) data.data[4 * at + c] = planes[c * SIDE * SIDE + at];
    data.data[4 * at + 3] = 255;
  }
  canvas.getContext("2d").putImageData(data, 0, 0);
  return canvas;
}
