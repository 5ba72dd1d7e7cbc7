/** A conversation of /chat, as far as its events were looked at. */
export interface KeptSession {
  id: string;
  /** What its owner named it, else the first words of what was asked. */
  title: string;
  /** Who answered last: a language model, or the built-in assistant; null where the guard refused all that was asked. */
  mode: 'model' | 'navigator' | null;
  /** Wall time of its first and last event. */
  created_ms: number;
  last_used_ms: number;
  answers: number;
}

/** The list of a caller's conversations, or a page of it. */
export interface SessionList {
  /** The last used first. */
  sessions: KeptSession[];
  /** Every title that was given, also to what an older page lists. */
  titles: { id: string; title: string }[];
  /** Position of the newest event that was not looked at; null where there is none. */
  next: number | null;
}

/** A conversation of which two parts were looked at; the later one has nothing that was asked first. */
export function joinedSession(later: KeptSession, earlier: KeptSession): KeptSession {
  return {
    id: earlier.id,
    title: earlier.title === '' ? later.title : earlier.title,
    mode: later.mode ?? earlier.mode,
    created_ms: earlier.created_ms,
    last_used_ms: later.last_used_ms,
    answers: later.answers + earlier.answers,
  };
}

/** Two pages as one: what a single look at the events of both would give. A title that was given later counts. */
export function joinedLists(newer: SessionList, older: SessionList): SessionList {
  const titles = new Map(newer.titles.map(({ id, title }) => [id, title]));
  for (const { id, title } of older.titles) if (!titles.has(id)) titles.set(id, title);
  const sessions = new Map(newer.sessions.map((session) => [session.id, session]));
  for (const earlier of older.sessions) {
    const later = sessions.get(earlier.id);
    sessions.set(earlier.id, later === undefined ? earlier : joinedSession(later, earlier));
  }
  return { ...listOf(sessions, titles), next: older.next };
}

/** Both maps begin with the newest. */
export function listOf(
  sessions: ReadonlyMap<string, KeptSession>,
  titles: ReadonlyMap<string, string>,
): Omit<SessionList, 'next'> {
  return {
    sessions: [...sessions.values()].map((one) => ({ ...one, title: titles.get(one.id) ?? one.title })),
    titles: [...titles].map(([id, title]) => ({ id, title })),
  };
}
