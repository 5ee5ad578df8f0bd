// What all charts draw with.

import { element } from "../../js/element.js";

export const percent = (share) => `${(100 * share).toFixed(3)}%`;

// Labels at their places along an axis: `[[value, text], …]` between 0 and `top`, placed by `side`.
export function ticks(className, side, values, top) {
  const row = element("div", className);
  row.setAttribute("aria-hidden", "true");
  for (const [value, text] of values) {
    if (value > top * 1.001) continue;
    const tick = element("span", "", text);
    tick.style[side] = percent(value / top);
    row.append(tick);
  }
  return row;
}
