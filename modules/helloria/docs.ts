import { createHash } from 'node:crypto';
import { html, raw } from 'hono/html';
import { errorCodes } from '../../runtime/contracts/errors.js';

interface Operation {
  summary: string;
  tags: string[];
  'x-role': string;
  parameters: { name: string; in: string; required: boolean; schema: unknown }[];
  /** One type of body. */
  requestBody?: { content: Record<string, { schema: unknown }> };
  responses: Record<string, { description: string }>;
}

const style = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 54rem; margin: 0 auto; padding: 1rem; }
section { border-top: 1px solid color-mix(in srgb, currentColor 25%, transparent); padding: .75rem 0; }
h2 { margin: 1.5rem 0 .25rem; } h3 { font: 600 1rem ui-monospace, monospace; margin: 0; }
pre { overflow-x: auto; padding: .75rem; background: color-mix(in srgb, currentColor 8%, transparent); border-radius: .4rem; font-size: .85rem; }
td, th { text-align: left; padding: .15rem 1rem .15rem 0; vertical-align: top; }
.role { font-size: .8rem; opacity: .75; }
`;

/** No script at all, and only this one style sheet. */
export const docsPolicy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

function curl(method: string, path: string, operation: Operation): string {
  const lines = [`curl ${method === 'get' ? '' : `-X ${method.toUpperCase()} `}http://127.0.0.1:8000${path}`];
  const [type] = Object.keys(operation.requestBody?.content ?? {});
  if (type !== undefined) {
    lines.push(
      `-H 'content-type: ${type}'`,
      type === 'application/json' ? `-d '{…}'` : '--data-binary @FILE',
    );
  }
  return lines.join(' \\\n  ');
}

function section(path: string, method: string, operation: Operation) {
  const schema = Object.values(operation.requestBody?.content ?? {})[0]?.schema;
  return html`<section>
    <h3>${method.toUpperCase()} ${path}</h3>
    <p>${operation.summary} <span class="role">(role: ${operation['x-role']})</span></p>
    ${
      operation.parameters.length === 0
        ? ''
        : html`<table>${operation.parameters.map((parameter) => html`<tr><td><code>${parameter.name}</code></td><td>${parameter.in}${parameter.required ? ', required' : ''}</td><td><code>${JSON.stringify(parameter.schema)}</code></td></tr>`)}</table>`
    }
    <pre>${curl(method, path, operation)}</pre>
    ${schema === undefined ? '' : html`<details><summary>Body</summary><pre>${JSON.stringify(schema, null, 2)}</pre></details>`}
    <table>${Object.entries(operation.responses).map(([status, { description }]) => html`<tr><td>${status}</td><td>${description}</td></tr>`)}</table>
  </section>`;
}

/** The documentation page: made once from the OpenAPI document, without scripts, fonts or anything from elsewhere. */
export async function docsPage(document: Record<string, unknown>): Promise<string> {
  const paths = document.paths as Record<string, Record<string, Operation>>;
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const tags = [...new Set(operations.flatMap(({ operation }) => operation.tags))];
  const page = await html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Arkalia-LUNA API</title><style>${raw(style)}</style>
</head>
<body>
<h1>Arkalia-LUNA API</h1>
<p>The same in machine form: <a href="/openapi.json">/openapi.json</a>. OpenAI clients use this address with <code>/v1</code> as their base URL.</p>
${tags.map((tag) => html`<h2>${tag}</h2>${operations.filter(({ operation }) => operation.tags.includes(tag)).map(({ path, method, operation }) => section(path, method, operation))}`)}
<h2>errors</h2>
<p>Our own routes answer errors as RFC 9457 problem documents with one of these codes, /v1 in OpenAI's envelope with the same codes.</p>
<table>${Object.entries(errorCodes).map(([code, [status, title]]) => html`<tr id="error-${code}"><td><code>${code}</code></td><td>${status}</td><td>${title}</td></tr>`)}</table>
</body>
</html>`;
  return page.toString();
}
