// What memory is made of at its peak: training everything above this selection, on one axis.

import { element } from "../../js/element.js";
import { percent, ticks } from "./axis.js";

export class Memory {
  constructor({ words, parts, full, axis }) {
    this.parts = parts;
    this.words = words;
    this.top = Math.max(1, sum(full));
    this.root = element("figure", "memory");
    this.rows = element("div", "rows");
    this.legend = element("ul", "parts");
    this.note = element("p", "note");
    this.moment = element("p", "hint");
    this.whole = this.row(words.everything);
    this.own = this.row(words.selection);
    this.rows.append(element("span"), ticks("axis", "left", axis, this.top));
    this.root.append(element("figcaption", "", words.memory), this.note, this.rows, this.legend, this.moment);
    this.paintBar(this.whole, full);
    this.items = parts.map(([part, name, about]) => {
      const item = element("li");
      const size = element("b");
      item.append(element("i", part), ...term(part, name, about), " ", size);
      this.legend.append(item);
      return size;
    });
  }

  row(name) {
    const bar = element("div", "bar");
    bar.append(...this.parts.map(([part]) => element("i", part)));
    this.rows.append(element("span", "name", name), bar);
    return bar;
  }

  paintBar(bar, sizes) {
    const top = Math.max(this.top, sum(sizes));
    this.parts.forEach((_, i) => (bar.children[i].style.width = percent((sizes?.[i] ?? 0) / top)));
  }

  // Sizes in bytes with their texts, or a note in their place.
  paint({ sizes, texts, note, moment }) {
    this.note.textContent = note ?? "";
    this.note.hidden = !note;
    this.rows.hidden = this.legend.hidden = !sizes;
    this.moment.textContent = moment ? this.words.moment.replace("{moment}", moment) : "";
    if (!sizes) return;
    this.paintBar(this.own, sizes);
    this.items.forEach((size, i) => {
      size.textContent = texts[i] ?? "";
      size.parentElement.hidden = texts[i] === null;
    });
  }
}

const sum = (sizes) => (sizes ?? []).reduce((total, size) => total + (size ?? 0), 0);

// A name that opens what it means; to a screen reader that describes it, too.
function term(part, name, about) {
  const button = Object.assign(element("button", "term", name), { type: "button" });
  const meaning = Object.assign(element("span", "meaning", about), { id: `meaning-${part}`, popover: "auto", role: "tooltip" });
  button.popoverTargetElement = meaning;
  button.setAttribute("aria-describedby", meaning.id);
  return [button, meaning];
}
