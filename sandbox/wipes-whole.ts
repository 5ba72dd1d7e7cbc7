/**
 * Whether a worker's wipe leaves nothing of a prompt in its memory, as a test saw it: on Node 20. The V8 of newer versions keeps some of the
 * pages that it has emptied; there a worker has one prompt and ends.
 */
export const wipesWhole = Number.parseInt(process.versions.node, 10) <= 20;
