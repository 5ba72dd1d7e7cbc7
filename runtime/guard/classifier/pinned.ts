/** SHA-256 of the weights that ship. Written by `npm run train:guard`. */
export const PINNED_SHA256 = 'd6fdcd54acc486e12069b7d9373368bded040d6d74545bf0eef781c185e19a98';
