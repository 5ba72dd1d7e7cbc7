// Made from the OpenAPI document by "npm run generate:api"; do not edit.
export interface Operations {
  /** Asks the assistant; the answer carries who spoke and its receipt */
  'POST /chat': {
    query?: { record?: 'durable' | 'checkpointed' };
    body: { message: string; session_id?: string; documents?: { name: string; text: string }[]; tools?: string[]; stream?: boolean; model?: string };
    answer: { answer: string; session_id: string; engine: string; model: string; finish_reason: 'stop' | 'length' | 'tool_calls' | 'content_filter'; usage?: { prompt_tokens: number; completion_tokens: number }; left_out?: number; replayed?: boolean; reasons: Record<string, unknown>[]; receipt: { recorded: 'durable' | 'checkpointed'; index: number; leaf_hash: string; proof?: Record<string, unknown> } };
  };
  /** Takes an engine out of use, lets everything through, or resets its breaker */
  'POST /breakers/{name}': {
    path: { name: string };
    body: { order: 'forced_open' | 'disabled' | 'metrics_only' | 'reset' };
    answer: { changed: boolean; breaker: { name: string; state: 'closed' | 'open' | 'half_open' | 'forced_open' | 'disabled' | 'metrics_only'; calls: number; failures: number; slow: number; openings: number; open_step: number; retry_after_ms?: number; totals: { successes: number; slow: number; failures: number; ignored: number; late: number; refused: number }; last?: { number: number; from: 'closed' | 'open' | 'half_open' | 'forced_open' | 'disabled' | 'metrics_only'; to: 'closed' | 'open' | 'half_open' | 'forced_open' | 'disabled' | 'metrics_only'; cause: string; monotonic_ms: number } } };
  };
  /** Recorded events that fit all of the query; `next` is where the next page begins: its `since` (asc) or `until` (desc) */
  'GET /ledger/events': {
    query?: { type?: string | number; module?: string | number; stream?: string | number; correlation_id?: string | number; from?: string | number; to?: string | number; text?: string | number; since?: string | number; until?: string | number; limit?: string | number; order?: 'asc' | 'desc' };
    answer: { events: Record<string, unknown>[]; next: number | null; size: number; minimum_index: number };
  };
  /** Counts and rates, patterns of decisions, and what is unusual against the hours before; the first answer after a start takes seconds */
  'GET /ledger/analytics': {
    query?: { hours?: string | number };
    answer: { size: number; from_ms: number | null; to_ms: number | null; hours: number; types: Record<string, { count: number; per_hour: number }>; standing: { level: string; breakers: Record<string, string>; types: Record<string, number> }; decisions: { counts: Record<string, number>; share: Record<string, number>; time_ms: Record<string, number>; transitions: Record<string, Record<string, number>> }; baseline: { state: 'learning' | 'learned'; hours: number; hours_needed: number; figures: Record<string, { median: number; mad: number }> }; anomalies: ({ hour_ms: number; figure: 'failure_rate' | 'refusals' | 'system_errors' | 'contradictions' | 'emergencies'; value: number; median: number; against: 'all_hours' | 'same_hour'; score: number })[]; behaviour: ({ kind: 'anomaly' | 'regression' | 'pattern' | 'correlation'; figure: string; hour_ms: number; against: 'all_hours' | 'same_hour'; numbers: Record<string, number> })[] };
  };
  /** The log in figures: its key, its size, and the first index that was not pruned */
  'GET /ledger/log': {
    answer: { origin: string; verifier_key: string; size: number; minimum_index: number; bytes: number; limit_bytes: number; previous_checkpoint?: string };
  };
  /** Proof that an event is in the log (RFC 9162); without `size` in a checkpoint that covers it, which may take a second */
  'GET /ledger/proof/inclusion': {
    query: { index: string | number; size?: string | number };
    answer: { index: number; size: number; leaf_hash: string; root_hash: string; hashes: string[]; checkpoint?: string };
  };
  /** Your conversations with /chat, the last used first, as the ledger holds them; `next` is where the next page begins: its `until` */
  'GET /sessions': {
    query?: { until?: string | number };
    answer: { sessions: ({ id: string; title: string; mode: 'model' | 'navigator' | null; created_ms: number; last_used_ms: number; answers: number })[]; titles: { id: string; title: string }[]; next: number | null };
  };
  /** What was said in one of your conversations, oldest first; /chat goes on with it then */
  'GET /sessions/{id}': {
    path: { id: string };
    answer: { id: string; title: string; turns: { index: number; leaf_hash: string; time_ms: number; prompt?: string; answer?: string; engine?: string; model?: string; finish_reason?: string; first_text_ms?: number; took_ms?: number; completion_tokens?: number; refused?: string[] }[]; complete: boolean };
  };
  /** Names one of your conversations; the title is kept and erased with it */
  'POST /sessions/{id}/title': {
    path: { id: string };
    body: { title: string };
    answer: { id: string; title: string };
  };
  /** Erases what was said in one of your conversations, for good; every proof still holds */
  'DELETE /sessions/{id}': {
    path: { id: string };
    answer: { events: number; texts: number; unreadable: number };
  };
  /** The device's last decision and why, the level in force, and how many decisions were made */
  'GET /zeroia/status': {
    answer: Record<string, unknown>;
  };
  /** Whether the modules' accounts of the same things agree, check by check */
  'GET /sandozia/status': {
    answer: { compared: number; contradictions: number; snapshots: number; last_snapshot: number | null; quarantined: { module: string; check: string; fault: string; since_ms: number; duration_ms: number; retries: number }[]; checks: ({ name: string; kind: 'interface' | 'data_consistency' | 'temporal_coherence' | 'confidence_coherence' | 'logical_consistency' | 'behavioural_pattern'; about: string; level: 'ok' | 'info' | 'warning' | 'critical' | null; fault: string | null; evidence: Record<string, unknown>; checked_ms: number | null })[] };
  };
  /** Means of the samples of the device over the last hour or day, since the server started */
  'GET /nyxalia/history': {
    query?: { window?: 'hour' | 'day' };
    answer: { window: 'hour' | 'day'; step_ms: number; wall_ms: number[]; throttled: boolean[]; cpu: (number | null)[]; ram: (number | null)[]; disk: (number | null)[]; temperature_c: (number | null)[]; event_loop_delay_ms: (number | null)[]; load_1m: (number | null)[]; process_rss_bytes: (number | null)[] };
  };
  /** The configuration in force: each key and its value */
  'GET /nyxalia/config': {
    answer: { keys: { key: string; value: unknown }[] };
  };
  /** Models that a request may name; arkalia stands for the configured order with the built-in assistant */
  'GET /v1/models': {
    answer: { object: 'list'; data: Record<string, unknown>[] };
  };
  /** The keys, without their secrets */
  'GET /keys': {
    answer: { keys: ({ scopes?: ('chat' | 'embeddings' | 'guard' | 'decisions' | 'read' | 'operate' | 'admin')[]; requests_per_minute?: number; tokens_per_day?: number; models?: string[]; expires_ms?: number; id: string; name: string; role: string; created_ms: number })[] };
  };
  /** Takes an incident on, so that others know that somebody looks after it */
  'POST /incidents/{id}/acknowledge': {
    path: { id: string };
    body: Record<string, never>;
    answer: { id: string; check: string; target: string; class: 'transient' | 'permanent' | 'overload' | 'integrity' | 'caller'; problem: string; tried: ('immediate_retry' | 'exponential_backoff' | 'circuit_break' | 'graceful_degradation' | 'restart' | 'manual_intervention')[]; opened_ms: number; cleared_ms: number | null; acknowledged_ms: number | null; acknowledged_by: string | null; closed_ms: number | null; closed_by: string | null };
  };
  /** Closes an incident that a person has looked at; while the fault is still there another is opened */
  'POST /incidents/{id}/close': {
    path: { id: string };
    body: Record<string, never>;
    answer: { id: string; check: string; target: string; class: 'transient' | 'permanent' | 'overload' | 'integrity' | 'caller'; problem: string; tried: ('immediate_retry' | 'exponential_backoff' | 'circuit_break' | 'graceful_degradation' | 'restart' | 'manual_intervention')[]; opened_ms: number; cleared_ms: number | null; acknowledged_ms: number | null; acknowledged_by: string | null; closed_ms: number | null; closed_by: string | null };
  };
  /** Makes a key; the answer shows it this once */
  'POST /keys': {
    body: { scopes?: ('chat' | 'embeddings' | 'guard' | 'decisions' | 'read' | 'operate' | 'admin')[]; requests_per_minute?: number; tokens_per_day?: number; models?: string[]; expires_ms?: number; name: string; role: 'user' | 'operator' | 'admin' };
    answer: { scopes?: ('chat' | 'embeddings' | 'guard' | 'decisions' | 'read' | 'operate' | 'admin')[]; requests_per_minute?: number; tokens_per_day?: number; models?: string[]; expires_ms?: number; id: string; name: string; role: string; created_ms: number; key: string };
  };
  /** Revokes a key at once */
  'DELETE /keys/{id}': {
    path: { id: string };
    answer: undefined;
  };
  /** Exchanges the setup code for an administrator's key */
  'POST /setup': {
    body: { code: string; user?: string; password?: string };
    answer: { scopes?: ('chat' | 'embeddings' | 'guard' | 'decisions' | 'read' | 'operate' | 'admin')[]; requests_per_minute?: number; tokens_per_day?: number; models?: string[]; expires_ms?: number; id: string; name: string; role: string; created_ms: number; key: string };
  };
  /** The model files, what is known of them and needed for them, and what is being done */
  'GET /models': {
    answer: { folder: string; default: string | null; fixed: string | null; memory_limit_bytes: number; models: ({ name: string; bytes: number; sha256: string | null; added_ms: number | null; facts: { architecture?: string; name?: string; licence?: string; parameters: number; quantisation: string; context_tokens?: number; chat_template: boolean; cache_bytes_per_token?: number } | null; memory_bytes: number | null; is_default: boolean })[]; work: ({ name: string; act: 'add' | 'pull' | 'verify'; state: 'receiving' | 'reading' | 'done' | 'failed'; bytes: number; of: number | null; problem?: string })[] };
  };
  /** Begins to fetch a model from an address, or goes on where an earlier attempt ended */
  'POST /models': {
    body: { url: string; name: string; sha256?: string };
    answer: { name: string; act: 'add' | 'pull' | 'verify'; state: 'receiving' | 'reading' | 'done' | 'failed'; bytes: number; of: number | null; problem?: string };
  };
  /** Deletes a model, and what is left of an upload or a download of that name */
  'DELETE /models/{name}': {
    path: { name: string };
    answer: undefined;
  };
  /** Begins to hash a model again; one that was put there by hand is pinned to what it is */
  'POST /models/{name}/verify': {
    path: { name: string };
    body: Record<string, never>;
    answer: { name: string; act: 'add' | 'pull' | 'verify'; state: 'receiving' | 'reading' | 'done' | 'failed'; bytes: number; of: number | null; problem?: string };
  };
  /** Makes a model the one that is loaded; answers that are being made are not cut short */
  'POST /models/{name}/default': {
    path: { name: string };
    body: Record<string, never>;
    answer: { folder: string; default: string | null; fixed: string | null; memory_limit_bytes: number; models: ({ name: string; bytes: number; sha256: string | null; added_ms: number | null; facts: { architecture?: string; name?: string; licence?: string; parameters: number; quantisation: string; context_tokens?: number; chat_template: boolean; cache_bytes_per_token?: number } | null; memory_bytes: number | null; is_default: boolean })[]; work: ({ name: string; act: 'add' | 'pull' | 'verify'; state: 'receiving' | 'reading' | 'done' | 'failed'; bytes: number; of: number | null; problem?: string })[] };
  };
  /** Who is calling, and what it may do */
  'GET /me': {
    answer: { role: 'none' | 'user' | 'operator' | 'admin'; scopes: ('chat' | 'embeddings' | 'guard' | 'decisions' | 'read' | 'operate' | 'admin')[]; key_id: string | null; user: string | null; mode: 'tab' | 'lasting' | null; passwords: boolean };
  };
  /** Gives whoever is signed in another password; ends the other logins of that person */
  'POST /me/password': {
    body: { current: string; password: string };
    answer: undefined;
  };
  /** Signs in with a name and a password; the browser gets a cookie that scripts cannot read */
  'POST /login': {
    body: { user: string; password: string; mode?: 'tab' | 'lasting' };
    answer: { user: string; role: string; mode: 'tab' | 'lasting' };
  };
  /** Ends the login of the browser that asks */
  'POST /logout': {
    body: Record<string, never>;
    answer: { ended: boolean };
  };
  /** Who may sign in with a password */
  'GET /users': {
    answer: { users: ({ id: string; name: string; role: 'user' | 'operator' | 'admin'; created_ms: number })[] };
  };
  /** Lets somebody sign in with a password */
  'POST /users': {
    body: { name: string; role: 'user' | 'operator' | 'admin'; password: string };
    answer: { id: string; name: string; role: 'user' | 'operator' | 'admin'; created_ms: number };
  };
  /** Gives a user another password; ends the logins of the user */
  'POST /users/{name}/password': {
    path: { name: string };
    body: { password: string };
    answer: undefined;
  };
  /** Removes a user and ends the logins of the user */
  'DELETE /users/{name}': {
    path: { name: string };
    answer: undefined;
  };
  /** Who is signed in */
  'GET /logins': {
    answer: { logins: ({ id: string; user: string; mode: 'tab' | 'lasting'; created_ms: number })[] };
  };
  /** Ends a login at once */
  'DELETE /logins/{id}': {
    path: { id: string };
    answer: undefined;
  };
}
