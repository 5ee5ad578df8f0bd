// The tree: what a person does to it, and what travels to Python and back.

import { decodeBits, encodeBits } from "./bits.js";
import { History } from "./history.js";
import { listenToKeys } from "./keys.js";
import { List } from "./list.js";
import { TreeModel } from "./model.js";
import { listenToPointer } from "./pointer.js";
import { element } from "./rows.js";
import { readQuery, search } from "./search.js";
import { Toolbar } from "./toolbar.js";

const PAUSE = 100; // milliseconds between two messages to Python while ticks follow one another

class TreeView {
  constructor(data, root, send) {
    this.data = data;
    this.root = root;
    this.send = send;
    this.id = `tree-${data.channel.replace(/\W/g, "_")}`;
    this.strings = data.words;
    this.model = new TreeModel(data);
    this.signs = { prices: {}, marksOf: new Map() };
    this.past = new History();
    this.sequence = 0;
    this.active = this.model.rows ? 0 : -1;
    this.anchor = this.active;
    this.hovered = -1;
    this.hoveredEvery = false;
    this.twins = new Set();
    this.marked = [];
    this.every = false;
    this.said = "";
    this.sentAt = 0;
    this.timer = 0;
    this.rowHeight = matchMedia("(pointer: coarse)").matches ? 38 : 29;
    this.draw();
    listenToPointer(this);
    listenToKeys(this);
  }

  draw() {
    this.list = new List(this);
    this.toolbar = new Toolbar(this);
    this.list.tree.setAttribute("aria-label", this.strings.name);
    this.list.tree.style.maxHeight = `${this.data.height}px`;
    this.root.style.setProperty("--row", `${this.rowHeight}px`);
    this.root.setAttribute("lang", this.strings.lang);
    this.root.replaceChildren(this.toolbar.above, this.list.tree, this.toolbar.below);
    this.list.arrange();
    this.toolbar.paint();
  }

  // --- what Python says

  hear(part) {
    if (part.part === "signs") this.hearSigns(part);
    else if (part.part === "ticks" && part.tree === this.data.tree) this.hearTicks(part);
  }

  hearTicks({ bits, sequence }) {
    if (sequence < this.sequence) return; // an answer to what has been overtaken by newer ticks
    this.sequence = sequence;
    const trains = decodeBits(bits, this.model.count);
    this.ready = true;
    if (trains.every((value, p) => value === this.model.trains[p])) return this.repaint();
    if (this.started) this.past.keep(this.model.trains);
    this.started = true;
    this.adopt(trains);
  }

  hearSigns({ prices, marks }) {
    const marksOf = new Map();
    for (const [kind, text, rows] of marks) {
      for (const row of rows) marksOf.set(row, [...(marksOf.get(row) ?? []), [kind, text]]);
    }
    this.signs = { prices, marksOf };
    this.root.classList.toggle("priced", Object.keys(prices).length > 0);
    this.repaint();
  }

  adopt(trains) {
    this.model.trains = trains;
    this.model.count_();
    this.repaint();
  }

  // --- ticking

  // Tick a row, or everything for -1: train it, or freeze it when all of it trains. Returns what it did.
  tick(row, { every = this.every }) {
    const rows = every && row >= 0 ? this.model.twins(row) : [row];
    const train = this.model.wouldTrain(rows);
    if (!this.change(rows, train)) this.said = this.strings.author_only;
    if (row >= 0) this.anchor = this.active = row;
    this.repaint();
    return train;
  }

  // Everything between the row ticked last and this one becomes as the row ticked last is.
  tickRange(row) {
    const from = this.list.placeOf.has(this.anchor) ? this.anchor : row;
    const train = this.model.state(from) !== "frozen";
    this.change(this.closed(from, row), train);
    this.active = row;
    this.repaint();
    return train;
  }

  // Rows that a drag has passed over.
  paintOver(from, to, train) {
    this.change(this.closed(from, to), train, true);
    this.active = this.anchor = to;
    this.repaint();
  }

  // Rows of a range: an unfolded module stands for its rows below, which are in the range themselves.
  closed(from, to) {
    return this.list.between(from, to).filter((row) => row === to || row === from || !this.model.open[row]);
  }

  tickAll(train) {
    this.change([-1], train);
    this.repaint();
  }

  // Returns how many parameters changed; a stroke of several calls is one step of undo.
  change(rows, train, sameStroke = false) {
    this.said = "";
    if (!this.ready) return 0;
    if (!sameStroke) this.past.keep(this.model.trains);
    const changed = this.model.set(this.model.reach(rows, train), train);
    if (!changed && !sameStroke) this.past.forget();
    if (changed) this.report();
    return changed;
  }

  undo() {
    this.recall(this.past.undo(this.model.trains));
  }

  redo() {
    this.recall(this.past.redo(this.model.trains));
  }

  recall(trains) {
    if (!trains) return;
    this.adopt(trains);
    this.report();
  }

  // Tell Python at once, then at most every PAUSE, the last state always.
  report() {
    this.sequence++;
    if (this.timer) return;
    const wait = this.sentAt + PAUSE - performance.now();
    const tell = () => {
      this.timer = 0;
      this.sentAt = performance.now();
      this.send({ tree: this.data.tree, sequence: this.sequence, bits: encodeBits(this.model.trains) });
    };
    this.timer = setTimeout(tell, Math.max(0, wait));
  }

  // --- moving, folding, searching

  choose(row, fold) {
    this.active = row;
    this.said = "";
    if (!this.model.isModule(row)) return this.repaint();
    if (fold) this.model.open[row] ^= 1;
    this.rearrange();
  }

  go(row) {
    this.active = row;
    this.said = "";
    this.list.reveal(row);
    this.repaint();
  }

  step(by) {
    const { order, placeOf } = this.list;
    if (!order.length) return;
    const place = Math.min(order.length - 1, Math.max(0, (placeOf.get(this.active) ?? 0) + by));
    this.go(order[place]);
  }

  stepTicking(move) {
    const train = this.model.state(this.active) !== "frozen";
    move();
    this.change([this.active], train);
    this.anchor = this.active;
    this.repaint();
  }

  pageRows() {
    return Math.max(1, Math.floor(this.list.tree.clientHeight / this.rowHeight) - 1);
  }

  unfoldOrEnter() {
    const { model, active } = this;
    if (active < 0 || !model.isModule(active)) return;
    if (model.open[active]) return this.step(1);
    model.open[active] = 1;
    this.rearrange();
  }

  foldOrLeave() {
    const { model, active } = this;
    if (active < 0) return;
    if (model.isModule(active) && model.open[active]) {
      model.open[active] = 0;
      this.rearrange();
    } else if (model.parent[active] >= 0) this.go(model.parent[active]);
  }

  unfoldSiblings() {
    const { model, active } = this;
    for (let row = 0; row < model.rows; row++) {
      if (model.parent[row] === model.parent[active] && model.isModule(row)) model.open[row] = 1;
    }
    this.rearrange();
  }

  unfold(depth) {
    if (depth === "") return;
    this.model.unfold(depth === "blocks" ? depth : Number(depth));
    this.rearrange();
  }

  // The next row in sight whose name begins with what was typed.
  seek(start) {
    const { order, placeOf } = this.list;
    const from = (placeOf.get(this.active) ?? 0) + (start.length === 1 ? 1 : 0);
    for (let i = 0; i < order.length; i++) {
      const row = order[(from + i) % order.length];
      if (this.model.name[row].toLowerCase().startsWith(start)) return this.go(row);
    }
  }

  search(text) {
    this.marked = readQuery(text).wanted;
    this.model.narrow(search(this.model, text));
    this.list.tree.scrollTop = 0;
    this.rearrange();
  }

  // The box under the mouse: where a tick would go to every block, all its places light up.
  hover(row, every = this.every) {
    if (row === this.hovered && every === this.hoveredEvery) return;
    [this.hovered, this.hoveredEvery] = [row, every];
    this.light();
    this.list.paint();
  }

  light() {
    const { hovered, hoveredEvery, active, every } = this;
    const over = hovered >= 0 && hoveredEvery ? hovered : every ? active : -1;
    const twins = over < 0 ? [] : this.model.twins(over);
    this.twins = new Set(twins.length > 1 ? twins : []);
  }

  toggleEvery() {
    this.every = !this.every;
    this.repaint();
  }

  rearrange() {
    this.list.arrange();
    this.list.reveal(this.active);
    this.repaint();
  }

  repaint() {
    this.light();
    this.list.paint();
    this.toolbar.paint();
  }
}

const views = new WeakMap();

// Streamlit calls this anew for each change of data or theme, and the function it returns only at the very end.
export default function ({ data, parentElement, setStateValue }) {
  const rooms = (globalThis.layerTrees ??= new Map());
  const channel = rooms.get(data.channel) ?? { parts: {}, hear: null };
  rooms.set(data.channel, channel);
  let view = views.get(parentElement);
  if (view?.data !== data) {
    const root = view?.root ?? element("section", "tree");
    if (!view) parentElement.append(root);
    view?.list.stop();
    view = new TreeView(data, root, (ticks) => setStateValue("ticks", ticks));
    views.set(parentElement, view);
    channel.hear = (part) => view.hear(part);
    for (const part of Object.values(channel.parts)) view.hear(part);
  }
  return () => {
    view.list.stop();
    channel.hear = null;
    views.delete(parentElement);
  };
}
