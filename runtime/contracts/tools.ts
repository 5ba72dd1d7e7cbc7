/** What a request may grant to code that its model asks for; `calculator` is the language itself and comes with each. */
export const toolGrants = ['clock', 'calculator', 'status', 'documents', 'http'] as const;
export type ToolGrant = (typeof toolGrants)[number];
