/** SHA-256 of the weights that ship. Written by `npm run train:guard`. */
export const PINNED_SHA256 = '51fad95c36c5a0f09e9982a5e848d9f5459806a1920ecf761a5d07ab79967290';
