import { ScriptedUpstream } from '../support/scripted-upstream.js';

/** The engine of bench:chat in a process of its own: says the pieces in its first argument, `delayMs` in its second between them. */
const pieces = JSON.parse(process.argv[2] ?? '[]') as string[];
const upstream = await ScriptedUpstream.start({ as: 'openai', keepAliveMs: 5000 });
upstream.always({ kind: 'ok', pieces, delayMs: Number(process.argv[3]) });
process.once('disconnect', () => process.exit(0));
process.send?.(upstream.url);
