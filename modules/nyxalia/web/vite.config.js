import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** Below this a compressed form saves nothing worth a header. */
const compressedFromBytes = 512;

/** Puts a compressed form beside each file, so that no start of the appliance has to make it. */
const compressed = {
  name: 'compressed',
  generateBundle: {
    order: 'post',
    handler(_options, bundle) {
      for (const [fileName, file] of Object.entries(bundle)) {
        const source = Buffer.from(file.type === 'chunk' ? file.code : file.source);
        if (source.length < compressedFromBytes) continue;
        this.emitFile({ type: 'asset', fileName: `${fileName}.gz`, source: gzipSync(source, { level: 9 }) });
        this.emitFile({ type: 'asset', fileName: `${fileName}.br`, source: brotliCompressSync(source) });
      }
    },
  },
};

// The page goes where the compiled module stands, which serves it.
export default defineConfig({
  root: here('.'),
  base: '/',
  plugins: [svelte(), compressed],
  build: {
    outDir: here('../../../dist/modules/nyxalia/web'),
    emptyOutDir: true,
    target: 'es2022',
    // No file as data: in another, which the Content-Security-Policy would refuse.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
