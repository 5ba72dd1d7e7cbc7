/** SHA-256 of the weights that ship. Written by `npm run train:guard`. */
export const PINNED_SHA256 = 'b6630cc474c0be0b8552777f99bb287fab555390a3427fed8ad1b8bf00c5c054';
