import { joinedLists, type SessionList } from '../../../../../../runtime/contracts/session-list.js';

/** Where nothing is found, so many pages are looked through at once; then somebody may ask for more. */
const pagesMax = 5;

/** The appliance's list as far back as it was read. */
export interface Listing extends SessionList {
  pages: number;
}

interface Reading {
  /** What was read before; it begins with the newest unless given. */
  from?: Listing | undefined;
  /** How many pages to read, if there are so many. */
  pages: number;
  /** False ends it: nobody waits for it any more. */
  isWanted: () => boolean;
}

/** Reads pages of the list, and goes on as long as they hold no conversation that was not found before, up to a bound. */
export async function readOn(
  page: (until: number | undefined) => Promise<SessionList>,
  { from, pages, isWanted }: Reading,
): Promise<Listing> {
  const before = from?.sessions.length ?? 0;
  let list = from ?? { ...(await page(undefined)), pages: 1 };
  for (let read = from === undefined ? 1 : 0; list.next !== null && isWanted(); read++) {
    const isFound = list.sessions.length > before;
    if (read >= pages && (isFound || read >= pagesMax)) break;
    list = { ...joinedLists(list, await page(list.next)), pages: list.pages + 1 };
  }
  return list;
}

/** The listing after a conversation was named here. */
export function withTitle(listing: Listing, id: string, title: string): Listing {
  const named = { sessions: [], titles: [{ id, title }], next: null };
  return { ...joinedLists(named, listing), pages: listing.pages };
}

/** The listing after a conversation was erased. */
export function without(listing: Listing, erased: string): Listing {
  const others = ({ id }: { id: string }) => id !== erased;
  return {
    ...listing,
    sessions: listing.sessions.filter(others),
    titles: listing.titles.filter(others),
  };
}
