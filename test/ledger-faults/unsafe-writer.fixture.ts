import { Database } from '../../runtime/contracts/sqlite.js';

/** The writer with synchronous=OFF, which it believes to be FULL: shows that the test sees what is lost without syncs. */
const { prototype } = Database as unknown as {
  prototype: { pragma(source: string, options?: object): unknown };
};
const { pragma } = prototype;
prototype.pragma = function (source, options) {
  if (source === 'synchronous = FULL') return pragma.call(this, 'synchronous = OFF');
  return source === 'synchronous' ? 2 : pragma.call(this, source, options);
};

await import('../../runtime/ledger/writer.js');
