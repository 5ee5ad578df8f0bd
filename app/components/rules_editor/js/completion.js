// The list below the line that is typed. The text area stays what it is and keeps the keyboard: arrows mark an entry,
// Enter or Tab takes the marked one, Escape closes, Ctrl+Space opens. Without a mark Enter and Tab do what they do.

import { channelOf } from "../../js/channel.js";
import { element } from "../../js/element.js";
import { waysOn, wordAt } from "./words.js";

export class Completion {
  constructor(data, field) {
    Object.assign(this, { data, field, ways: [], marked: -1 });
    this.list = element("ul", "rule-names");
    this.list.id = "rule-names";
    this.list.hidden = true;
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", data.words.names);
    this.status = element("span", "rule-names-said");
    this.status.setAttribute("role", "status");
    field.setAttribute("aria-autocomplete", "list");
    field.setAttribute("aria-controls", this.list.id);
    field.addEventListener("input", () => this.offer());
    field.addEventListener("keydown", (event) => this.press(event));
    field.addEventListener("click", () => this.close());
    field.addEventListener("blur", () => this.close());
    this.list.addEventListener("mousedown", (event) => event.preventDefault()); // the text area keeps the keyboard
    this.list.addEventListener("click", ({ target }) => this.take([...this.list.children].indexOf(target.closest("li"))));
  }

  // Show what the word before the caret may go on to; an empty word only where it was asked for.
  offer(asked = false) {
    const { field } = this;
    const at = field.selectionStart === field.selectionEnd && wordAt(field.value, field.selectionStart);
    const model = channelOf(this.data.tree).model;
    const ways = at && (at.word || asked) ? waysOn(at, this.data.follows, model) : [];
    if (!ways.length) return this.close();
    Object.assign(this, { at, ways });
    this.list.replaceChildren(...ways.map((way, place) => this.row(way, place)));
    this.list.hidden = false;
    this.mark(-1);
    this.put();
    this.follow();
    this.status.textContent = this.data.words.found.replace("{count}", ways.length);
  }

  row({ text, about }, place) {
    const row = element("li");
    row.id = `rule-names-${place}`;
    row.setAttribute("role", "option");
    row.append(element("span", "", text));
    if (about) row.append(element("small", "", about));
    return row;
  }

  mark(place) {
    this.marked = place;
    [...this.list.children].forEach((row, at) => row.setAttribute("aria-selected", String(at === place)));
    if (place < 0) this.field.removeAttribute("aria-activedescendant");
    else {
      this.field.setAttribute("aria-activedescendant", `rule-names-${place}`);
      this.list.children[place].scrollIntoView({ block: "nearest" });
    }
  }

  press(event) {
    const { key, ctrlKey, metaKey } = event;
    if (key === " " && ctrlKey) this.offer(true);
    else if (this.list.hidden || event.isComposing) return;
    else if (key === "ArrowDown") this.mark((this.marked + 1) % this.ways.length);
    else if (key === "ArrowUp") this.mark((this.marked < 1 ? this.ways.length : this.marked) - 1);
    else if (key === "Escape") this.close();
    else if ((key === "Enter" || key === "Tab") && this.marked >= 0 && !ctrlKey && !metaKey) this.take(this.marked);
    else return key === "Enter" || key === "ArrowLeft" || key === "ArrowRight" ? this.close() : undefined;
    event.preventDefault();
    event.stopPropagation();
  }

  // Put an entry in the place of the word, as if it had been typed: the browser's own undo takes it back.
  take(place) {
    const { field, at } = this;
    const way = this.ways[place];
    if (!way) return;
    field.focus();
    field.setSelectionRange(at.from, at.from + at.word.length);
    if (!document.execCommand("insertText", false, way.text)) {
      field.setRangeText(way.text, at.from, at.from + at.word.length, "end");
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
    if (!/[:.]$/.test(way.text)) this.close();
  }

  close() {
    if (this.list.hidden) return;
    this.mark(-1);
    this.list.hidden = true;
    this.list.replaceChildren();
    this.status.textContent = "";
  }

  // Below the line of the word, or above it where there is no room below.
  put() {
    const place = caretPlace(this.field, this.at.from);
    const { offsetWidth, offsetHeight, style } = this.list;
    style.visibility = this.isInSight() ? "" : "hidden";
    const bottom = (globalThis.visualViewport?.height ?? innerHeight) - 4;
    const below = place.bottom + offsetHeight <= bottom;
    style.top = `${below ? place.bottom : Math.max(4, place.top - offsetHeight)}px`;
    style.left = `${Math.max(4, Math.min(place.left, innerWidth - offsetWidth - 4))}px`;
  }

  // Stay at the word wherever the page moves it: parts above that are drawn later do, also while somebody types.
  follow() {
    cancelAnimationFrame(this.following);
    const stood = this.stands();
    const look = () => {
      if (this.list.hidden) return;
      if (this.stands() !== stood) {
        this.put();
        return this.follow();
      }
      this.following = requestAnimationFrame(look);
    };
    this.following = requestAnimationFrame(look);
  }

  stands() {
    const { left, top, width } = this.field.getBoundingClientRect();
    return [left, top, width, this.field.scrollTop, innerWidth, innerHeight].join();
  }

  isInSight() {
    const { top, bottom } = this.field.getBoundingClientRect();
    return bottom > 0 && top < innerHeight;
  }

  stop() {
    cancelAnimationFrame(this.following);
  }
}

// Where a character of a text area stands on the screen, measured in a copy of it.
function caretPlace(field, offset) {
  const copy = element("div", "", field.value.slice(0, offset));
  const here = element("span", "", "​");
  const look = getComputedStyle(field);
  for (const name of ["font", "padding", "lineHeight", "letterSpacing", "borderWidth", "boxSizing", "tabSize"]) copy.style[name] = look[name];
  Object.assign(copy.style, { position: "absolute", visibility: "hidden", whiteSpace: "pre-wrap", overflowWrap: "break-word", width: look.width });
  copy.append(here);
  field.parentElement.append(copy);
  const [box, frame] = [field.getBoundingClientRect(), copy.getBoundingClientRect()];
  const at = here.getBoundingClientRect();
  copy.remove();
  const top = box.top + at.top - frame.top - field.scrollTop;
  return { left: box.left + at.left - frame.left, top, bottom: top + at.height + 3 };
}
