/** A verifier key that this browser trusts, and since when. */
export interface Pin {
  key: string;
  since_ms: number;
}

export type PinStorage = Pick<Storage, 'getItem' | 'setItem'>;

const place = 'arkalia.verifier';

/** The key pinned for this address; undefined when none is. A browser keeps its storage apart by origin, so one place is enough. */
export function readPin(storage: PinStorage): Pin | undefined {
  const text = storage.getItem(place);
  if (text === null) return undefined;
  try {
    const pin = JSON.parse(text) as Partial<Pin>;
    if (typeof pin.key === 'string' && typeof pin.since_ms === 'number')
      return { key: pin.key, since_ms: pin.since_ms };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return undefined;
}

export function writePin(storage: PinStorage, pin: Pin): void {
  storage.setItem(place, JSON.stringify(pin));
}
