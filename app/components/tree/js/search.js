// Search: words that a parameter's name, shape, or any class above it must hold; `-word` must be nowhere.

export function readQuery(text) {
  const words = text.toLowerCase().replaceAll("*", " ").split(/\s+/).filter((word) => word && word !== "-");
  return {
    wanted: words.filter((word) => word[0] !== "-"),
    unwanted: words.filter((word) => word[0] === "-").map((word) => word.slice(1)),
  };
}

// One byte a row, 1 at the parameters that are left; null for an empty search.
export function search(model, text) {
  const { wanted, unwanted } = readQuery(text);
  if (!wanted.length && !unwanted.length) return null;
  const matching = new Uint8Array(model.rows);
  for (let row = 0; row < model.rows; row++) matching[row] = model.isModule(row) ? 0 : 1;
  for (const word of wanted) filter(model, matching, word, true);
  for (const word of unwanted) filter(model, matching, word, false);
  return matching;
}

function filter(model, matching, word, wanted) {
  const shape = /^\d+(x\d+)*x?$/.test(word) ? word.replaceAll("x", "×") : word;
  const classes = new Map();
  const holds = (label) => {
    if (!classes.has(label)) classes.set(label, label.toLowerCase().includes(word));
    return classes.get(label);
  };
  const under = new Uint8Array(model.rows); // lies in a module of such a class
  for (let row = 0; row < model.rows; row++) {
    const up = model.parent[row];
    const above = up >= 0 && under[up];
    if (model.isModule(row)) under[row] = above || holds(model.label[row]) ? 1 : 0;
    else if (matching[row]) {
      const hit = above || model.path[row].toLowerCase().includes(word) || model.label[row].includes(shape);
      if (!!hit !== wanted) matching[row] = 0;
    }
  }
}
