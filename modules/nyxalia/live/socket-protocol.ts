/** The subprotocol of /ws. */
export const liveProtocol = 'arkalia.v1';
