import { AppError } from '../../runtime/contracts/errors.js';

/** For what would change the meaning of a request if it were ignored. */
export function unsupported(param: string, message: string): AppError {
  return new AppError('unsupported_content', message, { details: { param } });
}
