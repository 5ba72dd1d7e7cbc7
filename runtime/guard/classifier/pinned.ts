/** SHA-256 of the weights that ship. Written by `npm run train:guard`. */
export const PINNED_SHA256 = 'd8c990910ac841b0f67b2a618d6308384549953f9da1c0d015d3243e9f9f1fe1';
