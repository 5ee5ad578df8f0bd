// The lessons: a guess, what the reader's own browser measures, and beside it what was recorded.

import { Asker } from "./ask.js";
import { Blocks } from "./blocks.js";
import { button, copy, make, save, sentence } from "./dom.js";
import { probed, stop } from "./measure.js";
import { ownPage } from "./own.js";
import { OLD, drawTools, drawViews, keep, keepOffline, kept, languageOf, readable, tellOld, themeKept, withLang } from "./shell.js";

const NOTES = "lessons", MARK = "lessons-mark", NAME = "lessons-name", OWN = "own";
const main = document.getElementById("main");
const params = new URLSearchParams(location.search);
const state = { lang: languageOf(params), theme: themeKept(), screen: null, python: false, turn: 0, measuring: null, problem: "", keeps: true };
const notes = readNotes();
const asker = new Asker(() => {});
if (params.has("embed")) document.documentElement.dataset.embed = "";
let figures = new Map(); // drawn figures by what they are drawn from

function readNotes() {
  try {
    const found = JSON.parse(kept(NOTES) ?? "{}");
    return found && typeof found === "object" && !Array.isArray(found) ? found : {};
  } catch {
    return {};
  }
}

// What this reader has answered in the lesson that is open.
function mine() {
  const { lesson } = state.screen;
  if (!notes[lesson] || typeof notes[lesson] !== "object") notes[lesson] = {};
  return notes[lesson];
}

function note(about) {
  Object.assign(mine(), about);
  state.keeps = keep(NOTES, JSON.stringify(notes));
}

function ask(question) {
  return asker.ask({ query: params.toString(), lang: state.lang, theme: state.theme, ...question });
}

function address() {
  history.replaceState({}, "", `?${readable(params)}`);
}

async function open() {
  const turn = ++state.turn;
  try {
    const lesson = params.get("lesson") ?? "enough";
    const screen = await ask({ do: "view", view: "lesson", notes: notes[lesson] ?? null });
    if (turn !== state.turn) return;
    state.screen = screen;
    if (screen.guess?.value) note({ guess: screen.guess.value }); // also one that came with the link
    draw();
  } catch (error) {
    failed(error);
  }
}

function failed(error) {
  console.warn(error);
  const text = state.screen?.words[error.problem === undefined ? "site.failed" : "site.broken"] ?? "The page could not be shown. Load it again.";
  main.querySelector(".told.error[data-fault]")?.remove();
  main.append(make("div", { class: "told error", role: "alert", "data-fault": "" }, make("p", {}, error.problem || text)));
}

// ---- drawing

function draw() {
  const { screen } = state;
  const { words } = screen;
  const focused = document.activeElement?.id;
  document.documentElement.lang = screen.lang;
  document.documentElement.dataset.theme = state.theme;
  document.title = `${words["page.learn"]} · Freeze Explorer`;
  drawViews(words, "learn");
  drawTools(words, state, () => {
    params.set("lang", state.lang);
    address();
    open();
  }, open);
  const head = [make("h1", { class: "title" }, words["learn.title"]), make("p", { class: "caption" }, words["site.lesson_intro"]), pills(screen)];
  if (screen.ignored) head.push(make("div", { class: "told note" }, screen.ignored));
  if (!state.python) head.push(make("p", { class: "starting", role: "status" }, make("i"), words["site.loading"]));
  const room = screen.lesson === OWN ? ownPage(words, new Blocks(words, null, null, ask), ask) : lesson(screen);
  state.offline ??= make("span");
  main.replaceChildren(...head, room, make("footer", { class: "foot" }, make("span", {}, words["site.local"]), state.offline));
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

function pills({ pills: all, lesson: shown, words }) {
  const turn = (key) => {
    state.problem = "";
    params.set("lesson", key);
    params.delete("guess");
    params.delete("runs");
    history.pushState({}, "", `?${readable(params)}`);
    open();
  };
  const row = all.map(([key, title]) => button(title, () => turn(key), { class: "pill", id: `open-${key}`, "aria-pressed": String(key === shown), disabled: Boolean(state.measuring) }));
  return make("div", { class: "tabs lessons", role: "group", "aria-label": words["learn.pick"] }, ...row);
}

function lesson(screen) {
  const { words } = screen;
  const asked = make("section", { class: "left", "aria-label": screen.title }, make("h2", {}, screen.title),
    screen.before && check("before", screen.before, (value) => answer({ before: value })),
    sentence(screen.question),
    choices("guess", make("strong", {}, screen.guess.label), screen.guess, (value) => {
      params.set("guess", value);
      address();
      answer({ guess: value });
    }),
    ...(state.measuring ? measuring(words) : screen.results ? outcome(screen) : begin(screen)));
  const right = make("section", { class: "right", "aria-label": screen.drawn.title }, make("h2", {}, screen.drawn.title),
    html(screen.drawn.html), figure(screen.drawn), samples(screen.samples, words));
  if (params.has("class")) asked.append(handed(words));
  return make("div", { class: "two lesson" }, asked, right);
}

// A choice of one, as radio buttons.
function choices(name, legend, { choices: all, value, fixed }, chosen) {
  const one = ([key, text]) => make("label", { class: "choice" },
    make("input", { type: "radio", name, id: `${name}-${key}`, value: key, checked: key === value, disabled: Boolean(fixed) || Boolean(state.measuring), onchange: () => chosen(key) }), make("span", {}, text));
  return make("fieldset", { class: "choices-of-one" }, make("legend", {}, legend), ...all.map(one));
}

function check(name, asked, chosen) {
  const legend = make("span", {}, make("strong", {}, asked.title), " ", asked.question);
  return make("div", { class: "box" }, choices(name, legend, asked, chosen));
}

function html(text) {
  const made = make("p", { class: "terms caption" });
  made.innerHTML = text; // of Python's own making: every text in it is escaped there
  return made;
}

// A figure that has not changed is not drawn again.
function figure(drawn) {
  const key = JSON.stringify(drawn.figure);
  const made = figures.get(key) ?? new Blocks({}).figure({ ...drawn, alt: drawn.title });
  figures = new Map([[key, made]]);
  return made;
}

function samples({ title, pictures, texts }, words) {
  const items = pictures
    ? pictures.map((name, at) => make("li", {}, make("i", { style: `background-position: ${(100 * at) / (pictures.length - 1)}% 0` }), make("span", {}, name)))
    : texts.map(([text, name]) => make("li", {}, make("blockquote", {}, text), make("span", {}, name)));
  return make("div", {}, make("h2", {}, title), make("ul", { class: `samples ${pictures ? "pictures" : "texts"}` }, ...items));
}

function begin(screen) {
  const { words } = screen;
  const start = screen.runs.length ? [words["learn.measure"], measure] : [words["site.show_recorded"], () => answer({ shown: true })];
  return [make("div", {}, button(start[0], start[1], { main: true, id: "begin", disabled: !screen.guess.value })), make("p", { class: "caption" }, screen.about)];
}

function measuring(words) {
  const { text, share } = state.measuring;
  return [make("div", { class: "measuring", role: "status" }, make("progress", { max: 1, value: share, "aria-label": text }), make("p", { class: "caption" }, text)),
    make("div", {}, button(words["learn.stop"], stop, { id: "stop" }))];
}

function outcome(screen) {
  const { results, words, next } = screen;
  const blocks = new Blocks(words);
  const made = [make("h2", {}, results.title)];
  if (state.problem) made.push(make("div", { class: "told note", role: "alert" }, state.problem));
  made.push(blocks.table(results.table), make("p", { class: "caption" }, results.about));
  if (results.unfinished) made.push(make("div", { class: "told note" }, results.unfinished));
  else {
    const look = { right: "good", noisy: "note", surprise: "" }[results.kind];
    made.push(make("div", { class: `told ${look}`, id: "verdict" }, ...results.verdict.map((text) => sentence(text))));
    for (const [title, text] of [results.showed, results.careful]) made.push(make("div", { class: "box" }, make("strong", {}, title), sentence(text)));
    made.push(check("after", results.after, (value) => answer({ after: value })));
    made.push(...results.answered.map(([right, title, text]) => make("p", { class: right ? "mark good" : "mark" }, make("b", {}, right ? "✓" : "✕"), " ", make("strong", {}, title), " ", text)));
  }
  made.push(make("div", { class: "tabs" }, button(screen.runs.length ? results.again : words["site.guess_again"], again, { id: "again" }), next && button(next[1], () => document.getElementById(`open-${next[0]}`).click(), { main: true, id: "next" })));
  return made;
}

// ---- what a person does

function answer(about) {
  note(about);
  open();
}

function again() {
  const { before, after } = mine();
  notes[state.screen.lesson] = { before, after };
  params.delete("guess");
  address();
  answer({});
}

// Each of the lesson's runs that a browser can measure, one after another.
async function measure() {
  const { runs, words } = state.screen;
  const own = {};
  const progress = (number, share) => {
    const text = words["learn.running"].replace("{number}", number + 1).replace("{count}", runs.length).replace("{name}", runs[number].title);
    const anew = !state.measuring;
    state.measuring = { text, share: (number + share) / runs.length };
    if (anew) return draw();
    main.querySelector(".measuring progress").value = state.measuring.share;
    main.querySelector(".measuring p").textContent = text;
  };
  state.problem = "";
  try {
    for (const [number, run] of runs.entries()) {
      progress(number, 0);
      const found = await probed(run, ({ phase, share }) => progress(number, phase === "capture" ? share : 0));
      own[run.name] = { scores: found.scores, training: found.training / found.trainSize, seconds: found.features + found.head };
    }
    note({ own, shown: true });
  } catch (error) {
    if (!error.stopped) {
      state.problem = words["site.lesson_failed"].replace("{problem}", error.message);
      note({ own: {}, shown: true });
    }
  }
  state.measuring = null;
  await open();
  document.getElementById("verdict")?.scrollIntoView({ block: "nearest" });
}

// ---- a class: what is handed to the teacher

function handed(words) {
  const code = make("code", { class: "handed" });
  const room = make("div", { class: "tabs" });
  const name = make("input", { id: "name", maxlength: "24", autocomplete: "off", value: kept(NAME) ?? state.name ?? "" });
  const made = make("div", { class: "box class" }, make("h2", {}, words["site.class_code"]), make("p", { class: "caption" }, words["site.class_code_about"]),
    make("label", { class: "field", for: "name" }, make("span", {}, words["site.class_name"]), name), code, room);
  const write = async () => {
    state.mark ??= kept(MARK) ?? Array.from(crypto.getRandomValues(new Uint8Array(6)), (byte) => (byte % 36).toString(36)).join("");
    state.name = name.value;
    state.keeps = keep(MARK, state.mark) && keep(NAME, name.value);
    const { codes } = await ask({ do: "codes", notes, mark: state.mark, name: name.value }).catch(() => ({ codes: [] }));
    const text = codes.join("\n");
    code.textContent = text || words["site.class_code_later"];
    const copies = button(words["site.copy"], async () => (copies.textContent = words[(await copy(text)) ? "link.copied" : "link.refused"]), { id: "copy-code" });
    room.replaceChildren(...(text ? [copies, button(words["site.class_save"], () => save(`${text}\n`, `${codes[0].slice(-4)}.txt`, "text/plain"))] : []),
      ...(state.keeps ? [] : [make("p", { class: "caption" }, words["site.class_not_kept"])]));
  };
  name.addEventListener("change", write);
  write();
  return made;
}

// ---- opening

// The lesson as it was drawn when the site was built, while Python starts.
async function drawn() {
  const lesson = params.get("lesson") ?? "enough";
  if (notes[lesson] || params.has("guess") || params.has("class") || lesson === OWN || !/^[a-z]+$/.test(lesson) || state.theme === "dark") return;
  const response = await fetch(`screens/learn.${lesson}.${state.lang}.json`).catch(() => null);
  if (!response?.ok) return;
  state.screen = await response.json();
  draw();
}

async function begun() {
  document.documentElement.dataset.theme = state.theme;
  if (OLD) return tellOld(main);
  main.replaceChildren(make("p", { class: "starting", role: "status" }, make("i"), "…"));
  await drawn();
  try {
    await asker.start();
  } catch (error) {
    return failed(error);
  }
  state.python = true;
  await open();
  keepOffline(() => state.offline && (state.offline.textContent = state.screen.words["site.offline"]));
}

addEventListener("popstate", () => {
  for (const name of [...params.keys()]) params.delete(name);
  for (const [name, value] of new URLSearchParams(location.search)) params.set(name, value);
  open();
});
begun();
