// Follows the keyboard over the page: what has the focus, whether that can be seen, and what was never reached.
window.focusWalk = (() => {
  const FOCUSABLE = "a[href], button, input, select, textarea, summary, [tabindex]"
  const all = (root) => [...root.querySelectorAll("*")].flatMap((e) => [e, ...(e.shadowRoot ? all(e.shadowRoot) : [])])
  const seen = (e) => e.checkVisibility({ visibilityProperty: true }) && e.getBoundingClientRect().width > 0
  const controls = () => all(document).filter((e) =>
    e.matches(FOCUSABLE) && !e.matches(":disabled, [type=file], [type=hidden]") && e.tabIndex >= 0 && seen(e) && !e.closest("[inert], [aria-hidden=true]"))
  const name = (e) => (e.ariaLabel || e.labels?.[0]?.innerText || e.innerText || e.title || e.placeholder || e.tagName).trim().split("\n")[0]
  // The focus may be drawn on the element itself, around it, or, for radios and boxes, on a part of its label.
  const around = (e) => {
    const near = [e]
    for (let up = e.parentElement; up && near.length < 5; up = up.parentElement) near.push(up)
    return [...near, ...(e.closest("label")?.querySelectorAll("*") ?? []), ...e.querySelectorAll("*")]
  }
  const drawn = (e) => {
    const { outlineStyle, outlineWidth, outlineColor, boxShadow, borderColor, backgroundColor, textDecorationLine } = getComputedStyle(e)
    return [outlineStyle === "none" ? "" : outlineWidth + outlineColor, boxShadow, borderColor, backgroundColor, textDecorationLine].join()
  }
  const look = (e) => around(e).map(drawn).join("|")
  const active = () => {
    let at = document.activeElement
    while (at.shadowRoot?.activeElement) at = at.shadowRoot.activeElement
    return at
  }
  const before = new Map(), reached = new Set()
  return {
    begin() {
      document.activeElement.blur()
      for (const e of controls()) before.set(e, look(e))
    },
    here() {
      const e = active()
      if (e === document.body) return null
      reached.add(e)
      const { x, y } = e.getBoundingClientRect()
      return { name: name(e), shown: before.get(e) !== look(e), x, y }
    },
    // Of a group of radios one is enough: arrows reach the others.
    missed() {
      const group = (e) => e.closest("[role=radiogroup], [role=tablist], [role=toolbar]") ?? e
      const groups = new Set([...reached].map(group))
      return controls().filter((e) => !groups.has(group(e))).map((e) => `${e.tagName} ${name(e)}`)
    },
  }
})()
