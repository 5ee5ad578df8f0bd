// The numbers above both charts, kept while Streamlit calls again and again.

import { channelOf, listen } from "../../js/channel.js";
import { element } from "../../js/element.js";
import { Blocks } from "./blocks.js";
import { Memory } from "./memory.js";
import { Numbers } from "./numbers.js";

const views = new WeakMap();

class Charts {
  constructor(data, root) {
    Object.assign(this, { data, root });
    this.numbers = new Numbers(data);
    this.memory = new Memory(data);
    this.blocks = new Blocks(data, (parameters) => channelOf(data.tree).receive?.({ part: "toggle", parameters }));
    root.setAttribute("lang", data.words.lang);
    for (const [name, colour] of Object.entries(data.colours)) root.style.setProperty(`--${name}`, colour);
    root.replaceChildren(this.numbers.root, this.memory.root, this.blocks.root);
    this.disconnect = listen(data.channel, (part) => this.receive(part));
  }

  stop() {
    this.disconnect();
    this.blocks.watch.disconnect();
  }

  receive(part) {
    if (part.of !== this.data.of) return; // costs of the model before
    if (part.part === "largest") return this.numbers.paintLargest(part.text);
    this.root.classList.toggle("old", part.old);
    this.numbers.paint(part);
    this.memory.paint(part);
    this.blocks.paint(part);
  }
}

export default function ({ data, parentElement }) {
  const earlier = views.get(parentElement);
  if (earlier?.data !== data) {
    earlier?.stop();
    const root = earlier?.root ?? element("section", "charts");
    if (!earlier) parentElement.append(root);
    views.set(parentElement, new Charts(data, root));
  }
  return () => {
    views.get(parentElement)?.stop();
    views.delete(parentElement);
  };
}
