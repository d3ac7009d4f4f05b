// Makes a component of filter.js and the files that it imports (`jco componentize` takes one file only).
//
//     node build.js WIT WORLD OUTPUT

import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { componentize } from '@bytecodealliance/componentize-js';

const [witPath, worldName, output] = process.argv.slice(2);
const { component } = await componentize({
  sourcePath: resolve('filter.js'),
  witPath: resolve(witPath),
  worldName,
  // Without them nothing of WASI is imported: no files, clocks, random numbers or network of their own.
  disableFeatures: ['clocks', 'fetch-event', 'http', 'random', 'stdio'],
});
await writeFile(output, component);
