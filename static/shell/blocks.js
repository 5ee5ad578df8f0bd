// Draws the blocks of a pane: what Python said, as elements.

import { about, button, copy, make, save, sentence } from "./dom.js";
import { FEWEST, MOST_CLASSES, folders, probed, question } from "./measure.js";

let plotly = null;

function loadPlotly() {
  plotly ??= new Promise((resolve, reject) => {
    document.head.append(make("script", { src: "plotly.js", onload: () => resolve(globalThis.Plotly), onerror: reject }));
  });
  return plotly;
}

// A field of the first row or of a pane; `changed` is called with its name and value.
export function field(one, changed, help) {
  const id = `field-${one.name}`;
  const label = (control) => make("label", { class: "field", for: id }, make("span", {}, one.label, about(one.help, help)), control);
  if (one.kind === "toggle") {
    const box = make("input", { type: "checkbox", id, checked: Boolean(one.value), disabled: Boolean(one.fixed), onchange: () => changed(one.name, box.checked) });
    return make("label", { class: "field toggle", for: id }, box, make("span", {}, one.label, about(one.help, help)));
  }
  if (one.kind === "choice") {
    const options = one.choices.map(([value, text]) => make("option", { value, selected: value === one.value }, text || value));
    const select = make("select", { id, disabled: Boolean(one.fixed), onchange: () => changed(one.name, select.value, one) }, ...options);
    return label(select);
  }
  if (one.kind === "text") {
    const text = make("input", { type: "text", id, value: one.value, placeholder: one.placeholder, spellcheck: "false", disabled: Boolean(one.fixed), onchange: () => changed(one.name, text.value, one) });
    return label(text);
  }
  const [least, most] = one.limits;
  const input = make("input", { type: "number", id, min: String(least), max: String(most), step: "1", inputmode: "numeric", value: String(one.value ?? ""), placeholder: one.placeholder || "", disabled: Boolean(one.fixed) });
  input.addEventListener("change", () => {
    const value = input.value === "" ? null : Math.round(Math.min(most, Math.max(least, Number(input.value))));
    if (value === null && !one.placeholder) input.value = String(one.value ?? least);
    else changed(one.name, value, one);
  });
  return label(input);
}

export class Blocks {
  // `act(kind, value)` answers a button, `choose(name, value)` keeps a choice and asks again.
  // `ask` asks Python.
  constructor(words, act, choose, ask) {
    Object.assign(this, { words, act, choose, ask });
  }

  // With `keep`, what is in the room stays where the same blocks drew it: a probe that runs there, or what was typed.
  draw(blocks, room, keep = false) {
    const told = JSON.stringify(blocks);
    if (keep && told === this.told && room.firstChild && room.firstChild === this.first) return;
    room.replaceChildren(...blocks.filter(Boolean).map((block) => this[block.is](block)));
    [this.told, this.first] = [told, room.firstChild];
  }

  text({ text }) {
    return sentence(text, "p", { class: "text" });
  }

  plain({ text }) {
    return make("p", { class: "text" }, text);
  }

  caption({ text }) {
    return sentence(text, "p", { class: "caption" });
  }

  good({ text }) {
    return make("div", { class: "told good" }, text);
  }

  error({ problem, hint }) {
    return make("div", { class: "told error", role: "alert" }, make("p", {}, problem), hint ? make("p", {}, hint) : null);
  }

  html({ html }) {
    const made = make("p", { class: "terms" });
    made.innerHTML = html; // of Python's own making: every text in it is escaped there
    return made;
  }

  pressed({ label, help, act, value, main, fixed }) {
    return button(label, () => this.act(act, value), { main, title: help || null, disabled: Boolean(fixed) });
  }

  finding({ severity, title, html, button: mends }) {
    return make("div", { class: `line ${severity}` }, make("strong", {}, title), this.html({ html }), mends ? this.pressed(mends) : null);
  }

  line({ text, button: does }) {
    return make("div", { class: "line" }, sentence(text), this.pressed(does));
  }

  row({ text, of }) {
    return make("div", { class: "line" }, sentence(text), ...of.map((one) => this.pressed(one)));
  }

  table({ head, rows }) {
    const cells = (tag, row) => row.map((cell) => make(tag, tag === "th" ? { scope: "col" } : {}, cell));
    const body = rows.map((row) => make("tr", {}, ...cells("td", row)));
    return make("div", { class: "table", tabindex: "0", role: "region", "aria-label": head.slice(0, 2).join(", ") },
      make("table", {}, make("thead", {}, make("tr", {}, ...cells("th", head))), make("tbody", {}, ...body)));
  }

  code({ code, language, download, content, name, mime }) {
    const bar = make("div", { class: "bar" }, button(this.words["site.copy"], async ({ target }) => {
      target.textContent = this.words[(await copy(content ?? code)) ? "link.copied" : "link.refused"];
    }));
    if (download) bar.append(button(download, () => save(content, name, mime)));
    const pre = make("pre", { tabindex: "0" });
    pre.append(...coloured(code, language));
    return make("div", { class: "code" }, pre, bar);
  }

  download({ label, help, content, name, mime }) {
    return make("div", {}, button(label, () => save(content, name, mime), { title: help, disabled: !content }));
  }

  beside({ of }) {
    return make("div", { class: "beside" }, ...of.map((block) => this[block.is](block)));
  }

  choices({ of }) {
    const chosen = (name, value, one) => (one?.act ? this.act(one.act, value, name) : this.choose(name, value));
    return make("div", { class: "choices" }, ...of.map((one) => field(one, chosen, this.words["site.help"])));
  }

  slider({ name, label, help, limits, step, value, unit, button: does }) {
    const shown = make("output", {}, `${value.toFixed(1)} ${unit}`);
    const input = make("input", { type: "range", min: String(limits[0]), max: String(limits[1]), step: String(step), value: String(value), "aria-label": label });
    input.value = value;
    input.addEventListener("input", () => (shown.textContent = `${Number(input.value).toFixed(1)} ${unit}`));
    input.addEventListener("change", () => this.choose(name, Number(input.value), true));
    return make("div", { class: "slider" }, make("span", {}, label, " ", about(help, this.words["site.help"])), shown, input, this.pressed(does));
  }

  drop({ label, help, accept, into }) {
    const input = make("input", { type: "file", accept, class: "away", tabindex: "-1", "aria-label": label, onchange: async () => {
      const [file] = input.files;
      if (file) this.choose(into, into === "text" ? await file.text() : { [file.name]: await file.text() });
    } });
    return make("div", { class: "drop" }, button(label, () => input.click()), input, help ? make("span", {}, help) : null);
  }

  area({ name, label, placeholder, help, value, button: reads }) {
    const area = make("textarea", { class: "text", placeholder, spellcheck: "false", id: `area-${name}` });
    area.value = value;
    area.addEventListener("keydown", (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && this.choose(name, area.value));
    return make("div", { class: "field" },
      make("span", {}, make("label", { for: `area-${name}` }, label), about(help, this.words["site.help"])), area,
      make("div", {}, button(reads, () => this.choose(name, area.value))));
  }

  details({ title, about: says, code, open }) {
    return make("details", { class: "heap", open: Boolean(open) }, make("summary", {}, title), make("p", { class: "caption" }, says), this.code({ code, language: "" }));
  }

  // A probe in this browser, on the pictures that come with the page or on one's own.
  probe(told) {
    const said = make("p", { class: "caption", role: "status" });
    const room = make("div", { class: "pane", style: "min-height: 0" });
    const input = make("input", { type: "file", multiple: true, class: "away", tabindex: "-1", "aria-label": told.own });
    input.webkitdirectory = true;
    const buttons = [button(told.start, () => run({}), { main: true }), button(told.own, () => input.click(), { title: told.own_about })];
    const fail = (problem) => room.replaceChildren(this.error({ problem, hint: "" }));
    const run = async (asked) => {
      buttons.forEach((one) => (one.disabled = true));
      room.replaceChildren();
      try {
        const result = await probed(asked, ({ phase, share }) => {
          said.textContent = phase === "model" ? told.model : told.capture.replace("{share}", `${Math.round(100 * share)} %`);
        });
        const answer = await this.ask({ do: "score", result });
        room.replaceChildren(...answer.blocks.map((block) => this[block.is](block)));
        said.textContent = asked.left ? told.unreadable.replace("{count}", asked.left) : "";
      } catch (error) {
        said.textContent = "";
        fail(`${told.failed} (${error.message})`);
      }
      buttons.forEach((one) => (one.disabled = false));
    };
    input.addEventListener("change", async () => {
      const { classes, left } = await folders([...input.files]);
      input.value = "";
      const enough = classes.filter(({ pictures }) => pictures.length >= FEWEST);
      if (enough.length < 2 || enough.length > MOST_CLASSES) fail(told.few);
      else run({ ...question(enough), left });
    });
    return make("div", { class: "field" }, make("div", { class: "tabs" }, ...buttons, input), make("p", { class: "caption" }, told.own_about), said, room);
  }

  figure({ figure, config, alt, height }) {
    const room = make("div", { class: "figure", role: "img", "aria-label": alt, style: `height: ${height}px` });
    loadPlotly().then((drawer) => room.isConnected && drawer.newPlot(room, figure.data, figure.layout, { ...config, responsive: true }), () => {});
    return room;
  }
}

const PYTHON = /(#[^\n]*)|("""[\s\S]*?"""|f?"(?:[^"\\\n]|\\.)*"|f?'(?:[^'\\\n]|\\.)*')|\b(and|as|assert|class|def|del|elif|else|except|False|finally|for|from|if|import|in|is|lambda|None|not|or|raise|return|True|try|while|with|yield)\b/g;

function coloured(text, language) {
  if (language !== "python" && language !== "yaml") return [text];
  const found = [];
  let at = 0;
  for (const match of text.matchAll(PYTHON)) {
    const kind = match[1] ? "c" : match[2] ? "s" : language === "python" ? "k" : "";
    found.push(text.slice(at, match.index), kind ? make("span", { class: `hljs-${kind}` }, match[0]) : match[0]);
    at = match.index + match[0].length;
  }
  return [...found, text.slice(at)];
}
