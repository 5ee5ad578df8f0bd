// What is wrong with the looks of this page, by geometry: a list of sentences, empty when all is well.
() => {
  const faults = []
  const deep = (root, selector) => [...root.querySelectorAll("*")].flatMap((e) => [
    ...(e.matches(selector) ? [e] : []), ...(e.shadowRoot ? deep(e.shadowRoot, selector) : []),
  ])
  const seen = (e) => e.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && e.getBoundingClientRect().width > 0
  const named = (e) => `${e.dataset?.testid ?? e.tagName} "${(e.value || e.placeholder || e.textContent).trim().slice(0, 40)}"`
  const scrolls = (e) => e && (/auto|scroll/.test(getComputedStyle(e).overflowX) || scrolls(e.parentElement))
  const clips = (e) => /hidden|clip/.test(getComputedStyle(e).overflowX)
  const cutter = (e) => e && (clips(e) ? e : /auto|scroll/.test(getComputedStyle(e).overflowX) ? null : cutter(e.parentElement))
  const cut = (e) => {
    const [by, words] = [cutter(e), document.createRange()]
    if (!by || by.clientWidth <= 2) return false // for those who listen
    words.selectNodeContents(e)
    return words.getBoundingClientRect().right > by.getBoundingClientRect().right + 1
  }
  const pen = document.createElement("canvas").getContext("2d")

  const main = document.querySelector("[data-testid=stMain]")
  if (main.scrollWidth > main.clientWidth) faults.push(`the page is ${main.scrollWidth - main.clientWidth} px too wide`)

  // A model's name or a path may be of any length, and ends in "…"; what the page itself wrote must be seen whole.
  for (const box of deep(document, "input[type=text], input[type=number], input[type=search]")) {
    if (!seen(box) || box.closest(".st-key-w_model")) continue
    const style = getComputedStyle(box)
    pen.font = style.font
    const room = box.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight)
    const needs = pen.measureText(box.value || box.placeholder).width
    if (needs > room) faults.push(`${named(box)} needs ${Math.ceil(needs)} px and has ${Math.floor(room)}`)
  }
  for (const e of document.querySelectorAll("[data-testid=stMain] *, header *")) {
    if (!seen(e) || e.matches("input, textarea, svg *") || e.closest("[data-testid=stDataFrame], .js-plotly-plot, .samples")) continue
    const style = getComputedStyle(e)
    const words = [...e.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim())
    if (words && !e.closest("[data-testid=stIconMaterial]") && cut(e)) faults.push(`${named(e)} is cut`)
    if (words && e.getBoundingClientRect().right > innerWidth + 1 && !scrolls(e.parentElement)) faults.push(`${named(e)} sticks out`)
  }

  const apart = (boxes, what) => boxes.filter(seen).forEach((one, i, all) => all.slice(i + 1).forEach((other) => {
    if (one.contains(other) || other.contains(one)) return
    const [a, b] = [one.getBoundingClientRect(), other.getBoundingClientRect()]
    const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left)
    const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top)
    if (wide > 2 && high > 2) faults.push(`${what}: ${named(one)} lies on ${named(other)}`)
  }))
  apart([...document.querySelectorAll("[data-testid=stMain] [data-testid=stElementContainer]")], "page")
  for (const axis of deep(document, ".axis, .labels")) apart([...axis.querySelectorAll("span")], "axis")
  return faults
}
