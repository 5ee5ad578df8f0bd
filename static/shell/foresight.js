// Answers that are asked for before they are needed: what a tick would come to, while the hand is still on its way. One at a
// time, and only when nobody waits for another answer.

export class Foresight {
  // `ask` gives a promise of an answer; `isFree` says whether the worker has nothing else to answer.
  constructor(ask, isFree) {
    this.ask = ask;
    this.isFree = isFree;
    this.forget();
  }

  // These ticks may come next.
  foresee(ticks) {
    this.wanted = this.known?.bits === ticks.bits ? null : ticks;
    this.goOn();
  }

  // Ask for what is wanted, once the worker is free.
  goOn() {
    if (!this.wanted || !this.isFree()) return;
    const { tree, bits } = this.wanted;
    this.wanted = null;
    this.known = { tree, bits, answer: this.ask({ tree, bits }).catch(() => null) };
  }

  // The answer to these ticks where it was asked for already: a promise, which gives null where there is none.
  taken({ tree, bits }) {
    this.wanted = null;
    const { known } = this;
    return known?.bits === bits && known.tree === tree ? known.answer : Promise.resolve(null);
  }

  // Whatever is known holds no longer: something else than the ticks has changed.
  forget() {
    this.known = this.wanted = null;
  }
}
