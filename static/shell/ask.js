// Asking the worker: every question has its answer or a fault, and one that takes too long ends the worker, not the page.

const START_MS = 180_000;
const LATE_MS = 15_000; // of a pane that runs what somebody pasted

export class Asker {
  // `told` is called with `known` when prices or charts may be asked for anew, and with `free` when all is answered.
  constructor(told) {
    this.told = told;
    this.number = 0;
    this.open = new Map();
    this.ready = null;
    this.given = null; // a model of one's own
  }

  // `first` is a file that the worker will ask for, fetched while Python starts.
  start(first = "") {
    this.ready ??= new Promise((resolve, reject) => {
      this.worker = new Worker(`worker.js#${first}`, { type: "module" });
      const late = setTimeout(() => reject(new Error("late")), START_MS);
      this.worker.onerror = (event) => reject(new Error(event.message || "worker"));
      this.worker.onmessage = ({ data }) => {
        if (data.ready) {
          clearTimeout(late);
          resolve();
        } else if (data.known) this.told("known");
        else if (data.id === undefined) reject(new Error(data.fault));
        else this.settle(data);
      };
    });
    return this.ready;
  }

  isFree() {
    return !this.open.size;
  }

  settle({ id, answer, fault }) {
    const asked = this.open.get(id);
    this.open.delete(id);
    if (fault) asked?.reject(Object.assign(new Error(fault.problem || fault.hint), fault));
    else asked?.resolve(answer);
    setTimeout(() => this.isFree() && this.told("free")); // whoever was answered may ask for more
  }

  async ask(question, { file, limit = question.pane === "import" ? LATE_MS : 0 } = {}) {
    await this.start();
    const id = ++this.number;
    const answered = new Promise((resolve, reject) => this.open.set(id, { resolve, reject }));
    if (file) this.given = { question, file };
    this.worker.postMessage({ id, question, file });
    if (!limit) return answered;
    const late = setTimeout(() => this.restart(limit), limit);
    return answered.finally(() => clearTimeout(late));
  }

  // End a worker that does not come back, and start another, which gets the file that the other one had.
  restart(limit) {
    this.worker.terminate();
    this.ready = null;
    const open = [...this.open.values()];
    this.open.clear();
    this.start().then(() => this.given && this.worker.postMessage({ id: 0, ...this.given }), () => {});
    for (const { reject } of open) reject(Object.assign(new Error("late"), { late: limit }));
  }
}
