import { z } from 'zod';
import { AppError } from '../../../runtime/contracts/errors.js';
import { defineRoute, type RouteDefinition } from '../../../runtime/contracts/http.js';
import type { ModuleContext } from '../../../runtime/contracts/module.js';

const noteType = 'text/plain; charset=utf-8';
/** C2SP tlog-witness wants exactly this. */
const sizeType = 'text/x.tlog.size';
/** A checkpoint with a hundred signatures and the longest proof have less. */
const requestCharsMax = 65_536;

/** Cosignatures: C2SP tlog-witness. A log that asks has no key of ours, as C2SP has it: the signature of its checkpoint is what counts. */
export function witnessRoutes({ witness }: ModuleContext): RouteDefinition[] {
  return [
    defineRoute({
      method: 'POST',
      path: '/ledger/witness/add-checkpoint',
      role: 'none',
      tag: 'ledger',
      summary:
        'Cosigns the checkpoint of a log that ledger.witness.logs names: C2SP tlog-witness; errors are 400, 403, 404, 409 and 422 as it has them',
      errors: 'problem',
      body: z.string().max(requestCharsMax),
      bodyType: 'text/plain',
      responses: {
        200: { description: 'Signature lines', contentType: noteType },
        409: { description: 'The size that was cosigned last', contentType: sizeType },
      },
      handler: async ({ body, caller }) => {
        const answer = await witness.addCheckpoint(body, caller.id);
        return 'conflict' in answer
          ? { text: `${answer.conflict}\n`, status: 409, headers: { 'content-type': sizeType } }
          : { text: answer.cosignatures, status: 200, headers: { 'content-type': noteType } };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/ledger/witness/checkpoint',
      role: 'user',
      scope: 'any',
      tag: 'ledger',
      summary: 'The newest checkpoint of this log that witnesses have cosigned, with their signatures',
      errors: 'problem',
      responses: {
        200: { description: 'A signed note', contentType: noteType },
        404: { description: 'No witness has cosigned this log yet' },
      },
      handler: () => {
        const note = witness.cosigned();
        if (note === undefined) throw new AppError('not_found', 'No witness has cosigned this log yet.');
        return {
          text: note,
          status: 200,
          headers: { 'content-type': noteType, 'cache-control': 'no-cache' },
        };
      },
    }),
  ];
}
