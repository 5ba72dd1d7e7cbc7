/** Closing may take this long beyond http.shutdown_timeout_ms, for flushing the ledger and ending the processes. */
export const shutdownSlackMs = 3000;
