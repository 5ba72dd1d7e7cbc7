import { operationsFile, writeTypes } from './api-types.js';

await writeTypes();
console.log(`written: ${operationsFile}`);
