// Selections kept by name in this browser: saved, listed, taken again and deleted.

import { button, closesItself, make } from "./dom.js";
import { keep, kept } from "./shell.js";

const KEY = "selections", MOST = 40, LONGEST_NAME = 60;
let unkept = null; // what a browser that keeps nothing holds until the page is left

function all() {
  try {
    const found = unkept ?? JSON.parse(kept(KEY) ?? "[]");
    return Array.isArray(found) ? found.filter((one) => ["name", "model", "rules"].every((field) => typeof one?.[field] === "string")) : [];
  } catch {
    return []; // another page of this host wrote it
  }
}

function write(selections) {
  const newest = selections.slice(-MOST);
  unkept = keep(KEY, JSON.stringify(newest)) ? null : newest;
}

// The button and its list. `now` gives what is ticked now ({ model, task, labels, rules }), `take` makes one the selection,
// `named` is the name of a model.
export function savedSelections(words, now, take, named) {
  const list = make("div", { class: "saved" });
  const name = make("input", { type: "text", maxlength: String(LONGEST_NAME), "aria-label": words["saved.name"], placeholder: words["saved.name"] });
  const form = make("form", {
    onsubmit: (event) => {
      event.preventDefault();
      const one = now();
      const called = name.value.trim() || one.rules.slice(0, LONGEST_NAME);
      write([...all().filter((other) => other.name !== called), { name: called, ...one }]);
      name.value = "";
      draw();
    },
  }, name, make("button", { type: "submit", class: "button" }, words["saved.save"]));

  function draw() {
    const rows = all().reverse().map((one) => make("div", {},
      button(one.model === now().model ? one.name : `${one.name} · ${named(one.model)}`, () => take(one), { title: one.rules }),
      button("×", () => (write(all().filter((other) => other.name !== one.name)), draw()), { quiet: true, "aria-label": words["saved.drop"].replace("{name}", one.name) })));
    const told = unkept ? [make("p", { class: "caption", role: "status" }, words["site.not_kept"])] : [];
    list.replaceChildren(...told, ...(rows.length ? rows : [make("p", { class: "caption" }, words["saved.none"])]));
  }

  const room = closesItself(make("details", { class: "more saved-room" }, make("summary", { class: "button quiet" }, words["saved.title"]), make("div", {}, form, list)));
  room.addEventListener("toggle", () => room.open && draw());
  return room;
}
