// A button that copies the address, and the address bar's query as it is sent; neither makes a step of history.

import { listen } from "../../js/channel.js";
import { mounted } from "../../js/mount.js";

const show = ({ parentElement, data }, end) => {
  end?.();
  document.documentElement.lang = data.lang; // Streamlit says English, and so would a voice that reads the page
  const button = parentElement.querySelector("button");
  const status = parentElement.querySelector("[role=status]");
  button.querySelector("span").textContent = data.label;
  button.onclick = async () => {
    status.textContent = (await copy(location.href)) ? data.copied : data.refused;
    setTimeout(() => {
      status.textContent = "";
    }, 2500);
  };
  return listen(data.channel, ({ query }) => {
    if (location.search !== "?" + query) history.replaceState(history.state, "", "?" + query + location.hash);
  });
};

export default mounted(show, (end) => end());

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyFromField(text);
  }
}

// Clipboards are closed to pages served without encryption, such as a class's; a selected field still copies there.
function copyFromField(text) {
  const field = document.createElement("textarea");
  field.value = text;
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  return done;
}
