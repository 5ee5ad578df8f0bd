// Moving between rows: the active row, folding and unfolding around it.

import { nameOf } from "./rows.js";

export class Navigation {
  constructor(view) {
    this.view = view;
    this.model = view.model;
  }

  go(row) {
    this.view.active = row;
    this.view.remark = "";
    this.view.list.reveal(row);
    this.view.repaint();
  }

  // A click or Enter on a row: a module folds or unfolds.
  choose(row) {
    this.view.active = row;
    this.view.remark = "";
    if (!this.model.isModule(row)) return this.view.repaint();
    this.model.open[row] ^= 1;
    this.view.rearrange();
  }

  step(by) {
    const { order, placeOf } = this.view.list;
    if (!order.length) return;
    const place = Math.min(order.length - 1, Math.max(0, (placeOf.get(this.view.active) ?? 0) + by));
    this.go(order[place]);
  }

  page(direction) {
    const { list, rowHeight } = this.view;
    this.step(direction * Math.max(1, Math.floor(list.tree.clientHeight / rowHeight) - 1));
  }

  unfoldOrEnter() {
    const { active } = this.view;
    if (active < 0 || !this.model.isModule(active)) return;
    if (this.model.open[active]) return this.step(1);
    this.model.open[active] = 1;
    this.view.rearrange();
  }

  foldOrLeave() {
    const { active } = this.view;
    if (active < 0) return;
    if (this.model.isModule(active) && this.model.open[active]) {
      this.model.open[active] = 0;
      this.view.rearrange();
    } else if (this.model.parent[active] >= 0) this.go(this.model.parent[active]);
  }

  unfoldSiblings() {
    const { model } = this;
    for (let row = 0; row < model.rows; row++) {
      if (model.parent[row] === model.parent[this.view.active] && model.isModule(row)) model.open[row] = 1;
    }
    this.view.rearrange();
  }

  unfold(depth) {
    if (depth === "") return;
    this.model.unfold(depth === "blocks" ? depth : Number(depth));
    this.view.rearrange();
  }

  // The next row in sight whose name begins with what was typed.
  seek(start) {
    const { order, placeOf } = this.view.list;
    const from = (placeOf.get(this.view.active) ?? 0) + (start.length === 1 ? 1 : 0);
    for (let i = 0; i < order.length; i++) {
      const row = order[(from + i) % order.length];
      const name = nameOf(this.model, this.view.strings, row).toLowerCase();
      if (name.startsWith(start)) return this.go(row);
    }
  }
}
