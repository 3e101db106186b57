/**
 * An inverted index with BM25 scores.
 *
 * @module
 */

/** The usual constants of BM25. */
const K1 = 1.2;
const B = 0.75;

const STOP_WORDS = new Set(
  ("a an and are as at be but by can do does for from has have how if in into is it its may not of " +
    "on or so such than that the their then there these they this to was what when where which " +
    "who why will with").split(" "),
);

/** Lower-case word stems of a text, without stop words. */
export function wordsOf(text: string): string[] {
  const words = text.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase().match(/[a-z0-9]+/g) ?? [];
  return words.filter((word) => !STOP_WORDS.has(word)).map(stem);
}

function stem(word: string): string {
  if (word.length < 5) return word.replace(/([^s])s$/, "$1");
  return word.replace(/(ies|ied)$/, "y").replace(/(ing|ed|es|s|e)$/, "");
}

/** A passage that contains some of the words. */
export interface Hit {
  /** Number of the passage. */
  readonly passage: number;
  readonly score: number;
}

/** Serialized form of {@linkcode WordIndex}. */
export interface SavedIndex {
  readonly lengths: readonly number[];
  readonly postings: readonly (readonly [string, readonly (readonly [number, number])[]])[];
}

/** Index of words by passage. */
export class WordIndex {
  readonly #lengths: number[];
  readonly #postings: Map<string, [number, number][]>;

  /** @param saved Result of {@linkcode WordIndex.save}. By default, the index is empty. */
  constructor(saved: SavedIndex = { lengths: [], postings: [] }) {
    this.#lengths = [...saved.lengths];
    this.#postings = new Map(
      saved.postings.map(([word, list]) => [word, list.map(([at, count]) => [at, count])]),
    );
  }

  /** Number of different words. */
  get terms(): number {
    return this.#postings.size;
  }

  /** Adds the next passage by its words. */
  add(words: readonly string[]): void {
    const passage = this.#lengths.push(words.length) - 1;
    for (const word of words) {
      const list = this.#postings.get(word) ?? [];
      this.#postings.set(word, list);
      const last = list.at(-1);
      if (last?.[0] === passage) last[1]++;
      else list.push([passage, 1]);
    }
  }

  /** Weight of a word: higher if fewer passages contain it. */
  weight(word: string): number {
    const having = this.#postings.get(word)?.length ?? 0;
    return Math.log(1 + (this.#lengths.length - having + 0.5) / (having + 0.5));
  }

  /** The passages that match the words best, best first. */
  search(words: readonly string[], limit: number): Hit[] {
    const average = this.#lengths.reduce((sum, length) => sum + length, 0) / this.#lengths.length;
    const scores = new Map<number, number>();
    for (const word of new Set(words)) {
      for (const [passage, count] of this.#postings.get(word) ?? []) {
        const size = 1 - B + B * this.#lengths[passage] / average;
        const score = this.weight(word) * count * (K1 + 1) / (count + K1 * size);
        scores.set(passage, (scores.get(passage) ?? 0) + score);
      }
    }
    return [...scores].map(([passage, score]) => ({ passage, score }))
      .sort((a, b) => b.score - a.score || a.passage - b.passage).slice(0, limit);
  }

  /** Serializes the index for a later process. */
  save(): SavedIndex {
    return { lengths: this.#lengths, postings: [...this.#postings] };
  }
}
