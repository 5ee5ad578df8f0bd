"""The address bar: keeps the link current without a new step of history per tick, and copies it."""

from __future__ import annotations

import streamlit as st

from app import state
from app.components.wire import feed

CHANNEL = "address"
BUTTON = """
export default function ({ parentElement, data }) {
  const channels = (globalThis.channels ??= new Map())
  const channel = channels.get(data.channel) ?? { parts: {}, hear: null }
  channels.set(data.channel, channel)
  channel.hear = ({ query }) => {
    if (location.search !== "?" + query) history.replaceState(history.state, "", "?" + query + location.hash)
  }
  if (channel.parts.link) channel.hear(channel.parts.link)
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


def copy_button() -> None:
    """Draw the button; it copies whatever the address bar holds, and writes there what `link_part` says."""
    words = state.words()
    sentences = {"label": words("link.copy"), "copied": words("link.copied"), "refused": words("link.refused")}
    _button(data={"channel": CHANNEL, **sentences}, key="copy_link", width="content", height="content")


def link_part() -> dict:
    """What brings the address bar up to date, to be sent by `feed`."""
    return {"channel": CHANNEL, "part": "link", "query": state.link().query()}


def update_address() -> None:
    """Bring the address bar up to date."""
    feed(link_part(), key="address-feed")


def page_header(title: str) -> None:
    """A page's title beside the button, with the address bar up to date."""
    left, right = st.columns([4, 1], vertical_alignment="bottom")
    left.header(title)
    with right:
        copy_button()
    update_address()
