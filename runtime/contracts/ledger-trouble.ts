/** Why nothing can be recorded for now; it is tried again until it can. */
export const ledgerTroubles = ['disk_full', 'io_error', 'read_only', 'corrupt', 'busy'] as const;
export type LedgerTrouble = (typeof ledgerTroubles)[number];
