/** SHA-256 of the weights that ship. Written by `npm run train:guard`. */
export const PINNED_SHA256 = 'c40556bc90ed91289e136f574204507f6323c7ad1d2799a57e697065d7a90759';
