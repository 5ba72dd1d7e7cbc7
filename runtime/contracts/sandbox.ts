export type {
  EmbedJob,
  EngineView,
  FinishReason,
  NavigatorBrief,
  NavigatorTopic,
  Prompt,
  PromptEvent,
  PromptJob,
  PromptMessage,
  PromptRunner,
  PromptSampling,
  PromptTool,
  PromptUsage,
  SandboxErrorCode,
  SandboxStatus,
  ToolCall,
} from '../../sandbox/types.js';
export { embedInputsMax, SandboxError } from '../../sandbox/types.js';
