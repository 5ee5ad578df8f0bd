// What a word of the rules may go on to: words of the language, the model's roles, classes and positions, and names.

const MOST = 8;

// The word before the caret, the statement's words before it, and where it begins; null inside a comment or quotes.
export function wordAt(text, caret) {
  const before = text.slice(0, caret);
  const line = before.slice(before.lastIndexOf("\n") + 1);
  if (line.includes("#") || line.split('"').length % 2 === 0) return null;
  const word = /[^\s;]*$/.exec(before)[0];
  const statement = before.slice(0, caret - word.length).split(/[\n;]/).pop();
  const above = statement.replace(/^\s*from\s+epoch\s+\d+\s*:/, "").trim().split(/\s+/).filter(Boolean);
  return { word, above, from: caret - word.length };
}

// At most eight ways to go on, each with its text and what it is.
export function waysOn({ word, above }, follows, model) {
  const verb = above[0] ?? "";
  const selects = verb === "freeze" || verb === "train";
  const [form] = (selects && /^[a-z]+:/.exec(word)) || [""];
  const known = (form ? follows[form] : selects || above.length < 2 ? follows[verb] : null) ?? [];
  const found = known.filter((text) => text.startsWith(word)).map((text) => ({ text, about: "" }));
  if (selects && !form) found.push(...names(word, model));
  return found.filter(({ text }) => text !== word).slice(0, MOST);
}

// The next parts of the paths that begin so; then whatever has a part that does, and all that contain it.
function names(word, model) {
  if (!model) return [];
  const rows = model.path.map((path, row) => row);
  const about = (row) => ({ text: model.path[row], about: model.label[row] });
  const next = rows.filter((row) => model.path[row].startsWith(word) && !model.path[row].includes(".", word.length));
  if (next.length || word.length < 2) return next.slice(0, MOST + 1).map(about);
  const inside = rows.filter((row) => model.path[row].includes(`.${word}`));
  const containing = model.path.some((path) => path.includes(word)) ? [{ text: `contains:${word}`, about: "" }] : [];
  return [...containing, ...inside.slice(0, MOST).map(about)];
}
