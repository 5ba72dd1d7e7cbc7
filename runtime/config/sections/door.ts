import { z } from 'zod';
import { scopes } from '../../contracts/http.js';
import { bytes, count, milliseconds, section } from './parts.js';

export const http = section({
  host: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe(
      'Address to listen on. Anything beyond loopback needs a key: without one the server starts in setup mode.',
    ),
  port: z.number().int().min(0).max(65_535).default(8000).describe('TCP port; 0 takes a free one.'),
  loopback_role: z
    .enum(['none', 'user', 'operator'])
    .default('operator')
    .describe(
      'Role of whoever calls from this device without a key, narrowed to loopback_scopes. none asks for a key here too.',
    ),
  loopback_scopes: z
    .array(z.enum(scopes))
    .default(['chat', 'embeddings', 'guard', 'decisions', 'read'])
    .describe(
      'What a caller from this device may do without a key, of what its role may: by default it reads as an operator does and changes nothing.',
    ),
  allowed_hosts: z
    .array(z.string().min(1))
    .default([])
    .describe("Host names answered to, besides loopback names and this device's own addresses."),
  cors_origins: z
    .array(z.string().min(1))
    .default([])
    .describe(
      'Foreign web origins that may call the API, such as https://home.example. Each one may act with the key its page holds.',
    ),
  login_ms: milliseconds(43_200_000, 60_000, 2_592_000_000).describe(
    'How long somebody who signed in with a password stays so.',
  ),
  tls_cert_file: z
    .string()
    .optional()
    .describe('PEM certificate chain; together with tls_key_file the server speaks https only.'),
  tls_key_file: z.string().optional().describe('PEM private key.'),
  body_limit_bytes: bytes(1_048_576, 1024, 67_108_864).describe(
    'Largest request body; a longer one is answered 413.',
  ),
  header_limit_bytes: bytes(16_384, 4096, 65_536).describe(
    'Largest sum of request headers; more is answered 431.',
  ),
  json_depth_max: count(32, 4, 256).describe('Deepest nesting of a JSON body.'),
  headers_timeout_ms: milliseconds(10_000, 1000).describe('A client must have sent its headers by then.'),
  body_timeout_ms: milliseconds(30_000, 1000).describe('A client must have sent its whole request by then.'),
  keep_alive_timeout_ms: milliseconds(5000, 100).describe('How long an idle connection is kept.'),
  connections_max: count(1024, 1, 65_535).describe('Open connections; more are closed at once.'),
  shutdown_timeout_ms: milliseconds(10_000, 100, 600_000).describe(
    'On SIGTERM, what runs may finish within this time; then it is cancelled.',
  ),
});

export const log = section({
  level: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .default('info')
    .describe('Least severe level written. Requests are logged at debug, failed ones at warn.'),
});

export const limits = section({
  requests_per_second: count(20_000, 1, 10_000_000).describe(
    'Steady rate per client over all routes. The device itself is protected by its queues; this stops one client from taking everything. 8,192 clients have a bucket of their own; see core-wasm/README.md for what happens beyond.',
  ),
  requests_burst: count(40_000, 1, 10_000_000).describe(
    'Requests a client may send at once before its steady rate applies.',
  ),
  prompts_per_minute: count(120, 1, 1_000_000).describe('Steady rate of prompts per client.'),
  prompts_burst: count(30, 1, 1_000_000).describe('Prompts a client may send at once.'),
});

export const idempotency = section({
  keys_max: count(10_000, 1, 1_000_000).describe(
    'Requests with an Idempotency-Key that are remembered; beyond it the oldest is forgotten. About 300 bytes each in memory.',
  ),
  keep_ms: milliseconds(86_400_000, 1000, 604_800_000).describe(
    'How long they are remembered; what they gave is kept with the texts of the ledger.',
  ),
});

export const nyxalia = section({
  sockets_max: count(128, 1, 10_000).describe(
    'Open WebSockets at /ws; more are answered 429. A slow one may hold some 300 KB.',
  ),
});

export const modules = section({
  enabled: z
    .array(z.string().min(1))
    .default(['zeroia', 'reflexia', 'sandozia', 'assistantia', 'nyxalia', 'helloria'])
    .describe(
      "Modules to run. A built-in name, or the path of a third party's module, which then runs in this process with all its rights.",
    ),
});
