/** SHA-256 of the weights that ship. Written by `npm run train:guard`. */
export const PINNED_SHA256 = '70dd8a0c70825f0c53f975d90b1d4672290a3b1a43390de5137aa2cc0563dbe6';
