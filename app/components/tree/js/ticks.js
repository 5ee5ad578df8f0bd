// Ticking: what trains, the steps that led there, and what is sent to Python.

import { decodeBits, encodeBits } from "./bits.js";
import { History } from "./history.js";

const PAUSE = 100; // milliseconds between two messages to Python while ticks follow one another

export class Ticks {
  constructor(view, send) {
    this.view = view;
    this.model = view.model;
    this.send = send;
    this.past = new History();
    this.sequence = 0; // of the last change, here or in Python
    this.ready = false; // no tick counts before Python has sent what trains
    this.every = false;
    this.sentAt = 0;
    this.timer = 0;
  }

  // Python's ticks: dropped where newer ones were made here since, to which they are no answer.
  receive({ bits, sequence }) {
    if (sequence < this.sequence) return;
    this.sequence = sequence;
    const trains = decodeBits(bits, this.model.count);
    const first = !this.ready;
    this.ready = true;
    if (trains.every((value, p) => value === this.model.trains[p])) return;
    if (!first) this.past.keep(this.model.trains);
    this.adopt(trains);
  }

  adopt(trains) {
    this.model.trains = trains;
    this.model.sum();
    this.view.repaint();
  }

  // The rows that a tick of this one reaches.
  reached(row, every) {
    return every && row >= 0 ? this.model.twins(row) : [row];
  }

  // What would be sent if this row were ticked now.
  foreseen(row, every = this.every) {
    const rows = this.reached(row, every);
    const train = this.model.wouldTrain(rows);
    const trains = this.model.trains.slice();
    for (const p of this.model.reach(rows, train)) trains[p] = +train;
    return { tree: this.view.data.tree, bits: encodeBits(trains) };
  }

  // Tick a row, or everything for -1: train it, or freeze it when all of it trains. Returns what it did.
  tick(row, every = this.every) {
    const rows = this.reached(row, every);
    const train = this.model.wouldTrain(rows);
    const changed = this.change(rows, train);
    this.settle(row >= 0 ? row : this.view.active, changed ? "" : this.view.strings.author_only);
    return train;
  }

  // Everything between the row ticked last and this one becomes as the row ticked last is.
  range(row) {
    const { list, anchor } = this.view;
    const from = list.placeOf.has(anchor) ? anchor : row;
    const train = this.model.state(from) !== "frozen";
    this.change(this.closed(from, row), train);
    this.view.active = row;
    this.view.repaint();
    return train;
  }

  // Rows that a drag has passed over, in the same stroke.
  over(from, to, train) {
    this.change(this.closed(from, to), train, true);
    this.settle(to);
  }

  // Rows of a range: an unfolded module stands for its rows below, which are in the range themselves.
  closed(from, to) {
    return this.view.list.between(from, to).filter((row) => row === to || row === from || !this.model.open[row]);
  }

  all(train) {
    this.change([-1], train);
    this.settle(this.view.active);
  }

  // Move on and make the new row as the one left behind.
  carry(move) {
    const train = this.model.state(this.view.active) !== "frozen";
    move();
    this.change([this.view.active], train);
    this.settle(this.view.active);
  }

  settle(row, remark = "") {
    this.view.anchor = this.view.active = row;
    this.view.remark = remark;
    this.view.repaint();
  }

  // Train these parameters, or freeze them where all of them train: a click on their column in a chart.
  toggle(parameters) {
    const able = parameters.filter((p) => !this.model.author[p]);
    const train = able.some((p) => !this.model.trains[p]);
    this.set(train ? able : parameters, train);
    this.settle(this.view.active);
  }

  // Returns how many parameters changed; a stroke of several calls is one step of undo.
  change(rows, train, sameStroke = false) {
    return this.set(this.model.reach(rows, train), train, sameStroke);
  }

  set(parameters, train, sameStroke = false) {
    if (!this.ready) return 0;
    if (!sameStroke) this.past.keep(this.model.trains);
    const changed = this.model.set(parameters, train);
    if (!changed && !sameStroke) this.past.forget();
    if (changed) this.report();
    return changed;
  }

  // Send nothing more: another tree is on its way.
  stop() {
    clearTimeout(this.timer);
  }

  undo() {
    this.recall(this.past.undo(this.model.trains));
  }

  redo() {
    this.recall(this.past.redo(this.model.trains));
  }

  recall(trains) {
    if (!trains) return;
    this.view.remark = "";
    this.adopt(trains);
    this.report();
  }

  // Send to Python at once, before this change is painted here, then at most every PAUSE, the last state always.
  report() {
    this.sequence++;
    if (this.timer) return;
    const rest = this.sentAt + PAUSE - performance.now();
    if (rest > 0) this.timer = setTimeout(() => this.sendNow(), rest);
    else this.sendNow();
  }

  sendNow() {
    this.timer = 0;
    this.sentAt = performance.now();
    this.send({ tree: this.view.data.tree, sequence: this.sequence, bits: encodeBits(this.model.trains) });
  }
}
