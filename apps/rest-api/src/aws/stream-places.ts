import { isInternalStream, ownedName, type Stream, type StreamCatalog, type StreamOwner } from '@tailrace/shard-core';
import { firstBehind } from './sorted-names.ts';

/** An account in a region: the names of streams are its own. */
export type StreamPlace = StreamOwner;

/**
 * Which streams an account has in a region. Without a home there is one name space: every account and region has all
 * streams, and they only show in ARNs and texts. With one, each account has its own in each region. Those of the home are
 * kept under their own names, so they are the topics of Kafka clients; others under `ownedName`. All that this door knows
 * of the difference is here.
 */
export class StreamPlaces {
  readonly #home: StreamPlace | undefined;

  constructor(home?: StreamPlace) {
    this.#home = home;
  }

  get separate(): boolean {
    return this.#home !== undefined;
  }

  /** The name under which the catalog has a stream. */
  keptName(place: StreamPlace, streamName: string): string {
    return this.#isOwn(place) ? streamName : ownedName(place, streamName);
  }

  /** What a new stream of a place is to have as its owner; `undefined`: it belongs to the home, or to all. */
  ownerOf({ account, region }: StreamPlace): StreamOwner | undefined {
    return this.#isOwn({ account, region }) ? undefined : { account, region };
  }

  /** The name that its account knows a stream by. */
  shownName({ name, document: { owner } }: Stream): string {
    return this.#home === undefined || owner === undefined ? name : name.slice(ownedName(owner, '').length);
  }

  /**
   * Whether a stream lies in a place. One of the home may have a name that looks as if it did not. Those that the service writes
   * for itself lie in none.
   */
  holds({ account, region }: StreamPlace, { name, document: { owner = this.#home } }: Stream): boolean {
    if (isInternalStream(name)) return false;
    return this.#home === undefined || (owner?.account === account && owner.region === region);
  }

  /** Where a stream lies; in one name space, wherever one asks. */
  placeOf({ document: { owner = this.#home } }: Stream, asked: StreamPlace): StreamPlace {
    return (this.#home && owner) ?? asked;
  }

  /** The streams of a place, by the names that it knows them by, sorted. */
  namesIn(place: StreamPlace, catalog: StreamCatalog): readonly string[] {
    const names = catalog.publicNames();
    if (this.#home === undefined) return names;
    if (this.#isOwn(place)) return names.filter((name) => catalog.peek(name)?.document.owner === undefined);
    const prefix = ownedName(place, '');
    const shown: string[] = [];
    for (let i = firstBehind(names, prefix); names[i]?.startsWith(prefix); i++) {
      const stream = catalog.peek(names[i] as string);
      if (stream !== undefined && this.holds(place, stream)) shown.push(stream.name.slice(prefix.length));
    }
    return shown;
  }

  /** Under which the settings of an account are kept. */
  settingsName({ account, region }: StreamPlace): string {
    return this.#home === undefined || this.#home.region === region ? account : `${account}.${region}`;
  }

  #isOwn({ account, region }: StreamPlace): boolean {
    return this.#home === undefined || (account === this.#home.account && region === this.#home.region);
  }
}
