/** SHA-256 of the weights that ship. Written by `npm run train:guard`. */
export const PINNED_SHA256 = '769c41489678f3b5ca64f74b0ae04383dc58179693663e45d700f83f62f64afa';
