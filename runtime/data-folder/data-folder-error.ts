type DataFolderErrorCode = 'data_folder_locked' | 'data_folder_unusable' | 'socket_path_too_long';

/** The data folder cannot be used. The message says why, who holds it where somebody does, and what to do. */
export class DataFolderError extends Error {
  readonly code: DataFolderErrorCode;

  constructor(code: DataFolderErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'DataFolderError';
    this.code = code;
  }
}
