// What every page of the site has: language, theme, the head, and the files kept for a visit without a network.

import { copy, iconButton, make } from "./dom.js";

export const LANGUAGES = ["en", "ja", "zh"];
export const OLD = typeof WebAssembly !== "object" || typeof DecompressionStream !== "function" || !("adoptedStyleSheets" in document);
const TOO_OLD = "This browser cannot run WebAssembly, or is too old for this page. Any current Firefox, Chrome, Edge or Safari can show it.";
const PAGES = { explore: "./", learn: "learn.html", classroom: "class.html" };

export function kept(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

// Whether it was kept: a browser may keep nothing, and then it holds until the page is left.
export function keep(name, value) {
  try {
    localStorage.setItem(name, value);
    return true;
  } catch {
    return false;
  }
}

export function languageOf(address) {
  return LANGUAGES.find((lang) => lang === address.get("lang")) ?? LANGUAGES.find((lang) => navigator.language?.toLowerCase().startsWith(lang)) ?? "en";
}

export function themeKept() {
  return kept("theme") ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
}

export function tellOld(room) {
  room.replaceChildren(make("p", {}, TOO_OLD));
}

// A query as the server's page writes it: readable where addresses allow it.
export function readable(params) {
  return params.toString().replace(/%3A/g, ":").replace(/%3B/g, ";").replace(/%2C/g, ",").replace(/%2F/g, "/").replace(/%40/g, "@");
}

export function withLang(query, lang) {
  const found = new URLSearchParams(query);
  found.set("lang", lang);
  return readable(found);
}

// Links to the pages, with what this page's address holds.
export function drawViews(words, shown) {
  const room = document.getElementById("views");
  room.setAttribute("aria-label", "Freeze Explorer");
  room.replaceChildren(...Object.entries(PAGES).map(([name, file]) =>
    make("a", { href: file + location.search, "aria-current": name === shown ? "page" : null }, words[`page.${name}`])));
}

// Language, theme and link; `state` has `lang` and `theme`, and is changed before `spoken` or `themed` is called.
export function drawTools(words, state, spoken, themed) {
  const options = JSON.parse(words.languages).map(([value, text]) => make("option", { value, selected: value === state.lang }, text));
  const lang = make("select", { "aria-label": words["top.lang"] ?? "Language", onchange: () => spoken((state.lang = lang.value)) }, ...options);
  const theme = iconButton("theme", words["site.theme"], () => {
    state.theme = state.theme === "dark" ? "light" : "dark";
    keep("theme", state.theme);
    document.documentElement.dataset.theme = state.theme;
    themed();
  });
  const said = make("span", { role: "status", class: "caption" });
  const link = iconButton("link", words["link.copy"], async () => {
    said.textContent = words[(await copy(location.href)) ? "link.copied" : "link.refused"];
    setTimeout(() => (said.textContent = ""), 3000);
  });
  document.getElementById("tools").replaceChildren(said, lang, theme, link);
}

// Keep every file for a visit without a network; `told` is called once all of them are there.
export async function keepOffline(told) {
  if (!("serviceWorker" in navigator) || !isSecureContext) return;
  try {
    await navigator.serviceWorker.register("offline.js");
    const { active } = await navigator.serviceWorker.ready;
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => data && told();
    active.postMessage("all", [port2]);
  } catch (error) {
    console.info("without a service worker:", error); // the page works, with a network
  }
}
