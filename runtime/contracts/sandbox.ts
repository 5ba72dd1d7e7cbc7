export type {
  EngineView,
  NavigatorBrief,
  NavigatorTopic,
  PromptEvent,
  PromptJob,
  PromptMessage,
  PromptRunner,
  PromptSampling,
  SandboxErrorCode,
  SandboxStatus,
} from '../../sandbox/types.js';
export { SandboxError } from '../../sandbox/types.js';
