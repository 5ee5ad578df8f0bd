// Mounting: one view for each element, kept while Streamlit calls again and again.
//
// Streamlit calls anew for each change of data or theme, and ends a call when its component goes, or when a newer call
// has overtaken it. An overtaken call is ended after the newer one was made, and while the script is still loading the
// two may come in either order.

const KEPT = 4; // calls that may still be ended: an overtaken one is ended at once

// A component's entry: `show` draws a call on the view that stands, and gives the view; `stop` ends a view.
export function mounted(show, stop = () => {}) {
  const mounts = new WeakMap();
  return (call) => {
    const { parentElement } = call;
    if (!mounts.has(parentElement)) mounts.set(parentElement, { calls: [], view: null });
    const mount = mounts.get(parentElement);
    mount.calls = [...mount.calls, call].slice(-KEPT);
    mount.view = show(call, mount.view);
    return () => {
      const isShown = mount.calls.at(-1) === call;
      mount.calls = mount.calls.filter((other) => other !== call);
      if (!isShown) return;
      const left = mount.calls.at(-1);
      if (left && parentElement.isConnected) mount.view = show(left, mount.view);
      else {
        stop(mount.view);
        mounts.delete(parentElement);
      }
    };
  };
}
