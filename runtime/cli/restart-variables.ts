/** Environment variables by which a restarted server learns why it was, and how many were started before it. */
export const causeVariable = 'LUNA_RESTART_CAUSE';
export const restartsVariable = 'LUNA_RESTARTS';
