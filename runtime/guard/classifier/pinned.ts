/** SHA-256 of the weights that ship. Written by `npm run train:guard`. */
export const PINNED_SHA256 = '74c0c1330645d52ab776892fbd79ead492474d422825952ee7a9a281150a2203';
