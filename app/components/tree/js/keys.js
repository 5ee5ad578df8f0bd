// The keyboard, as the ARIA practices have it for a tree, with Space to tick.

export function listenToKeys(view) {
  const { ticks, navigation } = view;
  let typed = "";
  let typedAt = 0;

  const moves = {
    ArrowDown: () => navigation.step(1),
    ArrowUp: () => navigation.step(-1),
    PageDown: () => navigation.page(1),
    PageUp: () => navigation.page(-1),
    Home: () => navigation.step(-Infinity),
    End: () => navigation.step(Infinity),
    ArrowRight: () => navigation.unfoldOrEnter(),
    ArrowLeft: () => navigation.foldOrLeave(),
  };

  const press = (event) => {
    event.stopPropagation(); // the page's own single-letter keys must not hear what is typed here
    const { key, shiftKey } = event;
    const control = event.ctrlKey || event.metaKey;
    if (control && key.toLowerCase() === "z") return done(event, () => (shiftKey ? ticks.redo() : ticks.undo()));
    if (control && key.toLowerCase() === "y") return done(event, () => ticks.redo());
    if (control && key === "Enter") return done(event, () => ticks.tick(view.active, true));
    if (control || event.altKey) return;
    if (moves[key]) return done(event, () => (shiftKey ? ticks.carry(moves[key]) : moves[key]()));
    if (key === " ") return done(event, () => (shiftKey ? ticks.range(view.active) : ticks.tick(view.active)));
    if (key === "Enter") return done(event, () => navigation.choose(view.active));
    if (key === "*") return done(event, () => navigation.unfoldSiblings());
    if (key === "/") return done(event, () => view.toolbar.field.focus());
    if (key === "Escape") return view.toolbar.clear();
    if (key.length === 1) return done(event, () => spell(key));
  };

  const spell = (letter) => {
    const now = performance.now();
    typed = now - typedAt < 700 ? typed + letter : letter;
    typedAt = now;
    navigation.seek(typed.toLowerCase());
  };

  view.list.tree.addEventListener("keydown", press);
}

function done(event, act) {
  event.preventDefault();
  act();
}
