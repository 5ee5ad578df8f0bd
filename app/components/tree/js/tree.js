// The tree as a whole: one view of one model, kept while Streamlit calls again and again.

import { channelOf, listen } from "../../js/channel.js";
import { element } from "../../js/element.js";
import { mounted } from "../../js/mount.js";
import { encodeBits } from "./bits.js";
import { listenToKeys } from "./keys.js";
import { List } from "./list.js";
import { TreeModel } from "./model.js";
import { listenToPointer } from "./pointer.js";
import { readQuery, search } from "./search.js";
import { sendTicks } from "./send.js";
import { Ticks } from "./ticks.js";
import { Toolbar } from "./toolbar.js";
import { Navigation } from "./navigation.js";

const HELD_MS = 20; // a row that is passed over in less is not about to be ticked
const ROW = { fine: 1.8, coarse: 2.4 }; // height of a row in letters, for a mouse and for a finger

class TreeView {
  constructor(data, root, send) {
    this.data = data;
    this.root = root;
    this.id = `tree-${data.channel.replace(/\W/g, "_")}`;
    this.strings = data.words;
    this.model = new TreeModel(data);
    this.annotations = this.told = { prices: {}, marksOf: new Map() };
    this.proved = null; // the ticks that the marks hold for; null for any
    this.active = this.model.rows ? 0 : -1; // the row that the keyboard is on
    this.anchor = this.active; // the row ticked last, from which a range begins
    this.hovered = { row: -1, every: false };
    this.twins = new Set(); // rows lit up because a tick would reach them
    this.marked = []; // words of the search
    this.remark = ""; // in place of the active row
    const letter = parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
    this.rowHeight = Math.round(letter * ROW[matchMedia("(pointer: coarse)").matches ? "coarse" : "fine"]);
    this.ticks = new Ticks(this, send);
    this.navigation = new Navigation(this);
    this.draw();
    listenToPointer(this);
    listenToKeys(this);
  }

  draw() {
    this.list = new List(this);
    this.toolbar = new Toolbar(this);
    this.list.tree.setAttribute("aria-label", this.strings.name);
    this.list.tree.style.maxHeight = this.data.height;
    this.root.style.setProperty("--row", `${this.rowHeight}px`);
    this.root.setAttribute("lang", this.strings.lang);
    this.root.replaceChildren(this.toolbar.above, this.list.tree, this.toolbar.below);
    this.list.arrange();
    this.toolbar.paint();
  }

  // A message from Python, or from another component of the page.
  receive(part) {
    if (part.part === "toggle") this.ticks.toggle(part.parameters);
    else if (part.tree !== this.data.tree) return; // of the model before, or of the one that is on its way
    else if (part.part === "annotations") this.annotate(part);
    else if (part.part === "ticks") this.ticks.receive(part);
  }

  stop() {
    clearTimeout(this.foreseeing);
    this.disconnect();
    this.list.stop();
    this.ticks.stop();
  }

  end() {
    this.stop();
    this.root.remove();
  }

  annotate({ prices, marks, proved }) {
    const marksOf = new Map();
    const add = (row, mark) => marksOf.set(row, [...(marksOf.get(row) ?? []), mark]);
    for (const [kind, text, rows] of marks) for (const row of rows) add(row, [kind, text]);
    this.raise(marks, marksOf, add);
    this.told = { prices, marksOf };
    this.proved = proved;
    this.root.classList.toggle("priced", Object.keys(prices).length > 0);
    this.repaint();
  }

  // What is wrong below a folded module shows at the module too, once, with the name of where it is.
  raise(marks, marksOf, add) {
    const { parent, path } = this.model;
    for (const [kind, text, rows] of marks) {
      for (const row of kind === "bad" ? rows : []) {
        for (let up = parent[row]; up >= 0; up = parent[up]) {
          if (!marksOf.get(up)?.some(([other]) => other === "bad")) add(up, ["bad", `${path[row]}: ${text}`]);
        }
      }
    }
  }

  // Go on where an earlier view of the same tree stood: its words or height have changed, nothing else.
  resume(earlier) {
    for (const name of ["past", "sequence", "ready", "every"]) this.ticks[name] = earlier.ticks[name];
    [this.active, this.anchor] = [earlier.active, earlier.anchor];
    this.model.trains = earlier.model.trains;
    this.model.open = earlier.model.openBefore ?? earlier.model.open;
    const typed = earlier.toolbar.field.value;
    if (typed) {
      this.toolbar.field.value = typed;
      this.search(typed);
      this.model.open = earlier.model.open;
    }
    this.model.sum();
    this.rearrange();
    if (earlier.ticks.timer) this.ticks.report(); // what it had not sent yet
  }

  search(text) {
    this.marked = readQuery(text).wanted;
    this.model.narrow(search(this.model, text));
    this.list.tree.scrollTop = 0;
    this.rearrange();
  }

  // The box under the mouse: where a tick would go to every block, all its places light up.
  hover(row, every = this.ticks.every) {
    if (row === this.hovered.row && every === this.hovered.every) return;
    this.hovered = { row, every };
    this.light();
    this.list.paint();
    this.foresee();
  }

  // Say what a tick would send where the mouse or the keyboard is, so that its answer may be there before it is made. A
  // server's page does not listen: it would answer a hundred readers who tick nothing.
  foresee(touched = -1) {
    clearTimeout(this.foreseeing);
    this.foreseeing = setTimeout(() => {
      const { foresee } = channelOf(this.data.channel);
      const { row, every } = [{ row: touched }, this.hovered, { row: this.active }].find((one) => one.row >= 0) ?? {};
      if (foresee && row !== undefined && this.ticks.ready) foresee(this.ticks.foreseen(row, every));
    }, HELD_MS);
  }

  light() {
    const { hovered, active } = this;
    const over = hovered.row >= 0 && hovered.every ? hovered.row : this.ticks.every ? active : -1;
    const twins = over < 0 ? [] : this.model.twins(over);
    this.twins = new Set(twins.length > 1 ? twins : []);
  }

  toggleEvery() {
    this.ticks.every = !this.ticks.every;
    this.repaint();
  }

  rearrange() {
    this.list.arrange();
    this.list.reveal(this.active);
    this.repaint();
  }

  repaint() {
    const holds = this.proved == null || this.proved === encodeBits(this.model.trains);
    this.annotations = holds ? this.told : { prices: this.told.prices, marksOf: new Map() };
    this.light();
    this.list.paint();
    this.toolbar.paint();
    this.foresee();
  }
}

const show = ({ data, parentElement }, earlier) => {
  if (earlier?.data === data) return earlier;
  earlier?.stop();
  const root = earlier?.root ?? element("section", "tree");
  if (!earlier) parentElement.append(root);
  const view = new TreeView(data, root, (ticks) => sendTicks(data.channel, ticks));
  if (earlier?.data.tree === data.tree && earlier.model.rows === view.model.rows) view.resume(earlier);
  channelOf(data.channel).model = view.model;
  view.disconnect = listen(data.channel, (part) => view.receive(part));
  return view;
};

export default mounted(show, (view) => view.end());
