// What stands around the rows: the sum above, search and tools, column headings, the active row, the legend.

import { element } from "../../js/element.js";
import { BOX, badgesOf, priceOf } from "./rows.js";
import { exact, fill, percent, short } from "./format.js";

const ICONS = {
  undo: '<path d="M6 3L2.5 6.5L6 10M3 6.5h6a4 4 0 0 1 0 8H7"/>',
  redo: '<path d="M10 3l3.5 3.5L10 10M13 6.5H7a4 4 0 0 0 0 8h2"/>',
  every: '<rect x="2" y="2" width="5" height="5" rx="1"/><rect x="9" y="2" width="5" height="5" rx="1"/>' +
    '<rect x="2" y="9" width="5" height="5" rx="1"/><rect x="9" y="9" width="5" height="5" rx="1"/>',
};

const HEADINGS = [["state", "state"], ["title", "layer"], ["label", "label"], ["count", "count"], ["bar", "bar"],
  ["price", "price"]];

export class Toolbar {
  constructor(view) {
    this.view = view;
    const { strings } = view;
    this.above = element("div", "above");
    this.sum = element("p", "sum");
    this.sum.setAttribute("role", "status");
    this.meter = element("div", "meter");
    this.meter.append(element("i"));
    this.above.append(this.sum, this.meter, this.tools(strings), this.matches(strings), this.headings(strings));
    this.below = element("div", "below");
    this.below.append(this.activeRow(strings), this.legend(strings));
  }

  tools(strings) {
    const tools = element("div", "tools");
    this.field = element("input", "search");
    Object.assign(this.field, { type: "search", placeholder: strings.search, spellcheck: false, autocomplete: "off" });
    this.field.setAttribute("aria-label", strings.search_name);
    this.field.addEventListener("input", () => this.view.search(this.field.value));
    this.field.addEventListener("keydown", (event) => this.leaveField(event));
    this.depth = this.depths(strings);
    this.undo = this.button("undo", strings.undo, () => this.view.ticks.undo());
    this.redo = this.button("redo", strings.redo, () => this.view.ticks.redo());
    this.every = this.button("every", strings.every, () => this.view.toggleEvery());
    this.every.append(element("span", "", strings.every_short));
    this.every.classList.add("worded");
    this.every.hidden = !this.view.model.blockOf.size;
    tools.append(this.field, this.depth, this.every, this.undo, this.redo);
    return tools;
  }

  leaveField(event) {
    event.stopPropagation();
    if (event.key === "Escape") this.clear();
    if (event.key === "ArrowDown" || event.key === "Enter") this.view.list.tree.focus();
    if (["Escape", "ArrowDown", "Enter"].includes(event.key)) event.preventDefault();
  }

  clear() {
    if (!this.field.value) return;
    this.field.value = "";
    this.view.search("");
  }

  depths(strings) {
    const select = element("select", "depth");
    select.setAttribute("aria-label", strings.depth_name);
    select.title = strings.depth_name;
    const add = (value, text) => select.append(Object.assign(element("option", "", text), { value }));
    add("", strings.depth);
    if (this.view.model.blockOf.size) add("blocks", strings.depth_blocks);
    for (let depth = 0; depth < Math.min(this.view.model.deepest, 6); depth++) {
      add(String(depth), fill(strings.depth_n, { n: depth + 1 }));
    }
    add("99", strings.depth_all);
    select.addEventListener("change", () => {
      this.view.navigation.unfold(select.value);
      select.value = "";
    });
    return select;
  }

  button(icon, title, act) {
    const made = element("button", `tool ${icon}`);
    made.type = "button";
    made.title = title;
    made.setAttribute("aria-label", title);
    made.innerHTML = `<svg viewBox="0 0 16 16" aria-hidden="true">${ICONS[icon]}</svg>`;
    made.addEventListener("click", act);
    return made;
  }

  matches(strings) {
    this.found = element("div", "found");
    this.found.hidden = true;
    this.foundText = element("span", "count");
    this.foundText.setAttribute("aria-live", "polite");
    this.trainAll = element("button", "act train");
    this.freezeAll = element("button", "act freeze");
    for (const made of [this.trainAll, this.freezeAll]) made.type = "button";
    this.trainAll.addEventListener("click", () => this.view.ticks.all(true));
    this.freezeAll.addEventListener("click", () => this.view.ticks.all(false));
    this.found.append(this.foundText, this.trainAll, this.freezeAll);
    return this.found;
  }

  headings(strings) {
    const line = element("div", "row headings");
    this.all = element("button", "box all");
    this.all.type = "button";
    this.all.setAttribute("role", "checkbox");
    this.all.setAttribute("aria-label", strings.all_name);
    this.all.title = strings.all_name;
    this.all.innerHTML = BOX;
    this.all.addEventListener("click", () => this.view.ticks.tick(-1, false));
    line.append(this.all);
    for (const [name, key] of HEADINGS) {
      const made = element("span", name, strings[`column_${key}`]);
      made.title = strings[`column_${key}_why`] ?? "";
      line.append(made);
    }
    return line;
  }

  activeRow(strings) {
    const line = element("div", "active-row");
    this.rowText = element("span", "what");
    this.everyBlock = element("button", "act every");
    this.everyBlock.type = "button";
    this.everyBlock.addEventListener("click", () => this.view.ticks.tick(this.view.active, true));
    this.remark = element("span", "remark");
    this.remark.setAttribute("aria-live", "polite");
    line.append(this.remark, this.rowText, this.everyBlock);
    return line;
  }

  legend(strings) {
    const line = element("div", "legend");
    for (const state of ["trains", "frozen", "mixed"]) {
      const sign = element("span", `sign ${state}`);
      sign.innerHTML = BOX;
      sign.append(element("span", "", strings[`legend_${state}`]));
      line.append(sign);
    }
    const keys = element("details", "keys");
    keys.append(element("summary", "", strings.keys), this.keyList(strings.keys_text));
    line.append(keys);
    return line;
  }

  // "Space = tick | / = search": each key with what it does.
  keyList(text) {
    const list = element("dl");
    for (const line of text.split(" | ")) {
      const [key, does] = line.split(" = ");
      const pair = element("div");
      pair.append(element("dt", "", key), element("dd", "", does));
      list.append(pair);
    }
    return list;
  }

  paint() {
    const { model, strings, active } = this.view;
    const { every, past } = this.view.ticks;
    const values = { n: exact(model.training), m: exact(model.whole) };
    this.sum.replaceChildren(...this.sentence(strings.status, values, percent(model.training, model.whole)));
    this.meter.firstElementChild.style.width = `${model.whole ? (100 * model.training) / model.whole : 0}%`;
    this.undo.disabled = !past.past.length;
    this.redo.disabled = !past.future.length;
    this.every.setAttribute("aria-pressed", String(every));
    this.paintAll(model);
    this.paintFound(model, strings);
    this.paintActiveRow(model, strings, active);
  }

  // "N of M parameters train", the two numbers set off, the share outside what a screen reader repeats.
  sentence(text, values, share) {
    const parts = text.split(/(\{[nm]\})/).map((part) => {
      const name = part.match(/^\{([nm])\}$/)?.[1];
      return name ? element("b", name, values[name]) : part;
    });
    const beside = element("span", "share", share);
    beside.setAttribute("aria-hidden", "true");
    return [...parts, beside];
  }

  paintAll(model) {
    const parameters = [...model.below(-1)];
    const on = parameters.filter((p) => model.trains[p]).length;
    const state = !on ? "frozen" : on === parameters.length ? "trains" : "mixed";
    this.all.setAttribute("aria-checked", state === "mixed" ? "mixed" : String(state === "trains"));
    this.all.className = `box all ${state}`;
  }

  paintFound(model, strings) {
    this.found.hidden = !model.matching;
    this.field.classList.remove("none");
    if (!model.matching) return;
    const parameters = [...model.below(-1)];
    const scalars = parameters.reduce((sum, p) => sum + model.size[p], 0);
    const values = { n: exact(parameters.length), size: short(scalars) };
    this.foundText.textContent = fill(parameters.length ? strings.found : strings.found_none, values);
    const able = parameters.filter((p) => !model.author[p]);
    this.trainAll.textContent = fill(strings.train_all, { n: exact(able.length) });
    this.freezeAll.textContent = fill(strings.freeze_all, { n: values.n });
    this.trainAll.disabled = able.every((p) => model.trains[p]);
    this.freezeAll.disabled = !parameters.some((p) => model.trains[p]);
    this.field.classList.toggle("none", !parameters.length);
  }

  paintActiveRow(model, strings, row) {
    const twins = row < 0 ? [] : model.twins(row);
    this.everyBlock.hidden = twins.length < 2;
    if (twins.length > 1) {
      const text = model.wouldTrain(twins) ? strings.train_every : strings.freeze_every;
      this.everyBlock.textContent = fill(text, { n: twins.length });
    }
    this.remark.textContent = this.view.remark;
    this.rowText.hidden = !!this.view.remark;
    const { annotations } = this.view;
    const badges = row < 0 ? [] : badgesOf(model, annotations, strings, row).map(([, text, why]) => why || text);
    const label = row < 0 || model.isSection(row) ? "" : model.label[row]; // a section's path says the same
    const facts = row < 0 ? [] : [label, exact(model.total[row]), priceOf(model, annotations, row)?.[1], ...badges];
    const path = element("code", "", row < 0 ? "" : model.path[row]);
    this.rowText.replaceChildren(path, ...facts.filter(Boolean).map((fact) => ` · ${fact}`));
    this.rowText.title = this.rowText.textContent;
  }
}
