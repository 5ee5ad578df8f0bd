// The tree without its looks: rows, what each holds, what trains, what is unfolded.

export const BLOCK = 1, SHARED = 2, HEAD = 4, INPUT = 8, SECTION = 16; // marks of a module; a section is a part's head
export const TIED = 1, FUSED = 2, AUTHOR = 4, NEW = 8; // marks of a parameter

export class TreeModel {
  constructor(packed) {
    const n = packed.depth.length;
    this.rows = n;
    this.count = packed.count;
    this.depth = packed.depth;
    this.flags = packed.flags;
    this.name = packed.name.map((i) => packed.names[i]);
    this.label = packed.label.map((i) => packed.labels[i]);
    this.uses = packed.uses;
    this.parameter = new Int32Array(n); // -1 for modules
    this.parent = new Int32Array(n);
    this.end = new Int32Array(n); // one past the last row below
    this.path = new Array(n);
    this.size = new Float64Array(packed.count); // scalars by parameter
    this.author = new Uint8Array(packed.count);
    this.rowsOf = Array.from({ length: packed.count }, () => []);
    this.place(packed.leaf);
    this.at = new Map(this.path.map((path, row) => [path, row]));
    this.shorten();
    this.towers = packed.towers;
    this.blockOf = this.findBlocks();
    this.sideOf = new Map(); // the first and the last block of each tower
    for (const { blocks } of this.towers) {
      if (blocks.length > 1) this.sideOf.set(blocks[0], "first").set(blocks[blocks.length - 1], "last");
    }
    this.deepest = Math.max(0, ...new Set(this.depth));
    this.trains = new Uint8Array(packed.count);
    this.matching = null; // rows of parameters that a search left in sight
    this.open = new Uint8Array(n);
    this.total = new Float64Array(n);
    this.trained = new Float64Array(n);
    this.leaves = new Int32Array(n);
    this.leavesOn = new Int32Array(n);
    this.shared = this.sharedBelow();
    this.whole = this.size.reduce((sum, size) => sum + size, 0);
    this.unfold("blocks");
    for (let row = 0; row < n; row++) if (this.isSection(row)) this.open[row] = 0; // first which parts there are
    this.sum();
    this.measure();
  }

  place(leaf) {
    const above = [];
    let expected = 0;
    for (let row = 0; row < this.rows; row++) {
      const depth = this.depth[row];
      while (above.length > depth) this.end[above.pop()] = row;
      this.parent[row] = depth ? above[depth - 1] : -1;
      const p = leaf[row] === 0 ? -1 : leaf[row] === 1 ? expected : leaf[row] - 2;
      this.parameter[row] = p;
      this.path[row] = this.pathOf(row);
      above.push(row);
      if (p < 0) continue;
      expected = p + 1;
      this.size[p] = this.label[row].split("×").reduce((product, size) => product * (size === "" ? 1 : +size), 1);
      this.author[p] = this.flags[row] & AUTHOR ? 1 : 0;
      this.rowsOf[p].push(row);
    }
    for (const row of above) this.end[row] = this.rows;
  }

  // A section's rows bear their whole paths, and its own is none that a module can have.
  pathOf(row) {
    const up = this.parent[row];
    if (this.isSection(row)) return `part:${this.name[row]}`;
    return up < 0 || this.isSection(up) ? this.name[row] : `${this.path[up]}.${this.name[row]}`;
  }

  // Of the path that a section's row bears its last word is shown, more where two in the section end alike.
  shorten() {
    this.shown = this.name.slice();
    const below = new Map();
    for (let row = 0; row < this.rows; row++) {
      const up = this.parent[row];
      if (up >= 0 && this.isSection(up)) below.set(up, [...(below.get(up) ?? []), row]);
    }
    for (const rows of below.values()) {
      for (const row of rows) {
        const words = this.path[row].split(".");
        const ends = (n) => `.${words.slice(-n).join(".")}`;
        const several = (n) => rows.filter((other) => `.${this.path[other]}`.endsWith(ends(n))).length > 1;
        let n = 1;
        while (n < words.length && several(n)) n++;
        this.shown[row] = ends(n).slice(1);
      }
    }
  }

  // Which block a row lies in: the number of its tower and of the block, or null.
  findBlocks() {
    const found = new Map();
    this.towers.forEach((tower, t) => tower.blocks.forEach((row, b) => found.set(row, [t, b])));
    return found;
  }

  isModule(row) {
    return this.parameter[row] < 0;
  }

  isSection(row) {
    return !!(this.flags[row] & SECTION) && this.parameter[row] < 0;
  }

  // A tensor under several names would be counted once per name: take it off where two of its rows meet.
  sharedBelow() {
    const off = [];
    this.rowsOf.forEach((rows, p) => {
      const seen = this.matching ? rows.filter((row) => this.matching[row]) : rows;
      for (let i = 1; i < seen.length; i++) off.push([this.meet(seen[i - 1], seen[i]), p]);
    });
    return off.filter(([row]) => row >= 0);
  }

  meet(a, b) {
    while (a !== b) {
      if (a > b) a = this.parent[a];
      else b = this.parent[b];
      if (a < 0 || b < 0) return -1;
    }
    return a;
  }

  // Sums of every module; a whole pass over 12,000 rows takes a fraction of a millisecond.
  sum() {
    const { total, trained, leaves, leavesOn } = this;
    for (const sums of [total, trained, leaves, leavesOn]) sums.fill(0);
    for (const [row, p] of this.shared) this.add(row, p, -1);
    for (let row = this.rows - 1; row >= 0; row--) {
      const p = this.parameter[row];
      if (p >= 0 && (!this.matching || this.matching[row])) this.add(row, p, 1);
      const up = this.parent[row];
      if (up < 0) continue;
      total[up] += total[row];
      trained[up] += trained[row];
      leaves[up] += leaves[row];
      leavesOn[up] += leavesOn[row];
    }
    this.training = 0;
    for (let p = 0; p < this.count; p++) if (this.trains[p]) this.training += this.size[p];
  }

  add(row, p, sign) {
    this.total[row] += sign * this.size[p];
    this.leaves[row] += sign;
    if (!this.trains[p]) return;
    this.trained[row] += sign * this.size[p];
    this.leavesOn[row] += sign;
  }

  state(row) {
    if (!this.leavesOn[row]) return "frozen";
    return this.leavesOn[row] === this.leaves[row] ? "trains" : "mixed";
  }

  // Parameters of a row, or of all rows for -1; under a search only those in sight.
  below(row) {
    const found = new Set();
    const [from, to] = row < 0 ? [0, this.rows] : [row, this.end[row]];
    for (let i = from; i < to; i++) {
      if (this.parameter[i] >= 0 && (!this.matching || this.matching[i])) found.add(this.parameter[i]);
    }
    return found;
  }

  // What ticking rows would change. What its author froze trains only when its own row is ticked.
  reach(rows, train) {
    const found = new Set();
    for (const row of rows) {
      for (const p of this.below(row)) {
        if (!train || !this.author[p] || (row >= 0 && !this.isModule(row))) found.add(p);
      }
    }
    return found;
  }

  // Whether a click on these rows trains: it freezes only when everything it could train already does.
  wouldTrain(rows) {
    const able = this.reach(rows, true);
    const reached = able.size ? able : this.reach(rows, false);
    return able.size > 0 && [...reached].some((p) => !this.trains[p]);
  }

  set(parameters, train) {
    let changed = 0;
    for (const p of parameters) {
      if (this.trains[p] === +train) continue;
      this.trains[p] = +train;
      changed++;
    }
    if (changed) this.sum();
    return changed;
  }

  // The same place in every block of the row's tower; the row alone where it lies in no block.
  twins(row) {
    for (let up = row; up >= 0; up = this.parent[up]) {
      const found = this.blockOf.get(up);
      if (!found) continue;
      const rest = this.path[row].slice(this.path[up].length);
      const rows = this.towers[found[0]].blocks.map((block) => this.at.get(this.path[block] + rest));
      return rows.filter((twin) => twin !== undefined && this.isModule(twin) === this.isModule(row));
    }
    return [row];
  }

  unfold(depth) {
    this.open.fill(0);
    if (depth === "blocks") {
      if (!this.blockOf.size) return;
      for (const block of this.blockOf.keys()) {
        for (let up = this.parent[block]; up >= 0; up = this.parent[up]) this.open[up] = 1;
      }
    } else {
      for (let row = 0; row < this.rows; row++) this.open[row] = this.isModule(row) && this.depth[row] < depth ? 1 : 0;
    }
  }

  // Show what a search left: unfold modules that match in part, fold those that match as a whole.
  narrow(matching) {
    if (matching && !this.matching) this.openBefore = this.open.slice();
    this.matching = matching;
    this.cut = null;
    this.shared = this.sharedBelow();
    if (matching) {
      const all = new Int32Array(this.rows);
      for (let row = this.rows - 1; row >= 0; row--) {
        if (this.parameter[row] >= 0) all[row] = 1;
        if (this.parent[row] >= 0) all[this.parent[row]] += all[row];
      }
      const left = new Int32Array(this.rows);
      for (let row = this.rows - 1; row >= 0; row--) {
        if (matching[row]) left[row] = 1;
        if (this.parent[row] >= 0) left[this.parent[row]] += left[row];
      }
      this.cut = Uint8Array.from(all, (whole, row) => (left[row] < whole ? 1 : 0));
      for (let row = 0; row < this.rows; row++) this.open[row] = left[row] > 0 && this.cut[row];
    } else if (this.openBefore) {
      this.open = this.openBefore;
      this.openBefore = null;
    }
    this.sum();
    this.measure();
  }

  // The row that fills its bar: the largest in sight of a search.
  measure() {
    this.largest = this.total.reduce((most, total) => Math.max(most, total), 1);
  }

  // Rows in sight, from the top.
  visible() {
    const rows = [];
    for (let row = 0; row < this.rows; ) {
      if (this.matching && !this.leaves[row]) row = this.end[row];
      else {
        rows.push(row);
        row = this.open[row] || !this.isModule(row) ? row + 1 : this.end[row];
      }
    }
    return rows;
  }
}
