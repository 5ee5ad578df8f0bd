"""The address bar: keeps the link current without a new step of history per tick, and copies it."""

from __future__ import annotations

import streamlit as st

from app import state

BUTTON = """
export default function ({ parentElement, data }) {
  const button = parentElement.querySelector("button")
  const status = parentElement.querySelector("[role=status]")
  button.querySelector("span").textContent = data.label
  button.onclick = async () => {
    let done = false
    try { await navigator.clipboard.writeText(location.href); done = true } catch { done = copied(location.href) }
    status.textContent = done ? data.copied : data.refused
    setTimeout(() => { status.textContent = "" }, 2500)
  }
}

// Clipboards are closed to pages served without encryption, such as a class's; a selected field still copies there.
function copied(text) {
  const field = document.createElement("textarea")
  field.value = text
  document.body.append(field)
  field.select()
  const done = document.execCommand("copy")
  field.remove()
  return done
}
"""

BAR = """
export default function ({ data }) {
  const wanted = "?" + data
  if (location.search !== wanted) history.replaceState(history.state, "", wanted + location.hash)
}
"""

STYLE = """/* the button looks like Streamlit's own */
div { display: flex; align-items: center; gap: .5rem; justify-content: flex-end; }
button { font: inherit; font-size: .85rem; color: var(--st-text-color); background: transparent; cursor: pointer;
  border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius); padding: .25rem .6rem;
  white-space: nowrap; }
button:hover { border-color: var(--st-primary-color); color: var(--st-primary-color); }
button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; }
[role=status] { font-size: .85rem; color: var(--st-text-color); }
"""

CHAIN = "M6.5 9.5l3-3M7 4.5l1.8-1.8a3 3 0 0 1 4.3 4.3L11.3 8.8M9 11.5l-1.8 1.8a3 3 0 0 1-4.3-4.3L4.7 7.2"  # two links
MARKUP = f"""
<div>
  <span role="status"></span>
  <button type="button">
    <svg viewBox="0 0 16 16" width="14" height="14" fill="none" stroke="currentColor" stroke-width="1.6"
      stroke-linecap="round" aria-hidden="true"><path d="{CHAIN}"/></svg>
    <span>Copy link</span>
  </button>
</div>
"""

_button = st.components.v2.component("copy_link", html=MARKUP, css=STYLE, js=BUTTON)
_bar = st.components.v2.component("address_bar", js=BAR)


def copy_button() -> None:
    """Draw the button; it copies whatever the address bar holds."""
    words = state.words()
    data = {"label": words("link.copy"), "copied": words("link.copied"), "refused": words("link.refused")}
    _button(data=data, key="copy_link", width="content", height="content")


@st.fragment(key="address")
def follow() -> None:
    """Bring the address bar up to date; this alone is drawn again with every tick."""
    _bar(data=state.link().query(), key="address_bar", height=1)
