/** Who uses the page: the key, if one is needed, and what the appliance waits for. */
class Session {
  key = $state<string | null>(null);
  /** `signIn`: a key is needed or the one there is not valid; `setup`: the appliance waits for its setup code. */
  needs = $state<'nothing' | 'signIn' | 'setup'>('nothing');

  constructor() {
    this.key = sessionStorage.getItem(place) ?? localStorage.getItem(place);
  }

  /** Keeps the key for this tab, or for this browser. */
  use(key: string, remember: boolean): void {
    this.forget();
    this.key = key;
    (remember ? localStorage : sessionStorage).setItem(place, key);
    this.needs = 'nothing';
  }

  /** Uses the key if the appliance takes it; false when it does not. */
  async signIn(key: string, remember: boolean): Promise<boolean> {
    if ((await refusal(key)) !== undefined) return false;
    this.use(key, remember);
    return true;
  }

  forget(): void {
    this.key = null;
    sessionStorage.removeItem(place);
    localStorage.removeItem(place);
  }

  /** Told of each problem that an answer carries. */
  note(code: string): void {
    if (code === 'unauthorized') this.needs = 'signIn';
    if (code === 'setup_required') this.needs = 'setup';
  }

  /** Asks the appliance whether it lets us in; true when it does not. A line that is down is no refusal. */
  async check(): Promise<boolean> {
    const code = await refusal(this.key);
    if (code !== undefined) this.note(code);
    return this.needs !== 'nothing';
  }
}

/** The code with which the appliance refuses the key, or nobody's; undefined when it does not, or cannot be reached. */
async function refusal(key: string | null): Promise<string | undefined> {
  let answer: Response;
  try {
    answer = await fetch('/ledger/log', {
      headers: key === null ? {} : { authorization: `Bearer ${key}` },
    });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return undefined;
  }
  if (answer.status !== 401 && answer.status !== 403) return undefined;
  return ((await answer.json()) as { code: string }).code;
}

const place = 'arkalia.key';

export const session = new Session();
