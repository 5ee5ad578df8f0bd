// Making elements: what every part of the shell is drawn with.

// `make("button", { class: "main", onclick }, "text", child)`: attributes, listeners that begin with "on", children.
export function make(tag, about = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(about)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name in made && name !== "list" && typeof value !== "string") made[name] = value;
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

// A sentence in which **bold** and `code` mean something, and nothing else does.
export function sentence(text, tag = "p", about = {}) {
  const parts = String(text ?? "").split(/(\*\*[^*]+\*\*|`[^`]*`|\n)/).filter(Boolean).map((part) => {
    if (part === "\n") return make("br");
    if (part.startsWith("**")) return make("strong", {}, part.slice(2, -2));
    return part.startsWith("`") ? make("code", {}, part.slice(1, -1)) : part;
  });
  return make(tag, about, ...parts);
}

export function button(label, act, about = {}) {
  const { main, quiet, ...rest } = about;
  const kind = ["button", main && "main", quiet && "quiet", about.class].filter(Boolean).join(" ");
  return make("button", { type: "button", ...rest, class: kind, onclick: act }, label);
}

const ICONS = {
  theme: '<path d="M12 3a9 9 0 1 0 9 9 7 7 0 0 1-9-9z"/>',
  link: '<path d="M9 15l6-6M8 12l-2.5 2.5a3.5 3.5 0 0 0 5 5L13 17M16 12l2.5-2.5a3.5 3.5 0 0 0-5-5L11 7"/>',
};

export function iconButton(icon, label, act) {
  const made = button("", act, { class: "icon", title: label, "aria-label": label });
  made.innerHTML = `<svg viewBox="0 0 24 24" aria-hidden="true">${ICONS[icon]}</svg>`;
  return made;
}

// A question mark that opens a sentence.
export function about(text, label) {
  if (!text) return null;
  const made = make("details", { class: "about" }, make("summary", { "aria-label": label }, "?"), sentence(text));
  made.addEventListener("focusout", ({ relatedTarget }) => made.contains(relatedTarget) || (made.open = false));
  return made;
}

// Close what lies over the page when something else is pressed, or Escape.
export function closesItself(details) {
  const close = ({ target }) => details.contains(target) || (details.open = false);
  details.addEventListener("toggle", () => document[details.open ? "addEventListener" : "removeEventListener"]("pointerdown", close));
  details.addEventListener("keydown", ({ key }) => key === "Escape" && ((details.open = false), details.firstChild.focus()));
  return details;
}

export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

export function save(content, name, mime) {
  const address = URL.createObjectURL(new Blob([content], { type: mime }));
  make("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
