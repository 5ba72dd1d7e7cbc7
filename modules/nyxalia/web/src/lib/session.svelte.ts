import type { Operations } from './api/operations.js';
import { type Problem, problemOf, unreachable } from './api/problem.js';

type Me = Operations['GET /me']['answer'];

/** Who uses the page: the key or the login, if one is needed, and what the appliance waits for. */
class Session {
  key = $state<string | null>(null);
  /** `signIn`: a key is needed or the one there is not valid; `setup`: the appliance waits for its setup code. */
  needs = $state<'nothing' | 'signIn' | 'setup'>('nothing');

  /** Who is signed in with a password; null without. */
  user = $state<string | null>(null);
  /** Whether somebody may. */
  passwords = $state(false);
  /** Who was signed in is so no longer, without having asked for it: the time was over, or somebody ended it. */
  ended = $state(false);

  constructor() {
    this.key = sessionStorage.getItem(place) ?? localStorage.getItem(place);
  }

  /** Keeps the key for this tab, or for this browser. */
  use(key: string, remember: boolean): void {
    this.forget();
    this.user = null;
    this.ended = false;
    this.key = key;
    (remember ? localStorage : sessionStorage).setItem(place, key);
    this.needs = 'nothing';
  }

  /** Uses the key if the appliance takes it; false when it does not. */
  async signIn(key: string, remember: boolean): Promise<boolean> {
    if (refusalIn(await whoAmI(key)) !== undefined) return false;
    this.use(key, remember);
    return true;
  }

  /** Signs in with a password, in a cookie that no script can read; what was wrong, if something was. */
  async signInAs(body: Operations['POST /login']['body']): Promise<Problem | undefined> {
    this.forget();
    const refused = await send('/login', body);
    if (refused !== undefined) return refused;
    this.user = body.user;
    this.ended = false;
    this.needs = 'nothing';
    return undefined;
  }

  /** Forgets the key, and ends the login. */
  async signOut(): Promise<Problem | undefined> {
    this.forget();
    const refused = await send('/logout', {});
    if (refused !== undefined) return refused;
    this.user = null;
    this.ended = false;
    return undefined;
  }

  /** Asks the appliance who we are. */
  async learn(): Promise<void> {
    const found = await whoAmI(this.key);
    if (found !== undefined && !('code' in found)) this.#take(found);
  }

  /** Leaves the page for signing in; who is not let in comes back to it with the next answer. */
  cancel(): void {
    this.ended = false;
    this.needs = 'nothing';
  }

  #take({ user, passwords }: Me): void {
    if (this.user !== null && user === null) this.ended = true;
    if (user !== null) this.ended = false;
    this.user = user;
    this.passwords = passwords;
  }

  forget(): void {
    this.key = null;
    sessionStorage.removeItem(place);
    localStorage.removeItem(place);
  }

  /** Told of each problem that an answer carries. */
  note(code: string): void {
    if (code === 'unauthorized') {
      if (this.user !== null) this.ended = true;
      this.user = null;
      this.needs = 'signIn';
    }
    if (code === 'setup_required') this.needs = 'setup';
  }

  /** Asks the appliance whether it lets us in; true when it does not. A line that is down is no refusal. */
  async check(): Promise<boolean> {
    const found = await whoAmI(this.key);
    if (found !== undefined && !('code' in found)) this.#take(found);
    const code = refusalIn(found);
    if (code !== undefined) this.note(code);
    return this.needs !== 'nothing';
  }
}

/** What the appliance says of the key, or of nobody's; undefined when it cannot be reached. */
async function whoAmI(key: string | null): Promise<Me | { code: string } | undefined> {
  try {
    const answer = await fetch('/me', { headers: key === null ? {} : { authorization: `Bearer ${key}` } });
    return (await answer.json()) as Me | { code: string };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return undefined;
  }
}

/** The code with which the appliance refuses who asks; undefined when it does not, or cannot be reached. */
function refusalIn(found: Me | { code: string } | undefined): string | undefined {
  if (found === undefined) return undefined;
  if ('code' in found) return found.code;
  return found.role === 'none' ? 'unauthorized' : undefined;
}

/** Posts without a key: what counts is the cookie. */
async function send(path: string, body: unknown): Promise<Problem | undefined> {
  try {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(path, { method: 'POST', headers, body: JSON.stringify(body) });
    return answer.ok ? undefined : await problemOf(answer);
  } catch (error) {
    if (error instanceof TypeError) return unreachable;
    throw error;
  }
}

const place = 'arkalia.key';

export const session = new Session();
