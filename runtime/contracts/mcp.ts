/** A tool that an MCP server offers; name and words are the server's own. */
export interface McpTool {
  name: string;
  description: string;
  parameters: Record<string, unknown>;
}

export interface McpOutput {
  outcome: string;
  text: string;
}

export interface McpServerStatus {
  state: 'idle' | 'starting' | 'ready' | 'resting';
  /** Why it is resting. */
  problem?: string;
  starts: number;
}

/** The MCP servers of the configuration, each in a sandbox of its own, started when it is first needed. */
export interface McpServers {
  names(): string[];
  /** @throws AppError `sandbox_failed` when the server does not start, or is given a rest after it failed. */
  tools(server: string): Promise<McpTool[]>;
  /** Never throws for what the server does: that is the outcome. */
  call(
    server: string,
    call: { tool: string; args: unknown },
    options: { signal: AbortSignal; timeoutMs: number },
  ): Promise<McpOutput>;
  status(): Record<string, McpServerStatus>;
}
