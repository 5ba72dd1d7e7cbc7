import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Role, roles, type Scope, scopes } from '../../runtime/contracts/http.js';
import { TestAppliance } from '../support/appliance.js';
import { cli } from './cli.js';
import { send } from './raw.js';

interface Listed {
  method: string;
  path: string;
  role: Role;
  /** `any`, a scope, or null: then only keys without a list of scopes get in. */
  scope: Scope | 'any' | null | undefined;
}

let appliance: TestAppliance;
let listed: Listed[];

beforeAll(async () => {
  appliance = await TestAppliance.start({ env: { ARKALIA_ZEROIA_ACT: 'false' } });
  const { paths } = (await appliance.json('/openapi.json')) as unknown as {
    paths: Record<string, Record<string, { 'x-role': Role; 'x-scope'?: Scope | 'any' | null }>>;
  };
  listed = Object.entries(paths)
    .flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        method: method.toUpperCase(),
        path,
        role: operation['x-role'],
        scope: operation['x-scope'],
      })),
    )
    .sort((a, b) => (`${a.path} ${a.method}` < `${b.path} ${b.method}` ? -1 : 1));
});
afterAll(() => appliance.close());

const may = (role: Role, route: Listed) => roles.indexOf(role) >= roles.indexOf(route.role);

test('docs/routes.md is the table of the routes that are served, by role', () => {
  const rows = listed.map((route) => {
    const cells = roles.map((role) => (may(role, route) ? 'yes' : 'no'));
    return `| \`${route.method} ${route.path}\` | ${cells.join(' | ')} | ${route.scope ?? ''} |`;
  });
  const head = [`| Route | ${roles.join(' | ')} | scope |`, '| --- | --- | --- | --- | --- | --- |'];
  const table = [...head, ...rows].join('\n');
  const file = new URL('../../../docs/routes.md', import.meta.url);
  const text = readFileSync(file, 'utf8');
  expect(text.slice(text.indexOf('| Route |')).trimEnd()).toBe(table);
});

test('each role gets in where the table says yes, and nowhere else', async () => {
  const keys: [Role, Record<string, string>][] = [];
  for (const role of ['user', 'operator', 'admin'] as const) {
    const argv = ['keys', 'create', '--name', role, '--role', role, '--data', appliance.dataDir];
    const { stdout } = await cli(argv, { cwd: appliance.dataDir });
    keys.push([role, { authorization: `Bearer ${stdout.trim()}` }]);
  }
  for (const [role, headers] of keys) {
    for (const route of listed) {
      const answer = await ask(route, headers);
      const isRefused = /This needs (a key with )?the role/.test(answer.text);
      const who = [role, route.method, route.path];
      expect([...who, isRefused]).toEqual([...who, !may(role, route)]);
      if (isRefused) expect([...who, answer.status]).toEqual([...who, 403]);
    }
  }
});

test('a route with a role says which scope it needs: one that does not is open to no key that is narrowed', () => {
  const silent = listed.filter(({ role, scope }) => role !== 'none' && scope == null);
  expect(silent.map(({ method, path }) => `${method} ${path}`)).toEqual([]);
});

/** A request that ends at once for whoever gets in: its body and query do not fit, also where it would go on for ever. */
function ask(route: Listed, headers: Record<string, string>) {
  const stream = route.path.endsWith('/stream') ? '?since=x' : '';
  return send(appliance.url, {
    method: route.method,
    path: route.path.replace(/\{\w+\}/g, 'abcdefgh') + stream,
    headers: { ...headers, 'content-type': 'application/json' },
    ...(route.method === 'POST' ? { body: '{}' } : {}),
  });
}

/** Whether a caller is let in, and what it is answered. */
async function isLetIn(route: Listed, headers: Record<string, string>): Promise<[boolean, number]> {
  const answer = await ask(route, headers);
  return [!/This needs a key (with the (role|scope)|that is not narrowed)/.test(answer.text), answer.status];
}

test('without a key this device reads as an operator does, and changes nothing', async () => {
  const held = ['chat', 'embeddings', 'guard', 'decisions', 'read', 'any'];
  for (const route of listed) {
    const isOpen = route.role === 'none' || (may('operator', route) && held.includes(route.scope ?? ''));
    const [isIn, status] = await isLetIn(route, {});
    expect([route.method, route.path, isIn]).toEqual([route.method, route.path, isOpen]);
    if (!isIn) expect([route.method, route.path, status]).toEqual([route.method, route.path, 401]);
  }
});

test('a key that is narrowed to one scope gets in where the table names it, and nowhere else', async () => {
  for (const scope of scopes) {
    const argv = ['keys', 'create', scope, '--role', 'admin', '--scope', scope, '--data', appliance.dataDir];
    const { stdout } = await cli(argv, { cwd: appliance.dataDir });
    for (const route of listed) {
      const isOpen = route.role === 'none' || route.scope === scope || route.scope === 'any';
      const [isIn, status] = await isLetIn(route, { authorization: `Bearer ${stdout.trim()}` });
      const who = [scope, route.method, route.path];
      expect([...who, isIn]).toEqual([...who, isOpen]);
      if (!isIn) expect([...who, status]).toEqual([...who, 403]);
    }
  }
});

test('what is open to everyone is this and no more; a witness checks the signatures of logs that are configured', () => {
  const open = listed.filter(({ role }) => role === 'none').map(({ method, path }) => `${method} ${path}`);
  expect(open).toEqual([
    'GET /',
    'GET /api/version',
    'GET /assets/{name}',
    'GET /asyncapi.json',
    'GET /docs',
    'GET /health',
    'POST /ledger/witness/add-checkpoint',
    'POST /login',
    'POST /logout',
    'GET /me',
    'GET /openapi.json',
    'GET /ready',
    'POST /setup',
  ]);
});
