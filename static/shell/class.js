// The teacher's page: the link of a lesson, and what comes back as codes, counted and charted.

import { Asker } from "./ask.js";
import { Blocks } from "./blocks.js";
import { button, copy, make, save } from "./dom.js";
import { OLD, drawTools, drawViews, keep, keepOffline, kept, languageOf, readable, tellOld, themeKept } from "./shell.js";

const CODES = "class-codes", LARGEST = 2 ** 20, LATER_MS = 250;
const main = document.getElementById("main");
const params = new URLSearchParams(location.search);
const state = { lang: languageOf(params), theme: themeKept(), text: kept(CODES) ?? "", turn: 0, screen: null };
const asker = new Asker(() => {});
let parts = null;
let waits = null;

class BoardBlocks extends Blocks {
  titled(block) {
    return make("div", {}, make("h2", {}, block.title), this.figure(block));
  }
}

// The address that a class opens: the lesson's page beside this one.
function link() {
  const lesson = new URLSearchParams({ lesson: state.screen?.lesson ?? params.get("lesson") ?? "enough", class: "1" });
  return `${location.href.split(/[?#]/)[0].replace(/class(\.html)?$/, "")}learn.html?${lesson}`;
}

// Whether the address leads nowhere but to the machine that it is typed on.
function isHereOnly() {
  return /^(localhost|127\.[\d.]+|\[::1\])$/.test(location.hostname);
}

async function open() {
  const turn = ++state.turn;
  try {
    const question = { do: "view", view: "board", query: params.toString(), lang: state.lang, theme: state.theme, text: state.text };
    const screen = await asker.ask(question);
    if (turn !== state.turn) return;
    const anew = !parts || state.screen?.lang !== screen.lang;
    state.screen = screen;
    if (anew) frame();
    await fill();
  } catch (error) {
    failed(error);
  }
}

function failed(error) {
  console.warn(error);
  const text = state.screen?.words["site.broken"] ?? "The page could not be shown. Load it again.";
  main.replaceChildren(make("div", { class: "told error", role: "alert" }, make("p", {}, error.problem || text)));
}

function frame() {
  const { words } = state.screen;
  document.documentElement.lang = state.screen.lang;
  document.title = `${words["page.classroom"]} · Freeze Explorer`;
  const area = make("textarea", { class: "text", id: "codes", spellcheck: "false", placeholder: "fx1-…" });
  area.value = state.text;
  area.addEventListener("input", () => {
    clearTimeout(waits);
    waits = setTimeout(() => given(area.value), LATER_MS);
  });
  const files = make("input", { type: "file", multiple: true, accept: ".txt,.csv,text/*", class: "away", tabindex: "-1", "aria-label": words["site.class_files"] });
  files.addEventListener("change", async () => {
    const texts = await Promise.all([...files.files].filter(({ size }) => size <= LARGEST).map((file) => file.text()));
    files.value = "";
    given((area.value = [area.value, ...texts].filter(Boolean).join("\n")));
  });
  parts = { area, invitation: make("div", { class: "invitation" }), lesson: make("select", { id: "lesson" }), board: make("div", { class: "pane", role: "region", "aria-label": words["class.results"] }), csv: make("span"), offline: make("span") };
  parts.lesson.addEventListener("change", () => {
    params.set("lesson", parts.lesson.value);
    history.replaceState({}, "", `?${readable(params)}`);
    open();
  });
  main.replaceChildren(make("h1", { class: "title" }, words["page.classroom"]), make("p", { class: "caption" }, words["site.class_about"]),
    make("label", { class: "field lesson-field", for: "lesson" }, make("span", {}, words["learn.pick"]), parts.lesson), parts.invitation,
    make("label", { class: "field", for: "codes" }, make("span", {}, words["site.class_codes"]), area),
    make("div", { class: "tabs" }, button(words["site.class_files"], () => files.click(), { id: "open-files" }), files,
      button(words["site.class_clear"], () => given((area.value = "")), { id: "clear" }), parts.csv),
    parts.board, make("footer", { class: "foot" }, make("span", {}, words["site.local"]), parts.offline));
}

function given(text) {
  state.text = text;
  keep(CODES, text);
  open();
}

async function fill() {
  const { words, lesson, lessons, blocks, csv, ignored } = state.screen;
  document.documentElement.dataset.theme = state.theme;
  drawViews(words, "classroom");
  drawTools(words, state, () => {
    params.set("lang", state.lang);
    history.replaceState({}, "", `?${readable(params)}`);
    open();
  }, open);
  parts.lesson.replaceChildren(...lessons.map(([value, text]) => make("option", { value, selected: value === lesson }, text)));
  const { qr } = await asker.ask({ do: "qr", text: link() });
  const copies = button(words["site.copy"], async () => (copies.textContent = words[(await copy(link())) ? "link.copied" : "link.refused"]), { id: "copy-link" });
  parts.invitation.replaceChildren(make("img", { class: "qr", src: qr, alt: words["class.qr"] }),
    make("div", {}, make("p", { class: "text" }, make("strong", {}, words["site.class_link"])), make("p", { class: "text" }, make("a", { href: link(), id: "class-link" }, link())), copies,
      isHereOnly() && make("div", { class: "told note", id: "here-only" }, words["site.class_here_only"])));
  const drawer = new BoardBlocks(words);
  drawer.draw(blocks, parts.board);
  if (ignored) parts.board.prepend(make("div", { class: "told note" }, ignored));
  parts.csv.replaceChildren(...(csv ? [button(words["class.csv"], () => save(csv, "freeze_class.csv", "text/csv"), { id: "csv" })] : []));
}

async function begun() {
  document.documentElement.dataset.theme = state.theme;
  if (OLD) return tellOld(main);
  main.replaceChildren(make("p", { class: "starting", role: "status" }, make("i"), "…"));
  try {
    await asker.start();
  } catch (error) {
    return failed(error);
  }
  await open();
  keepOffline(() => (parts.offline.textContent = state.screen.words["site.offline"]));
}

begun();
