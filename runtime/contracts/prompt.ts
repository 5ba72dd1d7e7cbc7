export const engineNames = ['ollama', 'openai', 'embedded', 'navigator'] as const;
export type EngineName = (typeof engineNames)[number];
