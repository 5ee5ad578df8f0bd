// One row: its elements, made once and painted again for whatever row scrolls into their place.

import { element } from "../../js/element.js";
import { AUTHOR, FUSED, HEAD, INPUT, NEW, SHARED, TIED } from "./model.js";
import { exact, fill, short } from "./format.js";

export const BOX =
  '<svg viewBox="0 0 18 18" aria-hidden="true"><rect x="1" y="1" width="16" height="16" rx="4"/>' +
  '<path class="tick" d="M4.5 9.4l3 3 6-6.6"/><path class="dash" d="M5 9h8"/></svg>';
const CARET = '<svg viewBox="0 0 12 12" aria-hidden="true"><path d="M4 2l4 4-4 4"/></svg>';
const LOCK =
  '<svg class="lock" viewBox="0 0 12 12" aria-hidden="true"><rect x="2" y="5.2" width="8" height="5.6" rx="1.2"/>' +
  '<path d="M3.9 5V3.4a2.1 2.1 0 0 1 4.2 0V5"/></svg>';

const MARKS = { good: "✓", bad: "✕", note: "!" };

export function makeRow() {
  const row = element("div", "row");
  row.setAttribute("role", "treeitem");
  const part = (className, markup = "") => {
    const made = element("span", className);
    made.innerHTML = markup; // constants of this file only; names go in as text
    made.setAttribute("aria-hidden", "true");
    row.append(made);
    return made;
  };
  row.parts = {
    box: part("box", BOX),
    state: part("state", LOCK + "<span></span>"),
    caret: part("caret", CARET),
    title: part("title", '<span class="name"></span><span class="badges"></span>'),
    label: part("label"),
    count: part("count"),
    bar: part("bar", "<i><b></b></i>"),
    price: part("price"),
  };
  [row.parts.name, row.parts.badges] = row.parts.title.children;
  row.parts.word = row.parts.state.lastElementChild;
  row.parts.all = row.parts.bar.firstElementChild;
  row.parts.on = row.parts.all.firstElementChild;
  return row;
}

// A row's name as it is read: of a part its word in the reader's language.
export function nameOf(model, strings, at) {
  return model.isSection(at) ? strings[`part_${model.name[at]}`] : model.shown[at];
}

// What training all below a row costs; nothing where a search shows, and would tick, only a part of it.
export function priceOf(model, annotations, at) {
  return model.cut?.[at] ? null : annotations.prices[at];
}

export function badgesOf(model, annotations, strings, at) {
  const flags = model.flags[at];
  const found = (annotations.marksOf.get(at) ?? []).map(([kind, text]) => [kind, MARKS[kind], text]);
  if (model.isSection(at)) {
    const values = { n: short(model.trained[at]), m: short(model.total[at]) };
    found.push(["tally", fill(strings.tally, values), fill(strings.tally_why, values)]);
  } else if (model.isModule(at)) {
    const side = model.sideOf.get(at);
    if (side) found.push(["place", strings[side], strings[`${side}_why`]]);
    if (flags & INPUT) found.push(["place", strings.input, strings.input_why]);
    if (flags & HEAD) found.push(["place", strings.head, strings.head_why]);
    if (flags & SHARED) {
      const uses = model.uses[at];
      found.push(["plain", uses ? fill(strings.used, { n: uses }) : strings.shared, strings.shared_why]);
    }
  } else {
    const marks = [[TIED, "tied"], [FUSED, "fused"], [AUTHOR, "author"], [NEW, "new"]];
    for (const [flag, word] of marks) if (flags & flag) found.push([word, strings[word], strings[`${word}_why`]]);
  }
  return found;
}

export function paintRow(row, view, at, position, places) {
  const { model, strings, annotations } = view;
  const parts = row.parts;
  const module = model.isModule(at);
  const state = model.state(at);
  const badges = badgesOf(model, annotations, strings, at);
  const facts = [model.label[at], fill(strings.row, { n: exact(model.total[at]), state: strings[state] })];
  row.row = at;
  row.id = `${view.id}-${at}`;
  row.style.transform = `translateY(${position * view.rowHeight}px)`;
  row.style.setProperty("--depth", model.depth[at]);
  const kind = model.isSection(at) ? "module section" : module ? "module" : "parameter";
  const classes = `row ${state} ${kind}${at === view.active ? " active" : ""}`;
  setClass(row, view.twins.has(at) ? `${classes} twin` : classes);
  setAll(row, {
    "aria-label": model.isSection(at) ? nameOf(model, strings, at) : model.path[at],
    "aria-description": [...facts, ...badges.map(([, , why]) => why)].filter(Boolean).join(", "),
    "aria-level": model.depth[at] + 1,
    "aria-posinset": places[0],
    "aria-setsize": places[1],
    "aria-checked": state === "mixed" ? "mixed" : String(state === "trains"),
    "aria-expanded": module ? String(!!model.open[at]) : null,
    title: model.path[at],
  });
  paintName(parts.name, nameOf(model, strings, at), view.marked);
  setText(parts.label, model.label[at]);
  setText(parts.word, strings[state]);
  setText(parts.count, short(model.total[at]));
  paintBadges(parts.badges, badges);
  parts.all.style.width = `${Math.max(2, (100 * model.total[at]) / model.largest)}%`;
  parts.on.style.width = `${model.total[at] ? (100 * model.trained[at]) / model.total[at] : 0}%`;
  parts.on.style.minWidth = model.trained[at] ? "2px" : "0";
  const price = priceOf(model, annotations, at);
  setText(parts.price, price ? price[0] : "");
  parts.price.title = price ? price[1] : "";
  parts.price.style.setProperty("--share", price?.[2] ?? 0);
}

function setAll(row, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null) row.removeAttribute(name);
    else if (row.getAttribute(name) !== String(value)) row.setAttribute(name, value);
  }
}

function setClass(row, classes) {
  if (row.className !== classes) row.className = classes;
}

function setText(part, text) {
  if (part.textContent !== text) part.textContent = text;
}

function paintName(part, name, marked) {
  const word = marked.find((wanted) => name.toLowerCase().includes(wanted));
  if (!word) return setText(part, name);
  const from = name.toLowerCase().indexOf(word);
  part.replaceChildren(name.slice(0, from), element("mark", "", name.slice(from, from + word.length)),
    name.slice(from + word.length));
}

function paintBadges(part, badges) {
  const key = badges.map(([kind, text, why]) => kind + text + why).join("|");
  if (part.key === key) return;
  part.key = key;
  part.replaceChildren(...badges.map(([kind, text, why]) => {
    const badge = element("span", `badge ${kind}`, text);
    badge.title = why;
    return badge;
  }));
}
