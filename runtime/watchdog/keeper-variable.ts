/** Environment variable with the descriptor of the pipe to `serve --supervise`. */
export const keeperVariable = 'LUNA_KEEPER_FD';
