// The page: mounts the components that the server's page has, asks the worker, and keeps the link.

import { Asker } from "./ask.js";
import { Blocks, field } from "./blocks.js";
import { about, button, closesItself, make, sentence } from "./dom.js";
import { Foresight } from "./foresight.js";
import { savedSelections } from "./saved.js";
import { OLD, drawTools, drawViews, keepOffline, languageOf, tellOld, themeKept, withLang } from "./shell.js";

const PANES = ["probe", "search", "findings", "code", "import", "fit", "versus", "timeline"];
const NOTHING = "The page could not be shown. Load it again.";
const TYPED = /^(delete|insert(?!Replacement))/; // what is none of these was taken from the list below the field
const LARGEST_FILE = 20 * 2 ** 20;

const address = new URLSearchParams(location.search);
const state = {
  query: location.search.slice(1),
  lang: languageOf(address),
  theme: themeKept(),
  pane: PANES.includes(location.hash.slice(1)) ? location.hash.slice(1) : "findings",
  choices: {},
  past: [],
  turn: 0, // of the last change: an answer to an earlier one is dropped
  sequence: 0, // of the tree's last ticks
  shown: null, // the screen that is mounted
  showing: null, // resolved when all of it is
  python: false,
  note: null, // what was said of what a person did last, until they do something else
};
const embedded = address.has("embed") ? "embed=1&" : "";
if (embedded) document.documentElement.dataset.embed = "";

const asker = new Asker((what) => (what === "known" ? refer() : foresight.goOn()));
const foresight = new Foresight((ticks) => ask({ do: "tick", ...ticks }), () => state.python && asker.isFree());
const $ = (id) => document.getElementById(id);
const main = $("main");
let parts = null; // elements of the screen
let blocks = null;

function ask(question, more) {
  const place = location.href.split(/[?#]/)[0].replace(/\/(index\.html)?$/, "");
  return asker.ask({ query: state.query, lang: state.lang, theme: state.theme, sequence: state.sequence, address: place, ...question }, more);
}

// ---- components, in shadow roots of their own, as Streamlit mounts them

const mounts = new Map();
const modules = {};

async function load(name) {
  modules[name] ??= Promise.all([
    import(`./${name}.js`),
    fetch(`${name}.css`).then((response) => response.text()).then((text) => {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(text);
      return sheet;
    }),
  ]);
  return modules[name];
}

async function mount(name, host, data, more = {}) {
  const [{ default: component }, sheet] = await load(name);
  if (!host.shadowRoot) host.attachShadow({ mode: "open" }).adoptedStyleSheets = [sheet];
  const before = mounts.get(host);
  if (before && JSON.stringify(before.data) === JSON.stringify(data)) return;
  const call = { data, parentElement: host.shadowRoot, setStateValue() {}, setTriggerValue() {}, ...more };
  mounts.set(host, { data, end: component(call) });
  before?.end();
}

function channelOf(name) {
  const channels = (globalThis.channels ??= new Map());
  if (!channels.has(name)) channels.set(name, { parts: {}, receive: null });
  return channels.get(name);
}

function deliver(part) {
  const channel = channelOf(part.channel);
  channel.parts[part.part] = part;
  channel.receive?.(part);
}

// ---- the screen

function frame(screen) {
  const { words } = screen;
  document.documentElement.lang = screen.lang;
  document.documentElement.dataset.theme = state.theme;
  document.title = "Freeze Explorer";
  blocks = new Blocks(words, act, choose, ask);
  drawViews(words, "explore");
  drawTools(words, state, (lang) => go(withLang(state.query, lang), { lang }), () => open({ same: true }));
  parts = {
    top: make("section", { class: "top", "aria-label": words["top.model"] }),
    first: firstRow(screen),
    told: make("div"),
    inside: make("div"),
    presets: make("div", { class: "presets" }),
    tree: make("div", { class: "tree-room" }),
    editor: make("div", { class: "editor-room" }),
    rules: make("div"),
    saved: savedSelections(words, ticked, take, (source) => screen.models.find(([one]) => one === source)?.[1] ?? source),
    charts: make("div", { class: "charts-room" }),
    starting: make("p", { class: "starting", role: "status" }, make("i"), words["site.loading"]),
    tabs: make("div", { class: "tabs", role: "radiogroup", "aria-label": words["pane.label"] }),
    pane: make("section", { class: "pane", "aria-label": words["pane.label"] }),
    foot: make("footer", { class: "foot" }),
  };
  const two = make("div", { class: "two" },
    make("div", { class: "left" }, parts.inside, parts.presets, parts.tree, parts.editor, parts.rules, parts.saved),
    make("div", { class: "right" }, parts.charts, parts.starting, parts.tabs, parts.pane));
  parts.two = two;
  main.replaceChildren(make("h1", { class: "away" }, "Freeze Explorer"), parts.top, parts.first, parts.told, two, parts.foot);
  parts.starting.hidden = state.python;
  drawTabs(words);
  drawFoot(words);
}

function drawTop(screen) {
  const { words } = screen;
  const chosen = new URLSearchParams(screen.query).get("model");
  const groups = new Map();
  for (const [source, name, group] of screen.models) {
    if (!groups.has(group)) groups.set(group, []);
    groups.get(group).push(make("option", { value: source, selected: source === chosen }, name));
  }
  const known = screen.models.some(([source]) => source === chosen);
  const own = known ? [] : [make("option", { value: chosen, selected: true }, screen.own ?? chosen)];
  const select = make("select", { id: "field-model", onchange: () => change({ model: select.value }) }, ...own,
    ...[...groups].map(([group, options]) => make("optgroup", { label: group }, ...options)));
  const model = make("label", { class: "field", for: "field-model" }, make("span", {}, words["top.model"], about(words["site.model_list"].replace("{count}", screen.models.length), words["site.help"])), select);
  const set = (name, value) => change({ [name]: value });
  const fields = screen.settings.map((one) => {
    if (one.kind !== "more") return field(one, set, words["site.help"]);
    const inner = make("div", {}, ...one.settings.map((each) => field(each, set, words["site.help"])));
    return closesItself(make("details", { class: "more" }, make("summary", { class: "button" }, one.label), inner));
  });
  parts.top.replaceChildren(model, ...fields);
}

// The row above the tree. It is made once, so that what somebody types while an answer comes is not drawn away.
function firstRow({ words, models }) {
  const tour = closesItself(make("details", { class: "tour" }, sentence(words["tour.line"], "summary"), make("div", {},
    make("ol", {}, ...words["tour.steps"].split("\n").map((line) => sentence(line, "li"))),
    make("h2", {}, words["tour.terms"]),
    make("ul", {}, ...words.glossary.split("\n").map((line) => sentence(line, "li"))))));
  const begin = models.filter(([source]) => ["timm:tf_efficientnet_lite0", "timm:resnet18", "config:bert"].includes(source))
    .map(([source, name]) => button(name, () => change({ model: source }), { quiet: true, "data-begin": source }));
  const input = make("input", { type: "file", accept: ".json", class: "away", "aria-label": words["upload.label"], tabindex: "-1", onchange: () => input.files[0] && dropped(input.files[0]) });
  const own = button(words["upload.label"], () => input.click(), { quiet: true, title: words["site.drop"] });
  const text = make("input", { id: "field-find", type: "text", list: "found-models", autocomplete: "off", oninput: ({ inputType }) => !TYPED.test(inputType) && models.some(([one]) => one === text.value) && find(text.value), "aria-label": words["site.find"], placeholder: words["site.find"], title: words["top.model_help"], maxlength: "2000" });
  const finding = make("form", { class: "find", onsubmit: (event) => (event.preventDefault(), find(text.value)) },
    text, make("datalist", { id: "found-models" }, ...models.map(([source, name]) => make("option", { value: source }, name))),
    make("button", { type: "submit", class: "button quiet" }, words["site.find_open"]));
  return make("div", { class: "first" }, tour, make("span", { class: "caption" }, words["top.begin"]), ...begin, own, input, finding);
}

function drawFirst(screen) {
  const chosen = new URLSearchParams(screen.query).get("model");
  for (const one of parts.first.querySelectorAll("[data-begin]")) one.disabled = one.dataset.begin === chosen;
}

// What is ticked now, as it is kept by name.
function ticked() {
  const link = new URLSearchParams(state.query);
  return { model: link.get("model"), task: link.get("task"), labels: Number(link.get("labels")) || null, rules: link.get("rules") ?? (parts.editor.shadowRoot?.querySelector("textarea")?.value ?? "").trim().replaceAll("\n", "; ") };
}

async function take({ model, task, labels, rules }) {
  if (model === ticked().model) await write(rules);
  else await change({ model, task: task ?? null, labels: labels ?? null, rules });
}

async function find(text) {
  if (!text.trim()) return;
  try {
    const found = await ask({ do: "find", text }); // waits for Python where that is still coming
    const field = $("field-find");
    if (!found.problem && field.value === text) field.value = ""; // unless more was typed meanwhile
    await arrive(found);
  } catch (error) {
    failed(error);
  }
}

// Open what was found, and say what is to be said of it, which stays until something else is chosen: prices that come
// later draw anew what is told.
async function arrive({ query, ...note }) {
  if (!note.problem && query !== state.query) return go(query, { push: true, note });
  state.note = note;
  drawTold({});
}

function drawTold(said) {
  const made = [];
  const told = { ignored: state.shown?.ignored, ...state.note, ...Object.fromEntries(Object.entries(said ?? {}).filter(([, value]) => value)) };
  if (told?.note) made.push(make("div", { class: "told note" }, told.note));
  if (told?.ignored) made.push(make("div", { class: "told note" }, told.ignored));
  if (told?.problem) made.push(blocks.error(told.problem.problem !== undefined ? told.problem : { problem: told.problem, hint: told.hint }));
  if (told?.command) made.push(make("p", { class: "caption" }, state.shown?.words["site.on_your_machine"] ?? ""), blocks.code({ code: told.command, language: "bash" }));
  if (told?.instead?.length) {
    const { words } = state.shown;
    made.push(make("div", { class: "first" }, make("span", { class: "caption" }, told.like ?? words["site.instead"]), ...told.instead.map(([source, name]) => button(name, () => change({ model: source }), { quiet: true }))));
  }
  parts.told.replaceChildren(...made);
}

function drawPresets({ label, shown, all, first }) {
  const row = all.map(([key, text]) => button(text, () => preset({ key }), { class: "pill", "aria-pressed": String(key === shown) }));
  const blocksRow = first && make("div", { class: "blocks" });
  if (first) {
    const number = make("input", { type: "number", min: "1", max: String(first.most), step: "1", placeholder: "–", "aria-label": first.name, value: String(first.value ?? "") });
    number.addEventListener("change", () => number.value && preset({ first: Math.min(first.most, Math.max(1, Math.round(Number(number.value)))) }));
    blocksRow.append(sentence(first.label, "span"), number, sentence(first.of, "span"), about(first.help, state.shown.words["site.help"]));
  }
  parts.presets.setAttribute("role", "group");
  parts.presets.setAttribute("aria-label", label);
  parts.presets.replaceChildren(...[blocksRow, ...row].filter(Boolean));
}

function drawRules({ hits, draft }) {
  state.draft = draft ?? null;
  const { words } = state.shown;
  const undo = button(words["rules.undo"], back, { quiet: true, title: words["rules.undo_help"], disabled: !state.past.length && !draft });
  const line = make("div", { class: "below-rules" }, make("span", {}, draft ? draft.stays : hits), undo);
  const fault = draft && make("div", { class: "told error", role: "alert" }, make("p", {}, draft.problem), draft.hint && make("p", {}, draft.hint));
  const offers = Object.entries(draft?.offers ?? {}).map(([name, text]) => button(name, () => write(text), { class: "pill" }));
  const mend = offers.length ? make("div", { class: "below-rules" }, make("span", {}, draft.instead), ...offers) : null;
  parts.rules.replaceChildren(...[fault, mend, line].filter(Boolean));
  if (draft) deliver(draft.part);
}

function drawTabs(words) {
  const tabs = PANES.map((name) => make("button", { type: "button", class: "button pill", role: "radio", "data-pane": name, "aria-checked": String(name === state.pane), tabindex: name === state.pane ? "0" : "-1", onclick: () => turnTo(name) }, words[`pane.${name}`]));
  parts.tabs.replaceChildren(...tabs);
  parts.tabs.onkeydown = ({ key }) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[key];
    if (!step) return;
    const next = PANES[(PANES.indexOf(state.pane) + step + PANES.length) % PANES.length];
    turnTo(next);
    parts.tabs.querySelector(`[data-pane=${next}]`).focus();
  };
}

function drawFoot(words) {
  parts.offline ??= make("span");
  parts.packed ??= make("span");
  parts.foot.replaceChildren(make("span", {}, words["site.local"]), parts.packed, parts.offline);
}

async function show(screen) {
  const first = !state.shown || state.shown.lang !== screen.lang;
  state.shown = screen;
  if (screen.tree && screen.query !== state.query) {
    state.query = screen.query;
    history.replaceState({}, "", `?${embedded}${screen.query}${location.hash}`);
  }
  if (first) frame(screen);
  drawTop(screen);
  drawFirst(screen);
  parts.packed.textContent = screen.packed ?? "";
  parts.two.hidden = !screen.tree;
  drawTold({ ...screen, problem: screen.problem ?? screen.fault, command: screen.command });
  if (!screen.tree) return;
  const trigger = { setTriggerValue: (name) => name === "way" && turnTo("fit") };
  const typed = { setStateValue: (name, value) => name === "typed" && write(value.text) };
  await Promise.all([
    mount("tree", parts.tree, screen.tree),
    mount("charts", parts.charts, screen.charts, trigger),
    mount("rules_editor", parts.editor, screen.editor, typed),
  ]);
  deliver(screen.annotations);
  selected(screen);
  const channel = channelOf("layers");
  channel.question = quick;
  channel.foresee = (ticks) => foresight.foresee(ticks);
  channel.send = settled;
}

// What follows the ticks, from whichever answer brought it.
function selected(answer) {
  const draft = answer.draft ?? state.draft; // stays until rules, ticks or another choice take its place
  answer.parts.filter((part) => !(draft && part.part === "text")).forEach(deliver);
  parts.inside.replaceChildren(...[answer.inside && blocks.line(answer.inside)].filter(Boolean));
  drawPresets(answer.presets);
  drawRules({ ...answer, draft });
}

// ---- what a person does

// Ticks: numbers and charts at once; what else follows them when they have been painted.
async function quick(ticks) {
  state.turn += 1;
  state.sequence = ticks.sequence;
  state.draft = null;
  try {
    const answer = (await foresight.taken(ticks)) ?? (await ask({ do: "tick", ...ticks }));
    if (answer.query && ticks.sequence === state.sequence) state.ticked = { sequence: ticks.sequence, query: answer.query };
    return answer.parts;
  } catch (error) {
    failed(error);
    return [];
  }
}

async function settled(ticks) {
  state.note = null;
  if (state.ticked?.sequence !== ticks.sequence || ticks.sequence !== state.sequence) return;
  remember(state.ticked.query);
  await follow();
}

async function follow() {
  const turn = state.turn;
  try {
    const answer = await ask({ do: "rest" });
    if (turn !== state.turn) return;
    selected(answer);
    drawTold({ problem: answer.fault, command: answer.command });
  } catch (error) {
    failed(error);
  }
  if (turn === state.turn) await drawPane({ keep: true });
}

function remember(query, { push = false } = {}) {
  if (query === state.query) return;
  if (!push) state.past.push(state.query);
  else state.past = [];
  state.query = query;
  const where = `?${embedded}${query}${location.hash}`;
  history[push ? "pushState" : "replaceState"]({}, "", where);
}

async function change(set) {
  state.note = null;
  try {
    const { query } = await ask({ do: "change", set });
    go(query, { push: "model" in set });
  } catch (error) {
    failed(error);
  }
}

async function go(query, { push = false, lang, note = null } = {}) {
  if (lang) state.lang = lang;
  Object.assign(state, { draft: null, note });
  remember(query, { push });
  await open();
}

async function preset(which) {
  state.note = null;
  try {
    await go((await ask({ do: "preset", ...which })).query);
  } catch (error) {
    failed(error);
  }
}

async function write(text) {
  const turn = ++state.turn;
  state.note = null;
  try {
    const answer = await ask({ do: "typed", text });
    if (turn !== state.turn) return;
    if (answer.query) await go(answer.query);
    else drawRules({ hits: "", draft: answer.draft });
  } catch (error) {
    failed(error);
  }
}

async function back() {
  Object.assign(state, { draft: null, note: null });
  if (state.past.length) {
    state.query = state.past.pop();
    history.replaceState({}, "", `?${embedded}${state.query}${location.hash}`);
  }
  await open();
}

async function act(kind, value, name) {
  if (name) state.choices[name] = value;
  state.note = null;
  try {
    const answer = await ask({ do: "act", kind, value, choices: state.choices });
    if (answer.problem) return refused(answer.problem);
    if (answer.query !== state.query) await go(answer.query);
    else await drawPane();
  } catch (error) {
    failed(error);
  }
}

function choose(name, value, quiet = false) {
  state.choices[name] = name === "calibrations" ? { ...state.choices[name], ...value } : value;
  if (!quiet) drawPane();
}

function turnTo(name) {
  state.pane = name;
  history.replaceState({}, "", `${location.search}#${name}`);
  drawTabs(state.shown.words);
  drawPane();
}

async function drawPane({ keep = false } = {}) {
  if (!state.python || !state.shown?.tree) return;
  const [turn, pane] = [state.turn, state.pane];
  parts.pane.classList.add("waiting");
  try {
    const answer = await ask({ do: "pane", pane, choices: state.choices });
    if (turn !== state.turn || pane !== state.pane) return;
    blocks.draw(answer.blocks, parts.pane, keep);
  } catch (error) {
    if (error.late) {
      state.choices = { ...state.choices, text: "" };
      const text = state.shown.words["site.stopped"].replace("{seconds}", Math.round(error.late / 1000));
      parts.pane.replaceChildren(blocks.error({ problem: text, hint: "" }));
    } else failed(error);
  } finally {
    parts.pane.classList.remove("waiting");
  }
}

async function dropped(file) {
  const { words } = state.shown;
  if (file.size > LARGEST_FILE) {
    const text = words["site.too_large"].replace("{name}", file.name).replace("{most}", LARGEST_FILE / 2 ** 20);
    return refused({ problem: text, hint: "" });
  }
  try {
    await arrive(await ask({ do: "drop", name: file.name }, { file: await file.arrayBuffer() }));
  } catch (error) {
    failed(error);
  }
}

// ---- opening, and what goes wrong

async function open({ same = false } = {}) {
  const turn = ++state.turn;
  foresight.forget();
  try {
    const screen = await ask({ do: "open" });
    if (turn !== state.turn) return;
    if (same) {
      state.shown = null;
      mounts.clear();
      globalThis.channels?.clear();
    }
    if (state.shown?.model !== screen.model) state.sequence = 0;
    await (state.showing = show(screen));
    await drawPane();
  } catch (error) {
    failed(error);
  }
}

// Prices and the depth curve have come.
async function refer() {
  if (!state.shown?.tree || !state.python) return;
  const turn = state.turn;
  foresight.forget();
  await state.showing; // what it still has to deliver is older
  const answer = await ask({ do: "refer" }).catch(() => null);
  if (!answer || turn !== state.turn) return;
  deliver(answer.annotations);
  await mount("charts", parts.charts, answer.charts, { setTriggerValue: (name) => name === "way" && turnTo("fit") });
  await follow();
}

function failed(error) {
  const words = state.shown?.words;
  console.warn(error);
  if (!parts) return main.replaceChildren(new Blocks({}).error({ problem: error.problem || NOTHING, hint: error.hint ?? "" }));
  refused(error.problem ? error : { problem: words["site.broken"], hint: error.hint ?? "" });
}

// Say what could not be done; it stays while what was asked for before is still being answered.
function refused(problem) {
  state.note = { problem };
  drawTold({});
}

// A page as it was drawn when the site was built, while Python starts; for a link that says nothing but its model.
async function drawn() {
  const asked = new URLSearchParams(state.query);
  const model = asked.get("model") ?? "timm:tf_efficientnet_lite0";
  if ([...asked.keys()].some((name) => !["model", "lang", "embed"].includes(name))) return false;
  const name = model.replace(":", ".").replaceAll("/", "+").toLowerCase();
  if (!document.querySelector("meta[name=screens]").content.split(" ").includes(name)) return false;
  const response = await fetch(`screens/${encodeURIComponent(name)}.${state.lang}.json`).catch(() => null);
  if (!response?.ok) return false;
  const screen = await response.json();
  asker.start(`packs/${name}.json.gz`).catch(() => {}); // told below, where it is waited for
  if (state.theme === "dark") Object.assign(screen.charts.colours, screen.dark);
  await show(screen);
  return true;
}

async function begin() {
  document.documentElement.dataset.theme = state.theme;
  if (OLD) return tellOld(main);
  const painted = await drawn();
  if (!painted) main.replaceChildren(make("p", { class: "starting", role: "status" }, make("i"), "…"));
  try {
    await asker.start();
  } catch (error) {
    console.warn(error);
    const text = state.shown?.words["site.failed"] ?? "The part of the page that computes could not be loaded. Load the page again.";
    const told = make("div", { class: "told error", role: "alert" }, make("p", {}, text));
    if (parts) parts.starting.replaceChildren(told);
    else main.replaceChildren(told);
    return;
  }
  state.python = true;
  if (parts) parts.starting.hidden = true;
  if (painted) await drawPane(); // what is on the screen already is not worked out again
  else await open();
  keepOffline(() => parts?.offline && (parts.offline.textContent = state.shown.words["site.offline"]));
}

addEventListener("popstate", () => {
  state.query = location.search.slice(1);
  state.note = null;
  open();
});
addEventListener("dragover", (event) => {
  if (![...(event.dataTransfer?.types ?? [])].includes("Files")) return;
  event.preventDefault();
  document.documentElement.classList.add("dropping");
});
addEventListener("dragleave", (event) => event.relatedTarget || document.documentElement.classList.remove("dropping"));
addEventListener("drop", (event) => {
  event.preventDefault();
  document.documentElement.classList.remove("dropping");
  const [file] = event.dataTransfer.files;
  if (file && state.python) dropped(file);
});
begin();
