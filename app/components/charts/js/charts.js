// The numbers above both charts, kept while Streamlit calls again and again.

import { Blocks } from "./blocks.js";
import { element } from "./elements.js";
import { Memory } from "./memory.js";
import { Numbers } from "./numbers.js";

const views = new WeakMap();

class Charts {
  constructor(data, root) {
    const channels = globalThis.channels;
    Object.assign(this, { data, root });
    this.numbers = new Numbers(data);
    this.memory = new Memory(data);
    this.blocks = new Blocks(data, (parameters) => channels.get(data.tree)?.hear?.({ part: "turn", parameters }));
    root.setAttribute("lang", data.words.lang);
    for (const [name, colour] of Object.entries(data.colours)) root.style.setProperty(`--${name}`, colour);
    root.replaceChildren(this.numbers.root, this.memory.root, this.blocks.root);
  }

  hear(part) {
    if (part.of !== this.data.of) return; // costs of the model before
    if (part.part === "largest") return this.numbers.paintLargest(part.text);
    this.root.classList.toggle("old", part.old);
    this.numbers.paint(part);
    this.memory.paint(part);
    this.blocks.paint(part);
  }
}

export default function ({ data, parentElement }) {
  const channels = (globalThis.channels ??= new Map());
  const channel = channels.get(data.channel) ?? { parts: {}, hear: null };
  channels.set(data.channel, channel);
  const earlier = views.get(parentElement);
  if (earlier?.view.data !== data) {
    const root = earlier?.root ?? element("section", "charts");
    if (!earlier) parentElement.append(root);
    earlier?.view.blocks.watch.disconnect();
    const view = new Charts(data, root);
    views.set(parentElement, { root, view });
    channel.hear = (part) => view.hear(part);
    for (const part of Object.values(channel.parts)) view.hear(part);
  }
  return () => {
    views.get(parentElement)?.view.blocks.watch.disconnect();
    views.delete(parentElement);
    channel.hear = null;
  };
}
