// A box of text that marks the word that cannot be read.
//
// The text comes by channel; one that is the same as the last changes nothing, so that what is being typed stays. Sent
// is what was typed, when the box is left or Ctrl+Enter is pressed.

import { listen } from "../../js/channel.js";
import { element } from "../../js/element.js";
import { mounted } from "../../js/mount.js";
import { Completion } from "./completion.js";

const ROOM = 0.7; // of the window's height

class Editor {
  constructor(data, root, send) {
    Object.assign(this, { data, root, send, last: null });
    const { words } = data;
    root.setAttribute("lang", words.lang);
    const head = element("div", "head");
    const label = element("label", "", words.label);
    const help = element("details", "help");
    help.append(element("summary", "", "?"), element("p", "", words.help));
    help.firstChild.setAttribute("aria-label", words.help_label);
    head.append(label, help);
    this.field = element("textarea");
    Object.assign(this.field, { id: "rules-text", rows: 5, maxLength: data.longest, spellcheck: false });
    for (const [name, value] of Object.entries({ autocapitalize: "off", autocomplete: "off" })) {
      this.field.setAttribute(name, value);
    }
    label.htmlFor = this.field.id;
    this.mirror = element("div", "mirror");
    this.mirror.setAttribute("aria-hidden", "true");
    this.hint = element("span", "hint", words.apply);
    this.completion = new Completion(data, this.field);
    const room = element("div", "room");
    room.append(this.mirror, this.field, this.hint);
    root.replaceChildren(head, room, this.completion.list, this.completion.status);
    this.field.addEventListener("input", () => this.change());
    this.field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.commit();
    });
    this.field.addEventListener("scroll", () => (this.mirror.scrollTop = this.field.scrollTop));
    this.field.addEventListener("blur", () => this.commit());
    this.disconnect = listen(data.channel, (part) => this.receive(part));
  }

  change() {
    this.mark(null);
    this.root.classList.add("typed");
  }

  receive({ text, fault }) {
    if (text !== this.last) {
      this.last = text;
      if (this.field.value !== text) this.field.value = text;
      this.completion.close();
      this.root.classList.remove("typed");
    }
    if (this.field.value !== text) return;
    this.mark(fault);
    if (fault && this.field.matches(":focus")) this.makeRoomBelow();
  }

  // What is wrong is told below the box: it comes into sight where the box stands low.
  makeRoomBelow() {
    if (this.root.getBoundingClientRect().bottom > innerHeight * ROOM) this.root.scrollIntoView({ block: "center" });
  }

  commit() {
    if (!this.root.classList.contains("typed")) return;
    this.root.classList.remove("typed");
    if (this.field.value === this.last) return;
    this.last = null; // whatever comes next answers this
    this.send(this.field.value);
  }

  // A wavy line below the word at fault, behind the text.
  mark(fault) {
    const text = this.field.value;
    this.field.setAttribute("aria-invalid", String(Boolean(fault)));
    if (!fault) return this.mirror.replaceChildren();
    this.mirror.replaceChildren(text.slice(0, fault[0]), element("mark", "", text.slice(...fault)), text.slice(fault[1]) + "\n");
    this.mirror.scrollTop = this.field.scrollTop;
  }

  stop() {
    this.disconnect();
    this.completion.stop();
    this.commit();
  }

  end() {
    this.stop();
    this.root.remove();
  }
}

// A drawing that says the same as the last leaves the box alone: somebody may be typing in it.
const show = ({ data, parentElement, setStateValue }, earlier) => {
  const send = (text) => setStateValue("typed", { text, at: Date.now() });
  if (earlier && JSON.stringify(earlier.data) === JSON.stringify(data)) return Object.assign(earlier, { send });
  earlier?.stop();
  const root = earlier?.root ?? element("section", "editor");
  if (!earlier) parentElement.append(root);
  return new Editor(data, root, send);
};

export default mounted(show, (editor) => editor.end());
