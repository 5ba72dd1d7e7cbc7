import { AppError } from '../contracts/errors.js';
import type { CreatedKey, KeyRecord } from '../contracts/module.js';
import { printable } from '../contracts/text.js';
import { administer } from './administer.js';
import type { ConfigFlags } from './load.js';

export async function createKey(
  flags: ConfigFlags & { name: string; role: KeyRecord['role'] },
): Promise<number> {
  const { name, role } = flags;
  const created = await administer<CreatedKey>(flags, {
    method: 'POST',
    path: '/keys',
    body: { name, role },
    here: (access) => access.createKey({ name, role }),
  });
  console.log(created.key);
  console.error(
    `This key (${created.id}, role ${created.role}) is shown this once. Send it as "Authorization: Bearer …".`,
  );
  return 0;
}

export async function listKeys(flags: ConfigFlags): Promise<number> {
  const { keys } = await administer<{ keys: KeyRecord[] }>(flags, {
    method: 'GET',
    path: '/keys',
    here: (access) => ({ keys: access.listKeys() }),
  });
  if (keys.length === 0) console.error('There are no keys. "arkalia keys create --name phone" makes one.');
  for (const { id, role, name, created_ms } of keys) {
    console.log(`${id}  ${role.padEnd(8)}  ${new Date(created_ms).toISOString()}  ${printable(name)}`);
  }
  return 0;
}

export async function revokeKey(id: string, flags: ConfigFlags): Promise<number> {
  await administer<void>(flags, {
    method: 'DELETE',
    path: `/keys/${encodeURIComponent(id)}`,
    here: async (access) => {
      if (!(await access.revokeKey(id))) throw new AppError('not_found', 'There is no key with that id.');
    },
  });
  console.log(`revoked ${printable(id)}`);
  return 0;
}
