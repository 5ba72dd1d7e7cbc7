import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Role, roles } from '../../runtime/contracts/http.js';
import { TestAppliance } from '../support/appliance.js';
import { cli } from './cli.js';
import { send } from './raw.js';

interface Listed {
  method: string;
  path: string;
  role: Role;
}

let appliance: TestAppliance;
let listed: Listed[];

beforeAll(async () => {
  appliance = await TestAppliance.start({ env: { ARKALIA_ZEROIA_ACT: 'false' } });
  const { paths } = (await appliance.json('/openapi.json')) as unknown as {
    paths: Record<string, Record<string, { 'x-role': Role }>>;
  };
  listed = Object.entries(paths)
    .flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        method: method.toUpperCase(),
        path,
        role: operation['x-role'],
      })),
    )
    .sort((a, b) => (`${a.path} ${a.method}` < `${b.path} ${b.method}` ? -1 : 1));
});
afterAll(() => appliance.close());

const may = (role: Role, route: Listed) => roles.indexOf(role) >= roles.indexOf(route.role);

test('docs/routes.md is the table of the routes that are served, by role', () => {
  const rows = listed.map((route) => {
    const cells = roles.map((role) => (may(role, route) ? 'yes' : 'no'));
    return `| \`${route.method} ${route.path}\` | ${cells.join(' | ')} |`;
  });
  const table = [`| Route | ${roles.join(' | ')} |`, '| --- | --- | --- | --- | --- |', ...rows].join('\n');
  const file = new URL('../../../docs/routes.md', import.meta.url);
  const text = readFileSync(file, 'utf8');
  expect(text.slice(text.indexOf('| Route |')).trimEnd()).toBe(table);
});

test('each role gets in where the table says yes, and nowhere else', async () => {
  const keys: [Role, Record<string, string>][] = [['user', {}]];
  for (const role of ['user', 'operator', 'admin'] as const) {
    const argv = ['keys', 'create', '--name', role, '--role', role, '--data', appliance.dataDir];
    const { stdout } = await cli(argv, { cwd: appliance.dataDir });
    keys.push([role, { authorization: `Bearer ${stdout.trim()}` }]);
  }
  for (const [role, headers] of keys) {
    for (const route of listed) {
      // A query that does not fit: what gets in ends there, also where it would go on for ever.
      const stream = route.path.endsWith('/stream') ? '?since=x' : '';
      const answer = await send(appliance.url, {
        method: route.method,
        path: route.path.replace(/\{\w+\}/g, 'abcdefgh') + stream,
        headers: { ...headers, 'content-type': 'application/json' },
        ...(route.method === 'POST' ? { body: '{}' } : {}),
      });
      const isRefused = /This needs (a key with )?the role/.test(answer.text);
      const who = [role, route.method, route.path];
      expect([...who, isRefused]).toEqual([...who, !may(role, route)]);
      if (isRefused)
        expect([...who, answer.status]).toEqual([...who, 'authorization' in headers ? 403 : 401]);
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
    'GET /openapi.json',
    'GET /ready',
    'POST /setup',
  ]);
});
