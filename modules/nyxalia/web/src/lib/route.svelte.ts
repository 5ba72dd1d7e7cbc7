export const pages = ['chat', 'device', 'decisions', 'engines', 'ledger', 'health', 'settings'] as const;
export type Page = (typeof pages)[number] | 'more';

/** The page and what it shows, by the fragment: `#/ledger/42`. A fragment never reaches the server, so pages and API share the address. */
class Place {
  page = $state<Page>('chat');
  detail = $state<string | undefined>(undefined);

  constructor() {
    this.#read();
    addEventListener('hashchange', () => this.#read());
  }

  #read(): void {
    const [, page, detail] = location.hash.split('/');
    this.page = page === 'more' ? 'more' : (pages.find((known) => known === page) ?? 'chat');
    this.detail = detail === undefined || detail === '' ? undefined : decodeURIComponent(detail);
  }
}

export const place = new Place();
