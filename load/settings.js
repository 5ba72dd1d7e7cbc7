// What both scenarios share: the address, the key, and posting JSON.
import http from 'k6/http';

export const base = (__ENV.ARKALIA_URL || 'http://127.0.0.1:8000').replace(/\/$/, '');

/** A whole number from the environment; a value that is none ends the run. */
export function number(name, fallback) {
  const text = __ENV[name];
  if (text === undefined || text === '') return fallback;
  if (!/^[1-9]\d{0,6}$/.test(text))
    throw new Error(`${name} must be a whole number from 1 to 9999999, not ${text}`);
  return Number(text);
}

const authorization = __ENV.ARKALIA_KEY ? { Authorization: `Bearer ${__ENV.ARKALIA_KEY}` } : {};

/** Requests are counted by `name`, so that addresses with an id in them stay one line of the metrics. */
export function get(path, params = {}) {
  return http.get(base + path, {
    headers: authorization,
    tags: { name: `GET ${path.split('?')[0]}` },
    ...params,
  });
}

export function post(path, body, params = {}) {
  const headers = { 'Content-Type': 'application/json', ...authorization };
  return http.post(base + path, JSON.stringify(body), { headers, tags: { name: `POST ${path}` }, ...params });
}

/** Expected refusals do not count as failed requests. */
export const expecting = (status) => ({ responseCallback: http.expectedStatuses(status) });
