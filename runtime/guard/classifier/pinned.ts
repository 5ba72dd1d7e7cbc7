/** SHA-256 of the weights that ship. Written by `npm run train:guard`. */
export const PINNED_SHA256 = '4f65825f2d13b6d0c473e96f83c32ebf842fe73d1e8d5bb922794828e21d7ae1';
