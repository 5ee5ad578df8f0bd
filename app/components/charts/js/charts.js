// The numbers above both charts, kept while Streamlit calls again and again.

import { channelOf, listen } from "../../js/channel.js";
import { element } from "../../js/element.js";
import { mounted } from "../../js/mount.js";
import { Blocks } from "./blocks.js";
import { Memory } from "./memory.js";
import { Numbers } from "./numbers.js";

class Charts {
  constructor(data, root, toWay, part) {
    Object.assign(this, { data, root });
    this.numbers = new Numbers(data, toWay);
    this.memory = new Memory(data);
    this.blocks = new Blocks(data, (parameters) => channelOf(data.tree).receive?.({ part: "toggle", parameters }));
    this.blocks.choose(part);
    root.setAttribute("lang", data.words.lang);
    for (const [name, colour] of Object.entries(data.colours)) root.style.setProperty(`--${name}`, colour);
    root.replaceChildren(this.numbers.root, this.memory.root, this.blocks.root);
    this.disconnect = listen(data.channel, (part) => this.receive(part));
  }

  stop() {
    this.disconnect();
    this.blocks.watch.disconnect();
  }

  end() {
    this.stop();
    this.root.remove();
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

const CHOOSER = ".st-key-w_pane, .tabs"; // of the panes below the numbers, with a server and without
const STILL = "(prefers-reduced-motion: reduce)";

// Where it is narrow, the pane that the way turns to stands screens below the number that was pressed.
const bringUp = (chooser) => {
  if (!chooser || chooser.getBoundingClientRect().top < innerHeight / 2) return;
  chooser.scrollIntoView({ behavior: matchMedia(STILL).matches ? "instant" : "smooth" });
};

const show = ({ data, parentElement, setTriggerValue }, earlier) => {
  if (earlier?.data === data) return earlier;
  earlier?.stop();
  const root = earlier?.root ?? element("section", "charts");
  if (!earlier) parentElement.append(root);
  const part = earlier?.data.of === data.of ? earlier.blocks.part : ""; // what was chosen stays when prices come
  const toWay = () => {
    setTriggerValue("way", true);
    bringUp(document.querySelector(CHOOSER));
  };
  return new Charts(data, root, toWay, part);
};

export default mounted(show, (charts) => charts.end());
