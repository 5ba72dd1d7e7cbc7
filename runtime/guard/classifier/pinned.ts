/** SHA-256 of the weights that ship. Written by `npm run train:guard`. */
export const PINNED_SHA256 = 'dc36d63038c3816c946b70ac0710c4021e5d641cb6b1a537f85a19b05ad47095';
