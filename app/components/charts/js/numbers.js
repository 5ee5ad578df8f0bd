// The numbers above the charts: what the selection costs, each against training everything and with what it means.

import { element } from "../../js/element.js";

const LARGEST = 1; // the number that the largest batch stands below

export class Numbers {
  constructor({ numbers, words }, toWay) {
    this.root = element("dl", "numbers");
    this.cards = numbers.map(([name, help], i) => new Card(name, help, `number-${i}`, words.what, toWay));
    this.root.append(...this.cards.map((card) => card.root));
  }

  // Per number its text, what stands below it, whether that saves something, and the way out of what it warns of.
  paint({ numbers, moment }) {
    numbers.forEach(([value, below, saves, way], i) => this.cards[i].paint(value, below, saves, moment, way));
    this.paintLargest(this.largest);
  }

  // The largest batch that fits, which the quick answer to a tick leaves out.
  paintLargest(text) {
    this.largest = text;
    this.cards[LARGEST].paintBelow(text);
  }
}

class Card {
  constructor(name, help, id, what, toWay) {
    this.help = help;
    this.root = element("div", "card");
    this.value = element("dd", "value", "…");
    this.below = element("dd", "below");
    this.button = element("button", "help", "?");
    this.button.type = "button";
    this.button.setAttribute("aria-label", what.replace("{name}", name));
    this.button.setAttribute("aria-describedby", id);
    this.tip = element("span", "tip");
    this.tip.id = id;
    this.tip.setAttribute("role", "tooltip");
    this.button.addEventListener("keydown", (event) => event.key === "Escape" && this.button.blur());
    this.way = element("button", "way");
    this.way.type = "button";
    this.way.addEventListener("click", toWay);
    const term = element("dt");
    term.append(element("span", "", name), this.button, this.tip);
    this.root.append(term, this.value, this.below);
    this.paintBelow(null);
    this.explain(null);
  }

  paint(value, below, saves, moment, way) {
    this.value.replaceChildren(value);
    this.root.classList.toggle("warns", Boolean(way));
    this.way.textContent = way ?? "";
    if (way) this.value.append(this.way);
    this.below.classList.toggle("saves", saves);
    this.paintBelow(below);
    this.explain(moment);
  }

  paintBelow(below) {
    this.below.hidden = !below;
    this.below.textContent = below ?? "";
  }

  explain(moment) {
    this.button.hidden = this.help.includes("{moment}") && !moment;
    this.tip.textContent = this.help.replace("{moment}", moment ?? "");
  }
}
