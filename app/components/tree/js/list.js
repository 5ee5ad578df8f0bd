// The window onto the rows: only those in sight stand in the document, however many the model has.

import { element } from "../../js/element.js";
import { makeRow, paintRow } from "./rows.js";

const SPARE = 6; // rows beyond either edge, so that a fast wheel meets no blank

export class List {
  constructor(view) {
    this.view = view;
    this.tree = element("div", "rows");
    this.tree.tabIndex = 0;
    this.tree.setAttribute("role", "tree");
    this.tree.setAttribute("aria-multiselectable", "true");
    this.paper = element("div", "paper");
    this.paper.setAttribute("role", "presentation");
    this.tree.append(this.paper);
    this.pool = [];
    this.order = [];
    this.placeOf = new Map();
    this.tree.addEventListener("scroll", () => this.paint(), { passive: true });
    this.watch = new ResizeObserver(() => this.paint());
    this.watch.observe(this.tree);
  }

  // Rows were folded, unfolded or sifted: find out anew which there are.
  arrange() {
    const { model, rowHeight } = this.view;
    this.order = model.visible();
    this.placeOf = new Map(this.order.map((row, place) => [row, place]));
    this.sets = this.places();
    this.paper.style.height = `${this.order.length * rowHeight}px`;
    if (!this.placeOf.has(this.view.active)) this.view.active = this.order[0] ?? -1;
    this.paint();
  }

  // For each row in sight, its number among its siblings in sight, and theirs.
  places() {
    const { parent } = this.view.model;
    const sizes = new Map();
    const numbers = this.order.map((row) => {
      const number = (sizes.get(parent[row]) ?? 0) + 1;
      sizes.set(parent[row], number);
      return number;
    });
    return this.order.map((row, place) => [numbers[place], sizes.get(parent[row])]);
  }

  paint() {
    const { rowHeight, active } = this.view;
    const top = this.tree.scrollTop;
    const from = Math.max(0, Math.floor(top / rowHeight) - SPARE);
    const to = Math.min(this.order.length, Math.ceil((top + this.tree.clientHeight) / rowHeight) + SPARE);
    const wanted = [];
    for (let place = from; place < to; place++) wanted.push(place);
    const there = this.placeOf.get(active);
    if (there < from) wanted.unshift(there); // what has the focus stays in the document
    else if (there >= to) wanted.push(there);
    while (this.pool.length < wanted.length) this.pool.push(makeRow());
    const rows = this.pool.slice(0, wanted.length);
    wanted.forEach((place, i) => paintRow(rows[i], this.view, this.order[place], place, this.sets[place]));
    if (this.paper.childElementCount !== rows.length) this.paper.replaceChildren(...rows);
    const focus = `${this.view.id}-${active}`;
    if (active >= 0) this.tree.setAttribute("aria-activedescendant", focus);
    else this.tree.removeAttribute("aria-activedescendant");
  }

  reveal(row) {
    const { rowHeight } = this.view;
    const y = (this.placeOf.get(row) ?? 0) * rowHeight;
    const { scrollTop, clientHeight } = this.tree;
    if (y < scrollTop) this.tree.scrollTop = y;
    else if (y + rowHeight > scrollTop + clientHeight) this.tree.scrollTop = y + rowHeight - clientHeight;
  }

  // The row under a height of the screen; the nearest one beyond the ends.
  rowAt(clientY) {
    const y = clientY - this.tree.getBoundingClientRect().top + this.tree.scrollTop;
    const place = Math.min(this.order.length - 1, Math.max(0, Math.floor(y / this.view.rowHeight)));
    return this.order[place];
  }

  // Rows in sight between two, both included.
  between(a, b) {
    const [from, to] = [this.placeOf.get(a), this.placeOf.get(b)].sort((x, y) => x - y);
    return this.order.slice(from, to + 1);
  }

  stop() {
    this.watch.disconnect();
  }
}
