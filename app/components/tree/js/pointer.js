// Mouse, pen and finger: a tick on the press of a box, a drag that goes on painting, Shift for a range.

export function listenToPointer(view) {
  const { tree } = view.list;
  let painting = null; // { train, last } while the button is down over the boxes

  const everyBlock = (event) => event.altKey || event.ctrlKey || event.metaKey || view.ticks.every;

  const press = (event) => {
    if (event.button !== 0) return;
    const row = event.target.closest?.(".row");
    if (!row) return;
    const onBox = !!event.target.closest(".box");
    if (event.pointerType !== "touch") event.preventDefault(); // no text selection while dragging
    tree.focus({ preventScroll: true });
    if (onBox) view.foresee(row.row); // a finger's tick follows with the click
    if (!onBox || event.pointerType === "touch") return;
    const every = everyBlock(event);
    const train = event.shiftKey ? view.ticks.range(row.row) : view.ticks.tick(row.row, every);
    if (every || event.shiftKey) return;
    painting = { train, last: row.row };
    tree.setPointerCapture(event.pointerId);
  };

  const move = (event) => {
    if (painting) {
      const row = view.list.rowAt(event.clientY);
      const edge = tree.getBoundingClientRect();
      if (event.clientY < edge.top) tree.scrollTop -= view.rowHeight;
      if (event.clientY > edge.bottom) tree.scrollTop += view.rowHeight;
      if (row !== painting.last) view.ticks.over(painting.last, row, painting.train);
      painting.last = row;
      return;
    }
    const over = event.target.closest?.(".row");
    view.hover(over && event.target.closest(".box") ? over.row : -1, everyBlock(event));
  };

  const release = () => {
    painting = null;
  };

  const click = (event) => {
    const row = event.target.closest?.(".row");
    if (!row) return;
    const onBox = !!event.target.closest(".box");
    if (onBox && event.pointerType === "touch") view.ticks.tick(row.row);
    else if (!onBox) view.navigation.choose(row.row);
  };

  tree.addEventListener("pointerdown", press);
  tree.addEventListener("pointermove", move);
  tree.addEventListener("pointerup", release);
  tree.addEventListener("pointercancel", release);
  tree.addEventListener("pointerleave", () => view.hover(-1));
  tree.addEventListener("click", click);
}
