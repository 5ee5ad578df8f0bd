// Undo and redo of ticks: whole states, because a state of 5,000 parameters is 5 kB.

const MOST = 200;

export class History {
  constructor() {
    this.past = [];
    this.future = [];
  }

  keep(trains) {
    this.past.push(trains.slice());
    if (this.past.length > MOST) this.past.shift();
    this.future = [];
  }

  // Drop what `keep` kept last: nothing had changed after it.
  forget() {
    this.past.pop();
  }

  undo(trains) {
    return this.step(this.past, this.future, trains);
  }

  redo(trains) {
    return this.step(this.future, this.past, trains);
  }

  step(from, to, trains) {
    if (!from.length) return null;
    to.push(trains.slice());
    return from.pop();
  }
}
