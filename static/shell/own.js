// One's own pictures, from files or the camera, in two to ten classes, and a new head on the pretrained body for them.

import { button, make } from "./dom.js";
import { FEWEST, MOST_CLASSES, MOST_PICTURES, folders, probed, question, square, stop, thumbnail } from "./measure.js";

const SHOWN = 12; // thumbnails of a class
const FEW = 50; // held-out pictures below which an accuracy says little
const HOLD_MS = 220; // between pictures while the button is held
const state = { classes: [], camera: null, busy: null, said: "", blocks: [], measured: null };
let room = null;
let words = {};
let blocks = null;
let ask = null;

// The page; what was gathered stays while the tab is open.
export function ownPage(said, drawer, asker) {
  [words, blocks, ask] = [said, drawer, asker];
  if (!state.classes.length) for (let at = 0; at < 2; at++) add();
  room = make("div", { class: "own" });
  draw();
  return room;
}

const told = (key, values = {}) => Object.entries(values).reduce((text, [name, value]) => text.replace(`{${name}}`, value), words[`site.own_${key}`]);

function add(name = null) {
  const found = { name: name ?? told("class", { number: state.classes.length + 1 }), pictures: [] };
  state.classes.push(found);
  return found;
}

function count() {
  return state.classes.reduce((sum, { pictures }) => sum + pictures.length, 0);
}

// ---- drawing

function draw() {
  const focused = document.activeElement?.id;
  const folder = picker("own-folder", told("folder"), openFolder, { folder: true, title: told("folder_help") });
  const bar = make("div", { class: "tabs" }, button(told("new"), () => (add(), draw()), { disabled: state.classes.length >= MOST_CLASSES, id: "own-new" }), folder);
  const start = state.busy
    ? make("div", { class: "tabs" }, make("progress", { max: 1, value: state.busy.share, "aria-label": words["learn.measure"] }), button(words["learn.stop"], stop, { id: "own-stop" }))
    : make("div", { class: "tabs" }, button(words["learn.measure"], measure, { main: true, id: "own-measure" }));
  room.replaceChildren(make("h2", {}, told("title")), make("p", { class: "caption" }, told("about")),
    make("div", { class: "classes" }, ...state.classes.map(card)), bar, start,
    make("p", { class: "told note", role: "status", hidden: !state.said }, state.said), result());
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

function card(one, at) {
  const name = make("input", { id: `own-name-${at}`, "aria-label": told("name"), value: one.name, maxlength: "40" });
  name.addEventListener("change", () => (one.name = name.value.trim() || one.name, (name.value = one.name)));
  const pictures = one.pictures.slice(-SHOWN).map((planes) => thumbnail(planes, one.name));
  const gone = button("✕", () => (closeCamera(), state.classes.splice(at, 1), draw()), { class: "quiet", title: told("remove", { name: one.name }), "aria-label": told("remove", { name: one.name }), disabled: state.classes.length <= 2 && !one.pictures.length });
  const filming = state.camera?.of === one;
  const camera = filming ? finder(one) : button(told("camera"), () => openCamera(one), { id: `own-camera-${at}` });
  return make("section", { class: "box", "aria-label": one.name }, make("div", { class: "named" }, name, gone),
    make("p", { class: "caption" }, told("count", { count: one.pictures.length })),
    make("div", { class: "thumbs" }, ...pictures),
    make("div", { class: "tabs" }, picker(`own-add-${at}`, told("add"), (files) => openFiles(one, files)), camera));
}

// A button that opens files.
function picker(id, label, opened, { folder, title } = {}) {
  const input = make("input", { type: "file", multiple: true, class: "away", tabindex: "-1", "aria-label": label, accept: folder ? null : "image/*" });
  if (folder) input.webkitdirectory = true;
  input.addEventListener("change", async () => {
    const files = [...input.files];
    input.value = "";
    await opened(files);
  });
  return make("span", {}, button(label, () => input.click(), { id, title: title ?? null }), input);
}

// ---- pictures

async function openFiles(one, files) {
  let left = 0;
  for (const file of files.slice(0, MOST_PICTURES - count())) {
    try {
      one.pictures.push(await square(file));
    } catch {
      left += 1;
    }
  }
  const many = files.length && count() >= MOST_PICTURES ? told("most_pictures", { most: MOST_PICTURES }) : "";
  say(left ? words["site.probe_unreadable"].replace("{count}", left) : "", many);
}

async function openFolder(files) {
  const found = await folders(files);
  state.classes = [];
  for (const { name, pictures } of found.classes.slice(0, MOST_CLASSES)) add(name).pictures = pictures;
  while (state.classes.length < 2) add();
  say(found.left ? words["site.probe_unreadable"].replace("{count}", found.left) : "",
    found.classes.length > MOST_CLASSES ? told("most_classes", { most: MOST_CLASSES }) : "", found.most ? told("most_pictures", { most: MOST_PICTURES }) : "");
}

function say(...sentences) {
  state.said = sentences.filter(Boolean).join(" ");
  draw();
}

async function openCamera(one) {
  closeCamera();
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    const video = make("video", { muted: true, playsInline: true, autoplay: true });
    video.srcObject = stream;
    state.camera = { of: one, video, stream };
    stream.getVideoTracks()[0].addEventListener("ended", () => (closeCamera(), draw()));
    say();
    await video.play();
  } catch (error) {
    closeCamera();
    say(told(["NotAllowedError", "SecurityError"].includes(error.name) ? "refused" : "no_camera"));
  }
}

function closeCamera() {
  state.camera?.stream.getTracks().forEach((track) => track.stop());
  state.camera = null;
}

// The camera's picture with its button: a press takes one, a longer one several.
function finder(one) {
  const { video } = state.camera;
  let timer = null;
  const take = async () => {
    if (count() >= MOST_PICTURES) return say(told("most_pictures", { most: MOST_PICTURES }));
    one.pictures.push(await square(video));
    const card = room.querySelectorAll(".classes > section")[state.classes.indexOf(one)];
    card.querySelector(".caption").textContent = told("count", { count: one.pictures.length });
    card.querySelector(".thumbs").append(thumbnail(one.pictures.at(-1), one.name));
    while (card.querySelectorAll(".thumbs > canvas").length > SHOWN) card.querySelector(".thumbs > canvas").remove();
  };
  const end = () => clearInterval(timer);
  const takes = button(told("take"), (event) => event.detail === 0 && take(), { main: true, id: "own-take" }); // by keyboard
  takes.addEventListener("pointerdown", () => (take(), (timer = setInterval(take, HOLD_MS))));
  for (const name of ["pointerup", "pointerleave", "pointercancel"]) takes.addEventListener(name, end);
  return make("div", { class: "finder" }, video, make("div", { class: "tabs" }, takes, button(told("close"), () => (closeCamera(), draw()), { id: "own-close" })));
}

// ---- measuring

function wrongly() {
  const filled = state.classes.filter(({ pictures }) => pictures.length);
  if (!filled.length) return told("no_class");
  if (filled.length < 2) return told("one_class");
  const few = filled.find(({ pictures }) => pictures.length < FEWEST);
  if (few) return told("too_few", { name: few.name, count: few.pictures.length, least: FEWEST });
  const twice = filled.find(({ name }, at) => filled.some((other, place) => place < at && other.name === name));
  return twice ? told("same_name", { name: twice.name }) : "";
}

async function measure() {
  const wrong = wrongly();
  if (wrong) return say(wrong);
  closeCamera();
  const classes = state.classes.filter(({ pictures }) => pictures.length).map(({ name, pictures }) => ({ name, pictures: [...pictures] }));
  const asked = question(classes);
  state.measured = null;
  state.busy = { share: 0 };
  say(words["site.probe_model"]);
  try {
    const found = await probed(asked, ({ phase, share }) => {
      if (phase !== "capture") return;
      state.busy.share = share;
      room.querySelector("progress").value = share;
      room.querySelector("[role=status]").textContent = words["site.probe_capture"].replace("{share}", `${Math.round(100 * share)} %`);
    });
    const { blocks: made } = await ask({ do: "score", result: found });
    state.measured = { made, found, asked, looks: null };
    state.busy = null;
    say();
  } catch (error) {
    state.busy = null;
    say(error.stopped ? "" : `${words["site.probe_failed"]} (${error.message})`);
  }
}

function result() {
  if (!state.measured) return make("div");
  const { made, found, asked: { own }, looks } = state.measured;
  const size = own.pixels.length / own.targets.length;
  const wrong = found.given.flatMap((said, at) => {
    const row = own.test[at];
    return said === own.targets[row] ? [] : [[own.pixels.subarray(row * size, (row + 1) * size), own.classes[own.targets[row]], own.classes[said]]];
  });
  const item = ([planes, name, other]) => {
    const text = told("taken_for", { name, other });
    return make("li", {}, thumbnail(planes, text), make("span", {}, text));
  };
  const few = own.test.length < FEW ? make("p", { class: "caption" }, told("noisy")) : null;
  return make("section", { class: "pane", "aria-label": words["learn.measured"] }, make("h2", {}, words["learn.measured"]),
    ...made.map((block) => blocks[block.is](block)), few, make("p", { class: "caption" }, told("alike")),
    wrong.length ? make("h3", {}, told("wrong")) : null, wrong.length ? make("ul", { class: "samples pictures" }, ...wrong.slice(0, SHOWN).map(item)) : null,
    make("div", { class: "tabs" }, picker("own-try", told("try"), shown)),
    looks && make("div", { class: "looks" }, thumbnail(looks.planes, looks.text), make("p", { class: "text", role: "status" }, looks.text)));
}

async function shown([file]) {
  if (!file) return;
  try {
    const planes = await square(file);
    const { name, share } = await probed({ picture: planes });
    state.measured.looks = { planes, text: told("looks", { name, share: `${Math.round(100 * share)} %` }) };
    say();
  } catch {
    say(words["site.probe_unreadable"].replace("{count}", 1));
  }
}
