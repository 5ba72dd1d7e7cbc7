/** What the probe inside is to try, in the words of the host. */
export interface EscapePlan {
  serverPid: number;
  files: { shadow: string; ledger: string; keys: string };
  /** Where something listens that notices. */
  tcpPort: number;
  udpPort: number;
  unixPath: string;
  modelServer: { host: string; port: number };
  /** Files that must not come to be. */
  writes: string[];
  processes: number;
  allocateBytes: number;
}
