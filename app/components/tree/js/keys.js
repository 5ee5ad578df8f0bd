// The keyboard, as the ARIA practices have it for a tree, with Space to tick.

export function listenToKeys(view) {
  let typed = "";
  let typedAt = 0;

  const moves = {
    ArrowDown: () => view.step(1),
    ArrowUp: () => view.step(-1),
    PageDown: () => view.step(view.pageRows()),
    PageUp: () => view.step(-view.pageRows()),
    Home: () => view.step(-Infinity),
    End: () => view.step(Infinity),
    ArrowRight: () => view.unfoldOrEnter(),
    ArrowLeft: () => view.foldOrLeave(),
  };

  const press = (event) => {
    event.stopPropagation(); // the page's own single-letter keys must not hear what is typed here
    const { key, shiftKey } = event;
    const control = event.ctrlKey || event.metaKey;
    if (control && key.toLowerCase() === "z") return done(event, () => (shiftKey ? view.redo() : view.undo()));
    if (control && key.toLowerCase() === "y") return done(event, () => view.redo());
    if (control && key === "Enter") return done(event, () => view.tick(view.active, { every: true }));
    if (control || event.altKey) return;
    if (moves[key]) return done(event, () => (shiftKey ? view.stepTicking(moves[key]) : moves[key]()));
    if (key === " ") return done(event, () => (shiftKey ? view.tickRange(view.active) : view.tick(view.active, {})));
    if (key === "Enter") return done(event, () => view.choose(view.active, true));
    if (key === "*") return done(event, () => view.unfoldSiblings());
    if (key === "/") return done(event, () => view.toolbar.field.focus());
    if (key === "Escape") return view.toolbar.clear();
    if (key.length === 1) return done(event, () => spell(key));
  };

  const spell = (letter) => {
    const now = performance.now();
    typed = now - typedAt < 700 ? typed + letter : letter;
    typedAt = now;
    view.seek(typed.toLowerCase());
  };

  view.list.tree.addEventListener("keydown", press);
}

function done(event, act) {
  event.preventDefault();
  act();
}
