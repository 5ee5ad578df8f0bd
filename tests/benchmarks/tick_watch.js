// Runs in the page: when a press was made, and when each part of the page had answered it on the screen.

(() => {
  const now = () => performance.now();
  const alone = () => document.querySelector(".js-plotly-plot"); // the tree beside one figure, which is awaited below
  const shadows = () => [...document.querySelectorAll("[data-testid=stBidiComponentIsolated], .tree-room, .charts-room, .editor-room")].map((host) => host.shadowRoot);
  const inShadow = (selector) => shadows().map((root) => root?.querySelector(selector)).find(Boolean);
  const elements = {
    box: () => inShadow(".sum"),
    numbers: () => (alone() ? null : inShadow(".charts .numbers")) ?? document.querySelector("[data-testid=stMetricValue]"),
    rules: () => inShadow("textarea"),
    charts: () => (alone() ? null : inShadow(".charts .parts")), // columns and curve are painted in the same moment
  };
  let parts = {}; // looked up once a press: reading them must not cost what it measures
  const read = (element) => element?.value ?? element?.textContent ?? "";
  const watch = { started: 0, before: {}, seen: {}, charts: 0, answered: 0 };
  const written = new MutationObserver(() => (watch.answered ||= now() - watch.started)); // the numbers, not yet painted
  const painted = new MessageChannel(); // its message arrives once the frame has been handed over
  const waiting = [];
  painted.port1.onmessage = () => waiting.splice(0).forEach((note) => note(now()));
  const afterPaint = (note) => {
    waiting.push(note);
    painted.port2.postMessage(0);
  };

  const frame = () => {
    if (!watch.started) return;
    for (const [name, element] of Object.entries(parts)) {
      if (watch.seen[name] === undefined && read(element) !== watch.before[name]) {
        watch.seen[name] = null;
        afterPaint((time) => (watch.seen[name] = time - watch.started));
      }
    }
    requestAnimationFrame(frame);
  };

  new MutationObserver((changes) => {
    if (!watch.started) return;
    if (!changes.some(({ target }) => (target.closest ? target : target.parentElement)?.closest(".js-plotly-plot"))) return;
    requestAnimationFrame(() => afterPaint((time) => (watch.charts = time - watch.started)));
  }).observe(document, { subtree: true, childList: true, attributes: true, characterData: true });

  window.addEventListener("pointerdown", (event) => {
    parts = Object.fromEntries(Object.entries(elements).map(([name, find]) => [name, find()]).filter(([, element]) => element));
    watch.before = Object.fromEntries(Object.entries(parts).map(([name, element]) => [name, read(element)]));
    watch.seen = {};
    watch.charts = watch.answered = 0;
    watch.started = event.timeStamp;
    written.disconnect();
    if (parts.numbers) written.observe(parts.numbers, { subtree: true, childList: true, characterData: true });
    requestAnimationFrame(frame);
  }, true);

  window.tickTimes = () => {
    watch.started = 0;
    return { ...watch.seen, ...(watch.charts && { charts: watch.charts }), ...(watch.answered && { answered: watch.answered }) };
  };
})();
