/** What a request may grant to code that its model asks for; `calculator` is the language itself and comes with each. */
export const toolGrants = ['clock', 'calculator', 'status', 'documents', 'http'] as const;
/** What a request may name: one of these, or a configured MCP server. */
export const toolNameForm = new RegExp(`^(?:${toolGrants.join('|')}|mcp:[a-z0-9][a-z0-9-]{0,31})$`);
export type ToolGrant = (typeof toolGrants)[number];
