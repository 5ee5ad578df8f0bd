// The tree in a notebook, as anywidget mounts it: in a shadow of its own, so that its style and the notebook's never meet.

import { channelOf, deliver } from "../../js/channel.js";
import { element } from "../../js/element.js";
import { mountTree } from "./tree.js";

function isDark() {
  const { body, documentElement } = document;
  if (body.dataset.jpThemeLight) return body.dataset.jpThemeLight === "false"; // JupyterLab
  if (body.dataset.vscodeThemeKind) return body.dataset.vscodeThemeKind.includes("dark");
  if (documentElement.hasAttribute("theme")) return documentElement.getAttribute("theme") === "dark"; // Colab
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

function render({ model, el }) {
  const room = element("div");
  const place = element("div", isDark() ? "dark" : "light");
  const style = element("style", "", model.get("style"));
  room.attachShadow({ mode: "open" }).append(style, place);
  el.append(room);
  globalThis.notebookTrees = (globalThis.notebookTrees ?? 0) + 1; // one tree may be shown by several cells
  const channel = `notebook-${globalThis.notebookTrees}`;
  const end = mountTree({ data: { ...model.get("rows"), channel }, parentElement: place });
  channelOf(channel).send = (ticks) => {
    model.set("ticks", ticks);
    model.save_changes();
  };
  const receive = () => deliver({ ...model.get("given"), channel });
  model.on("change:given", receive);
  receive();
  return () => {
    model.off("change:given", receive);
    end();
  };
}

export default { render };
