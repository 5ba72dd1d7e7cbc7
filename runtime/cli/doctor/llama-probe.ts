import { exit } from 'node:process';

// Run by the doctor in a process of its own: ends with 0 when the native library of node-llama-cpp loads.
// The package is optional and the program compiles without it, so its name is no literal of the import.
const optionalPackage: string = 'node-llama-cpp';
const { getLlama } = (await import(optionalPackage)) as { getLlama(options: object): Promise<unknown> };
await getLlama({ build: 'never', gpu: false });
exit(0);
