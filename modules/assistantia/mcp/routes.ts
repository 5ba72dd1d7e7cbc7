import { z } from 'zod';
import { AppError } from '../../../runtime/contracts/errors.js';
import { defineRoute, json, type RouteDefinition } from '../../../runtime/contracts/http.js';
import { type McpServer, mcpVersions, rpcMessage } from './server.js';

const rpcAnswer = z.looseObject({
  jsonrpc: z.enum(['2.0']),
  id: z.union([z.string(), z.number().int()]),
  result: z.record(z.string(), z.unknown()).optional(),
  error: z.object({ code: z.number().int(), message: z.string() }).optional(),
});

/** The Model Context Protocol over HTTP (its "streamable HTTP", of which nothing here needs to stream). */
export function mcpRoutes(server: McpServer): RouteDefinition[] {
  return [
    defineRoute({
      method: 'POST',
      path: '/mcp',
      role: 'operator',
      scope: 'read',
      tag: 'assistantia',
      summary: 'Model Context Protocol: the status and the documentation of this appliance, to be read',
      errors: 'problem',
      body: rpcMessage,
      headers: [
        {
          name: 'mcp-protocol-version',
          description: 'The version that was agreed on',
          schema: z.string().optional(),
        },
      ],
      responses: {
        200: { description: 'The response to a request', schema: rpcAnswer },
        202: { description: 'A notification or a response was taken' },
      },
      handler: ({ body, header }) => {
        const version = header('mcp-protocol-version');
        if (version !== undefined && !(mcpVersions as readonly string[]).includes(version))
          throw new AppError(
            'invalid_request',
            `MCP-Protocol-Version is none of ${mcpVersions.toSorted().join(', ')}.`,
          );
        const answer = server.answer(body);
        return answer === undefined ? { text: '', status: 202, headers: {} } : json(answer);
      },
    }),
  ];
}
