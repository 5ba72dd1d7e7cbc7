import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { errors, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import type { Clock } from '../contracts/clock.js';
import { type IssuedLogin, type LoginRecord, loginModes, loginRecord } from '../contracts/people.js';
import { writeFileAtomic } from '../data-folder/write-file-atomic.js';

/** Logins that there may be; beyond it the oldest ends. */
const loginsMax = 1000;
const issuer = 'arkalia-luna';
const algorithm = 'HS256';
/** The wall clock was set when it differs by more from what it should be. */
const stepMs = 5000;

const storedFile = z.strictObject({
  version: z.literal(1),
  secret: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  logins: z.array(loginRecord).max(loginsMax),
});

/** What the token says beside the claims of RFC 7519; times in ms, of the clock named. */
const claims = z.object({
  sub: z.string(),
  jti: z.string(),
  mode: z.enum(loginModes),
  /** The run of the server that `mono_ms` belongs to. */
  boot: z.string(),
  mono_ms: z.number(),
  wall_ms: z.number(),
  life_ms: z.number().min(0),
});
type Claims = z.infer<typeof claims>;

export interface LoginsOptions {
  clock: Clock;
  /** How long a login holds, in ms. */
  lifeMs: number;
  /** Wall time that is known to have been: the clock of a device without a battery starts before it. */
  floorMs: number;
  /** Random name of this run. */
  boot: string;
}

/**
 * Who is signed in: a list in a 0600 file, and tokens (JWT, HS256) under a secret beside it. A token holds for a time that is measured with the
 * monotonic clock within a run of the server, so setting the wall clock neither ends nor prolongs it; its token is then issued anew. Over a
 * restart the wall clock counts. A token whose login is no longer in the list does not hold.
 */
export class Logins {
  readonly #file: string;
  readonly #options: LoginsOptions;
  readonly #secret: Buffer;
  #logins: Map<string, LoginRecord>;
  /** When those end whose token was seen in this run, in monotonic ms. */
  readonly #endsMs = new Map<string, number>();
  #last: Promise<unknown> = Promise.resolve();

  private constructor(file: string, secret: Buffer, logins: LoginRecord[], options: LoginsOptions) {
    this.#file = file;
    this.#secret = secret;
    this.#options = options;
    const { lifeMs } = options;
    const nowMs = this.#wallMs();
    this.#logins = new Map(
      logins.filter(({ created_ms }) => nowMs - created_ms < lifeMs).map((login) => [login.id, login]),
    );
  }

  /** @throws Error with what to do when the file is damaged. */
  static async open(file: string, options: LoginsOptions): Promise<Logins> {
    let text: string;
    try {
      text = await readFile(file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return new Logins(file, randomBytes(32), [], options);
    }
    try {
      const { secret, logins } = storedFile.parse(JSON.parse(text));
      return new Logins(file, Buffer.from(secret, 'base64url'), logins, options);
    } catch (cause) {
      throw new Error(`${file} does not hold the logins; remove it, and everybody signs in again`, { cause });
    }
  }

  list(): LoginRecord[] {
    return [...this.#logins.values()];
  }

  /** Whether a login was not ended, and not known to be over. */
  holds(id: string): boolean {
    const endMs = this.#endsMs.get(id);
    return this.#logins.has(id) && (endMs === undefined || this.#options.clock.monotonicMs() < endMs);
  }

  get(id: string): LoginRecord | undefined {
    return this.#logins.get(id);
  }

  async open(login: LoginRecord): Promise<IssuedLogin> {
    await this.#change((logins) => [...logins, login].slice(-loginsMax));
    return this.#issue(login, this.#options.lifeMs, this.#options.clock.monotonicMs());
  }

  /** The login of a token, with a new one where the old would soon say something wrong; null when it does not hold. */
  async check(token: string): Promise<{ login: LoginRecord; renewed?: IssuedLogin } | null> {
    const said = await this.#read(token);
    const login = said === null ? undefined : this.#logins.get(said.jti);
    if (said === null || login === undefined || login.user !== said.sub) return null;
    const { clock, boot } = this.#options;
    const isOfThisRun = said.boot === boot;
    const nowMs = clock.monotonicMs();
    const ageMs = isOfThisRun ? nowMs - said.mono_ms : Math.max(0, this.#wallMs() - login.created_ms);
    if (!(ageMs >= 0 && ageMs < said.life_ms)) {
      await this.end([login.id]);
      return null;
    }
    this.#endsMs.set(login.id, nowMs + said.life_ms - ageMs);
    const stepped = Math.abs(this.#wallMs() - (said.wall_ms + ageMs)) > stepMs;
    if (isOfThisRun && !stepped) return { login };
    // What the list says is what counts after a restart, so a clock that was set in this run is set right there too.
    const right = isOfThisRun ? { ...login, created_ms: this.#wallMs() - ageMs } : login;
    if (right !== login)
      await this.#change((logins) => logins.map((one) => (one.id === right.id ? right : one)));
    return { login: right, renewed: await this.#issue(right, said.life_ms, nowMs - ageMs) };
  }

  /** Ends those of the ids that there are. */
  async end(ids: readonly string[]): Promise<void> {
    await this.#change((logins) => logins.filter(({ id }) => !ids.includes(id)));
  }

  /** `beganMs`: by the monotonic clock. */
  async #issue(login: LoginRecord, lifeMs: number, beganMs: number): Promise<IssuedLogin> {
    const { clock, boot } = this.#options;
    const ageMs = clock.monotonicMs() - beganMs;
    const wallMs = this.#wallMs() - ageMs;
    const own: Omit<Claims, 'sub' | 'jti'> = {
      mode: login.mode,
      boot,
      mono_ms: beganMs,
      wall_ms: wallMs,
      life_ms: lifeMs,
    };
    const token = await new SignJWT(own)
      .setProtectedHeader({ alg: algorithm })
      .setIssuer(issuer)
      .setSubject(login.user)
      .setJti(login.id)
      .setIssuedAt(Math.floor(wallMs / 1000))
      .setExpirationTime(Math.ceil((wallMs + lifeMs) / 1000))
      .sign(this.#secret);
    return { login, token, leftMs: lifeMs - ageMs };
  }

  /** What a token of ours says; its times are judged by `check`, not by the wall clock. */
  async #read(token: string): Promise<Claims | null> {
    try {
      const { payload } = await jwtVerify(token, this.#secret, {
        algorithms: [algorithm],
        issuer,
        currentDate: new Date(0),
      });
      return claims.parse(payload);
    } catch (error) {
      if (error instanceof errors.JOSEError || error instanceof z.ZodError) return null;
      throw error;
    }
  }

  #wallMs(): number {
    return Math.max(this.#options.clock.wallMs(), this.#options.floorMs);
  }

  /** One change at a time: of two that began from the same list, one would bring back what the other ended. */
  #change(next: (logins: LoginRecord[]) => LoginRecord[]): Promise<void> {
    const change = async () => {
      const before = [...this.#logins.values()];
      const after = next(before);
      if (after.length !== before.length || after.some((login, place) => login !== before[place]))
        await this.#save(after);
    };
    const run = this.#last.then(change, change);
    this.#last = run;
    return run;
  }

  /** Writes first: what is not on the disk does not hold. */
  async #save(logins: LoginRecord[]): Promise<void> {
    const secret = this.#secret.toString('base64url');
    await writeFileAtomic(this.#file, `${JSON.stringify({ version: 1, secret, logins })}\n`);
    this.#logins = new Map(logins.map((login) => [login.id, login]));
    for (const id of this.#endsMs.keys()) if (!this.#logins.has(id)) this.#endsMs.delete(id);
  }
}
