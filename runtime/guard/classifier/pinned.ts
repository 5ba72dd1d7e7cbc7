/** SHA-256 of the weights that ship. Written by `npm run train:guard`. */
export const PINNED_SHA256 = '4e0bc9561aa7555d1bab5ced637cdb2bca0b66f59901980822344f9189f6c0c3';
