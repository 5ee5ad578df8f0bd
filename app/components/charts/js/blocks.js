// One column a block in the order they run, each a button; above them, on the same axis, the depth curve.

import { element } from "../../js/element.js";
import { percent, ticks } from "./axis.js";

const LETTER = { narrow: 6.4, wide: 11.5 }; // pixels of a Latin and of a Japanese letter on the axis
const BETWEEN = 10; // pixels between two labels
const PRESSED = { f: "false", t: "true", m: "mixed" };
const SMALLEST = 0.012; // height of a column that would else not be seen

export class Blocks {
  constructor(data, toggle) {
    Object.assign(this, { words: data.words, columns: data.columns, data });
    this.count = this.columns.length;
    this.root = element("figure", "blocks");
    this.plot = element("div", "plot");
    this.bars = this.drawBars(toggle);
    this.tip = element("output", "tip");
    this.tip.hidden = true;
    this.labels = element("div", "labels");
    this.labels.setAttribute("aria-hidden", "true");
    this.drawFrame();
    const stage = element("div", "stage");
    stage.append(this.bars, this.tip);
    const heights = ticks("axis heights", "bottom", data.heights, this.most);
    this.plot.append(element("p", "axis-name", this.words.parameters), heights, stage, this.labels);
    const caption = element("figcaption", "", this.words.where);
    this.root.append(caption, element("p", "hint", this.words.hint), this.plot);
    this.watch = new ResizeObserver(() => this.label());
    this.watch.observe(this.bars);
  }

  drawBars(toggle) {
    this.most = Math.max(1, ...this.columns.map(([, , size]) => size));
    const bars = element("div", "bars");
    bars.setAttribute("role", "group");
    bars.setAttribute("aria-label", this.words.where);
    this.buttons = this.columns.map(([, , size, , runs], i) => {
      const button = element("button");
      button.type = "button";
      button.tabIndex = i ? -1 : 0;
      button.append(element("i"));
      button.firstChild.style.height = percent(Math.max(size / this.most, SMALLEST));
      button.addEventListener("click", () => toggle(runs.flatMap(([from, to]) => range(from, to))));
      button.addEventListener("focus", () => this.showTip(i));
      button.addEventListener("blur", () => this.showTip(-1));
      button.addEventListener("pointerenter", () => this.showTip(i));
      button.addEventListener("pointerleave", () => this.showTip(-1));
      return button;
    });
    bars.append(...this.buttons);
    bars.addEventListener("keydown", (event) => this.step(event));
    return bars;
  }

  // One stop of the Tab key for all columns; arrows move inside.
  step(event) {
    const from = this.buttons.indexOf(event.target);
    const to = { ArrowRight: from + 1, ArrowLeft: from - 1, Home: 0, End: this.count - 1 }[event.key];
    event.stopPropagation(); // Streamlit's own keys, C and R, mean nothing here
    if (to === undefined || from < 0 || !this.buttons[to]) return;
    event.preventDefault();
    this.buttons[from].tabIndex = -1;
    this.buttons[to].tabIndex = 0;
    this.buttons[to].focus();
  }

  drawFrame() {
    const top = Math.max(1, ...this.data.curves.flatMap(([, , points]) => points.map(([, peak]) => peak)));
    this.ceiling = top * 1.12; // one axis for all curves, so that parts can be compared
    this.frame = element("div", "curve");
    this.frame.innerHTML = `<svg viewBox="0 0 ${this.count} 100" preserveAspectRatio="none" aria-hidden="true">
      <path class="line"/><path class="dots"/><path class="peak"/></svg>`;
    this.peak = this.frame.querySelector(".peak");
    this.depth = element("p", "axis-name", this.words.depth);
    this.plot.classList.add("curved");
    if (this.data.curves.length > 1) this.plot.append(this.choice());
    this.plot.append(this.depth, ticks("axis peaks", "bottom", this.data.peaks, this.ceiling), this.frame);
  }

  // Whose blocks are frozen one after another: the model's, or those of one part.
  choice() {
    const label = element("label", "choice", this.words.blocks_of);
    this.select = element("select");
    this.select.setAttribute("aria-label", this.words.blocks_of); // without the options that a label around it names
    this.data.curves.forEach(([part, name]) => this.select.append(new Option(name, part)));
    this.select.addEventListener("keydown", (event) => event.stopPropagation()); // Streamlit's own keys, C and R
    this.select.addEventListener("change", () => this.choose(this.select.value));
    label.append(this.select);
    return label;
  }

  choose(part) {
    const [found, name, points] = this.data.curves.find(([each]) => each === part) ?? this.data.curves[0];
    this.part = found;
    if (this.select) this.select.value = found;
    this.curve = points;
    this.depth.textContent = found ? this.words.depth_part.replace("{part}", name) : this.words.depth;
    this.drawCurve();
    this.paintPeak();
  }

  drawCurve() {
    const at = ([place, peak]) => `${(place + 0.5).toFixed(2)} ${(100 - (100 * peak) / this.ceiling).toFixed(2)}`;
    const points = this.curve.map(at);
    const draw = (name, path) => this.frame.querySelector(name).setAttribute("d", path);
    draw(".line", points.length ? `M${points.join("L")}` : "");
    draw(".dots", points.length <= 80 ? points.map((p) => `M${p}h0`).join("") : "");
    this.plot.classList.toggle("awaited", !points.length); // its room stays, so that nothing moves when it comes
  }

  // Labels where there is room for them, the ends of the blocks first; what is no block may stand on a second line.
  label() {
    const width = this.bars.clientWidth;
    const isBlock = this.columns.map(([, , , blocks]) => blocks > 0);
    const ends = [isBlock.indexOf(true), isBlock.lastIndexOf(true), 0, this.count - 1].filter((i) => i >= 0);
    const taken = [[], []];
    const labels = [];
    for (const i of new Set([...ends, ...this.columns.keys()])) {
      const text = this.columns[i][0];
      const wide = [...text].reduce((sum, letter) => sum + (letter > "\u2e80" ? LETTER.wide : LETTER.narrow), 0);
      const middle = ((i + 0.5) / this.count) * width;
      const left = Math.max(0, Math.min(width - wide, middle - wide / 2));
      const isFree = (line) => !line.some(([from, to]) => left < to + BETWEEN && left + wide + BETWEEN > from);
      const line = taken.slice(0, isBlock[i] ? 1 : 2).findIndex(isFree);
      if (line < 0) continue;
      taken[line].push([left, left + wide]);
      const label = element("span", line ? "second" : "", text);
      label.style.left = `${(left + wide / 2).toFixed(1)}px`;
      labels.push(label);
    }
    this.labels.replaceChildren(...labels);
  }

  // A state a column, one letter each, and the peak of the present selection.
  paint({ states, peak }) {
    this.states = states;
    this.buttons.forEach((button, i) => {
      if (button.dataset.state === states[i]) return;
      button.dataset.state = states[i];
      button.setAttribute("aria-pressed", PRESSED[states[i]]);
      button.setAttribute("aria-label", this.describe(i));
    });
    this.now = peak;
    this.paintPeak();
    if (this.tipAt >= 0) this.showTip(this.tipAt);
  }

  paintPeak() {
    const height = 100 - (100 * Math.min(this.now ?? 0, this.ceiling)) / this.ceiling;
    const known = this.now !== null && this.now !== undefined && this.curve.length;
    this.peak.setAttribute("d", known ? `M0 ${height.toFixed(2)}h${this.count}` : "");
  }

  describe(i) {
    const [name, count] = this.columns[i];
    return `${name} · ${count} · ${this.words[this.states[i]]}`;
  }

  showTip(i) {
    this.tipAt = i;
    this.tip.hidden = i < 0;
    if (i < 0) return;
    const point = this.curve.find(([place]) => place === i + 0.5);
    this.tip.replaceChildren(element("b", "", this.describe(i)));
    if (point) this.tip.append(element("span", "", this.words.point.replace("{peak}", point[2]).replace("{work}", point[3])));
    const middle = (i + 0.5) / this.count;
    this.tip.style.left = percent(middle);
    this.tip.style.transform = `translateX(${percent(-middle)})`;
  }
}

const range = (from, to) => Array.from({ length: to - from }, (_, i) => from + i);
