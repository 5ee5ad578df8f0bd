// Sentences and numbers as a person reads them; the sentences come from Python, the numbers look alike everywhere.

export const exact = (n) => n.toLocaleString("en-US");

export function short(n) {
  if (n < 1000) return String(n);
  const [size, unit] = n < 999_500 ? [n / 1e3, "k"] : n < 999_500_000 ? [n / 1e6, "M"] : [n / 1e9, "B"];
  return (size < 9.995 ? size.toFixed(2) : size < 99.95 ? size.toFixed(1) : size.toFixed(0)) + `\u202f${unit}`;
}

export function percent(part, whole) {
  if (!whole || !part) return "0 %";
  if (part === whole) return "100 %";
  const share = (100 * part) / whole;
  if (share < 0.01) return "< 0.01 %";
  return Math.min(share, 99.9).toFixed(share < 1 ? 2 : 1) + " %";
}

export function fill(sentence, values) {
  return sentence.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}
