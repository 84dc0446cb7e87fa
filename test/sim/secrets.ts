import type { Chronicle } from "./chronicle.ts";
import type { TopicModel } from "./task-model.ts";

/** A text that nobody else could have come by. */
interface Secret {
  readonly topic: string;
  /** A solution is hidden until voting opens, what is on a ballot until the vote is closed. */
  readonly kind: "solution" | "ballot";
  /** Who wrote it: without a session one agent of a connection is taken for another. */
  readonly authors: readonly string[];
}

/** Texts that agents gave guvnor under seal, and whether somebody sees one before its time. */
export class Secrets {
  readonly #secrets = new Map<string, Secret>();
  readonly #topics: ReadonlyMap<string, TopicModel>;
  readonly #chronicle: Chronicle;

  constructor(topics: ReadonlyMap<string, TopicModel>, chronicle: Chronicle) {
    this.#topics = topics;
    this.#chronicle = chronicle;
  }

  keep(text: string, secret: Secret): string {
    this.#secrets.set(text, secret);
    return text;
  }

  /** @param reader - An agent's name; undefined for a person, "ledger" for what all may come to see. */
  look(reader: string | undefined, seen: () => string): void {
    const sealed = [...this.#secrets].filter(([, secret]) => this.#isSealed(secret));
    if (sealed.length === 0) return;
    const text = seen();
    for (const [secret, { topic, kind, authors }] of sealed) {
      const mayRead = kind === "solution" && (reader === undefined || authors.includes(reader));
      if (mayRead || !text.includes(secret)) continue;
      this.#chronicle.violate(
        `${kind}_unsealed`,
        `${reader ?? "a person"} sees what ${authors.join()} wrote on ${topic}`,
      );
    }
  }

  #isSealed({ topic, kind }: Secret): boolean {
    const model = this.#topics.get(topic);
    if (model === undefined || model.isClosed) return false;
    // A mediator reads what was voted on before.
    return kind === "ballot" || (model.state === "proposing" && model.mediation === undefined);
  }
}
